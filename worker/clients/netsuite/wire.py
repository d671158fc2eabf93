"""NetSuite's records and rows in the domain's words, and the bodies of the two that are created.

Only published properties are sent (REST API Browser, record v1, 2026.1). Amounts go out as JSON numbers of two places and
come back as Decimal.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from worker.domain import money
from worker.domain.errors import UnexpectedAnswer
from worker.domain.invoices import Bill, BillLine, FoundBill
from worker.domain.items import FoundItem, ItemNeed


class AccountDefaults:
    """What this account wants on every Item and bill; empty ids are left out (then NetSuite's own preferences apply)."""

    def __init__(
        self,
        *,
        item_type: str,
        subsidiary_id: str = "",
        expense_account_id: str = "",
        income_account_id: str = "",
        tax_schedule_id: str = "",
        project_field: str = "customer",
    ) -> None:
        self.item_type = item_type
        self.subsidiary_id = subsidiary_id
        self.expense_account_id = expense_account_id
        self.income_account_id = income_account_id
        self.tax_schedule_id = tax_schedule_id
        self.project_field = project_field


def item_body(need: ItemNeed, defaults: AccountDefaults, *, display_name_limit: int) -> dict[str, Any]:
    """Body of POST /{otherCharge…Item}. The display name may be cut: it is for reading only and identifies nothing."""
    body: dict[str, Any] = {"externalId": need.external_id, "itemId": need.name, "includeChildren": False}
    if need.description:
        body["displayName"] = need.description[:display_name_limit]
    if defaults.subsidiary_id:
        body["subsidiary"] = {"items": [{"id": defaults.subsidiary_id}]}
    references = {
        "expenseAccount": defaults.expense_account_id,
        "incomeAccount": defaults.income_account_id if defaults.item_type == "otherChargeResaleItem" else "",
        "taxSchedule": defaults.tax_schedule_id,
    }
    return body | {name: {"id": value} for name, value in references.items() if value}


def bill_body(bill: Bill, defaults: AccountDefaults) -> dict[str, Any]:
    """Body of POST /vendorBill (docs/remotes.md, the bill)."""
    body: dict[str, Any] = {
        "externalId": bill.external_id,
        "entity": {"id": bill.vendor_id},
        "tranId": bill.document_number,
        "tranDate": bill.date.isoformat(),
        "memo": bill.memo,
        "item": {"items": [_line_body(line, bill.job_id, defaults.project_field) for line in bill.lines]},
    }
    if defaults.subsidiary_id:
        body["subsidiary"] = {"id": defaults.subsidiary_id}
    return body


def found_item(row: Mapping[str, Any]) -> FoundItem:
    """A row of SuiteQL's `item`."""
    return FoundItem(
        id=str(row["id"]),
        name=str(row.get("itemid") or ""),
        external_id=row.get("externalid") or None,
        type=str(row.get("itemtype") or ""),
        subtype=str(row.get("subtype") or ""),
        inactive=row.get("isinactive") == "T",
    )


def found_bill(body: Mapping[str, Any]) -> FoundBill:
    """GET /vendorBill/{id}?expandSubResources=true. Raises UnexpectedAnswer when it is not as published."""
    try:
        lines = (body.get("item") or {}).get("items") or []
        day = str(body.get("tranDate") or "")[:10]
        return FoundBill(
            id=str(body["id"]),
            external_id=body.get("externalId") or None,
            vendor_id=_reference(body.get("entity")),
            document_number=str(body.get("tranId") or ""),
            date=date.fromisoformat(day) if day else None,
            total=money.amount(body.get("total")),
            lines=tuple(_found_line(line) for line in lines),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnexpectedAnswer(f"NetSuite's vendorBill is not as published: {error}") from error


def _found_line(line: Mapping[str, Any]) -> BillLine:
    value = line.get("amount")
    if value is None:
        value = Decimal(str(line.get("quantity") or 1)) * Decimal(str(line.get("rate") or 0))
    return BillLine(_reference(line.get("item")), money.amount(value), str(line.get("description") or ""))


def _line_body(line: BillLine, job_id: str, project_field: str) -> dict[str, Any]:
    return {
        "item": {"id": line.item_id},
        "quantity": 1,
        "rate": number(line.amount),
        "description": line.description,
        project_field: {"id": job_id},
        "isBillable": False,
    }


def _reference(value: Any) -> str:
    return str(value["id"]) if isinstance(value, Mapping) and "id" in value else ""


def number(value: Decimal) -> float:
    """A Decimal as the JSON number of the same digits: json writes the shortest text that reads back as this float, and
    below 10**13 that text is exactly the amount. Anything else raises ValueError.
    """
    as_float = float(value)
    if Decimal(repr(as_float)) != value:
        raise ValueError(f"{value} cannot be sent without losing a cent")
    return as_float
