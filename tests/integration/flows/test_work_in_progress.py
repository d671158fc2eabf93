"""Work that takes long, is never begun, or is requested while in progress, and a write that stays unconfirmed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from tests.kit.waiting import eventually
from worker.clients.procore.client import Procore
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State
from worker.domain.work import RECONCILE_ALL, Lane, WorkKey, exports_of, scan_of
from worker.engine import attempts, settlement
from worker.engine.settlement import MAX_DEATHS

pytestmark = pytest.mark.real

CODE = "05-120.S"


class SlowLists:
    """Procore's lists of one project, which wait until the test releases them; `begun` counts the readers."""

    def __init__(self) -> None:
        self.begun = 0
        self.released = threading.Event()


@pytest.fixture
def slow(office: Installation, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowLists]:
    lists, codes, invoices = SlowLists(), Procore.list_budgeted_codes, Procore.list_invoices

    def after_waiting(read: Callable[..., object], args: tuple[object, ...]) -> object:
        lists.begun += 1
        assert lists.released.wait(120)
        return read(*args)

    monkeypatch.setattr(Procore, "list_budgeted_codes", lambda *args: after_waiting(codes, args))
    monkeypatch.setattr(Procore, "list_invoices", lambda *args: after_waiting(invoices, args))
    monkeypatch.setattr(attempts, "RENEWED_EVERY_SECONDS", 0.1)
    yield lists
    lists.released.set()


def test_a_list_that_broke_off_is_read_once_more_and_nothing_else_is(office: Installation) -> None:
    """Pages are numbered by position, so a list is read again from the first one: 3 requests here, 33 for 3,000 codes."""
    project = office.new_project("26-905", [f"05-{number:03d}.S" for number in range(250)])
    pilot = office.reopened(project_ids=str(project.id))
    pages = f"/projects/{project.id}/budget_line_items"
    since = max((entry["n"] for entry in office.stage.journal("procore")), default=0)
    third = {"kind": "error_before", "value": 500, "path": rf"{pages}\?.*\bpage=3", "times": 1}
    office.stage.faults("procore", [third])
    run, _ = pilot.container.start_scan("test", [project.id])
    pilot.settle(200)
    asked = [entry for entry in office.stage.journal("procore", since) if str(entry.get("path", "")).endswith(pages)]
    assert len(asked) == 2 * 3
    assert pilot.run(run).counts["created"] == 250
    assert len(office.posts(ITEM_PATH)) == 250


@contextmanager
def claimed_by_another_worker(call: Callable[[], object]) -> Iterator[None]:
    """Let another worker do this work within the block; its attempt ends with the block."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    yield
    thread.join(60)
    assert not thread.is_alive()


def resumes(office: Installation, lane: Lane) -> list[str]:
    """Return the work for which a `ledger.resume` sends messages."""
    return list(office.container.dispatch.next((lane,)))


def a_claim_ends_unless_renewed(office: Installation, lane: Lane, key: str) -> None:
    """End claims as after 40 seconds; return when the worker has renewed its claim."""
    office.overdue()
    eventually(lambda: _lease(office, lane, key) > office.container.now())


def _lease(office: Installation, lane: Lane, key: str) -> float:
    return float(office.container.redis.zscore(office.redis_key(f"hand:{lane}"), key) or 0)


# Longer than a claim


@pytest.mark.parametrize("lane", [Lane.SCANS, Lane.LISTINGS])
def test_work_that_takes_longer_than_its_claim_is_done_once(office: Installation, slow: SlowLists, lane: Lane) -> None:
    """Its claim is renewed, a message that is delivered again ends at once, and there is no problem."""
    project = office.new_project("24-800", [CODE])
    office.new_invoice(project, (CODE, "900.00"))
    container, is_scan = office.container, lane is Lane.SCANS
    key = scan_of(project.id) if is_scan else exports_of(project.id)
    container.work.add(lane, [key])
    assert resumes(office, lane) == [key]
    with claimed_by_another_worker(lambda: container.runner.run(key)):
        eventually(lambda: slow.begun == 1)
        for _ in range(MAX_DEATHS + 2):
            a_claim_ends_unless_renewed(office, lane, key)
            assert resumes(office, lane) == []
        # A message that is delivered again because this one is not acknowledged yet.
        assert container.runner.run(key).kind is OutcomeKind.WAITING
        assert slow.begun == 1
        slow.released.set()
    assert office.problems() == {}
    assert len(office.waiting(Lane.ITEMS if is_scan else Lane.EXPORTS)) == 1


def test_the_claim_of_a_stalled_attempt_is_not_renewed_forever(
    office: Installation, slow: SlowLists, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "STALLED_SECONDS", 0.0)
    project = office.new_project("24-800", [CODE])
    container, key = office.container, scan_of(project.id)
    container.work.add(Lane.SCANS, [key])
    resumes(office, Lane.SCANS)
    with claimed_by_another_worker(lambda: container.runner.run(scan_of(project.id))):
        eventually(lambda: slow.begun == 1)
        office.overdue()
        with pytest.raises(AssertionError, match="not within"):
            eventually(lambda: _lease(office, Lane.SCANS, key) > container.now(), timeout=1.5)
        assert resumes(office, Lane.SCANS) == [key]
        slow.released.set()


def test_a_comparison_is_made_by_one_worker_at_a_time(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often its message is delivered, and though beat sends another one each night."""
    begun, released = [], threading.Event()

    def compare(_: WorkKey) -> Outcome:
        begun.append(1)
        assert released.wait(120)
        return Outcome(OutcomeKind.ALREADY)

    container = office.container

    def message() -> Outcome:
        container.work.add(Lane.UPKEEP, [RECONCILE_ALL])
        return container.runner.run(RECONCILE_ALL, compare)

    with claimed_by_another_worker(message):
        eventually(lambda: begun)
        assert [message().kind for _ in range(3)] == [OutcomeKind.WAITING] * 3
        released.set()
    assert len(begun) == 1


