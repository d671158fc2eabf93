"""A whole installation to measure: simulators in a separate process, an embedded server, and the product's own processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from celery import Celery

from benchmarks.traffic import Traffic
from config.celery_options import celery_options
from config.loading import load_settings
from config.names import TaskName
from config.processes import Process, processes
from config.settings import setting_names
from config.unknown_names import OWN_PREFIXES
from worker.container import Container
from worker.local.embedded import EmbeddedServer
from worker.local.supervisor import Supervisor

ROOT = Path(__file__).parents[1]
NEW_LEDGER_SECONDS = 8.0
READY = " ready."
START_SECONDS = 90.0
POLL_SECONDS = 0.02


def until(true: Callable[[], Any], what: str, *, timeout: float, every: float = POLL_SECONDS) -> None:
    """Wait until a condition is true. Raises TimeoutError, whose message names what did not happen."""
    ends = time.monotonic() + timeout
    while not true():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what}: not after {timeout:.0f} s")
        time.sleep(every)


class Remotes:
    """Both simulators, in one separate process."""

    def __init__(self, folder: Path, *, profile: str, **settings: Any) -> None:
        command = [sys.executable, "-m", "simulators", "--json", "--profile", profile, "--data-dir", str(folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=own_environment(), cwd=ROOT)
        assert self._process.stdout
        self.env: dict[str, str] = json.loads(self._process.stdout.readline())
        self.pid = self._process.pid
        self._session = requests.Session()
        self.change("procore", spike_limit=None, hourly_limit=None)
        for remote in ("procore", "netsuite"):
            known = self._ask("GET", remote, "settings").json()
            if mine := {name: value for name, value in settings.items() if name in known}:
                self.change(remote, **mine)

    def change(self, remote: str, **settings: Any) -> None:
        """Change settings of a simulated remote."""
        self._ask("PATCH", remote, "settings", json=settings)

    def edit(self, action: str, **arguments: Any) -> int:
        """Edit a record in Procore as a person does, and return its id."""
        return int(self._ask("POST", "procore", "edit", json={"action": action, **arguments}).json()["id"])

    def reset(self, profile: str) -> None:
        """Restore both remotes to their first state, or load another company."""
        for remote in ("procore", "netsuite"):
            self._ask("POST", remote, "reset", json={"seed": 1, "profile": profile})
            self._ask("DELETE", remote, "journal")

    def traffic(self) -> Traffic:
        """The requests to both remotes since the start or the last `forget`."""
        return Traffic(self._entries("procore"), self._entries("netsuite"), self.stats("netsuite"))

    def stats(self, remote: str) -> dict[str, Any]:
        """Return a remote's counters: requests in progress, their maximum, refused requests."""
        return dict(self._ask("GET", remote, "stats").json())

    def forget(self) -> None:
        """Restart the counters and journals at zero."""
        for remote in ("procore", "netsuite"):
            self._ask("DELETE", remote, "journal")

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()

    def _entries(self, remote: str) -> list[dict[str, Any]]:
        return list(self._ask("GET", remote, "journal").json()["entries"])

    def _ask(self, method: str, remote: str, what: str, **options: Any) -> requests.Response:
        url = self.env[f"{remote.upper()}_BASE_URL"]
        answer = self._session.request(method, f"{url}/_admin/{what}", timeout=120, **options)
        answer.raise_for_status()
        return answer


class Installation:
    """Simulators, Redis, and workers as `up` runs them. A context manager: all processes end with it."""

    def __init__(
        self, folder: Path, *, profile: str, slots: int, env: Mapping[str, str] | None = None, **remotes: Any
    ) -> None:
        self.folder, self.profile, self.slots = folder, profile, slots
        folder.mkdir(parents=True, exist_ok=True)
        self.remotes = Remotes(folder / "remotes", profile=profile, **{"concurrency_limit": slots, **remotes})
        self.server = EmbeddedServer.start(folder / "redis")
        own = {"REDIS_URL": self.server.url, "NETSUITE_CONCURRENCY": str(slots), "DATA_DIR": str(folder / "data")}
        self.env = own_environment() | self.remotes.env | own | dict(env or {})
        (folder / "data").mkdir(exist_ok=True)
        named = {name.lower(): value for name, value in self.env.items() if name in setting_names()}
        self.settings = load_settings(**named)
        self.container = Container(self.settings, redis_url=self.server.url)
        self.redis = self.container.redis
        self._supervisors: list[Supervisor] = []
        self._producer = Celery(set_as_current=False)
        prefix = self.settings.redis_key_prefix
        self._producer.conf.update(celery_options(redis_url=self.server.url, key_prefix=prefix))

    def work(
        self, kinds: Sequence[str] = ("items", "invoices", "beat"), *, machine: str = "one", threads: int | None = None
    ) -> Supervisor:
        """Start processes of one machine, with the default or the given number of threads; return when its workers take messages."""
        commands = [
            _named(process, machine) for process in processes(data_dir=self.folder / "data") if process.name in kinds
        ]
        logs = self.folder / "logs"
        own = {"WORKER_THREADS": str(threads)} if threads else {}
        supervisor = Supervisor(commands, env=self.env | own, log_dir=logs)
        self._supervisors.append(supervisor)
        supervisor.start()
        for process in commands:
            if process.name.startswith(("items", "invoices")):
                log = logs / f"{process.name}.log"
                until(lambda log=log: READY in log.read_text(), f"{process.name} is ready", timeout=START_SECONDS)  # type: ignore[misc]
        return supervisor

    def settle_in(self) -> None:
        """Open the ledger and wait until it is no longer new: an installation does that once, and writes nothing for some seconds
        afterwards (decision 3).
        """
        self.container.recovery.ensure_ledger()
        time.sleep(NEW_LEDGER_SECONDS)

    def processes(self) -> dict[str, int]:
        """Return the process ids of everything that was started, by name."""
        return {name: pid for supervisor in self._supervisors for name, pid in supervisor.alive().items()}

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return [pid for name, pid in self.processes().items() if not name.startswith(("beat", "flower"))]

    def send(self, task: TaskName, **arguments: Any) -> str:
        """Enqueue a task as another app does, and return its id."""
        return str(self._producer.send_task(task.value, kwargs=arguments).id)

    def stop_workers(self) -> None:
        """End all processes of the product."""
        for supervisor in self._supervisors:
            supervisor.stop()
        self._supervisors.clear()

    def __enter__(self) -> Installation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_workers()
        self._producer.close()
        self.redis.close()
        self.server.stop()
        self.remotes.stop()


def _named(process: Process, machine: str) -> Process:
    """The process as on another machine, with its own node name."""
    if "-n" not in process.command:
        return replace(process, name=f"{process.name}-{machine}")
    command = list(process.command)
    index = command.index("-n") + 1
    command[index] = command[index].replace("@", f"-{machine}@")
    environment = {name: f"{value}-{machine}" for name, value in process.environment.items()}
    return replace(process, name=f"{process.name}-{machine}", command=tuple(command), environment=environment)


def own_environment() -> dict[str, str]:
    """Return this process's environment without a developer's settings of the product, and with bytecode as an installation has it."""
    foreign = {
        name
        for name in os.environ
        if name.startswith((*OWN_PREFIXES, "FLOWER_"))
        or name in (*setting_names(), "SECRETS_DIR", "PYTHONDONTWRITEBYTECODE")
    }
    return {name: value for name, value in os.environ.items() if name not in foreign}
