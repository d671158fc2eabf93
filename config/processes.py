"""The processes of an installation, their command lines and the order in which they start and stop.

`Procfile` and `docker-compose.yml` define the same processes; tests/unit/test_deployment.py compares them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

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
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def processes(*, data_dir: Path, webhooks: bool = False) -> tuple[Process, ...]:
    """Return both workers, Flower, beat and, with `webhooks`, the webhook receiver, in the order in which they start. They get their settings
    from the environment, and each gets only the secrets that it uses.
    """
    workers = tuple(
        Process(
            name,
            _ours("worker", *_worker_options(name)),
            wave=0,
            environment=_heartbeat(data_dir, name) | environment_of(WORKER),
        )
        for name in QUEUES_OF_WORKER
    )
    beat = _ours("beat")
    command = (sys.executable, "-m", "worker.cli", "webhooks")
    receiver = Process(
        "webhooks", command, wave=1, environment=_heartbeat(data_dir, "webhooks") | environment_of(WEBHOOKS)
    )
    return (
        *workers,
        Process("flower", _flower(), wave=1, environment=_heartbeat(data_dir, "flower") | environment_of(FLOWER)),
        *((receiver,) if webhooks else ()),
        # Starts last and stops first: beat sends work only while the workers run.
        Process("beat", beat, wave=2, environment=_heartbeat(data_dir, "beat") | environment_of(BEAT)),
    )


def heartbeat_file(data_dir: Path, name: str) -> Path:
    """Return the path of the heartbeat file of a supervised process."""
    return data_dir / f"{name}.heartbeat"


def _heartbeat(data_dir: Path, name: str) -> dict[str, str]:
    return {HEARTBEAT_VARIABLE: str(heartbeat_file(data_dir, name).absolute())}


def _worker_options(name: str) -> tuple[str, ...]:
    queues = ",".join(QUEUES_OF_WORKER[name])
    # No -c: the number of threads is a setting (worker/app.py).
    return ("-n", f"{name}@%h", "-Q", queues)


def _ours(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "worker.process", *arguments)


def _flower() -> tuple[str, ...]:
    return (sys.executable, "-m", "celery", "-A", "worker.app", "flower", f"--conf={FLOWER_CONFIG}")
