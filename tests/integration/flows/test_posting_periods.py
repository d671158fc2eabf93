"""Bills whose date is in a closed posting period: blocked, posted later or posted there, as the owner chose, and always reported."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from simulators.company.billing import Invoice
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, SUITEQL_PATH
from tests.kit.installation import Installation
from worker.domain.bills import FoundBill
from worker.domain.identities import InvoiceKey
from worker.domain.money import ZERO
from worker.domain.outcomes import OutcomeKind, Record
from worker.domain.plans import Action
from worker.domain.problems import FindingKind
from worker.store.ledger import Ledger

pytestmark = pytest.mark.real

CODE = "05-120.S"
DRIFT = "drift_bill_period_mismatch"
ALLOW: dict[str, Any] = {"date_outside_period": "allow"}


def open_with(open_office: OpenInstallation, policy: str = "block", **world: Any) -> tuple[Installation, Invoice]:
    """Open an installation with an invoice of February, whose period is closed; March is open."""
    office = open_office(world={"suiteql_date_format": "%m/%d/%Y", **world}, netsuite_closed_period=policy)
    project = office.new_project("24-820", [CODE])
    office.scan(project.id)
    return office, office.new_invoice(project, (CODE, "900.00"), billing_date="2026-02-25")


def period_of(office: Installation, invoice: Invoice) -> str:
    period = office.netsuite.periods.get(office.bill(invoice).period)
    assert period
    return period.name


def problems(office: Installation, invoice: Invoice) -> set[str]:
    key = str(InvoiceKey(invoice.project_id, invoice.id))
    return {cause for about, cause in office.problems().items() if about.endswith(key)}


def journal(office: Installation, invoice: Invoice) -> str:
    explanation = office.container.explain.invoice(str(invoice.id), str(invoice.project_id))
    return "\n".join(step["sentence"] for step in explanation["history"])


def findings(office: Installation, invoice: Invoice) -> list[FindingKind]:
    policy = office.container.settings.netsuite_closed_period
    pilot = office.reopened(project_ids=str(invoice.project_id), netsuite_closed_period=policy)
    return [found.kind for found in pilot.container.verification.verify().findings]


def test_blocked_is_the_default_and_nothing_is_sent(open_office: OpenInstallation) -> None:
    office, invoice = open_with(open_office)
    outcome = office.export(invoice)
    assert outcome.cause == "period_closed"
    assert "The posting period Feb 2026 is closed" in outcome.reason
    assert office.posts(BILL_PATH) == []
    office.stage.settings("netsuite", closed_before="2026-02-01")
    assert office.export(invoice).kind is OutcomeKind.CREATED, "a period that was opened is seen immediately"
    assert (period_of(office, invoice), problems(office, invoice), findings(office, invoice)) == ("Feb 2026", set(), [])


def test_the_block_policy_applies_although_the_account_moves_bills(open_office: OpenInstallation) -> None:
    office, invoice = open_with(open_office, closed_dates_move=True)
    assert office.export(invoice).cause == "period_closed"
    assert office.bills(invoice) == []


def test_a_bill_that_netsuite_moved_is_a_problem_and_a_finding(open_office: OpenInstallation) -> None:
    """The period was closed after the look-up, and the account moves dates in closed periods."""
    office, invoice = open_with(open_office, closed_dates_move=True, closed_before="2026-02-01")
    assert office.container.exports.bills  # the periods are read with the first bill
    early = office.new_invoice(office.procore.project(invoice.project_id), (CODE, "10.00"), billing_date="2026-02-25")
    assert office.export(early).kind is OutcomeKind.CREATED
    office.stage.settings("netsuite", closed_before="2026-03-01")
    outcome = office.export(invoice)
    assert (outcome.kind, period_of(office, invoice)) == (OutcomeKind.CREATED, "Mar 2026")
    assert "posted in Mar 2026, not in the period of its date 2026-02-25" in outcome.reason
    assert problems(office, invoice) == {DRIFT}
    assert "Posted in Mar 2026" in journal(office, invoice)
    assert findings(office, invoice) == [FindingKind.BILL_PERIOD_MISMATCH]


def test_the_period_is_reported_even_if_the_process_dies_before_recording(
    open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the bill is recorded, only `verify` reads it again, and that may not be scheduled."""
    office, invoice = open_with(open_office, closed_dates_move=True, closed_before="2026-02-01")
    office.container.exports.periods.elsewhere(
        FoundBill("1", None, "1", "A", datetime.date(2026, 2, 25), ZERO, (), period_id="1")
    )
    office.stage.settings("netsuite", closed_before="2026-03-01")
    write = Ledger.write

    def dies(ledger: Ledger, key: Any, record: Record, event: Any = None) -> bool:
        if record.done:
            raise KeyboardInterrupt
        return write(ledger, key, record, event)

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            office.export(invoice)
    assert problems(office, invoice) == {DRIFT}
    office.overdue()
    assert office.export(invoice).kind is OutcomeKind.ALREADY
    assert (problems(office, invoice), len(office.bills(invoice))) == ({DRIFT}, 1)


