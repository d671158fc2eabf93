"""An installation whose time a test controls: both remotes, a server with a separate clock, and a Prometheus that scrapes the metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from redis.exceptions import RedisError

from config.processes import QUEUES_OF_WORKER
from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.alerts.clock import Clock, played_clock, start_server
from tests.alerts.prometheus import Prometheus
from tests.kit.installation import Installation
from tests.kit.waiting import eventually
from worker.clients.netsuite import api
from worker.inspect.liveness import RECEIVES
from worker.local.embedded import EmbeddedServer
from worker.store import locks

BEAT = "beat"
RECEIVER = "webhooks"
SCRAPE_SECONDS = 15.0
MAX_SCRAPES = 600
STARTS_AT = datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC).timestamp()
"""A Monday morning: the same in every play, so that its times are."""


def nothing(scene: Scene) -> None:
    """Do nothing."""


@dataclass
class Scene:
    """One installation. `running`: the processes that report a heartbeat, each with its process id."""

    folder: Path
    office: Installation
    server: EmbeddedServer
    clock: Clock
    prometheus: Prometheus = field(default_factory=Prometheus)
    running: dict[str, int] = field(default_factory=lambda: {**dict.fromkeys(QUEUES_OF_WORKER, 1), BEAT: 1})
    has_target: bool = True
    meanwhile: Callable[[Scene], None] = nothing
    """Called at every scrape."""
    free_bytes: int = 50_000_000_000
    """What the disk says of itself, which no test can fill."""
    invoice: Invoice | None = None
    """The one that the situation is about."""
    _settings: dict[str, Any] = field(default_factory=dict)
    _scraped_at: float = STARTS_AT

    def wait(self, seconds: float) -> None:
        """Let time pass while the running processes do their routine and Prometheus scrapes."""
        # Counted from the last scrape, so that the duration of the work in between does not matter.
        self._scraped_at += seconds
        self.clock.set(max(self._scraped_at, self.clock.now))
        metrics: str | None = None
        with suppress(RedisError):
            # The server looks at its clock about once a millisecond.
            eventually(lambda: self.office.container.now() >= self._scraped_at, every=0.001)
            self._processes_run()
            self.meanwhile(self)
            with mock.patch("worker.inspect.metrics.shutil.disk_usage", self._disk_usage):
                metrics = self.office.container.metrics.text()
        self.prometheus.scrape(metrics if self.has_target else "", self._scraped_at, has_target=self.has_target)

    def seconds_until(self, condition: Callable[[], bool], step: float) -> float:
        """Return the seconds until a condition is true, in steps of one scrape each. Raises AssertionError if it never is."""
        for number in range(1, MAX_SCRAPES):
            self.wait(step)
            if condition():
                return number * step
        raise AssertionError(f"not within {MAX_SCRAPES} scrapes; firing: {sorted(self.prometheus.firing())}")

    def stop(self, *names: str) -> None:
        """Stop processes in order; they announce their end."""
        for name in names:
            self.office.container.stores.presence.withdraw(self._process(name))
            del self.running[name]

    def hang(self, name: str) -> None:
        """Stop a process without an announcement: it hangs."""
        del self.running[name]

    def start(self, *names: str) -> None:
        """Start processes, with new process ids."""
        self.running |= dict.fromkeys(names, 2)

    def settings(self, **settings: Any) -> None:
        """Restart all processes with other settings."""
        self._settings |= settings
        self.office = self.office.reopened(**self._settings)

    def only(self, project: Project, **settings: Any) -> None:
        """Limit the company to this project from here on."""
        self.settings(project_ids=str(project.id), **settings)

    def key(self, name: str) -> str:
        """Return the full name of a key in Redis."""
        return self.office.container.settings.redis_key_prefix + name

    def start_server(self) -> None:
        """Start Redis, with its data and at its address if it ran before."""
        self.server = start_server(self.folder)

    def _processes_run(self) -> None:
        container = self.office.container
        for name in self.running:
            queues = RECEIVES if name == RECEIVER else QUEUES_OF_WORKER.get(name.rstrip("2"), ())
            container.stores.presence.announce(self._process(name), queues=queues, clock_ahead=0.0, threads=16)
        if RECEIVER in self.running:
            container.stores.webhook_counts.save()
        if BEAT in self.running and self.running.keys() - {BEAT, RECEIVER}:
            # What `ledger.resume` does before it dispatches work.
            container.stores.gate.note_use()
            container.dispatch.requeue_orphans()

    def _disk_usage(self, _: Path) -> SimpleNamespace:
        return SimpleNamespace(free=self.free_bytes)

    def _process(self, name: str) -> str:
        return f"{name}@host ({self.running[name]})"


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Open an idle installation on a separate server for the block."""
    impatient = mock.patch.object(api, "BACK_OFF_SECONDS", (0.01,) * 4)
    with impatient, mock.patch.object(locks, "KEPT_SECONDS", 0.0), played_clock(folder, STARTS_AT) as clock:
        server = start_server(folder)
        office = Installation.open(folder / "office", server.url, world={"hourly_limit": None})
        opened = Scene(folder, office, server, clock)
        try:
            yield opened
        finally:
            opened.office.close()
            opened.server.stop()
