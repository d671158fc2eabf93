"""Verification: no finding after a good run, and a finding with a sentence for every error in one of the two systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any, cast

import pytest

from tests.kit.billed_project import CODES, BilledProject
from tests.kit.installation import Installation, facts_of
from worker.clients.netsuite.bills import BillHead
from worker.clients.netsuite.client import NetSuite
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.problems import Cause, FindingKind
from worker.domain.work import RunKind, exports_of
from worker.reconcile.project_comparison import ProjectComparison

pytestmark = pytest.mark.real

numbers = count(100)


def billed(branch: Installation) -> BilledProject:
    """Sync a project with one billed invoice, in an installation for this project alone."""
    return BilledProject.open(branch, f"27-{next(numbers)}").synced()


@pytest.fixture
def site(branch: Installation) -> BilledProject:
    return billed(branch)


def test_after_a_run_all_agrees_or_is_explained(synced: Installation) -> None:
    mark = synced.mark()
    verified = synced.container.verification.verify()
    assert (verified.findings, verified.information) == ([], [])
    assert verified.right + verified.explained == verified.codes + verified.invoices
    scan = synced.container.runs.current(RunKind.SCAN)
    assert scan is not None
    assert (verified.codes, verified.invoices) == (scan.counts["codes"], 31)
    assert [each.partition(":")[0] for each in verified.unreadable.values()] == ["25-210 Canyon Gate Parking Structure"]
    assert synced.writes(mark) == []


def test_a_synced_project_agrees(site: BilledProject) -> None:
    verified = site.office.container.verification.verify()
    assert (verified.right, verified.explained, verified.findings) == (3, 0, [])


def test_a_deleted_item_is_found(site: BilledProject) -> None:
    site.office.netsuite.items.remove(site.item.id)
    kind, sentence = site.finding()
    assert kind == "item_missing"
    label = f"Code {CODES[0]} of project {site.project.number} New Project"
    assert sentence == f"{label} has no Item; its former Item {site.item.itemid} no longer exists in NetSuite."


def test_an_item_made_while_its_project_is_compared_is_no_finding(branch: Installation) -> None:
    """Creating it closes the problem of a missing Item, but that problem is opened later, at the end of the project's comparison."""
    project = branch.new_project(f"27-{next(numbers)}", CODES[:2])
    office = branch.reopened(project_ids=str(project.id))
    verification = office.container.verification
    slow = SlowComparison(
        verification.comparison, then=lambda: office.make_item(project, next(iter(project.codes.values())))
    )
    verified = replace(verification, comparison=cast(ProjectComparison, slow)).verify()
    (finding,) = verified.findings
    assert (finding.kind, finding.about) == ("item_missing", CODES[1])
    assert verified.explained == 1
    assert office.problems(f"verify:item_missing:code:{project.id}") == {finding.problem_key: "drift_item_missing"}


class SlowComparison:
    """Compares a project, and lets something happen before its result is saved."""

    def __init__(self, comparison: Any, then: Callable[[], object]) -> None:
        self._comparison, self._then = comparison, then
        self.items = comparison.items

    def compare(self, turn: Any, project: Any) -> Any:
        verified = self._comparison.compare(turn, project)
        self._then()
        return verified


def test_a_renamed_item_is_found(site: BilledProject) -> None:
    site.office.netsuite.edit_item(site.item.id, itemid="Steel")
    kind, sentence = site.finding()
    assert kind == "item_renamed"
    assert f"{site.item.itemid} was renamed to Steel in NetSuite" in sentence


def test_a_renamed_item_that_was_adopted_is_found_by_its_id(branch: Installation) -> None:
    number = f"27-{next(numbers)}"
    by_hand = branch.netsuite.make_item(f"{number}-{CODES[0]}")
    project = branch.new_project(number, CODES[:1])
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    assert office.container.verification.verify().right == 1
    branch.netsuite.edit_item(by_hand.id, itemid="Steel, by hand")
    (finding,) = office.container.verification.verify().findings
    assert finding.kind == "item_renamed"


