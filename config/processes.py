"""The processes of an installation, their command lines and the order in which they start and stop.

`Procfile` and `docker-compose.yml` say the same in their own languages; tests/unit/test_deployment.py holds them to it.
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
    # Of its own, so that an export begins at once while a scan fills the other worker's threads.
    "invoices": (QueueName.EXPORTS, QueueName.UPKEEP),
}
FLOWER_CONFIG = Path(__file__).parent.parent / "worker" / "flower" / "config.py"
REPORT_PATH = "/report"
"""Where Flower serves the report."""
METRICS_PATH = "/metrics/business"
"""Where Flower serves our metrics; its own, of tasks and workers, stand at /metrics."""
HEARTBEAT_VARIABLE = "WBS_SYNC_HEARTBEAT_FILE"
"""Names a file that a process touches every few seconds and that holds its process id; its age is the health of that process."""


@dataclass(frozen=True)
class Process:
    """One process to run. Lower waves start first and stop last."""

    name: str
    command: tuple[str, ...]
    wave: int = 0
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


def processes(*, data_dir: Path, webhooks: bool = False) -> tuple[Process, ...]:
    """Both workers, Flower, beat and, if wanted, the receiver of webhooks, in the order of their start. Settings reach them
    by the environment, and of the secrets only those that each uses.
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
        # Last to start and first to stop: what gives out work comes after those who do it.
        Process("beat", beat, wave=2, environment=_heartbeat(data_dir, "beat") | environment_of(BEAT)),
    )


def heartbeat_file(data_dir: Path, name: str) -> Path:
    """The heartbeat file of a process under the supervisor."""
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
