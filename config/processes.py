"""The processes of an installation, their command lines and the order in which they start and stop.

`Procfile` and `docker-compose.yml` define the same processes; tests/unit/test_deployment.py compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.names import QueueName
from config.process_secrets import BEAT, FLOWER, WEBHOOKS, WORKER, environment_of

QUEUES_OF_WORKER: dict[str, tuple[QueueName, ...]] = {
    "items": (QueueName.SCANS, QueueName.ITEMS, QueueName.UPKEEP),
    # A separate worker, so that an export starts immediately while a scan uses all threads of the other one.
    "invoices": (QueueName.EXPORTS, QueueName.UPKEEP),
}
FLOWER_CONFIG = Path(__file__).parent.parent / "worker" / "flower" / "config.py"
REPORT_PATH = "/report"
"""Where Flower serves the report."""
METRICS_PATH = "/metrics/business"
"""Where Flower serves our metrics; its own metrics of tasks and workers are at /metrics."""
HEARTBEAT_VARIABLE = "WBS_SYNC_HEARTBEAT_FILE"
"""The environment variable with the path of a process's heartbeat file. The process touches it every few seconds and writes its process id
to it; the age of the file shows whether the process hangs.
"""


@dataclass(frozen=True)
class Process:
    """One process to run. Lower waves start first and stop last."""

    name: str
    command: tuple[str, ...]
    wave: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)


def processes(*, data_dir: Path, webhooks: bool = False) -> tuple[Process, ...]:
    """Return both workers, Flower, beat and, with `webhooks`, the webhook receiver, in the order in which they start. They get their settings
    from the environment, and each gets only the secrets that it uses.
    """

    def process(name: str, kind: str, wave: int, *arguments: str) -> Process:
        heartbeat = {HEARTBEAT_VARIABLE: str(heartbeat_file(data_dir, name).absolute())}
        return Process(name, (sys.executable, "-m", *arguments), wave, heartbeat | environment_of(kind))

    workers = (
        # No -c: the number of threads is a setting (worker/app.py).
        process(name, WORKER, 0, "worker.process", "worker", "-n", f"{name}@%h", "-Q", ",".join(queues))
        for name, queues in QUEUES_OF_WORKER.items()
    )
    flower = process("flower", FLOWER, 1, "celery", "-A", "worker.app", "flower", f"--conf={FLOWER_CONFIG}")
    receivers = [process("webhooks", WEBHOOKS, 1, "worker.cli", "webhooks")] if webhooks else []
    # Starts last and stops first: beat sends work only while the workers run.
    beat = process("beat", BEAT, 2, "worker.process", "beat")
    return (*workers, flower, *receivers, beat)


def heartbeat_file(data_dir: Path, name: str) -> Path:
    """Return the path of the heartbeat file of a supervised process."""
    return data_dir / f"{name}.heartbeat"