def test_a_renumbered_project_is_reported_once_with_both_names(branch: Installation) -> None:
    number = f"27-{next(numbers)}"
    branch.netsuite.make_item(f"{number}-{CODES[0]}")
    project = branch.new_project(number, CODES)
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    branch.procore.renumber_project(project.id, f"28-{number}")
    (finding,) = office.container.verification.verify().findings
    assert (finding.kind, finding.key) == ("project_renumbered", f"project:{project.id}")
    assert (
        f"such as {number}-{CODES[0]}; with the current number, that name would be 28-{number}-{CODES[0]}."
        in finding.sentence
    )


def test_items_that_follow_a_renumbered_project_by_hand_are_right(site: BilledProject) -> None:
    number = f"28-{site.project.number}"
    site.office.procore.renumber_project(site.project.id, number)
    for code in CODES:
        item = site.office.item(f"{site.project.number.removeprefix('28-')}-{code}")  # type: ignore[union-attr]
        site.office.netsuite.edit_item(item.id, itemid=f"{number}-{code}")
    assert site.findings() == []


def test_a_project_that_lost_its_number_keeps_its_items(site: BilledProject) -> None:
    site.office.procore.renumber_project(site.project.id, None)
    assert site.findings() == []


def test_two_codes_whose_texts_were_exchanged_have_one_item_each(site: BilledProject) -> None:
    """The Item of one code has the name that the other one's would have today; that is no duplicate."""
    first, second = (site.project.code_named(code) for code in CODES)
    site.office.procore.rename_code(site.project.id, first.id, "05-330.S")
    site.office.procore.rename_code(site.project.id, second.id, CODES[0])
    site.office.procore.rename_code(site.project.id, first.id, CODES[1])
    findings = sorted((finding.kind.value, finding.key) for finding in site.findings())
    keys = sorted(f"code:{site.project.id}:{code.id}" for code in (first, second))
    assert findings == [("code_renamed", key) for key in keys]


def test_an_inactivated_item_is_found(site: BilledProject) -> None:
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    kind, sentence = site.finding()
    assert kind == "item_inactive"
    assert sentence.endswith(f"its Item {site.item.itemid} is inactive.")


def test_a_second_item_for_a_code_is_found(site: BilledProject) -> None:
    """A lost lock in an account without atomic uniqueness could cause this."""
    second = site.office.netsuite.make_item(site.item.itemid, externalid=site.item.externalid)
    kind, sentence = site.finding()
    assert kind == "duplicate_item"
    name = site.item.itemid
    assert sentence.endswith(f"has 2 Items: {name} (id {site.item.id}), {name} (id {second.id}).")


def test_another_item_in_the_place_of_ours_is_found(site: BilledProject) -> None:
    site.office.netsuite.items.remove(site.item.id)
    other_item = site.office.netsuite.make_item(site.item.itemid)
    kind, sentence = site.finding()
    assert kind == "item_replaced"
    name = site.item.itemid
    assert (
        f"the ledger has Item {site.item.id}, which no longer exists; in NetSuite, its Item is {other_item.id}, {name}."
        in sentence
    )


def test_a_similarly_named_item_is_no_finding_once_it_is_inactive(site: BilledProject) -> None:
    """An active Item whose name reads like ours is a near duplicate."""
    near_duplicate = site.office.netsuite.make_item(site.item.itemid.lower().replace("-", " "))
    again = site.office.netsuite.make_item(site.item.itemid.replace("-", "."))
    kind, sentence = site.finding()
    assert kind == "similar_item_name"
    assert f"{near_duplicate.itemid!r} (id {near_duplicate.id}), {again.itemid!r} (id {again.id})" in sentence
    for each in (near_duplicate, again):
        site.office.netsuite.edit_item(each.id, isinactive=True)
    assert site.findings() == []


def test_an_adopted_item_that_differs_only_in_case_is_no_near_duplicate(branch: Installation) -> None:
    """It is the code's own Item, so the comparison has nothing to report."""
    branch.netsuite.settings.suiteql_case_insensitive = True
    number = f"27-{next(numbers)}"
    by_hand = branch.netsuite.make_item(f"{number}-{CODES[0]}".lower())
    project = branch.new_project(number, CODES[:1])
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    branch.netsuite.settings.suiteql_case_insensitive = False
    record = office.code_record(project, project.budgeted_codes()[0])
    assert record is not None
    assert record.remote_id == by_hand.id
    verified = office.container.verification.verify()
    assert (verified.right, verified.findings, verified.information) == (1, [], [])


