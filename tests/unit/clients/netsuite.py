"""A NetSuite client on prepared responses, and the requests of its tests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from tests.unit.clients.remotes import Scripted, answer
from worker.clients.http import Answer
from worker.clients.netsuite.client import NetSuite
from worker.domain.bills import Bill, BillLine
from worker.domain.items import ItemNeed

RECORDS = "https://td1.example/services/rest/record/v1"
NEED = ItemNeed("pcr-itm-4-17-901", "24-017-01-100.S", "Concrete")
BILL = Bill("pcr-bill-4-417", "33", "700", "A-1", date(2026, 9, 30), "m", (BillLine("5871", Decimal("9.00"), "a"),))
ROW: dict[str, Any] = {"itemid": "n", "itemtype": "OthCharge", "subtype": "Purchase", "isinactive": "F"}
MADE = f"{RECORDS}/otherChargePurchaseItem/5871"
NOT_FOUND = answer(404, {"o:errorDetails": [{"o:errorCode": "NONEXISTENT_ID", "detail": "no"}]})

MakeClient = Callable[..., tuple[NetSuite, Scripted]]


def nothing() -> None:
    """Do nothing: takes the place of the ledger's note before a write is sent."""


def refused(code: str, detail: str = "no", status: int = 400) -> Answer:
    return answer(status, {"o:errorDetails": [{"o:errorCode": code, "detail": detail}]})


def rows(*records: dict[str, str]) -> Answer:
    return answer(200, {"items": list(records)})
