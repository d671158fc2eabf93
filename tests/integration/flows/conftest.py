"""Installations for the flows: one that synced the seeded company already, and new ones for tests that edit records."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.installation import Installation
from worker.clients.netsuite import api
from worker.domain import outcomes
from worker.engine import remote_failures, settlement
from worker.local.embedded import EmbeddedServer
from worker.reconcile import comparison_failures, verification
from worker.store import ledger, locks, open_problems, presence
from worker.sync import invoice_export

OpenInstallation = Callable[..., Installation]


@pytest.fixture(autouse=True, scope="package")
def impatient() -> Iterator[None]:
    """Shorten the product's waits; their order stays the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "BACK_OFF_SECONDS", (0.01, 0.01, 0.01, 0.01))
        patch.setattr(settlement, "back_off", lambda failures: (0.05, 0.05))
        patch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", 0.2)
        patch.setattr(outcomes, "FIRST_CHECK_SECONDS", 0.1)
        patch.setattr(invoice_export, "ITEMS_LATE_SECONDS", 0.1)
        patch.setattr(locks, "KEPT_SECONDS", 0.0)
        patch.setattr(comparison_failures, "RETRY_SECONDS", 0.02)
        patch.setattr(verification, "BUSY_SECONDS", 0.02)
        # A test on a busy machine may pause between an intent and its request, or for longer than a process counts as running.
        patch.setattr(ledger, "LEAVES_WITHIN_SECONDS", 60.0)
        patch.setattr(presence, "PRESENCE_SECONDS", 600.0)
        yield


class MissingFacts(logging.Handler):
    """Collects log records about problems whose sentence is missing a fact."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.fixture(autouse=True)
def every_problem_has_its_facts() -> Iterator[None]:
    """Fail a test that stored a problem whose sentence is missing a fact; in production this is only logged."""
    missing = MissingFacts()
    open_problems.log.addHandler(missing)
    yield
    open_problems.log.removeHandler(missing)
    assert missing.messages == []


@contextmanager
def offices(folder: Path, redis_url: str) -> Iterator[OpenInstallation]:
    """Open any number of installations, and close all of them at the end."""
    opened: list[Installation] = []

    def open_office(**options: object) -> Installation:
        opened.append(Installation.open(folder / f"office-{len(opened)}", redis_url, **options))  # type: ignore[arg-type]
        return opened[-1]

    try:
        yield open_office
    finally:
        for office in opened:
            office.close()


# Each installation has a ledger under a separate prefix, so they share the server without emptying it.


@pytest.fixture
def open_office(tmp_path: Path, redis_server: EmbeddedServer) -> Iterator[OpenInstallation]:
    """Open new installations with the settings of the test."""
    with offices(tmp_path, redis_server.url) as opens:
        yield opens


@pytest.fixture
def office(open_office: OpenInstallation) -> Installation:
    """Open a new installation in which nothing is synced yet."""
    return open_office()


@pytest.fixture(scope="module")
def open_shared(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[OpenInstallation]:
    """Open installations that all tests of a file share."""
    with offices(tmp_path_factory.mktemp("shared"), redis_server.url) as opens:
        yield opens


@pytest.fixture(scope="module")
def branch(open_shared: OpenInstallation) -> Installation:
    """Open one installation for all tests of a file: each works on a separate project, or undoes its changes."""
    return open_shared()


@pytest.fixture(scope="package")
def synced(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[Installation]:
    """Open the seeded company after one scan and one export of all approved invoices. Tests read it and never change it."""
    with offices(tmp_path_factory.mktemp("synced"), redis_server.url) as opens:
        office = opens()
        office.scan()
        office.export_all()
        yield office