def test_next_open_posts_in_the_first_open_period_and_says_so(open_office: OpenInstallation) -> None:
    """The bill's memo, the outcome and the journal name the period; an earlier period would be a finding."""
    office, invoice = open_with(open_office, "next_open", ap_locked_before="2026-04-01", **ALLOW)
    (planned,) = office.container.planning.export_one(InvoiceKey(invoice.project_id, invoice.id)).lines
    assert (planned.action, planned.reason) == (Action.BILL, "posted in Apr 2026")
    outcome = office.export(invoice)
    bill = office.bill(invoice)
    assert (outcome.kind, period_of(office, invoice)) == (OutcomeKind.CREATED, "Apr 2026"), (
        "March is locked for payables"
    )
    assert (bill.trandate, bill.total) == ("2026-02-25", invoice.summary().current_payment_due)
    assert "posted in Apr 2026 since Feb 2026 is closed" in bill.memo
    assert "posted in Apr 2026" in outcome.reason
    assert "Posted in Apr 2026" in journal(office, invoice)
    assert (problems(office, invoice), findings(office, invoice)) == (set(), [])
    early = next(each.id for each in office.netsuite.periods if each.end < datetime.date(2026, 2, 1))
    office.netsuite.edit_bill(bill.id, period=early)
    assert findings(office, invoice) == [FindingKind.BILL_PERIOD_MISMATCH], "the policy never chooses an earlier period"


def test_next_open_is_a_problem_if_not_allowed_or_no_period_is_open(open_office: OpenInstallation) -> None:
    """Neither an account that does not allow it nor a calendar without an open period gets a bill."""
    office, invoice = open_with(open_office, "next_open")
    outcome = office.export(invoice)
    assert outcome.cause == "bill_rejected"
    assert "not within the date range" in outcome.reason
    office.stage.settings("netsuite", closed_before="2031-01-01")
    assert office.export(invoice).cause == "period_closed"
    assert office.bills(invoice) == []


def test_keep_posts_in_the_closed_period_by_permission_or_not_at_all(open_office: OpenInstallation) -> None:
    """The role's permission decides; the account's preference never moves the bill to another period."""
    office, invoice = open_with(open_office, "keep", closed_dates_move=True)
    assert office.export(invoice).cause == "period_closed", (
        "the account's preference never moves a bill whose period is given"
    )
    assert office.bills(invoice) == []
    office.stage.settings("netsuite", override_period_restrictions=True)
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert (period_of(office, invoice), problems(office, invoice), findings(office, invoice)) == ("Feb 2026", set(), [])


@pytest.mark.parametrize("policy", ["block", "next_open", "keep"])
def test_without_readable_periods_only_the_block_policy_continues(open_office: OpenInstallation, policy: str) -> None:
    """The other policies say that the periods cannot be read, and no other work is paused."""
    office, invoice = open_with(open_office, policy, missing_permissions=("accountingPeriod",), **ALLOW)
    project = office.procore.project(invoice.project_id)
    two = [office.new_invoice(project, (CODE, "10.00"), billing_date="2026-04-25") for _ in range(2)]
    before = len(office.posts(SUITEQL_PATH))
    if policy == "block":
        assert [office.export(each).kind for each in two] == [OutcomeKind.CREATED] * 2
        asked = [each for each in office.posts(SUITEQL_PATH)[before:] if each["status"] == 400]
        assert len(asked) == 1, "queried once, then cached"
        assert office.export(invoice).cause == "period_closed"
    else:
        outcome = office.export(two[0])
        assert outcome.cause == "periods_not_readable"
        assert policy in outcome.reason
        assert office.posts(BILL_PATH) == []
    assert office.problems("remote:") == {}, "no reason to pause other work"
    (check,) = [each for each in office.container.checks.run() if each.name == "Posting periods"]
    assert check.ok is (None if policy == "block" else False)
