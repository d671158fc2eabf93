"""The fields of NetSuite records that an installation may fill, and the kinds of values they hold.

Standard fields are those of Oracle's REST API Browser, record v1, 2026.1, that describe a record: fields that decide an amount, an
identity, the payee or the subsidiary are written by wbs-sync alone. Custom fields differ in each account: its metadata catalog, or the
file, says their kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

CUSTOM = re.compile(r"(custitem|custbody|custcol|cseg)_?[a-z0-9_]+")
"""Names of custom fields: of Items, of bills, of their lines, and of custom segments, which may be on any of them."""
_INTERNAL_ID = re.compile(r"-?[0-9]{1,19}")


class Place(StrEnum):
    """The part of a record that has a field, by its table in the file."""

    ITEM = "item"
    BILL = "bill"
    BILL_LINE = "bill.line"
    CREDIT = "credit"
    CREDIT_LINE = "credit.line"

    @property
    def is_line(self) -> bool:
        """Whether it is a line of a bill or credit."""
        return self in (Place.BILL_LINE, Place.CREDIT_LINE)


class FieldKind(StrEnum):
    """The kind of value a field holds, as `kind` in the file."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    REFERENCE = "reference"
    MULTI_SELECT = "multi-select"


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The value of one field as text: an internal id of a reference, ids separated by commas of a multi-select field, a date as 2026-11-30."""

    kind: FieldKind
    text: str

    @property
    def ids(self) -> tuple[str, ...]:
        """The internal ids of the records it refers to; none for other kinds."""
        is_reference = self.kind in (FieldKind.REFERENCE, FieldKind.MULTI_SELECT)
        return tuple(part.strip() for part in self.text.split(",")) if is_reference else ()


_CLASSIFICATIONS = dict.fromkeys(("department", "class", "location"), FieldKind.REFERENCE)
_BILL_AND_CREDIT = _CLASSIFICATIONS | {
    "account": FieldKind.REFERENCE,
    "customForm": FieldKind.REFERENCE,
    "toBePrinted": FieldKind.BOOLEAN,
    "taxPointDate": FieldKind.DATE,
    "taxRegOverride": FieldKind.BOOLEAN,
    "taxDetailsOverride": FieldKind.BOOLEAN,
}
_LINE = _CLASSIFICATIONS | {
    "taxCode": FieldKind.REFERENCE,
    "isBillable": FieldKind.BOOLEAN,
    "projecttask": FieldKind.REFERENCE,
    "taxDetailsReference": FieldKind.TEXT,
    "vendorName": FieldKind.TEXT,
    "amortizationSched": FieldKind.REFERENCE,
    "amortizStartDate": FieldKind.DATE,
    "amortizationEndDate": FieldKind.DATE,
}
STANDARD: Mapping[Place, Mapping[str, FieldKind]] = {
    Place.ITEM: _CLASSIFICATIONS
    | {
        "description": FieldKind.TEXT,
        "purchaseDescription": FieldKind.TEXT,
        "costCategory": FieldKind.REFERENCE,
        "unitsType": FieldKind.REFERENCE,
        "customForm": FieldKind.REFERENCE,
        "vendor": FieldKind.REFERENCE,
        "vendorName": FieldKind.TEXT,
        "upcCode": FieldKind.TEXT,
        "isFulfillable": FieldKind.BOOLEAN,
        "isTaxable": FieldKind.BOOLEAN,
        "generateAccruals": FieldKind.BOOLEAN,
        "availableToPartners": FieldKind.BOOLEAN,
        "manufacturingChargeItem": FieldKind.BOOLEAN,
        "purchaseTaxCode": FieldKind.REFERENCE,
        "salesTaxCode": FieldKind.REFERENCE,
        "deferralAccount": FieldKind.REFERENCE,
        "amortizationTemplate": FieldKind.REFERENCE,
        "amortizationPeriod": FieldKind.INTEGER,
        "billPriceVarianceAcct": FieldKind.REFERENCE,
        "billQtyVarianceAcct": FieldKind.REFERENCE,
        "billExchRateVarianceAcct": FieldKind.REFERENCE,
    },
    Place.BILL: _BILL_AND_CREDIT
    | {
        "terms": FieldKind.REFERENCE,
        "dueDate": FieldKind.DATE,
        "approvalStatus": FieldKind.REFERENCE,
        "nextApprover": FieldKind.REFERENCE,
        "billAddressList": FieldKind.REFERENCE,
        "paymentHold": FieldKind.BOOLEAN,
        "received": FieldKind.BOOLEAN,
        "discountDate": FieldKind.DATE,
        "startDate": FieldKind.DATE,
        "endDate": FieldKind.DATE,
    },
    Place.CREDIT: _BILL_AND_CREDIT,
    Place.BILL_LINE: _LINE,
    Place.CREDIT_LINE: _LINE,
}
"""The standard fields that the file may set, with their kinds."""
OURS: Mapping[str, str] = {
    "externalId": "it identifies the record",
    "itemId": "ITEM_NAME_FORMAT sets it",
    "displayName": "it is the description of the WBS code",
    "expenseAccount": "NETSUITE_EXPENSE_ACCOUNT_ID sets it",
    "incomeAccount": "NETSUITE_INCOME_ACCOUNT_ID sets it",
    "taxSchedule": "NETSUITE_TAX_SCHEDULE_ID sets it",
    "subsidiary": "NETSUITE_SUBSIDIARY_ID sets it",
    "includeChildren": "Items are not shared with other subsidiaries",
    "entity": "it is the vendor of the invoice",
    "tranId": "it is the invoice's number",
    "tranDate": "it is the invoice's billing date",
    "memo": "it names the Procore invoice",
    "postingPeriod": "NETSUITE_CLOSED_PERIOD decides it",
    "currency": "bills are written in the currency of the books",
    "exchangeRate": "bills are written in the currency of the books",
    "item": "the lines come from the invoice",
    "expense": "the lines come from the invoice",
    "autoApply": "wbs-sync applies no credit",
    "parent": "an Item below another one has another name",
    "customer": "it is the project of the invoice",
    "job": "it is the project of the invoice",
    **dict.fromkeys(
        (
            "quantity",
            "units",
            "rate",
            "amount",
            "grossAmt",
            "taxRate1",
            "tax1Amt",
            "userTotal",
            "userTaxTotal",
            "discountAmount",
        ),
        "it changes the amount of the bill",
    ),
}
"""Fields that only wbs-sync writes, with the reason."""
LISTS: Mapping[str, str] = {
    "department": "department",
    "class": "classification",
    "location": "location",
    "terms": "term",
    **dict.fromkeys(
        ("account", "deferralAccount", "billPriceVarianceAcct", "billQtyVarianceAcct", "billExchRateVarianceAcct"),
        "account",
    ),
}
"""SuiteQL's table of the records that a standard reference may name, where it is known (docs/remotes.md, fields)."""


