"""`wbs-sync invoices`: a person's decision about an invoice applies until it is withdrawn, even after Redis was lost."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call, call_json
from tests.integration.flows.test_settled_by_hand import enter_by_hand, key_of
from tests.kit.company import BILL_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind, State
from worker.inspect.invoice_decisions import NotDecided

pytestmark = pytest.mark.real

CODE = "05-120.S"


def of(invoice: Invoice) -> list[str]:
    return [str(invoice.id), "--project", str(invoice.project_id)]


def credit(office: Installation, number: str = "26-950") -> Invoice:
    """Return an invoice that is refused because it needs a vendor credit."""
    project = office.new_project(number, [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "-900.00"))
    assert office.export(invoice).cause == "needs_vendor_credit"
    return invoice


def billable(office: Installation, number: str = "26-951") -> Invoice:
    project = office.new_project(number, [CODE])
    office.scan(project.id)
    return office.new_invoice(project, (CODE, "900.00"))


def test_an_invoice_that_was_billed_elsewhere_has_no_problem(office: Installation) -> None:
    invoice = credit(office)
    bill = enter_by_hand(office, invoice, tranid="ANOTHER-NUMBER")
    noted = call_json(office, "invoices", "mark-billed", *of(invoice), "--bill", bill.id, "--note", "by the old system")
    assert (noted["key"], noted["kind"], noted["bill_id"]) == (key_of(invoice), "billed_elsewhere", bill.id)
    assert office.problems(key_of(invoice)) == {}
    pilot = office.reopened(project_ids=str(invoice.project_id))
    assert pilot.export_all().counts["skipped"] == 1
    assert (office.problems(key_of(invoice)), invoice.origin_id) == ({}, None)

    explained = pilot.container.explain.invoice(str(invoice.id), str(invoice.project_id))
    assert f"billed elsewhere, NetSuite id {bill.id}" in explained["explanation"]
    assert explained["decision"]["note"] == "by the old system"
    assert any(": billed elsewhere" in step["sentence"] for step in explained["history"])
    verified = pilot.container.verification.verify()
    assert [(one.kind.value, one.key) for one in verified.information] == [("invoice_decision", key_of(invoice))]
    assert verified.findings == []

    office.netsuite.delete_bill(bill.id)
    (gone,) = pilot.container.verification.verify().findings
    assert (gone.kind.value, f"(id {bill.id}) no longer exists" in gone.sentence) == ("bill_deleted", True)


def test_an_excluded_invoice_is_not_billed_until_it_is_included_again(office: Installation) -> None:
    invoice = billable(office)
    assert call(office, "invoices", "exclude", *of(invoice), "--note", "paid by card").exit_code == 0
    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.SKIPPED
    assert "not to be exported" in outcome.reason
    (listed,) = call_json(office, "invoices", "decisions")
    assert (listed["key"], listed["kind"], listed["note"]) == (key_of(invoice), "excluded", "paid by card")
    assert office.posts(BILL_PATH) == []

    assert call(office, "invoices", "include", *of(invoice), "--note", "the card was refused").exit_code == 0
    assert call_json(office, "invoices", "decisions") == []
    assert office.export(invoice).kind is OutcomeKind.CREATED
    explained = office.container.explain.invoice(str(invoice.id), str(invoice.project_id))
    assert any("the card was refused" in step["sentence"] for step in explained["history"])


@pytest.mark.parametrize("then", ["back to draft", "deleted", "project not readable", "project inactive", "another's"])
def test_verify_shows_each_decision_in_every_state_of_its_invoice(office: Installation, then: str) -> None:
    invoice = billable(office)
    office.container.invoice_decisions.exclude(*_named(invoice), by="ana", note="paid by card")
    match then:
        case "back to draft":
            office.procore.edit_invoice(invoice.id, status="draft")
        case "deleted":
            office.procore.delete_invoice(invoice.id)
        case "project not readable":
            office.procore.edit_project(invoice.project_id, tools_disabled=True)
        case "project inactive":
            office.procore.edit_project(invoice.project_id, active=False)
        case _:
            office.procore.edit_invoice(invoice.id, origin_id="sage-1")
    pilot = {"PROJECT_IDS": str(invoice.project_id)}
    (shown,) = call_json(office, "verify", **pilot)["information"]
    assert (shown["kind"], shown["key"]) == ("invoice_decision", key_of(invoice))
    assert "not to be exported; decided by ana: paid by card" in shown["sentence"]
    assert "paid by card" in call(office, "verify", **pilot).stdout
    assert "paid by card" in call(office, "verify", "--csv", **pilot).stdout


def test_a_decision_made_during_an_export_is_seen_before_the_write(office: Installation) -> None:
    """An invoice that is excluded after its export was planned is skipped, and no bill is sent."""
    invoice = billable(office)
    ready = office.container.preview.of(_key(office, invoice))
    office.container.invoice_decisions.exclude(*_named(invoice), by="ana", note="wait")
    assert not hasattr(ready, "kind")
    outcome = office.container.exports.bills.make(_key(office, invoice), ready)
    assert (outcome.kind, office.posts(BILL_PATH)) == (OutcomeKind.SKIPPED, [])


def _key(office: Installation, invoice: Invoice):  # type: ignore[no-untyped-def]
    return office.container.named_records.invoice(*_named(invoice))


def _named(invoice: Invoice) -> tuple[str, str]:
    return str(invoice.id), str(invoice.project_id)


def test_decisions_survive_a_lost_redis_on_a_machine_with_a_copy(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = open_office()
    kept, lost = billable(office), billable(office, "26-952")
    office.container.invoice_decisions.exclude(*_named(kept), by="ana", note="never")
    taken_back = office.container.invoice_decisions
    taken_back.exclude(*_named(lost), by="ana", note="not yet")
    taken_back.undo(*_named(lost), by="ana", note="now")
    for key in office.container.redis.keys(f"{office.container.settings.redis_key_prefix}*"):
        office.container.redis.delete(key)
    after = office.reopened(netsuite_settle_seconds=0)
    after.container.recovery.ensure_ledger()
    assert after.export(kept).kind is OutcomeKind.SKIPPED
    assert after.container.stores.decisions.of(_key(after, lost)) is None
    (information,) = after.reopened(project_ids=str(kept.project_id)).container.verification.verify().information
    assert "not to be exported; decided by ana: never" in information.sentence

    (copied,) = (one for one in office.container.checks.run() if one.name == "Decisions on invoices")
    assert (copied.ok, f"{office.container.settings.data_dir}" in copied.message) == (True, True)
    other_machine = office.reopened(data_dir=tmp_path / "stranger").container.checks
    (copied,) = (one for one in other_machine.run() if one.name == "Decisions on invoices")
    assert (copied.ok, copied.message.partition(" in ")[0]) == (None, "1 of 1 decision without a copy")

    for key in office.container.redis.keys(f"{office.container.settings.redis_key_prefix}*"):
        office.container.redis.delete(key)
    elsewhere = office.reopened(netsuite_settle_seconds=0, data_dir=tmp_path / "other machine")
    elsewhere.container.recovery.ensure_ledger()
    assert elsewhere.container.stores.decisions.all() == {}, "this machine has no copy"
    office.reopened().container.recovery.ensure_ledger()
    assert elsewhere.container.stores.decisions.of(_key(elsewhere, kept)) is not None, "another one had it"


@pytest.mark.parametrize("done", ["billed", "void bill", "no such bill", "no id", "bill of another invoice"])
def test_an_invalid_decision_is_refused_with_a_sentence(office: Installation, done: str) -> None:
    invoice, second_invoice = billable(office), billable(office, "26-953")
    office.export(second_invoice)
    bill = office.bill(second_invoice)
    decisions = office.container.invoice_decisions
    match done:
        case "billed":
            office.export(invoice)
            with pytest.raises(NotDecided, match="already in NetSuite"):
                decisions.exclude(*_named(invoice), by="ana", note="x")
        case "void bill":
            entered = enter_by_hand(office, invoice)
            office.netsuite.void_bill(entered.id)
            with pytest.raises(NotDecided, match="is void in NetSuite"):
                decisions.mark_billed(*_named(invoice), entered.id, by="ana", note="x")
        case "no such bill":
            with pytest.raises(NotDecided, match="does not exist in NetSuite"):
                decisions.mark_billed(*_named(invoice), "999999", by="ana", note="x")
        case "no id":
            with pytest.raises(NotDecided, match="is not a NetSuite internal id"):
                decisions.mark_billed(*_named(invoice), "../customer/1", by="ana", note="x")
        case _:
            with pytest.raises(NotDecided, match="was created for another Procore invoice"):
                decisions.mark_billed(*_named(invoice), bill.id, by="ana", note="x")
    record = office.invoice_record(invoice)
    assert record is None or record.state is not State.SKIPPED


def test_an_invoice_with_a_changed_bill_of_ours_cannot_be_excluded(open_office: OpenInstallation) -> None:
    """The invoice is blocked and no bill is recorded as done, so NetSuite is asked, until that bill is void."""
    office = open_office(world={"auto_generated_numbers": ["vendorBill"]})
    invoice = billable(office)
    assert office.export(invoice).cause == "bill_differs"
    (bill,) = office.bills(invoice)
    exclude = partial(office.container.invoice_decisions.exclude, *_named(invoice), by="ana", note="x")
    with pytest.raises(NotDecided, match=f"would be paid.*mark-billed {invoice.id} --bill {bill.id}"):
        exclude()
    assert office.container.stores.decisions.all() == {}
    office.netsuite.void_bill(bill.id)
    exclude()
    assert len(office.container.stores.decisions.all()) == 1


def test_resolving_an_invoice_that_stays_blocked_says_what_to_do_instead(office: Installation) -> None:
    invoice = credit(office)
    refused = call(office, "problems", "resolve", key_of(invoice), "--note", "entered by hand")
    assert refused.exit_code == 1
    assert "invoices mark-billed" in refused.stderr
    assert office.problems(key_of(invoice)) == {key_of(invoice): "needs_vendor_credit"}
    enter_by_hand(office, invoice)
    assert office.export(invoice).kind is OutcomeKind.ADOPTED
    assert office.problems(key_of(invoice)) == {}