def test_the_display_name_of_an_adopted_item_was_never_ours(branch: Installation) -> None:
    number = f"27-{next(numbers)}"
    branch.netsuite.make_item(f"{number}-{CODES[0]}", displayname="Steel, as we call it")
    project = branch.new_project(number, CODES[:1])
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    assert office.container.verification.verify().information == []


def test_an_edited_display_name_is_for_information_only(site: BilledProject) -> None:
    site.office.netsuite.edit_item(site.item.id, displayname="Steel, as we call it")
    verified = site.office.container.verification.verify()
    (information,) = verified.information
    assert information.kind == "display_name_changed"
    assert "'Steel, as we call it'" in information.sentence
    assert (verified.findings, verified.right) == ([], 3)
    assert site.problems() == {}


def test_a_duplicate_bill_is_found(site: BilledProject) -> None:
    second = site.office.netsuite.make_bill(replace(site.bill))
    kind, sentence = site.finding()
    assert kind == "duplicate_bill"
    number, day = site.bill.tranid, site.bill.trandate
    assert sentence.endswith(f"has 2 bills: {number} of {day} (id {site.bill.id}), {number} of {day} (id {second.id}).")


def test_a_second_bill_that_was_voided_is_out_of_the_books(site: BilledProject) -> None:
    copy = site.office.netsuite.make_bill(replace(site.bill, externalid=None))
    second_bill = site.office.netsuite.make_bill(replace(site.bill))
    kind, sentence = site.finding()
    assert (kind, "has 3 bills" in sentence) == ("duplicate_bill", True)
    site.office.netsuite.void_bill(second_bill.id)
    kind, sentence = site.finding()
    assert kind == "duplicate_bill"
    number = site.bill.tranid
    each = f"{number} (id {site.bill.id}) for 859.50, {number} (id {copy.id}) for 859.50"
    assert sentence.endswith(f": Blue Spruce Electric has 2 bills for this invoice or its number: {each}.")
    site.office.netsuite.void_bill(copy.id)
    assert site.findings() == []


def test_two_bills_of_ours_with_one_number_of_one_vendor_are_both_reported(site: BilledProject) -> None:
    again = site.office.new_invoice(site.project, (CODES[0], "1.00"), invoice_number="ONCE")
    site.office.export_all()
    site.office.netsuite.edit_bill(site.bill.id, tranid="once")
    site.office.procore.edit_invoice(site.invoice.id, invoice_number="once")
    findings = site.findings()
    assert {finding.kind.value for finding in findings} == {"duplicate_bill"}
    keys = {f"invoice:{each.project_id}:{each.id}" for each in (site.invoice, again)}
    assert {finding.key for finding in findings} == keys


def test_two_bills_with_one_number_in_two_projects_are_both_reported(branch: Installation, site: BilledProject) -> None:
    elsewhere = billed(branch)
    branch.netsuite.edit_bill(elsewhere.bill.id, tranid=site.bill.tranid)
    kind, sentence = site.finding()
    assert kind == "duplicate_bill"
    assert f"(id {site.bill.id}) for 859.50, {site.bill.tranid} (id {elsewhere.bill.id}) for 859.50" in sentence


def two_bills_of_ours_with_one_number(site: BilledProject) -> dict[str, str]:
    """Create what two writers leave if one stalls at its last step: each invoice has its bill. Return the bill's id by invoice key."""
    office, number = site.office, f"ONCE-{site.project.number}"
    again = office.new_invoice(site.project, (CODES[0], "1.00"), invoice_number=number)
    office.export_all()
    bills = {}
    for invoice in (site.invoice, again):
        bill = office.bill(invoice)
        office.netsuite.edit_bill(bill.id, tranid=number.title())
        office.procore.edit_invoice(invoice.id, invoice_number=number, origin_id=None)
        bills[f"invoice:{site.project.id}:{invoice.id}"] = bill.id
    return bills


