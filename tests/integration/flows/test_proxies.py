"""A proxy that is down counts as a remote that is down: its work is paused, no record fails, and no write is unconfirmed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.integration.flows.conftest import OpenInstallation
from worker.domain.problems import Cause
from worker.domain.work import Lane


@pytest.fixture
def dead_proxy() -> Iterator[str]:
    """Return the address of a proxy that does not respond."""
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        yield f"http://user:canary@127.0.0.1:{nobody_listens.getsockname()[1]}"


def test_netsuite_behind_a_dead_proxy_is_paused_and_no_write_is_in_doubt(
    open_office: OpenInstallation, dead_proxy: str
) -> None:
    """The pause names the proxy's setting, and the work waits."""
    office = open_office()
    office.scan()
    written = len(office.netsuite.items)
    behind = office.reopened(netsuite_base_url="https://netsuite.example", https_proxy=dead_proxy)
    behind.export_all()
    (pause,) = behind.container.pauses.all()
    assert (pause.remote, pause.cause) == ("NetSuite", Cause.REMOTE_DOWN)
    assert "nothing was sent to netsuite.example: the proxy in HTTPS_PROXY does not respond" in pause.sentence
    assert "canary" not in pause.sentence
    assert len(office.netsuite.items) == written
    projects = office.procore.company.projects
    invoices = [record for each in projects for record in behind.container.ledger.invoices(each).values()]
    assert [record for record in invoices if record.in_doubt] == []
    assert [one for one in behind.container.ledger.problems() if one.problem.cause == Cause.RETRIES_EXHAUSTED] == []
    assert behind.waiting(Lane.EXPORTS), "the work waits"


def test_procore_behind_a_dead_proxy_is_paused(open_office: OpenInstallation, dead_proxy: str) -> None:
    office = open_office()
    behind = office.reopened(
        procore_base_url="https://procore.example", procore_auth_url="https://procore.example", https_proxy=dead_proxy
    )
    behind.container.start_scan("test", ())
    behind.work_off()
    (pause,) = behind.container.pauses.all()
    assert (pause.remote, pause.cause) == ("Procore", Cause.REMOTE_DOWN)
    # The proxy is back: the scan continues and ends.
    office.container.dispatch.lift()
    office.settle()
    assert office.container.pauses.all() == []
