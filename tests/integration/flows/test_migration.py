"""docs/migration.md: a company whose Items and bills exist, from Procore's connector and from people, is adopted without duplicates."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from simulators.netsuite.records import Bill, BillLine
from tests.kit.company import VENDOR
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind
from worker.domain.plans import Action

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.M", "09-250.S.B2", "01-100.L.PHASE1.EAST")
"""With and without custom segments."""


def test_a_complete_company_is_adopted_and_only_what_is_missing_is_written(office: Installation) -> None:
    """Existing Items and bills are left as they are."""
    project = office.new_project("26-310", CODES)
    existing = [office.netsuite.make_item(f"26-310-{code}", displayname="by the connector") for code in CODES]
    exported, by_hand, without_bill = (office.new_invoice(project, (code, "900.00")) for code in CODES[:3])
    exported.origin_id = "connector-4711"
    vendor = next(each.id for each in office.netsuite.vendors if each.companyname == VENDOR)
    retainage = office.container.settings.netsuite_retainage_item_id
    lines = [
        BillLine(place, item, Decimal(1), amount, amount, "", project.origin_id)
        for place, (item, amount) in enumerate(
            ((existing[1].id, by_hand.lines[0].gross), (retainage, -by_hand.lines[0].retainage)), start=1
        )
    ]
    entered = office.netsuite.make_bill(
        Bill("", None, vendor, "2", by_hand.invoice_number, by_hand.billing_date.isoformat(), "typed", lines)
    )
    before = [dataclasses.replace(item) for item in existing]
    pilot = office.reopened(project_ids=str(project.id))

    plan = pilot.container.planning.scan([project.id])
    assert [line.action for line in plan.lines] == [Action.ADOPT] * len(CODES)
    pilot.scan()
    run = pilot.export_all()
    assert (run.counts["created"], run.counts["adopted"], run.counts["skipped"]) == (1, 1, 1)

    assert [office.netsuite.items.get(item.id) for item in existing] == before, "unchanged"
    assert [entry["type"] for entry in pilot.writes()] == ["vendorBill"], "the only missing bill"
    record = pilot.invoice_record(by_hand)
    assert record is not None
    assert record.remote_id == entered.id
    assert by_hand.origin_id == f"ns-vendorbill-{entered.id}"
    assert exported.origin_id == "connector-4711"
    assert pilot.export(without_bill).kind is OutcomeKind.ALREADY
    assert office.netsuite.duplicates() == []
    assert pilot.container.verification.verify().findings == []