@pytest.mark.parametrize("problem", ["differs", "other", "not comparable", "in progress", "withdrawn", "skipped"])
def test_two_bills_of_one_number_are_reported_whatever_else_is_wrong(site: BilledProject, problem: str) -> None:
    """The finding names both bills, whatever state or problem the two invoices have."""
    office = site.office
    bills = two_bills_of_ours_with_one_number(site)
    for key, bill_id in bills.items():
        invoice = InvoiceKey.parse(key)
        office.container.redis.delete(office.redis_key(f"invoices:{invoice.project_id}"))
        if problem == "differs":
            office.netsuite.edit_bill_line(bill_id, 1, Decimal("7.00"))
        elif problem == "not comparable":
            office.procore.edit_invoice(invoice.invoice_id, off_by="0.01")
        elif problem == "withdrawn":
            office.procore.edit_invoice(invoice.invoice_id, status="draft")
    for key in bills:
        if problem == "differs":
            office.container.runner.run(key)
            assert office.problems(key) == {key: "bill_differs"}
        elif problem in ("other", "in progress", "skipped"):
            state = {"other": State.BLOCKED, "in progress": State.WAITING, "skipped": State.SKIPPED}[problem]
            cause = Cause.VENDOR_NOT_LINKED if problem == "other" else None
            facts = facts_of(Cause.VENDOR_NOT_LINKED, invoice="ONCE") if problem == "other" else {}
            office.container.ledger.write(InvoiceKey.parse(key), Record(state, "ONCE", at=1, cause=cause, facts=facts))
    findings = {finding.key: finding for finding in site.findings() if finding.kind is FindingKind.DUPLICATE_BILL}
    assert set(findings) == set(bills)
    for finding in findings.values():
        assert all(f" Once-{site.project.number} (id {bill_id}) for " in finding.sentence for bill_id in bills.values())
        assert "Blue Spruce Electric has 2 bills for this invoice or its number: " in finding.sentence
        assert finding.problem
        assert finding.problem.owner == "project accountant"
        assert "Void or delete all but one" in finding.problem.next_step
        assert site.problems()[finding.problem_key] == "drift_duplicate_bill"


def test_a_void_bill_and_its_replacement_are_no_duplicate(site: BilledProject) -> None:
    bills = list(two_bills_of_ours_with_one_number(site).values())
    site.office.netsuite.void_bill(bills[0])
    assert "duplicate_bill" not in {finding.kind for finding in site.findings()}


def test_a_problem_that_says_nothing_of_the_bill_hides_nothing_of_it(site: BilledProject) -> None:
    """The ledger says that NetSuite refused the bill, but NetSuite has it, without any record."""
    office, key = site.office, InvoiceKey(site.project.id, site.invoice.id)
    office.container.redis.delete(office.redis_key(f"invoices:{site.project.id}"))
    office.procore.edit_invoice(site.invoice.id, origin_id=None)
    facts = {"invoice": "1", "vendor": "Blue Spruce Electric", "answer": "no"}
    office.container.ledger.write(key, Record(State.BLOCKED, "1", at=1, cause=Cause.BILL_REJECTED, facts=facts))
    assert site.finding()[0] == "origin_id_missing"
    office.netsuite.edit_bill(site.bill.id, tranid="Y-1")
    assert {one.kind.value for one in site.findings()} == {"origin_id_missing", "bill_number_mismatch"}


def test_a_problem_does_not_explain_that_procore_does_not_name_the_bill(site: BilledProject) -> None:
    site.office.container.ledger.report(
        f"invoice:{site.project.id}:{site.invoice.id}", Cause.UNEXPECTED, {"answer": "x"}, at=1
    )
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None)
    assert site.finding()[0] == "origin_id_missing"


def test_a_problem_of_a_code_hides_nothing_of_its_item(site: BilledProject) -> None:
    key = f"code:{site.project.id}:{site.project.code_named(CODES[0]).id}"
    site.office.container.ledger.report(key, Cause.UNEXPECTED, {"answer": "x"}, at=1)
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    assert site.finding()[0] == "item_inactive"
    site.office.netsuite.items.remove(site.item.id)
    assert site.finding()[0] == "item_missing"


