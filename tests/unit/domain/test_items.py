"""Which Item found in NetSuite serves a WBS code, and which is in its way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from worker.domain.errors import Blocked
from worker.domain.items import FoundItem, ItemNeed, item_for
from worker.domain.problems import Cause, describe

NEED = ItemNeed("pcr-itm-4-17-901", "24-017-01-100.S", "Concrete")
OURS = FoundItem("5871", "24-017-01-100.S", "pcr-itm-4-17-901", "OthCharge", "Purchase", inactive=False)
FOREIGN = replace(OURS, id="77", external_id=None)
OF_OTHER_CODE = replace(OURS, id="78", external_id="pcr-itm-4-18-5")
ADOPTED = replace(OURS, id="90", external_id=None)
ELSEWHERE = replace(OURS, id="79", name="something else", external_id="x-1")


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([], None, id="nothing there"),
        pytest.param([ELSEWHERE], None, id="another name and another external id"),
        pytest.param([OURS], OURS, id="ours"),
        pytest.param([replace(OURS, name="renamed by hand")], replace(OURS, name="renamed by hand"), id="ours, renamed"),
        pytest.param([replace(OURS, external_id="PCR-ITM-4-17-901")], replace(OURS, external_id="PCR-ITM-4-17-901"), id="ours, other case"),
        pytest.param([FOREIGN], FOREIGN, id="same name, no external id"),
        pytest.param([replace(FOREIGN, external_id="agave-12")], replace(FOREIGN, external_id="agave-12"), id="same name, someone else's external id"),
        pytest.param([replace(FOREIGN, name="24-017-01-100.s")], replace(FOREIGN, name="24-017-01-100.s"), id="same name but for case"),
        pytest.param([replace(FOREIGN, subtype="Resale")], replace(FOREIGN, subtype="Resale"), id="for resale"),
        pytest.param([FOREIGN, replace(OURS, name="renamed")], replace(OURS, name="renamed"), id="external id goes before name"),
    ],
)  # fmt: skip
def test_the_item_with_our_external_id_or_else_that_name_is_used(
    items: list[FoundItem], expected: FoundItem | None
) -> None:
    assert item_for(NEED, items, {}) == expected


@pytest.mark.parametrize(
    ("items", "cause"),
    [
        pytest.param([FOREIGN, replace(FOREIGN, id="80")], Cause.DUPLICATE_ITEM, id="two of the name"),
        pytest.param([OURS, replace(OURS, id="81")], Cause.DUPLICATE_ITEM, id="two of our external id"),
        pytest.param([replace(FOREIGN, type="Service", subtype="Sale")], Cause.ITEM_TYPE_MISMATCH, id="a service"),
        pytest.param([replace(FOREIGN, subtype="Sale")], Cause.ITEM_TYPE_MISMATCH, id="other charge, for sale only"),
        pytest.param([replace(OURS, type="InvtPart", subtype="")], Cause.ITEM_TYPE_MISMATCH, id="ours, of another type"),
        pytest.param([replace(FOREIGN, inactive=True)], Cause.ITEM_INACTIVE, id="inactive"),
        pytest.param([replace(OURS, inactive=True)], Cause.ITEM_INACTIVE, id="ours, inactive"),
        pytest.param([OF_OTHER_CODE], Cause.ITEM_BELONGS_TO_OTHER_CODE, id="made for another code"),
        pytest.param([ADOPTED], Cause.ITEM_BELONGS_TO_OTHER_CODE, id="adopted by another code"),
        pytest.param([replace(ADOPTED, external_id="agave-12")], Cause.ITEM_BELONGS_TO_OTHER_CODE, id="adopted, someone else's external id"),
    ],
)  # fmt: skip
def test_a_conflicting_item_is_a_complete_problem(items: list[FoundItem], cause: Cause) -> None:
    with pytest.raises(Blocked) as caught:
        item_for(NEED, items, {ADOPTED.id: "pcr-itm-4-18-6"})
    assert caught.value.cause is cause
    assert "not recorded]" not in describe(cause, caught.value.facts).sentence


def test_an_adopted_item_is_used_for_its_code() -> None:
    assert item_for(NEED, [ADOPTED], {ADOPTED.id: NEED.external_id.upper()}) == ADOPTED


def test_duplicate_items_are_all_named() -> None:
    with pytest.raises(Blocked) as caught:
        item_for(NEED, [replace(FOREIGN, id="9"), replace(FOREIGN, id="12"), ELSEWHERE], {})
    assert caught.value.facts["item_ids"] == "12, 9"
