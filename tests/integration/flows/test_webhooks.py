"""Webhooks of Procore: changes are processed at once, and repeated or missed deliveries change no record."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call
from tests.kit.container import settings_of
from tests.kit.installation import Installation
from tests.kit.ports import unused_port
from tests.unit.domain.test_webhooks import V2, V4
from worker.cli.stack import Stack
from worker.domain.identities import InvoiceKey
from worker.domain.work import Lane, scan_of
from worker.sync import webhooks
from worker.sync.webhooks import GATHER_SECONDS, KNOWN_SECONDS, Taken

pytestmark = pytest.mark.real

CODES = ["05-120.S", "05-121.S"]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "GATHER_SECONDS", 0.0)


def of(office: Installation, project: Project, number: int = 1, **change: Any) -> dict[str, Any]:
    """Return an event of one of the company's projects."""
    ids = {"company_id": office.procore.company.company_id, "project_id": project.id, "ulid": f"E{number}"}
    return V2 | ids | change


def invoice_event(office: Installation, project: Project, invoice_id: int, number: int) -> dict[str, Any]:
    ids = {"company_id": str(office.procore.company.company_id), "project_id": str(project.id)}
    return V4 | ids | {"id": f"E{number}", "resource_type": "Draw Requests", "resource_id": str(invoice_id)}


def keys_of(office: Installation) -> set[str]:
    """Return the keys of this installation in Redis. Some expire meanwhile, as do the keys of earlier tests."""
    return set(office.container.redis.scan_iter(office.redis_key("*")))


def listed(office: Installation) -> None:
    """Refresh the list of projects, as a scan or an export of all does."""
    office.container.scans.projects.refresh()


@pytest.mark.usefixtures("at_once")
def test_a_changed_budget_and_a_changed_invoice_are_processed_once(office: Installation) -> None:
    take, project = office.container.webhooks.take, office.new_project("31-700", CODES)
    listed(office)
    assert [take(of(office, project)) for _ in range(3)] == [Taken.QUEUED, Taken.KNOWN, Taken.KNOWN]
    office.work_off()
    assert all(office.item_of(project, code) for code in project.budgeted_codes())
    invoice = office.new_invoice(project, (CODES[0], "900.00"), invoice_number="A-9")
    event = invoice_event(office, project, invoice.id, 2)
    assert [take(event), take(event)] == [Taken.QUEUED, Taken.KNOWN]
    assert office.container.dispatch.next([Lane.EXPORTS]) == {str(InvoiceKey(project.id, invoice.id)): "webhook-E2"}
    office.container.dispatch.take_back()
    office.work_off()
    assert office.bill(invoice).total == invoice.summary().current_payment_due
    # Our own write-back is an event too. It finds nothing to do.
    mark = office.mark()
    assert take(invoice_event(office, project, invoice.id, 3)) == Taken.QUEUED
    office.work_off()
    assert office.requests(mark) == []


def test_events_of_one_budget_are_gathered_and_outlast_procores_retries(office: Installation) -> None:
    """Many events make one scan, and each is remembered for longer than Procore tries to deliver it."""
    take, project = office.container.webhooks.take, office.new_project("31-701", CODES)
    listed(office)
    begun = office.container.now()
    assert {take(of(office, project, number)) for number in range(50)} == {Taken.QUEUED}
    assert office.waiting(Lane.SCANS) == [scan_of(project.id)]
    waits_until = office.container.work.waits_until(Lane.SCANS, scan_of(project.id))
    assert begun < (waits_until or 0) <= office.container.now() + GATHER_SECONDS
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    assert 12 * 3600 < redis.ttl(f"{prefix}webhook:E7") <= KNOWN_SECONDS


def test_an_event_that_arrives_during_its_work_is_handled_afterwards(office: Installation) -> None:
    """The scan in progress may have read before the change, so it is due once more."""
    take, project = office.container.webhooks.take, office.new_project("31-702", CODES)
    listed(office)
    work, key = office.container.work, scan_of(project.id)
    work.claim(Lane.SCANS, key)
    assert take(of(office, project)) == Taken.QUEUED
    work.close(Lane.SCANS, key, None)
    assert work.waits_until(Lane.SCANS, key) == 0


def test_events_that_are_not_ours_or_not_understood_are_only_logged(
    office: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of such an event is stored in Redis."""
    caplog.set_level("INFO", "worker.sync.webhooks")
    project = office.new_project("31-703", CODES)
    listed(office)
    unseen = office.new_project("31-704", CODES)
    before, take = keys_of(office), office.container.webhooks.take
    ours = of(office, project)
    ignored = [
        of(office, unseen),
        ours | {"company_id": 1},
        ours | {"resource_name": "RFIs"},
        ours | {"project_id": None},
    ]
    assert {take(body) for body in ignored} == {Taken.NOT_OURS}
    unreadable: list[Any] = [None, [], "text", 5, {}, {"events": [ours]}]
    assert {take(body) for body in unreadable} == {Taken.NOT_UNDERSTOOD}
    assert f"'RFIs' 379913 of project {project.id} changed: not ours" in caplog.text, (
        "Procore's resource names are logged"
    )
    assert "in an unknown format, with events" in caplog.text
    assert keys_of(office) <= before


def test_the_resource_name_of_invoices_is_a_setting(open_office: OpenInstallation) -> None:
    office = open_office(webhook_invoice_resources="Subcontractor Invoices,Requisitions")
    project = office.new_project("31-705", CODES)
    listed(office)
    event = invoice_event(office, project, 7, 1)
    assert office.container.webhooks.take(event) == Taken.NOT_OURS
    assert office.container.webhooks.take(event | {"resource_type": "Requisitions"}) == Taken.QUEUED
    assert office.waiting(Lane.EXPORTS) == [str(InvoiceKey(project.id, 7))]


def test_a_process_that_cannot_listen_or_has_no_login_does_not_start(office: Installation) -> None:
    open_to_all = call(office, "webhooks")
    assert (open_to_all.exit_code, "WEBHOOK_AUTHORIZATION is not set" in open_to_all.stderr) == (2, True)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        receiver = call(office, "webhooks", WEBHOOK_AUTHORIZATION="Bearer of-nobody-at-all", WEBHOOK_PORT=port)
        flower = call(office, "flower", FLOWER_BASIC_AUTH="an:engineers-password", FLOWER_PORT=port)
    for ended in (receiver, flower):
        assert (ended.exit_code, ended.stdout) == (1, "")
        assert f"Cannot listen on http://127.0.0.1:{port}" in ended.stderr


def test_up_runs_the_receiver_if_the_authorization_of_webhooks_is_set(
    office: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    own = {"redis_url": office.container.redis_url, "data_dir": str(tmp_path)}
    own |= {"flower_port": str(unused_port()), "webhook_port": str(unused_port())}

    def started(**changes: str) -> set[str]:
        stack = Stack.prepare(settings_of(office.stage.env, **own, **changes))
        stack.stop()
        return set(stack.supervisor.names)

    assert started() == {"items", "invoices", "flower", "beat"}
    assert started(webhook_authorization="Bearer of-nobody-at-all") - started() == {"webhooks"}