# Work that no worker begins


def test_messages_that_no_worker_begins_are_not_deaths_of_workers(office: Installation) -> None:
    """The worker of exports is down for hours; the upkeep of the other one keeps dispatching its work."""
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    invoices = [office.new_invoice(project, (CODE, "900.00")) for _ in range(10)]
    pilot = office.reopened(project_ids=str(project.id), netsuite_concurrency=1)
    run, _ = pilot.container.start_export("test")
    pilot.container.runner.run(exports_of(project.id))
    for _ in range(5 * MAX_DEATHS):
        assert len(resumes(pilot, Lane.EXPORTS)) == 4, "no more than its limit"
        pilot.overdue()
    assert (pilot.problems("invoice:"), pilot.run(run).ended) == ({}, False)
    pilot.settle()
    assert all(office.bill(invoice) for invoice in invoices)
    assert pilot.run(run).counts["created"] == len(invoices)


def test_work_that_kills_its_workers_becomes_a_problem(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    container, key = office.container, scan_of(project.id)
    container.work.add(Lane.SCANS, [key])
    for _ in range(MAX_DEATHS + 1):
        assert resumes(office, Lane.SCANS) == [key]
        container.work.claim(Lane.SCANS, key)
        office.overdue()
    assert resumes(office, Lane.SCANS) == []
    assert office.problems() == {key: "retries_exhausted"}


# Asked for meanwhile


def test_a_scan_of_a_project_that_is_being_scanned_is_repeated(office: Installation, slow: SlowLists) -> None:
    """The second request joins the run, which ends only after the repeated scan."""
    project = office.new_project("24-800", [CODE])
    container = office.container
    first, _ = container.wbs_scan.request("first", [project.id])
    assert resumes(office, Lane.SCANS) == [scan_of(project.id)]
    with claimed_by_another_worker(lambda: container.runner.run(scan_of(project.id))):
        eventually(lambda: slow.begun == 1)
        second, joined = container.wbs_scan.request("second", [project.id])
        assert (second.id, joined) == (first.id, True)
        slow.released.set()
    # The first attempt is over, the second one has not begun.
    office.container.work.take(Lane.ITEMS, limit=10)
    assert not office.run(second).ended
    office.overdue()
    office.settle()
    assert office.run(second).ended
    assert slow.begun >= 2
    assert office.run(second).counts["codes"] == 1


@pytest.mark.parametrize("blocked", [True, False])
def test_an_export_requested_while_an_older_attempt_runs_is_repeated(office: Installation, blocked: bool) -> None:
    """By the time the attempt ends, somebody has entered the vendor's link that it did not see and asked again."""
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    if not blocked:
        office.procore.set_invoice_status(invoice.id, "revise_and_resubmit")
    key = f"invoice:{project.id}:{invoice.id}"
    work = office.container.work
    work.claim(Lane.EXPORTS, key)
    work.request(Lane.EXPORTS, [key])
    work.close(Lane.EXPORTS, key, OutcomeKind.BLOCKED if blocked else OutcomeKind.SKIPPED)
    office.procore.set_invoice_status(invoice.id, "approved")
    office.work_off()
    assert office.bill(invoice)


# A write whose result stays unknown


def unconfirmed(office: Installation) -> str:
    """Create an invoice whose bill was written without a response and cannot be looked up; return its key."""
    project = office.new_project("24-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    lost = {"kind": "cut_after", "method": "POST", "path": f"{BILL_PATH}\\?", "times": 1}
    unread = {"kind": "error_before", "method": "GET", "path": "vendorBill/eid", "value": 500}
    office.stage.faults("netsuite", [lost, unread])
    office.export(invoice)
    return f"invoice:{project.id}:{invoice.id}"


def attempt_at(office: Installation, key: str) -> None:
    """Make the next attempt at this work now, and check that it keeps its place in the lane."""
    office.container.dispatch.lift()
    office.hurry()
    office.work_off()
    assert office.waiting(Lane.EXPORTS) == [key], "it keeps its place"


def test_a_write_in_doubt_is_looked_up_until_it_is_known(open_office: OpenInstallation) -> None:
    office = open_office()
    key = unconfirmed(office)
    assert record_of(office, key).in_doubt
    for _ in range(2 * settlement.MAX_ATTEMPTS):
        office.container.work.failed(key)
    attempt_at(office, key)
    assert office.problems("invoice:") == {key: "unconfirmed_write"}
    assert [row["owner"] for row in office.container.overview.problems()] == ["ERP administrator"]
    assert 60 < office.due(key) <= settlement.LONGEST_DOUBT_SECONDS
    office.clear_faults()
    office.hurry()
    office.settle()
    assert office.problems("invoice:") == {}
    assert record_of(office, key).state is State.CREATED
    assert len(office.posts(BILL_PATH)) == 1


def test_an_unconfirmed_write_whose_workers_die_is_still_looked_up(open_office: OpenInstallation) -> None:
    office = open_office()
    key = unconfirmed(office)
    office.hurry()
    for _ in range(MAX_DEATHS + 1):
        office.container.work.claim(Lane.EXPORTS, key)
        office.overdue()
    assert resumes(office, Lane.EXPORTS) == []
    assert office.problems("invoice:") == {key: "unconfirmed_write"}
    assert office.waiting(Lane.EXPORTS) == [key]


def record_of(office: Installation, key: str) -> Record:
    record = office.container.ledger.invoice(InvoiceKey.parse(key))
    assert record is not None
    return record