def test_a_blocked_code_that_has_an_item_nevertheless_is_compared(site: BilledProject) -> None:
    key = CodeKey(site.project.id, site.project.code_named(CODES[0]).id)
    site.office.container.redis.delete(site.office.redis_key(f"codes:{site.project.id}"))
    refused = Record(State.BLOCKED, "x", at=1, cause=Cause.ITEM_REJECTED, facts={"name": "x", "answer": "no"})
    site.office.container.ledger.write(key, refused)
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    assert ("item_inactive", str(key)) in {(one.kind.value, one.key) for one in site.findings()}


def test_an_edited_bill_is_found_even_when_its_total_stays(site: BilledProject) -> None:
    netsuite = site.office.netsuite
    netsuite.edit_bill_line(site.bill.id, 1, Decimal("901.00"))
    assert "total 860.50 instead of 859.50" in site.finding()[1]
    netsuite.edit_bill_line(site.bill.id, 2, Decimal("54.00"))
    kind, sentence = site.finding()
    assert kind == "bill_lines_mismatch"
    prefix = f"extra lines: {site.project.number}-"
    assert (
        f"{prefix}{CODES[0]} 901.00, {site.project.number}-{CODES[1]} 54.00, missing lines: {site.project.number}-{CODES[0]} "
        in sentence
    )
    assert "total" not in sentence


def test_a_deleted_bill_is_found(site: BilledProject) -> None:
    site.office.netsuite.delete_bill(site.bill.id)
    assert site.finding()[1].endswith(f"its bill (id {site.bill.id}) no longer exists in NetSuite.")


def test_a_bill_without_a_link_is_reported_as_not_comparable(site: BilledProject) -> None:
    site.office.procore.edit_invoice(site.invoice.id, off_by="1.00")
    kind, sentence = site.finding()
    assert kind == "bill_not_comparable"
    assert f"(id {site.bill.id}) is in NetSuite, but cannot be compared. The lines of invoice" in sentence


def test_a_missing_origin_id_is_found(site: BilledProject) -> None:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None)
    kind, sentence = site.finding()
    assert kind == "origin_id_missing"
    assert site.bill.id in sentence


def test_an_origin_id_that_names_another_bill_is_found_with_both_bills(site: BilledProject) -> None:
    other_bill = site.office.netsuite.make_bill(replace(site.bill, externalid=None, tranid="OTHER-1"))
    site.office.procore.edit_invoice(site.invoice.id, origin_id=f"ns-vendorbill-{other_bill.id}")
    kind, sentence = site.finding()
    assert kind == "origin_id_conflict"
    own = f"its bill is {site.bill.tranid} (id {site.bill.id})."
    assert sentence.endswith(f"has the origin id of the bill OTHER-1 (id {other_bill.id}) in Procore; {own}")
    site.office.netsuite.delete_bill(other_bill.id)
    assert f"has the origin id of a bill that does not exist (id {other_bill.id})" in site.finding()[1]


def test_an_invoice_of_another_integration_is_not_ours_until_it_has_a_bill(site: BilledProject) -> None:
    """It is explained by its origin id, and becomes a finding once a bill of ours exists for it."""
    invoice = site.office.new_invoice(site.project, (CODES[0], "1.00"))
    site.office.procore.edit_invoice(invoice.id, origin_id="sage-77")
    verified = site.office.container.verification.verify()
    assert (verified.right, verified.explained, verified.findings) == (3, 1, [])
    ours = replace(site.bill, externalid=site.office.bill_external_id(invoice))
    site.office.netsuite.make_bill(ours)
    kinds = {finding.kind for finding in site.findings() if finding.key == f"invoice:{site.project.id}:{invoice.id}"}
    assert "origin_id_conflict" in kinds


def test_a_refused_origin_id_is_explained_and_its_bill_still_compared(site: BilledProject) -> None:
    """Its open problem explains the missing origin id, and a bill that differs is still a finding."""
    invoice = site.office.new_invoice(site.project, (CODES[0], "1.00"))
    site.office.stage.settings("procore", patch_forbidden=True)
    site.office.export_all()
    site.office.stage.settings("procore", patch_forbidden=False)
    assert site.office.problems(f"invoice:{site.project.id}:{invoice.id}")
    assert site.findings() == []
    site.office.netsuite.edit_bill(site.office.bill(invoice).id, tranid="X-1")
    assert site.finding()[0] == "bill_number_mismatch"


