"""A second comparison reads only changed records, and what it remembers hides no difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from simulators.company.billing import Billed, Invoice
from simulators.company.model import Project
from simulators.company.world import periods_of
from tests.kit.company import SUITEQL_PATH
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey
from worker.domain.outcomes import OutcomeKind, Record, State
from worker.domain.problems import Cause
from worker.reconcile import project_comparison
from worker.reconcile import verification as verification_module
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.bill_verdicts import InvoiceToCompare, Verdict
from worker.reconcile.verification import STEP_SECONDS

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")
numbers = count(1)


class Site:
    """A project with two billed invoices of one contract, compared once. Another record was changed later than these."""

    def __init__(self, branch: Installation) -> None:
        self.project: Project = branch.new_project(f"34-{next(numbers)}", CODES)
        self.first: Invoice = branch.new_invoice(self.project, (CODES[0], "900.00"), (CODES[1], "55.00"))
        billed = [(self.first.commitment.lines[0], Billed(work=Decimal("50.00"), held=Decimal("5.00")))]
        period = periods_of(self.project)[5]
        self.invoice: Invoice = branch.procore.company.bill(
            self.first.commitment, period, billed, at=branch.procore.now()
        )
        self.office = branch.reopened(project_ids=str(self.project.id))
        self.office.scan()
        self.office.export_all()
        self.bill = self.office.bill(self.invoice)
        self._age()
        later = branch.new_project(f"34-{next(numbers)}", CODES)
        latest = branch.new_invoice(later, (CODES[0], "1.00"))
        elsewhere = branch.reopened(project_ids=str(later.id))
        elsewhere.scan()
        elsewhere.export(latest)
        assert elsewhere.container.verification.verify().findings == []
        assert self.kinds() == []

    def _age(self) -> None:
        """Let an hour pass."""
        hour = timedelta(hours=1)
        for invoice in (self.first, self.invoice):
            invoice.updated_at -= hour
            bill = self.office.bill(invoice)
            bill.modified_at -= hour

    def kinds(self, *, full: bool = False) -> list[str]:
        return [finding.kind.value for finding in self.office.container.verification.verify(full=full).findings]

    def reads(self, compare: Callable[[], Any]) -> list[str]:
        """Return the single bills and invoices that are read during the call."""
        mark, before = self.office.mark(), self._seen()
        compare()
        bills = [each["path"] for each in self.office.requests(mark) if each["path"] != SUITEQL_PATH]
        invoices = [path for path in self._seen()[len(before) :] if "/requisitions/" in path]
        return [*bills, *invoices]

    def _seen(self) -> list[str]:
        return [each["path"] for each in self.office.procore.journal.requests(0)]


@pytest.fixture
def site(branch: Installation) -> Site:
    return Site(branch)


def test_lists_show_that_nothing_changed_and_a_full_comparison_reads_all(site: Site) -> None:
    """A comparison without changes reads no single bill or invoice, and still counts all of them."""
    assert site.reads(site.kinds) == []
    verified = site.office.container.verification.verify()
    assert (verified.codes, verified.invoices, verified.right) == (2, 2, 4)
    assert len(site.reads(lambda: site.kinds(full=True))) > 3
    assert site.reads(site.kinds) == []


def test_a_comparison_of_many_steps_remembers_as_much_as_one_step(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each invoice is compared once, and the next comparison reads none of them again."""
    compare, steps = BillDrift.compare, list[float]()
    clock = SimpleNamespace(monotonic=lambda: len(steps) * 2 * STEP_SECONDS, sleep=lambda _seconds: None)

    def slow(self: BillDrift, invoice: InvoiceToCompare, problems: Mapping[str, Cause]) -> Verdict:
        steps.append(invoice.head.id)
        return compare(self, invoice, problems)

    for module in (verification_module, project_comparison):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(BillDrift, "compare", slow)
    assert site.kinds(full=True) == []
    assert sorted(steps) == sorted([site.first.id, site.invoice.id]), "each once, in a separate step"
    assert site.reads(site.kinds) == []


def edit_a_line(site: Site) -> str:
    site.office.netsuite.edit_bill_line(site.bill.id, 1, Decimal("51.00"))
    return "bill_lines_mismatch"


def void_the_bill(site: Site) -> str:
    site.office.netsuite.void_bill(site.bill.id)
    return "bill_voided"


def delete_the_bill(site: Site) -> str:
    site.office.netsuite.delete_bill(site.bill.id)
    return "bill_deleted"


def renumber_the_invoice(site: Site) -> str:
    site.office.procore.edit_invoice(site.invoice.id, invoice_number="OTHER")
    return "bill_number_mismatch"


def clear_the_origin_id(site: Site) -> str:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None)
    return "origin_id_missing"


def withdraw_the_invoice(site: Site) -> str:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None, status="revise_and_resubmit")
    return "bill_not_comparable"


def copy_the_bill(site: Site) -> str:
    site.office.netsuite.make_bill(replace(site.bill, externalid=None))
    return "duplicate_bill"


def take_another_item_for_the_code(site: Site) -> str:
    code = site.project.code_named(CODES[0])
    other_item = site.office.netsuite.make_item("Another")
    container = site.office.container
    container.redis.hdel(f"{container.settings.redis_key_prefix}codes:{site.project.id}", str(code.id))
    container.ledger.restore({CodeKey(site.project.id, code.id): Record(State.ADOPTED, "Another", other_item.id)})
    return "bill_lines_mismatch"


