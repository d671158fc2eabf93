"""A remote that cannot be used at all: its work is paused, reported once, loses no attempts, and continues by itself."""

from __future__ import annotations

import pytest

from simulators.company.model import Project
from simulators.stage import CERTIFICATE_ID
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import Lane, scan_of
from worker.engine import remote_failures

pytestmark = pytest.mark.real

ITEMS_REFUSED = "remote:netsuite:item:create"
CODES = [f"05-{number}.S" for number in range(120, 132)]


@pytest.fixture(autouse=True)
def long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pauses last until a test ends them."""
    monkeypatch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", 100.0)
    monkeypatch.setattr(remote_failures, "FIRST_PAUSE_SECONDS", (100.0, 100.0))
    monkeypatch.setattr(remote_failures, "AFTER_PAUSE_SECONDS", (0.3, 0.3))
    monkeypatch.setattr(remote_failures, "NO_ROOM_SECONDS", (0.3, 0.3))


def planned(office: Installation) -> Project:
    """Scan a project whose twelve codes wait for their Items."""
    project = office.new_project("24-800", CODES)
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    return project


def require_all_made(
    office: Installation, project: Project, of: int = len(CODES), *, after_a_retry: bool = False
) -> None:
    office.pauses_pass()
    office.settle()
    if after_a_retry:
        # The record that was refused first has a separate problem: it was not known yet that the refusal was not about the record.
        office.retry()
        office.settle()
    assert len([code for code in project.budgeted_codes() if office.item_of(project, code)]) == of
    assert office.problems() == {}
    assert office.netsuite.duplicates() == []


def test_a_login_that_netsuite_refuses_pauses_work_until_it_is_fixed(office: Installation) -> None:
    project = planned(office)
    login = office.netsuite.doorkeeper
    certificates = login.unmap_certificates()
    mark = office.mark()
    office.work_off()

    assert office.problems() == {"remote:netsuite": "netsuite_login"}
    assert office.sentence("remote:netsuite").startswith("NetSuite refused the integration's login")
    assert len(office.netsuite.journal.requests(mark)) <= 3, "twelve codes wait after one attempt"
    (pause,) = office.container.stores.breakers.pauses()
    due_times = [
        office.container.work.waits_until(Lane.ITEMS, f"code:{project.id}:{code.id}")
        for code in project.budgeted_codes()
    ]
    assert all(at is not None and at <= pause.ends for at in due_times)

    login.register(CERTIFICATE_ID, certificates[CERTIFICATE_ID])
    require_all_made(office, project)


def test_paused_work_stays_in_its_lane_and_is_not_dispatched(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane of 50,000 would otherwise go through the broker once in every pause."""
    planned(office)
    monkeypatch.setattr(office.container.dispatch, "limits", dict.fromkeys(Lane, 1))
    office.netsuite.doorkeeper.unmap_certificates()
    (first,) = office.container.dispatch.next([Lane.ITEMS])
    office.container.runner.run(first)
    assert office.container.work.depth(Lane.ITEMS) == (len(CODES), 0)
    assert office.container.dispatch.next(Lane) == {}

    office.container.work.add(Lane.LISTINGS, ["exports:1"])
    assert office.container.dispatch.next(Lane).keys() == {"exports:1"}, "listings ask Procore alone"
    office.container.dispatch.lift()
    assert office.container.dispatch.next(Lane).keys() == {first}, (
        "including work that was postponed to the end of the pause"
    )


def test_an_export_while_the_login_is_refused_waits_too(office: Installation) -> None:
    project = planned(office)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    login = office.netsuite.doorkeeper
    certificates = login.unmap_certificates()
    assert office.export(invoice).kind is OutcomeKind.WAITING
    login.register(CERTIFICATE_ID, certificates[CERTIFICATE_ID])
    require_all_made(office, project)
    assert office.bill(invoice)