def test_an_invoice_that_was_never_exported_is_found(site: BilledProject) -> None:
    invoice = site.office.new_invoice(site.project, (CODES[0], "1.00"))
    kind, sentence = site.finding()
    assert kind == "bill_missing"
    assert invoice.invoice_number in sentence


def test_an_invoice_that_was_listed_and_waits_for_its_turn_is_no_finding(site: BilledProject) -> None:
    invoice = site.office.new_invoice(site.project, (CODES[0], "12.00"))
    site.office.container.runner.run(exports_of(site.project.id))
    verified = site.office.container.verification.verify()
    assert (verified.findings, verified.invoices) == ([], 2)
    site.office.work_off()
    assert site.office.bill(invoice)


def test_a_code_that_was_never_scanned_is_found(site: BilledProject) -> None:
    site.office.procore.add_code(site.project.id, "06-100.S", budget=0)
    assert site.finding()[0] == "item_missing"


# While work is in progress


def test_a_record_that_queries_do_not_show_yet_is_not_missing(branch: Installation) -> None:
    project = branch.new_project(f"27-{next(numbers)}", CODES)
    invoice = branch.new_invoice(project, (CODES[0], "900.00"))
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    office.export(invoice)
    branch.netsuite.settings.suiteql_lag = 3600
    verified = office.container.verification.verify()
    branch.netsuite.settings.suiteql_lag = 0
    assert (verified.right, verified.findings, verified.information) == (3, [], [])


