"""Writes that fail on the way: whatever happens to the response, the end is one Item and one bill.

Faults strike the POST itself. What is known not to be done is sent again at once; what may have been done is looked up first,
and sent again only when the settle window (here a second) has passed and nothing was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any
from unittest import mock

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from tests.kit.waiting import eventually
from worker.clients.http import Answer, Transport
from worker.clients.netsuite.client import NetSuite
from worker.domain.bills import Bill
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.items import ItemNeed
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.problems import FindingKind
from worker.domain.work import scan_of
from worker.store import ledger

pytestmark = pytest.mark.real

CODE = "05-120.S"
SETTLE = 1
PATIENT_SETTLE = 600
SENT_AGAIN = 2
SENT_ONCE = 1
FAULTS = [
    pytest.param({"kind": "cut_before"}, SENT_AGAIN, id="connection cut before the commit"),
    pytest.param({"kind": "cut_after"}, SENT_ONCE, id="connection cut after the commit"),
    pytest.param({"kind": "error_before", "value": 500}, SENT_AGAIN, id="500 before the commit"),
    pytest.param({"kind": "error_after", "value": 500}, SENT_ONCE, id="500 after the commit"),
    pytest.param({"kind": "error_after", "value": 503}, SENT_ONCE, id="503 after the commit"),
    pytest.param({"kind": "html", "value": 503}, SENT_AGAIN, id="HTML 503"),
    pytest.param({"kind": "empty", "value": 502}, SENT_AGAIN, id="empty 502"),
    pytest.param({"kind": "not_json"}, SENT_ONCE, id="200 with a cut body"),
    pytest.param({"kind": "too_many", "times": 3}, 4, id="a burst of 429"),
    pytest.param({"kind": "unauthorized", "times": 2}, 3, id="401 in place of 429"),
]
numbers = count(100)


@pytest.fixture(scope="module")
def branch(open_shared: OpenInstallation) -> Installation:
    """Open one installation for all tests of this file: each works on a separate project."""
    return open_shared(netsuite_settle_seconds=SETTLE)


@pytest.fixture(scope="module")
def short_timeout(open_shared: OpenInstallation) -> Installation:
    """Open an installation with the same window, for tests in which it does not wait for the response to a write."""
    return open_shared(netsuite_settle_seconds=PATIENT_SETTLE)


@contextmanager
def gives_up_soon(office: Installation, path: str) -> Iterator[None]:
    """Hold the responses to POST requests there until the block has ended; the installation waits for them for five seconds at most."""
    send = Transport.send
    quick = office.reopened(netsuite_read_timeout_seconds=5).container.connections.netsuite_transport

    def send_with_short_timeout(transport: Transport, method: str, url: str, **options: Any) -> Answer:
        is_write = method == "POST" and url.endswith(path)
        return send(quick if is_write else transport, method, url, **options)

    break_posts(office, path, {"kind": "hold", "value": 120})
    try:
        with mock.patch.object(Transport, "send", send_with_short_timeout):
            yield
    finally:
        office.clear_faults()


@pytest.fixture(scope="module")
def long_settle(open_shared: OpenInstallation) -> Installation:
    """Open an installation with a settle window longer than any test: it passes when a test says so, however busy the machine is."""
    return open_shared(netsuite_settle_seconds=PATIENT_SETTLE)


@pytest.fixture(autouse=True)
def no_faults_left(long_settle: Installation) -> Iterator[None]:
    yield
    long_settle.clear_faults()


@pytest.fixture
def office(branch: Installation) -> Iterator[Installation]:
    yield branch
    branch.clear_faults()


def key_of(invoice: Invoice) -> InvoiceKey:
    return InvoiceKey(invoice.project_id, invoice.id)


def new_project(office: Installation) -> Project:
    return office.new_project(f"26-{next(numbers)}", [CODE])


def planned(office: Installation) -> Project:
    """Scan a project whose only code waits for its Item."""
    project = new_project(office)
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    return project


def billable(office: Installation) -> Invoice:
    """Return an invoice whose Item exists."""
    project = new_project(office)
    office.scan(project.id)
    return office.new_invoice(project, (CODE, "900.00"))


def break_posts(office: Installation, path: str, fault: dict[str, Any]) -> None:
    office.stage.faults("netsuite", [{"method": "POST", "path": f"{path}\\?", "times": 1, **fault}])


@pytest.mark.parametrize(("fault", "sent"), FAULTS)
def test_an_item_is_created_once_whatever_happens_to_its_write(
    office: Installation, fault: dict[str, Any], sent: int
) -> None:
    project = planned(office)
    (code,) = project.budgeted_codes()
    break_posts(office, ITEM_PATH, fault)
    mark = office.mark()
    office.work_off()
    record = office.code_record(project, code)
    assert record is not None
    assert record.done or office.due(f"code:{project.id}:{code.id}") <= SETTLE, "what waits has a time"
    office.settle()

    assert office.item(f"{project.number}-{CODE}").externalid == office.item_external_id(project, code)
    assert len(office.posts(ITEM_PATH, mark)) == sent
    assert len(office.netsuite.writes("item", office.item_external_id(project, code))) == 1
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.CREATED
    assert office.problems() == {}


@pytest.mark.parametrize(("fault", "sent"), FAULTS)
def test_a_bill_is_created_once_whatever_happens_to_its_write(
    office: Installation, fault: dict[str, Any], sent: int
) -> None:
    invoice = billable(office)
    break_posts(office, BILL_PATH, fault)
    mark = office.mark()
    office.export(invoice)
    record = office.invoice_record(invoice)
    assert record is not None
    assert record.done or office.due(f"invoice:{invoice.project_id}:{invoice.id}") <= SETTLE, "what waits has a time"
    office.settle()

    bill = office.bill(invoice)
    assert bill.total == invoice.summary().current_payment_due
    assert invoice.origin_id == f"ns-vendorbill-{bill.id}"
    assert len(office.posts(BILL_PATH, mark)) == sent
    assert len(office.netsuite.writes("vendorBill", office.bill_external_id(invoice))) == 1
    assert office.problems() == {}


def test_a_bill_in_doubt_is_sent_again_only_after_the_settle_window(long_settle: Installation) -> None:
    """The bill is looked up at least twice before it is sent again."""
    invoice = billable(long_settle)
    break_posts(long_settle, BILL_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    assert long_settle.export(invoice).kind is OutcomeKind.UNKNOWN
    long_settle.hurry()
    long_settle.work_off()
    assert len(long_settle.posts(BILL_PATH, mark)) == 1

    long_settle.settle_window_passes(key_of(invoice))
    long_settle.settle()
    _, second = long_settle.posts(BILL_PATH, mark)
    look_ups = [
        each
        for each in long_settle.requests(mark)
        if each["method"] == "GET" and each["path"].endswith(f"eid:{long_settle.bill_external_id(invoice)}")
    ]
    assert [each["status"] for each in look_ups if each["ended"] <= second["started"]].count(404) >= 2
    assert long_settle.bill(invoice)


def test_no_request_sends_a_bill_in_doubt_again_early(long_settle: Installation) -> None:
    """Neither the next export, nor a second one, nor a person's request for that invoice sends it."""
    invoice = billable(long_settle)
    break_posts(long_settle, BILL_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    long_settle.export(invoice)
    for _ in range(3):
        assert long_settle.export(invoice).kind is OutcomeKind.UNKNOWN
    long_settle.reopened(project_ids=str(invoice.project_id)).export_all()
    assert len(long_settle.posts(BILL_PATH, mark)) == 1
    assert 0 < long_settle.due(f"invoice:{invoice.project_id}:{invoice.id}") <= PATIENT_SETTLE
    long_settle.settle_window_passes(key_of(invoice))
    long_settle.settle()
    assert len(long_settle.posts(BILL_PATH, mark)) == 2


def test_an_item_whose_response_comes_too_late_is_found(short_timeout: Installation) -> None:
    project = planned(short_timeout)
    (code,) = project.budgeted_codes()
    mark = short_timeout.mark()
    with gives_up_soon(short_timeout, ITEM_PATH):
        short_timeout.work_off()
        record = short_timeout.code_record(project, code)
        assert record is not None
        assert (record.state, short_timeout.items(f"{project.number}-{CODE}")) == (State.UNKNOWN, [])
    short_timeout.hurry()
    eventually(lambda: _worked(short_timeout) and _done(short_timeout.code_record(project, code)))
    assert short_timeout.item(f"{project.number}-{CODE}")
    assert len(short_timeout.posts(ITEM_PATH, mark)) == 1


def test_a_bill_in_doubt_that_appears_late_is_found_and_recorded(short_timeout: Installation) -> None:
    invoice = billable(short_timeout)
    mark = short_timeout.mark()
    with gives_up_soon(short_timeout, BILL_PATH):
        outcome = short_timeout.export(invoice)
        assert (outcome.kind, short_timeout.bills(invoice)) == (OutcomeKind.UNKNOWN, [])
        assert "ReadTimeout" in outcome.reason
    short_timeout.hurry()
    eventually(lambda: _worked(short_timeout) and _done(short_timeout.invoice_record(invoice)))
    assert len(short_timeout.posts(BILL_PATH, mark)) == 1
    assert invoice.origin_id == f"ns-vendorbill-{short_timeout.bill(invoice).id}"


def test_a_record_that_queries_do_not_show_yet_is_found_by_its_external_id(open_office: OpenInstallation) -> None:
    """SuiteQL may lag behind a commit; a read by external id does not."""
    office = open_office(world={"suiteql_lag": 3600.0}, netsuite_settle_seconds=SETTLE)
    project = planned(office)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    for path in (ITEM_PATH, BILL_PATH):
        break_posts(office, path, {"kind": "cut_after"})
        office.export(invoice)
        office.settle()
    assert office.bill(invoice)
    assert [len(office.posts(path)) for path in (ITEM_PATH, BILL_PATH)] == [1, 1]


@pytest.mark.parametrize("dies", ["before the write", "after the write"])
def test_a_worker_that_dies_during_a_bill_leaves_no_duplicate(
    long_settle: Installation, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """It dies between the intent and the record: the next worker queries NetSuite before it writes."""
    office, invoice = long_settle, billable(long_settle)
    create = NetSuite.create_bill

    def die(client: NetSuite, bill: Bill, *, before_sending: Callable[[], None]) -> str:
        if dies == "after the write":
            create(client, bill, before_sending=before_sending)
        else:
            before_sending()
        raise SystemExit

    mark = office.mark()
    with monkeypatch.context() as patched:
        patched.setattr(NetSuite, "create_bill", die)
        with pytest.raises(SystemExit):
            office.export(invoice)
    office.overdue()
    record = office.invoice_record(invoice)
    assert record is not None
    assert record.state is State.INTENT
    assert office.export(invoice).kind is (OutcomeKind.UNKNOWN if dies == "before the write" else OutcomeKind.ALREADY)
    if dies == "before the write":
        office.settle_window_passes(key_of(invoice))
    office.settle()
    assert office.bill(invoice)
    assert len(office.posts(BILL_PATH, mark)) == 1


def test_a_worker_that_dies_during_an_item_leaves_no_duplicate(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = planned(office)
    (code,) = project.budgeted_codes()
    create = NetSuite.create_item

    def die(client: NetSuite, need: ItemNeed, *, before_sending: Callable[[], None]) -> str:
        create(client, need, before_sending=before_sending)
        raise SystemExit

    mark = office.mark()
    with monkeypatch.context() as patched:
        patched.setattr(NetSuite, "create_item", die)
        with pytest.raises(SystemExit):
            office.make_item(project, code)
    office.overdue()
    office.make_item(project, code)
    assert office.item(f"{project.number}-{CODE}")
    assert len(office.posts(ITEM_PATH, mark)) == 1
    office.settle()


def test_an_item_in_doubt_is_looked_up_although_its_invoice_is_withdrawn(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies with the Item claimed; the invoice is not exported again, and the code has no budget line."""
    project = office.new_project(f"26-{next(numbers)}")
    code = office.procore.add_code(project.id, CODE)
    invoice = office.new_invoice(project, (code.id, "900.00"))
    create = NetSuite.create_item

    def die(client: NetSuite, need: ItemNeed, *, before_sending: Callable[[], None]) -> str:
        create(client, need, before_sending=before_sending)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(NetSuite, "create_item", die)
        with pytest.raises(SystemExit):
            office.export(invoice)
    office.overdue()
    office.procore.set_invoice_status(invoice.id, "revise_and_resubmit")
    assert office.export(invoice).kind is OutcomeKind.SKIPPED
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.INTENT
    office.overdue()
    office.settle()
    record = office.code_record(project, code)
    assert record is not None
    assert (record.state, record.remote_id) == (State.CREATED, office.item(f"{project.number}-{CODE}").id)


@pytest.mark.parametrize("record_type", ["Item", "bill"])
def test_a_process_that_stalled_while_recording_its_intent_sends_nothing(
    office: Installation, monkeypatch: pytest.MonkeyPatch, record_type: str
) -> None:
    """As nothing was sent, nothing is in doubt either."""
    invoice = billable(office) if record_type == "bill" else None
    project = planned(office)
    (code,) = project.budgeted_codes()
    mark = office.mark()
    with monkeypatch.context() as patched:
        patched.setattr(ledger, "LEAVES_WITHIN_SECONDS", -1.0)
        outcome = office.export(invoice) if invoice else office.make_item(project, code)
    assert outcome.kind is OutcomeKind.WAITING
    assert [entry for entry in office.requests(mark) if entry["method"] == "POST" and "/record/" in entry["path"]] == []
    record = office.invoice_record(invoice) if invoice else office.code_record(project, code)
    assert record is not None
    assert record.state is State.WAITING
    office.settle()
    assert office.item(f"{project.number}-{CODE}")


def test_a_long_burst_of_429_releases_the_thread_and_is_retried_later(office: Installation) -> None:
    project = planned(office)
    (code,) = project.budgeted_codes()
    break_posts(office, ITEM_PATH, {"kind": "too_many", "times": 6})
    begun, key = office.container.now(), f"code:{project.id}:{code.id}"
    assert office.make_item(project, code).kind is OutcomeKind.WAITING
    assert office.items(f"{project.number}-{CODE}") == []
    assert office.due_at(key) > begun
    assert office.due(key) <= 6
    office.hurry()
    office.settle()
    assert office.item(f"{project.number}-{CODE}")


def test_a_bill_that_never_gets_a_response_becomes_a_persons_problem(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=0)
    invoice = billable(office)
    break_posts(office, BILL_PATH, {"kind": "cut_before", "times": None})
    office.export(invoice)
    office.settle()
    assert office.problems() == {f"invoice:{invoice.project_id}:{invoice.id}": "retries_exhausted"}
    assert len(office.posts(BILL_PATH)) == 5
    assert office.bills(invoice) == []


def test_a_problem_found_while_a_bill_is_in_doubt_does_not_end_the_doubt(long_settle: Installation) -> None:
    """A person enters the bill by hand while ours may still arrive, and deletes it again."""
    invoice = billable(long_settle)
    key = f"invoice:{invoice.project_id}:{invoice.id}"
    break_posts(long_settle, BILL_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    long_settle.export(invoice)
    some_bill = next(iter(long_settle.netsuite.bills))
    vendor = long_settle.procore.company.vendor_links[invoice.vendor_id]
    by_hand = long_settle.netsuite.make_bill(
        replace(some_bill, entity=vendor, tranid=invoice.invoice_number, externalid=None)
    )
    assert long_settle.export(invoice).kind is OutcomeKind.UNKNOWN
    assert long_settle.problems(key) == {key: "document_number_taken"}
    record = long_settle.invoice_record(invoice)
    assert record is not None
    assert record.in_doubt

    long_settle.netsuite.delete_bill(by_hand.id)
    assert long_settle.export(invoice).kind is OutcomeKind.UNKNOWN
    assert len(long_settle.posts(BILL_PATH, mark)) == 1
    long_settle.settle_window_passes(key_of(invoice))
    long_settle.settle()
    assert len(long_settle.posts(BILL_PATH, mark)) == 2
    assert long_settle.bill(invoice)
    assert long_settle.problems(key) == {}


def test_a_code_that_never_gets_its_item_becomes_a_persons_problem(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=0)
    project = planned(office)
    (code,) = project.budgeted_codes()
    break_posts(office, ITEM_PATH, {"kind": "cut_before", "times": None})
    office.settle()
    assert office.problems() == {f"code:{project.id}:{code.id}": "item_rejected"}
    assert len(office.posts(ITEM_PATH)) == 5


def test_an_item_in_doubt_is_sent_again_only_after_the_settle_window(long_settle: Installation) -> None:
    """Neither a scan nor another app nor an invoice sends it earlier."""
    project = planned(long_settle)
    (code,) = project.budgeted_codes()
    invoice = long_settle.new_invoice(project, (CODE, "900.00"))
    break_posts(long_settle, ITEM_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    long_settle.work_off()
    assert long_settle.make_item(project, code).kind is OutcomeKind.UNKNOWN
    assert long_settle.export(invoice).kind is OutcomeKind.WAITING
    long_settle.container.start_scan("test", [project.id])
    long_settle.work_off()
    assert len(long_settle.posts(ITEM_PATH, mark)) == 1
    long_settle.settle_window_passes(CodeKey(project.id, code.id))
    long_settle.settle()
    assert len(long_settle.posts(ITEM_PATH, mark)) == 2
    assert long_settle.item(f"{project.number}-{CODE}")
    assert long_settle.bill(invoice)


def test_a_conflicting_item_does_not_end_the_doubt_about_ours(long_settle: Installation) -> None:
    """A problem is opened at once; our bill may still appear, so nothing is sent as soon as the other one is gone."""
    project = planned(long_settle)
    (code,) = project.budgeted_codes()
    name, key = f"{project.number}-{CODE}", f"code:{project.id}:{code.id}"
    break_posts(long_settle, ITEM_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    long_settle.work_off()
    in_the_way = long_settle.netsuite.make_item(name, record_type="serviceSaleItem")
    long_settle.hurry()
    long_settle.work_off()
    assert long_settle.problems(key) == {key: "item_type_mismatch"}
    record = long_settle.code_record(project, code)
    assert record is not None
    assert record.in_doubt

    long_settle.netsuite.edit_item(in_the_way.id, itemid="something else")
    long_settle.scan(project.id)
    assert len(long_settle.posts(ITEM_PATH, mark)) == 1
    long_settle.settle_window_passes(CodeKey(project.id, code.id))
    long_settle.settle()
    assert len(long_settle.posts(ITEM_PATH, mark)) == 2
    assert long_settle.item(name)
    assert long_settle.problems(key) == {}


@pytest.mark.parametrize("ours_comes", [True, False])
def test_an_item_made_by_hand_is_not_adopted_while_ours_may_still_arrive(
    long_settle: Installation, ours_comes: bool
) -> None:
    """Adopting it would end the doubt, and the second Item that NetSuite commits a minute later would not be looked up."""
    project = planned(long_settle)
    (code,) = project.budgeted_codes()
    name, external_id = f"{project.number}-{CODE}", long_settle.item_external_id(project, code)
    break_posts(long_settle, ITEM_PATH, {"kind": "cut_before"})
    mark = long_settle.mark()
    long_settle.work_off()
    by_hand = long_settle.netsuite.make_item(name)
    assert long_settle.make_item(project, code).kind is OutcomeKind.UNKNOWN
    ours = long_settle.netsuite.make_item(name, externalid=external_id) if ours_comes else None
    long_settle.settle_window_passes(CodeKey(project.id, code.id))
    long_settle.settle()
    record = long_settle.code_record(project, code)
    assert record is not None
    assert len(long_settle.posts(ITEM_PATH, mark)) == 1
    assert record.remote_id == (ours or by_hand).id
    assert record.state is (State.CREATED if ours else State.ADOPTED)
    findings = long_settle.reopened(project_ids=str(project.id)).container.verification.verify().findings
    assert [one.kind for one in findings] == ([FindingKind.DUPLICATE_ITEM] if ours else [])


def test_a_write_without_a_free_slot_leaves_an_earlier_one_in_doubt(long_settle: Installation) -> None:
    """So it is looked up before anything is sent again: it exists by now, though queries do not show it."""
    office, project = long_settle, planned(long_settle)
    (code,) = project.budgeted_codes()
    path = f"{ITEM_PATH}\\?"
    cut = {"kind": "cut_before", "method": "POST", "path": path, "times": 1}
    no_room = {"kind": "too_many", "method": "POST", "path": path, "times": 5}
    office.stage.faults("netsuite", [cut, no_room])
    mark = office.mark()
    assert office.make_item(project, code).kind is OutcomeKind.UNKNOWN
    office.settle_window_passes(CodeKey(project.id, code.id))
    office.make_item(project, code)
    assert len(office.posts(ITEM_PATH, mark)) == 6
    record = office.code_record(project, code)
    assert record is not None
    assert record.in_doubt

    office.netsuite.make_item(f"{project.number}-{CODE}", externalid=office.item_external_id(project, code))
    mark = office.mark()
    office.hurry()
    office.settle()
    assert office.posts(ITEM_PATH, mark) == []
    assert office.item(f"{project.number}-{CODE}")


def test_a_bill_found_while_its_invoice_was_unreadable_is_not_sent_again(open_office: OpenInstallation) -> None:
    """The bill is no longer in doubt, and queries do not show it yet."""
    office = open_office(world={"suiteql_lag": 3600.0}, netsuite_settle_seconds=SETTLE)
    invoice = billable(office)
    key = f"invoice:{invoice.project_id}:{invoice.id}"
    break_posts(office, BILL_PATH, {"kind": "error_after", "value": 500, "times": 1})
    with pytest.MonkeyPatch.context() as patch:
        # The worker dies before it queries NetSuite.
        patch.setattr(NetSuite, "bill_by_external_id", _dies)
        with pytest.raises(SystemExit):
            office.export(invoice)
    office.overdue()
    office.stage.faults("procore", [{"kind": "error_before", "value": 403, "path": f"requisitions/{invoice.id}"}])
    assert office.export(invoice).kind is OutcomeKind.BLOCKED
    assert office.problems(key) == {key: "bill_differs"}
    office.stage.faults("procore", [])
    assert office.export(invoice).kind is OutcomeKind.ALREADY
    assert len(office.posts(BILL_PATH)) == 1
    assert office.problems() == {}


def _dies(*_: object) -> None:
    raise SystemExit


def _worked(office: Installation) -> bool:
    office.work_off()
    return True


def _done(record: Any) -> bool:
    return bool(record and record.done)
