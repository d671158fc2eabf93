"""A refusal of one record pauses nothing else; a remote's outage costs no record its attempts; every pause is shown with cause and end."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from tests.kit.waiting import lasts
from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Action
from worker.domain.scopes import Remote
from worker.domain.work import Lane
from worker.engine import remote_failures, settlement

pytestmark = pytest.mark.real

CODE = "05-120.S"
BILLS_REFUSED = "remote:netsuite:vendorBill:create"
LONG = 100.0


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the first pause from some seconds to 0.3 seconds."""
    monkeypatch.setattr(remote_failures, "FIRST_PAUSE_SECONDS", (0.3, 0.3))
    monkeypatch.setattr(remote_failures, "AFTER_PAUSE_SECONDS", (0.3, 0.3))
    monkeypatch.setattr(remote_failures, "NO_ROOM_SECONDS", (0.3, 0.3))
    monkeypatch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", 0.3)


@pytest.fixture
def long_pauses(short_pauses: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pause last until a test ends it, for tests that inspect it."""
    monkeypatch.setattr(remote_failures, "FIRST_PAUSE_SECONDS", (LONG, LONG))
    monkeypatch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", LONG)


def invoices_of(office: Installation, count: int, **settings: Any) -> tuple[Installation, list[Invoice]]:
    """Return an installation for one project, and approved invoices of it whose Item exists."""
    project = office.new_project("26-701", [CODE])
    office.scan(project.id)
    invoices = [office.new_invoice(project, (CODE, "100.00"), invoice_number=f"P-{n}") for n in range(count)]
    return office.reopened(project_ids=str(project.id), **settings), invoices


def billed(office: Installation, invoices: list[Invoice]) -> list[bool]:
    return [bool(office.bills(one)) for one in invoices]


def key_of(invoice: Invoice) -> str:
    return f"invoice:{invoice.project_id}:{invoice.id}"


# One record


def test_a_field_hidden_by_the_form_blocks_its_records_and_pauses_nothing(office: Installation) -> None:
    """NetSuite answers 400 with the code of a missing permission, as if the role's form did not have one column."""
    office, (first, *others) = invoices_of(office, 4)
    office.stage.settings("netsuite", hidden_on_form=["item.customer"])
    assert office.export(first).cause == "field_not_settable"
    assert "set a value for element item.customer" in office.sentence(key_of(first))
    assert office.container.stores.breakers.pauses() == []
    assert office.problems("remote:") == {}
    office.stage.settings("netsuite", hidden_on_form=[])
    office.export_all()
    assert billed(office, [first, *others]) == [True] * 4
    assert office.problems() == {}


def test_a_permission_missing_for_one_record_delays_no_other(office: Installation) -> None:
    """The role may not use one vendor, which NetSuite reports with the message of an entirely missing permission."""
    office, (poison, *others) = invoices_of(office, 4)
    other_vendor = next(
        one for one in office.procore.company.vendors.values() if one.name != "Blue Spruce Electric" and one.origin_id
    )
    project = office.procore.company.projects[poison.project_id]
    theirs = office.new_invoice(project, (CODE, "70.00"), vendor=other_vendor.name)
    office.stage.settings("netsuite", restricted_vendors=[other_vendor.origin_id])
    mark = office.mark()
    for _ in range(5):
        office.export_all()
    assert billed(office, [poison, *others]) == [True] * 4
    assert office.problems() == {key_of(theirs): "netsuite_permission"}
    assert "create vendor bills" in office.sentence(key_of(theirs))
    assert office.container.stores.breakers.pauses() == []
    assert len([each for each in office.posts(BILL_PATH, mark) if each["status"] == 403]) <= 5, "once per run"

    office.stage.settings("netsuite", restricted_vendors=[])
    office.export_all()
    assert office.bill(theirs)
    assert office.problems() == {}


# One kind of record


@pytest.mark.usefixtures("long_pauses")
def test_a_refused_kind_of_record_is_paused_and_all_other_work_continues(office: Installation) -> None:
    """The role may create Items and no bills: one invoice finds out, the second one shows that it is not about the invoice."""
    office, invoices = invoices_of(office, 6)
    project = office.procore.company.projects[invoices[0].project_id]
    office.stage.settings("netsuite", missing_permissions=["vendorBill:create"])
    mark = office.mark()
    office.export_all()
    assert len(office.posts(BILL_PATH, mark)) == 2
    assert office.problems() == {key_of(invoices[0]): "netsuite_permission", BILLS_REFUSED: "netsuite_permission"}
    assert "create vendor bills (permission Transactions > Bills: Create)" in office.sentence(BILLS_REFUSED)
    paused = "NetSuite: work that needs to create vendor bills is paused"
    assert 'consecutive_pauses{remote="netsuite",work="create vendor bills"} 1.0' in office.container.metrics.text()
    assert any(paused in one.message for one in office.container.checks.run() if one.name == "Pauses")
    assert paused in office.container.overview.status()["pauses"][0]["sentence"]
    assert paused in office.container.reports.report().pauses[0].sentence
    assert paused in office.container.explain.invoice(str(invoices[2].id), str(project.id))["explanation"]
    bills = [line for line in office.container.planning.export_approved().lines if line.action is Action.BILL]
    assert bills
    assert all(f"Problem {BILLS_REFUSED}:" in line.waits_for for line in bills)

    code = office.procore.add_code(project.id, "06-100.S", budget=0)
    assert office.scan(project.id).counts["created"] == 1, "Items are still created"
    assert office.item_of(project, code)
    assert office.problems("remote:") == {BILLS_REFUSED: "netsuite_permission"}, "and show nothing about bills"

    office.stage.settings("netsuite", missing_permissions=[])
    office.pauses_pass()
    office.settle()
    assert billed(office, invoices[1:]) == [True] * 5
    assert office.problems("remote:") == {}
    office.export_all()
    assert office.bill(invoices[0])
    assert office.problems() == {}


def test_a_missing_permission_for_owed_back_delays_no_bill(open_office: OpenInstallation) -> None:
    office, bills = invoices_of(open_office(), 3, netsuite_create_credits=True)
    project = office.procore.company.projects[bills[0].project_id]
    owed_back = [office.new_invoice(project, (CODE, "-90.00"), invoice_number=f"C-{n}") for n in range(3)]
    office.stage.settings("netsuite", missing_permissions=["vendorCredit:create"])
    office.export_all()
    assert billed(office, bills) == [True] * 3
    assert {key: cause for key, cause in office.problems().items() if key.startswith("remote:")} == {
        "remote:netsuite:vendorCredit:create": "netsuite_permission"
    }
    assert office.container.stores.breakers.state(Lane.EXPORTS)[0] == 0
    waiting = next(one for one in owed_back if key_of(one) not in office.problems())
    # A named time is kept also where the short first pause has not ended yet.
    office.container.stores.breakers.pause(
        "netsuite:vendorCredit:create", key_of(waiting), first=60, named=60, answer="403"
    )
    explanation = office.container.explain.invoice(str(waiting.id), str(waiting.project_id))
    assert "work that needs to create vendor credits is paused until" in explanation["explanation"]
    office.container.dispatch.lift()
    office.stage.settings("netsuite", missing_permissions=[])
    office.settle()
    office.export_all()
    assert billed(office, owed_back) == [True] * 3
    assert office.problems() == {}


def test_a_role_that_may_create_and_not_edit_adopts_items_without_a_pause(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_adopted_items_get_external_id=True)
    codes = [f"05-{number}.S" for number in range(120, 126)]
    project = office.new_project("26-702", codes)
    for code in codes:
        office.netsuite.make_item(f"26-702-{code}")
    office.stage.settings("netsuite", missing_permissions=["item:update"])
    assert office.scan(project.id).counts["adopted"] == len(codes)
    assert office.container.stores.breakers.pauses() == []
    assert list(office.problems().values()) == ["external_id_not_set"]

    office.stage.settings("netsuite", missing_permissions=[])
    second_project = office.new_project("26-703", [CODE])
    office.netsuite.make_item(f"26-703-{CODE}")
    office.scan(second_project.id)
    assert office.problems() == {}


@pytest.mark.parametrize(
    ("hidden", "scope", "named"),
    [
        (["vendor"], "netsuite:vendor:query", "Lists > Vendors"),
        (["job"], "netsuite:job:query", "Lists > Projects"),
        (["transaction"], "netsuite:transaction:query", "Transactions > Bills"),
        (["item.subtype"], "netsuite:item:query", "Lists > Items"),
    ],
)
def test_a_table_or_column_hidden_from_the_role_is_one_problem(
    office: Installation, hidden: list[str], scope: str, named: str
) -> None:
    """It is reported once, not for each invoice, and all invoices are billed once the role sees it."""
    project = office.new_project("26-771", [CODE])
    office = office.reopened(project_ids=str(project.id))
    invoices = [office.new_invoice(project, (CODE, "100.00"), invoice_number=f"SEE-{n}") for n in range(3)]
    office.stage.settings("netsuite", hidden_from_queries=hidden)
    office.scan(project.id)
    office.export_all()
    assert office.problems() == {f"remote:{scope}": "netsuite_permission"}
    sentence = office.sentence(f"remote:{scope}")
    assert named in sentence
    assert "was not found" in sentence
    office.stage.settings("netsuite", hidden_from_queries=[])
    office.settle()
    office.export_all()
    assert billed(office, invoices) == [True] * 3
    assert office.problems() == {}


def test_vendors_the_app_may_not_read_are_one_problem_with_the_directory(office: Installation) -> None:
    """One problem names the Directory tool, and all invoices are billed once the app may read the vendors."""
    office, invoices = invoices_of(office, 3)
    office.stage.settings("procore", directory_forbidden=True)
    office.export_all()
    assert office.problems() == {"remote:procore:vendors:query": "procore_permission"}
    assert "vendors of the company (tool Directory)" in office.sentence("remote:procore:vendors:query")
    office.stage.settings("procore", directory_forbidden=False)
    office.settle()
    assert billed(office, invoices) == [True] * 3
    assert office.problems() == {}


def test_an_account_that_requires_a_sort_direction_finds_existing_records(open_office: OpenInstallation) -> None:
    """A hand-entered bill of that vendor and number is found, and an Item of that name is adopted."""
    office = open_office(world={"suiteql_needs_direction": True, "duplicate_numbers": "allow"})
    office, (invoice,) = invoices_of(office, 1)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    project = office.new_project("26-713", [CODE])
    office.netsuite.make_item(f"26-713-{CODE}")
    office = office.reopened(project_ids=str(project.id))
    assert office.scan(project.id).counts["adopted"] == 1
    assert [one.message for one in office.container.checks.run() if one.ok is False and "NetSuite" in one.name] == []


# A whole remote


@pytest.mark.usefixtures("long_pauses")
def test_a_503_with_rate_limit_headers_is_waited_out_by_a_usual_pause(open_office: OpenInstallation) -> None:
    """The headers come with every response, so the hour's reset is no reason to pause for an hour; the pause is shown."""
    office = open_office(world={"hourly_limit": 3600, "retry_after_on_503": False})
    office, invoices = invoices_of(office, 8)
    left_before, clock = 3568, office.procore.clock
    while int(office.procore.limiter.headers(3600, None)["X-Rate-Limit-Remaining"]) > left_before:
        office.procore.limiter.admit(clock(), 3600, None, 3600.0)
    office.stage.faults("procore", [{"kind": "error_before", "value": 503, "path": "/rest/", "times": 1}])
    began_at = office.container.now()
    run, _ = office.container.start_export("test")
    office.work_off()

    (pause,) = office.container.overview.status()["pauses"]
    assert (pause["remote"], pause["work"], pause["cause"]) == ("Procore", "all work", "remote_down")
    assert "503" in pause["sentence"]
    (hour, *_) = office.container.stores.procore_limits.windows()
    assert (hour.limit, hour.left) == (3600, 3567), "the 503 said so, and that the hour ends in an hour"
    assert lasts(pause["ends"], LONG, begun=began_at, now=office.container.now())
    waits_until = [at for lane in Lane for key in office.waiting(lane) for at in [office.due_at(key)]]
    assert began_at < max(waits_until) <= pause["ends"] + 1
    assert office.container.reports.report().pauses[0].sentence == pause["sentence"]
    assert any(one.name == "Pauses" and "503" in one.message for one in office.container.checks.run())
    assert (
        'pause_ends_timestamp_seconds{cause="remote_down",remote="Procore",work="all work"}'
        in office.container.metrics.text()
    )

    office.pauses_pass()
    office.settle()
    assert office.run(run).ended
    assert billed(office, invoices) == [True] * 8
    assert office.container.overview.status()["pauses"] == []


@pytest.mark.parametrize(
    "outage",
    [{"kind": "error_before", "value": 500}, {"kind": "hold", "value": 120}],
    ids=["answered 500", "not answered"],
)
def test_an_outage_costs_no_record_its_attempts_whatever_shape_it_has(
    open_office: OpenInstallation, outage: dict[str, Any]
) -> None:
    """Every request to NetSuite is answered 500, as in an outage behind the gateway, or not at all, for longer than a record has attempts."""
    office, invoices = invoices_of(open_office(), 4, netsuite_settle_seconds=1)
    project = str(invoices[0].project_id)
    impatient = office.reopened(project_ids=project, netsuite_settle_seconds=1, netsuite_read_timeout_seconds=0.05)
    office.stage.faults("netsuite", [outage])
    office.container.start_export("test")
    for _ in range(3 * settlement.MAX_ATTEMPTS):
        impatient.work_off()
        impatient.container.dispatch.lift()
        impatient.hurry()
    assert office.problems() == {"remote:netsuite": "remote_down"}
    assert max(office.container.work.failures(key_of(one)) for one in invoices) <= 2
    office.clear_faults()
    office.settle()
    assert billed(office, invoices) == [True] * 4
    assert office.problems() == {}


def test_a_lone_invoice_in_an_outage_keeps_its_attempts(open_office: OpenInstallation) -> None:
    office, (invoice,) = invoices_of(open_office(), 1, netsuite_settle_seconds=1)
    office.stage.faults("netsuite", [{"kind": "cut_before"}])
    office.container.start_export("test")
    for _ in range(2 * settlement.MAX_ATTEMPTS):
        office.work_off()
        office.container.dispatch.lift()
        office.hurry()
    assert office.problems() == {"remote:netsuite": "remote_down"}
    office.clear_faults()
    office.settle()
    assert office.bill(invoice)


def test_a_record_that_always_fails_ends_as_a_problem_and_not_a_long_pause(office: Installation) -> None:
    """The invoice's own page answers 504 each time, like a report that exceeds a gateway's timeout; the pages of the others work."""
    office, (poison, *others) = invoices_of(office, 3)
    office.stage.faults("procore", [{"kind": "error_before", "value": 504, "path": f"/requisitions/{poison.id}"}])
    run, _ = office.container.start_export("test")
    office.settle(60)
    assert office.run(run).ended, "others can be listed again"
    assert billed(office, others) == [True] * 2
    assert office.problems() == {key_of(poison): "retries_exhausted"}
    assert office.container.stores.breakers.times(Remote.PROCORE) == 0


def test_procores_hourly_limit_that_is_used_up_is_shown_with_its_end(open_office: OpenInstallation) -> None:
    office = open_office(world={"hourly_limit": 3600})
    office, (invoice,) = invoices_of(office, 1)
    begun = time.time()
    office.container.stores.procore_limits.observe(
        {
            "X-Rate-Limit-Limit": "3600",
            "X-Rate-Limit-Remaining": "0",
            "X-Rate-Limit-Reset": str(int(time.time()) + 1800),
        }
    )
    office.container.work.add(Lane.EXPORTS, [key_of(invoice)], at=0)
    (pause,) = office.container.overview.status()["pauses"]
    assert pause["cause"] == "rate_limit"
    assert "hourly limit of 3,600 requests is used up" in pause["sentence"]
    assert lasts(pause["ends"], 1800, begun=begun, now=office.container.now())
    assert 'cause="rate_limit"' in office.container.metrics.text()
    assert office.container.pauses.of(Lane.EXPORTS, key_of(invoice))[0].sentence == pause["sentence"]


def test_one_item_that_is_refused_stops_no_other(office: Installation) -> None:
    """Its form hides a property for this record type alone: the response has the code of a permission and the name of a field."""
    project = office.new_project("26-704", [CODE, "05-130.S"])
    office.stage.faults(
        "netsuite", [{"kind": "error_before", "value": 403, "method": "POST", "path": ITEM_PATH, "times": 1}]
    )
    office.scan(project.id)
    assert len(office.writes()) == 1
    assert list(office.problems().values()) == ["netsuite_permission"]
    assert office.problems("remote:") == {}
    office.clear_faults()
    office.scan(project.id)
    assert office.problems() == {}