def test_an_invoice_that_is_exported_while_verify_looks_is_no_finding(
    site: BilledProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = site.office.new_invoice(site.project, (CODES[0], "1.00"))
    bills_by_external_id = NetSuite.bills_by_external_id

    def export_first(netsuite: NetSuite, external_ids: Sequence[str]) -> dict[str, list[BillHead]]:
        site.office.export(invoice)
        return bills_by_external_id(netsuite, external_ids)

    monkeypatch.setattr(NetSuite, "bills_by_external_id", export_first)
    verified = site.office.container.verification.verify()
    assert (verified.right, verified.explained, verified.findings) == (3, 1, [])


def test_a_code_that_is_scanned_while_verify_looks_is_no_finding(
    site: BilledProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.office.procore.add_code(site.project.id, "06-100.S", budget=0)
    find_items = NetSuite.find_items

    def scan_afterwards(netsuite: NetSuite, **asked: Any) -> list[FoundItem]:
        items = find_items(netsuite, **asked)
        monkeypatch.undo()
        site.office.scan()
        return items

    monkeypatch.setattr(NetSuite, "find_items", scan_afterwards)
    verified = site.office.container.verification.verify()
    assert (verified.right, verified.explained, verified.findings) == (3, 1, [])


# Problems


def test_reconciling_keeps_a_problem_open_as_long_as_its_finding(site: BilledProject) -> None:
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    verification = site.office.container.verification
    (finding,) = verification.verify().findings
    assert last_counts(site)["finding"] == 1
    assert site.problems() == {finding.problem_key: "drift_item_inactive"}
    assert site.office.sentence(finding.problem_key) == finding.sentence
    (row,) = [one for one in site.office.container.overview.problems() if one["key"] == finding.problem_key]
    assert (row["record"], row["owner"]) == (
        f"{site.project.number} New Project, code {CODES[0]}",
        "ERP administrator",
    )
    site.office.netsuite.edit_item(site.item.id, isinactive=False)
    assert verification.verify().findings == []
    assert site.problems() == {}


def test_a_problem_stays_open_while_its_project_cannot_be_read(site: BilledProject) -> None:
    site.office.netsuite.edit_item(site.item.id, isinactive=True)
    verification = site.office.container.verification
    verification.verify()
    site.office.netsuite.edit_item(site.item.id, isinactive=False)
    site.office.procore.edit_project(site.project.id, tools_disabled=True)
    assert list(verification.verify().unreadable) == [site.project.id]
    assert last_counts(site)["unreadable_project"] == 1
    assert list(site.problems().values()) == ["drift_item_inactive"]
    site.office.procore.edit_project(site.project.id, tools_disabled=False, active=False)
    assert verification.verify().unreadable == {}
    assert list(site.problems().values()) == ["drift_item_inactive"], "closed for good, and not compared"
    site.office.procore.edit_project(site.project.id, active=True)
    verification.verify()
    assert site.problems() == {}


def last_counts(site: BilledProject) -> Mapping[str, int]:
    """Return the counts of the last comparison that monitoring shows."""
    last = site.office.container.stores.verifications.last()
    assert last
    assert last.started_at <= last.ended_at
    return last.counts


# What docs/verify.md says about fixing findings


def forget(site: BilledProject, kind: str, number: int) -> None:
    """Delete a record as `HDEL wbs:codes:PROJECT CODE` does, or the same for invoices."""
    prefix = site.office.container.settings.redis_key_prefix
    assert site.office.container.redis.hdel(f"{prefix}{kind}:{site.project.id}", str(number)) == 1


def test_an_item_recreated_by_hand_is_adopted_once_the_ledger_forgets(site: BilledProject) -> None:
    """Until then it is a finding that the code has another Item than the recorded one."""
    netsuite = site.office.netsuite
    netsuite.items.remove(site.item.id)
    recreated = netsuite.make_item(site.item.itemid)
    assert site.finding()[0] == "item_replaced"
    code = site.project.code_named(CODES[0])
    forget(site, "codes", code.id)
    site.office.scan()
    record = site.office.code_record(site.project, code)
    assert record is not None
    assert (record.state, record.remote_id) == ("adopted", recreated.id)
    assert [finding.kind for finding in site.findings()] == ["bill_lines_mismatch"]


def test_a_lost_origin_id_is_written_again_once_the_ledger_forgets(site: BilledProject) -> None:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None)
    forget(site, "invoices", site.invoice.id)
    mark = site.office.mark()
    site.office.export(site.invoice)
    assert site.findings() == []
    assert site.office.writes(mark) == []


@pytest.mark.parametrize("void", [True, False])
@pytest.mark.parametrize("clearable", [True, False])
def test_an_invoice_with_a_deleted_or_void_bill_adopts_the_new_one(
    site: BilledProject, clearable: bool, void: bool
) -> None:
    """A person entered the bill again, and Procore may name the new bill or none."""
    if void:
        site.office.netsuite.void_bill(site.bill.id)
        site.office.netsuite.edit_bill(site.bill.id, tranid=f"VOID {site.bill.tranid}", externalid=None)
    else:
        site.office.netsuite.delete_bill(site.bill.id)
    assert site.findings()[0].kind == ("bill_voided" if void else "bill_deleted")
    recreated = site.office.netsuite.make_bill(replace(site.bill, externalid=None))
    origin_id = None if clearable else f"ns-vendorbill-{recreated.id}"
    site.office.procore.edit_invoice(site.invoice.id, origin_id=origin_id)
    forget(site, "invoices", site.invoice.id)
    site.office.export_all()
    record = site.office.invoice_record(site.invoice)
    assert record is not None
    assert record.remote_id == recreated.id
    assert site.invoice.origin_id == f"ns-vendorbill-{recreated.id}"
    assert site.findings() == []


def test_a_missing_record_is_closed_by_the_work_that_creates_it(branch: Installation) -> None:
    """Work that cannot create the record closes the finding too, and reports why."""
    too_long = "05-120.S." + "X" * 60
    project = branch.new_project(f"27-{next(numbers)}", (CODES[0], too_long))
    branch.new_invoice(project, (CODES[0], "900.00"))
    office = branch.reopened(project_ids=str(project.id))

    def of_findings() -> dict[str, str]:
        causes = office.problems("verify:")
        return {key: cause for key, cause in causes.items() if str(project.id) in key.split(":")}

    office.container.verification.verify()
    assert sorted(of_findings().values()) == [
        "drift_bill_missing", "drift_item_missing", "drift_item_missing",
    ]  # fmt: skip
    office.scan()
    office.export_all()
    of_project = {cause for key, cause in office.problems().items() if str(project.id) in key.split(":")}
    assert of_project == {"name_too_long"}
    office.netsuite.items.remove(office.item(f"{project.number}-{CODES[0]}").id)
    office.container.verification.verify()
    office.scan()
    assert list(of_findings().values()) == ["drift_item_missing"]