@pytest.mark.parametrize(
    "change",
    [
        edit_a_line, void_the_bill, delete_the_bill, renumber_the_invoice, clear_the_origin_id, withdraw_the_invoice,
        copy_the_bill, take_another_item_for_the_code,
    ],
)  # fmt: skip
def test_what_is_remembered_hides_no_change(site: Site, change: Callable[[Site], str]) -> None:
    assert change(site) in site.kinds()


def test_an_edit_of_a_contracts_earlier_invoice_is_seen_in_later_ones(site: Site) -> None:
    """The later invoices of the contract are read again after the edit."""
    assert site.invoice.previous_id == site.first.id
    site.office.procore.edit_invoice_line(site.first.id, work="901.00")
    assert len(site.reads(site.kinds)) > 2


def test_a_change_in_the_second_in_which_it_was_compared_is_not_hidden(branch: Installation) -> None:
    """The lists show changes by the second: the latest change is read each time, until another record was changed later."""
    project = branch.new_project(f"34-{next(numbers)}", CODES)
    invoice = branch.new_invoice(project, (CODES[0], "900.00"))
    office = branch.reopened(project_ids=str(project.id))
    office.scan()
    office.export(invoice)
    assert office.container.verification.verify().findings == []
    bill = office.bill(invoice)
    modified = bill.modified_at
    office.netsuite.edit_bill_line(bill.id, 1, Decimal("901.00"))
    office.bill(invoice).modified_at = modified
    assert [each.kind for each in office.container.verification.verify().findings] == ["bill_lines_mismatch"]


def test_one_comparison_a_week_is_a_full_one_whatever_was_requested(site: Site) -> None:
    container = site.office.container
    assert container.stores.verifications.last_full() is not None
    assert site.reads(site.kinds) == []
    last_full = f"{container.settings.redis_key_prefix}verify:last_full"
    container.redis.set(last_full, container.now() - 6.6 * 86_400)
    assert len(site.reads(site.kinds)) > 2
    assert site.reads(site.kinds) == []


# Records that are not, or no longer, in the ledger


def test_after_a_rebuild_a_bill_whose_invoice_was_withdrawn_is_found(site: Site) -> None:
    site.office.procore.edit_invoice(site.invoice.id, origin_id=None, status="draft")
    forget_invoices(site)
    (finding,) = site.office.container.verification.verify().findings
    assert (finding.kind, finding.key) == ("bill_not_comparable", f"invoice:{site.project.id}:{site.invoice.id}")
    assert finding.sentence.endswith(
        f"(id {site.bill.id}) is in NetSuite, but the invoice is no longer exported: status is draft."
    )


def test_after_a_rebuild_a_bill_of_a_deleted_invoice_is_found_until_void(site: Site) -> None:
    """Procore lists no such invoice, and every comparison finds the bill until it is void."""
    site.office.procore.delete_invoice(site.invoice.id)
    forget_invoices(site)
    (finding,) = site.office.container.verification.verify().findings
    assert (finding.kind, finding.key) == ("bill_not_comparable", f"invoice:{site.project.id}:{site.invoice.id}")
    assert finding.sentence.endswith(f"(id {site.bill.id}) is in NetSuite, but Procore no longer lists this invoice.")
    assert site.kinds() == ["bill_not_comparable"], "remembered, and still found"
    assert finding.problem_key in site.office.problems("verify:")
    site.office.netsuite.void_bill(site.bill.id)
    assert site.kinds() == []
    assert finding.problem_key not in site.office.problems("verify:")


def test_bills_of_projects_that_are_not_compared_are_no_finding(site: Site) -> None:
    """Another project's bills are in NetSuite too, and the ledger was lost."""
    forget_invoices(site)
    container = site.office.container
    for project_id in container.ledger.projects():
        container.redis.delete(f"{container.settings.redis_key_prefix}invoices:{project_id}")
    verified = container.verification.verify()
    assert (verified.findings, verified.not_compared) == ([], {})


def forget_invoices(site: Site) -> None:
    container = site.office.container
    container.redis.delete(f"{container.settings.redis_key_prefix}invoices:{site.project.id}")


def test_a_skip_whose_reason_is_no_longer_true_explains_nothing(site: Site) -> None:
    invoice = site.office.new_invoice(site.project, (CODES[0], "0.00"))
    assert site.office.export(invoice).kind is OutcomeKind.SKIPPED
    verified = site.office.container.verification.verify()
    assert (verified.explained, verified.findings) == (1, [])
    site.office.procore.edit_invoice_line(invoice.id, work="70.00")
    (finding,) = site.office.container.verification.verify().findings
    assert finding.kind == "bill_missing"
    assert finding.sentence.endswith(
        " has no bill. It was skipped (nothing is billed on it), and that reason no longer applies."
    )


def test_a_skipped_code_that_needs_an_item_now_is_found(site: Site) -> None:
    code = site.office.procore.add_code(site.project.id, "06-100.S", budget=0)
    gone = Record(State.SKIPPED, "06-100.S", detail="no such code")
    assert site.office.container.ledger.write(CodeKey(site.project.id, code.id), gone)
    assert site.kinds() == ["item_missing"]