def test_a_login_that_procore_refuses_pauses_work_until_it_is_fixed(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    secret, office.procore.client_secret = office.procore.client_secret, "rotated"
    since = max((entry["n"] for entry in office.procore.journal.entries()), default=0)
    office.scan(project.id)
    assert office.problems() == {"remote:procore": "procore_login"}
    assert len(office.procore.journal.requests(since)) <= 2

    office.procore.client_secret = secret
    require_all_made(office, project)


def test_revoked_tokens_are_renewed_without_a_problem(office: Installation) -> None:
    project = planned(office)
    office.netsuite.doorkeeper.revoke_tokens()
    office.procore.revoke_tokens()
    require_all_made(office, project)


@pytest.mark.parametrize("missing", ["item:create", "item"])
def test_a_missing_permission_pauses_the_work_until_it_is_given(office: Installation, missing: str) -> None:
    project = planned(office)
    office.stage.settings("netsuite", missing_permissions=(missing,))
    mark = office.mark()
    office.work_off()
    (first,) = office.problems("code:")
    assert office.problems() == {first: "netsuite_permission", ITEMS_REFUSED: "netsuite_permission"}
    for key in (first, ITEMS_REFUSED):
        assert "create Items (permission Lists > Items: Create)" in office.sentence(key)
    assert len(office.posts(ITEM_PATH, mark)) <= 3, "twelve codes wait after two attempts"
    assert office.writes() == []

    office.stage.settings("netsuite", missing_permissions=())
    require_all_made(office, project, after_a_retry=True)


def test_work_without_a_netsuite_request_does_not_close_its_outage(office: Installation) -> None:
    """Otherwise the problem would close and open all the time, and an outage between scans would never be reported."""
    synced_project = office.new_project("24-801", ["05-120.S"])
    office.scan(synced_project.id)
    project = planned(office)
    office.stage.settings("netsuite", missing_permissions=("item:create",))
    office.work_off()
    problems, times = office.problems(), office.container.stores.breakers.times(ITEMS_REFUSED.removeprefix("remote:"))
    assert problems.keys() > {ITEMS_REFUSED}

    office.container.dispatch.lift()
    assert office.make_item(synced_project, synced_project.budgeted_codes()[0]).kind is OutcomeKind.ALREADY
    office.container.start_scan("test", [synced_project.id])
    assert office.container.runner.run(scan_of(synced_project.id)).is_complete
    # This one asks NetSuite, and gets all the responses that it needs.
    new = office.procore.add_code(project.id, "06-100.S", budget=0)
    office.container.start_scan("test", [project.id])
    assert office.container.runner.run(scan_of(project.id)).is_complete
    assert office.problems() == problems
    assert office.container.stores.breakers.times(ITEMS_REFUSED.removeprefix("remote:")) == times

    office.stage.settings("netsuite", missing_permissions=())
    require_all_made(office, project, len(CODES) + 1, after_a_retry=True)
    assert office.item_of(project, new)


def test_a_missing_permission_for_bills_leaves_no_bill_in_doubt(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.scan(project.id)
    office.stage.settings("netsuite", missing_permissions=("vendorBill:create",))
    assert office.export(invoice).cause == "netsuite_permission"
    office.work_off()
    assert len(office.posts(BILL_PATH)) == 1
    record = office.invoice_record(invoice)
    assert record is not None
    assert not record.in_doubt

    office.stage.settings("netsuite", missing_permissions=())
    require_all_made(office, project, after_a_retry=True)
    assert office.bill(invoice)


def test_work_waits_until_maintenance_has_ended(open_office: OpenInstallation) -> None:
    """NetSuite answers every request with an HTML page: one write is in doubt, and no other is tried."""
    office = open_office(netsuite_settle_seconds=1)
    project = planned(office)
    office.stage.settings("netsuite", maintenance=True)
    mark = office.mark()
    office.work_off()
    assert len(office.requests(mark)) <= 3
    assert office.writes() == []
    office.stage.settings("netsuite", maintenance=False)
    require_all_made(office, project)


def test_a_remote_that_refuses_connections_is_down_and_its_work_resumes(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported as down, and its work continues when it is back."""
    monkeypatch.setattr(remote_failures, "DOWN_TIMES_BEFORE_PROBLEM", 1)
    project = planned(office)
    office.stage.take_down("netsuite")
    office.work_off()
    assert office.problems() == {"remote:netsuite": "remote_down"}
    assert office.writes() == []
    office.stage.bring_up("netsuite")
    require_all_made(office, project)