def convert(text: str, kind: FieldKind) -> FieldValue:
    """Return a text as the value of a field. Raises ValueError with the end of a sentence if it is none of this kind."""
    if kind in (FieldKind.REFERENCE, FieldKind.MULTI_SELECT):
        value = FieldValue(kind, text.strip())
        parts = value.ids if kind is FieldKind.MULTI_SELECT else (value.text,)
        if not all(_INTERNAL_ID.fullmatch(part) for part in parts):
            ids = "internal ids separated by commas" if kind is FieldKind.MULTI_SELECT else "an internal id"
            raise ValueError(f"must be {ids}, not {text!r}")
        return value
    if kind is FieldKind.DATE:
        try:
            return FieldValue(kind, date.fromisoformat(text).isoformat())
        except ValueError:
            raise ValueError(f"must be a date such as 2026-11-30, not {text!r}") from None
    if kind is FieldKind.BOOLEAN:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"must be true or false, not {text!r}")
        return FieldValue(kind, text.lower())
    if kind in (FieldKind.NUMBER, FieldKind.INTEGER):
        if not _is_number(text, whole=kind is FieldKind.INTEGER):
            raise ValueError(f"must be a {'whole ' if kind is FieldKind.INTEGER else ''}number, not {text!r}")
        return FieldValue(kind, text.strip())
    return FieldValue(kind, text)


def _is_number(text: str, *, whole: bool) -> bool:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return False
    return number.is_finite() and abs(number) < 10**12 and (not whole or number == number.to_integral_value())
