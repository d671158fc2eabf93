"""The names of properties that the simulator takes are published ones."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from simulators.netsuite.properties import (
    BILL_EXPENSE_LINE_PROPERTIES,
    BILL_ITEM_LINE_PROPERTIES,
    BILL_PROPERTIES,
    CREDIT_PROPERTIES,
    ITEM_PROPERTIES,
)

SCHEMAS = os.environ.get("VENDOR_SCHEMAS", "")
pytestmark = pytest.mark.skipif(
    not SCHEMAS, reason="VENDOR_SCHEMAS names no folder with the vendors' published schemas"
)


def published(record: str, sublist: str | None = None) -> set[str]:
    schema = json.loads((Path(SCHEMAS) / "netsuite" / f"{record}.json").read_text())
    return set(schema["properties"] if sublist is None else schema["sublists"][sublist])


@pytest.mark.parametrize("record", ["otherChargePurchaseItem", "otherChargeResaleItem"])
def test_properties_of_items_are_published(record: str) -> None:
    assert ITEM_PROPERTIES[record] - published(record) == set()


def test_properties_of_bills_and_their_lines_are_published() -> None:
    assert BILL_PROPERTIES - published("vendorBill") == set()
    assert CREDIT_PROPERTIES - published("vendorCredit") == set()
    assert BILL_ITEM_LINE_PROPERTIES - published("vendorBill", "item") == set()
    assert BILL_EXPENSE_LINE_PROPERTIES - published("vendorBill", "expense") == set()
