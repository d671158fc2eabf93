"""What several tests need and pytest does not have."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from worker.container import Container
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, WorkKey
from worker.store.runs import Run
from worker.store.scripts import SOURCES

T = TypeVar("T")
Redis = Any
"""A client for all that tests do with a server. The product's own type has the commands that the product uses."""


class OpenContainer(Container):
    """A container whose Redis a test reads and changes in any way."""

    redis: Redis

    def start_scan(self, trigger: str, project_ids: Collection[int] = ()) -> tuple[Run, bool]:
        """Start or join a scan, and list the projects if that is still to be done, as the task does: (run, joined)."""
        requested = self.wbs_scan.request(trigger, project_ids)
        self.runner.run(SCAN_OF_ALL)
        return requested

    def start_export(self, trigger: str) -> tuple[Run, bool]:
        """Start or join an export of all invoices, and list the projects if that is still to be done, as the task does: (run, joined)."""
        requested = self.export_runs.request(trigger)
        self.runner.run(EXPORTS_OF_ALL)
        return requested

    def export(self, key: InvoiceKey) -> Outcome:
        """One attempt at one invoice, as the three tasks make it."""
        outcome = self.runner.run(str(key))
        if not outcome.missing:
            return outcome
        self.runner.run(str(key), lambda _: self.invoice_export.make_items(key, outcome.missing))
        return self.create_bill(key)

    def create_bill(self, key: InvoiceKey) -> Outcome:
        """One attempt at the last step of an export, as its task makes it."""
        return self.runner.run(str(key), lambda _: self.invoice_export.create_bill(key))

    def work_on(self, key: str) -> Outcome:
        """One attempt at dispatched work, as a worker makes it."""
        record = WorkKey.parse(key).record
        return self.export(record) if isinstance(record, InvoiceKey) else self.runner.run(key)


def eventually(condition: Callable[[], T], timeout: float = 30.0, *, every: float = 0.02) -> T:
    """The first truthy answer of `condition`, asked anew until then; AssertionError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not within {timeout:g} s: the last answer was {answer!r}"
        time.sleep(every)
    return answer


def lasts(ends: float, seconds: float, *, begun: float, now: float) -> bool:
    """Whether what began between two moments ends so many seconds later, to a second, however long the test took in between."""
    return begun + seconds - 1 <= ends <= now + seconds + 1


def unused_port() -> int:
    """A loopback port at which nobody listens, below those from which the system takes ports for connections: it is likely to be free still
    when a program that the test starts wants it, however many tests run at the same time.
    """
    while True:
        port = _ANY_PORT.randrange(10_000, 32_768)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


_ANY_PORT = random.SystemRandom()


def claim_for_everybody() -> str:
    """The script of claims without what keeps a second worker from work in progress."""
    begins = "if holder and tonumber(lease) > now then"
    assert begins in SOURCES["lanes/claim"]
    return SOURCES["lanes/claim"].replace(begins, "if false then")
