"""The types of properties, from Oracle's REST API Browser, record v1, 2026.1, and of the account's custom fields.

A standard property that is not listed here is a text. Custom fields are those of the setting `custom_field_types`: Oracle's tables have none,
an account's metadata catalog has them with "x-ns-custom-field".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.netsuite.properties import (
    BILL_EXPENSE_LINE_PROPERTIES,
    BILL_ITEM_LINE_PROPERTIES,
    BILL_TYPE_PROPERTIES,
    ENTITY_PROPERTIES,
    ITEM_PROPERTIES,
    names,
)
from simulators.netsuite.settings import NetSuiteSettings

KINDS = frozenset({"text", "number", "integer", "boolean", "date", "reference", "multi"})
BODY = ""  # the part of a record that is not a sublist; "item" and "expense" are the lines of a bill

# Read by the rules of bills and Items themselves.
_OWN = names("id externalId entity subsidiary postingPeriod approvalStatus item expense apply line customer job")
_BOOLEANS = names(
    """
    availableToPartners generateAccruals includeChildren isFulfillable isInactive isTaxable manufacturingChargeItem isOnline offerSupport
    pricesIncludeTax paymentHold received taxDetailsOverride taxRegOverride toBePrinted autoApply isBillable isPerson is1099Eligible
    """
)
_NUMBERS = names(
    """
    cost costEstimate rate discountAmount exchangeRate userTotal userTaxTotal quantity amount grossAmt taxRate1 tax1Amt creditLimit
    jobPrice estimatedCost estimatedRevenue
    """
)
_INTEGERS = names("amortizationPeriod orderLine")
_DATES = names(
    """
    discountDate dueDate endDate startDate taxPointDate tranDate amortizStartDate amortizationEndDate scheduledEndDate projectedEndDate
    """
)
_REFERENCES = {  # property -> SuiteQL's name of its list, "" if the account keeps none here
    "department": "department",
    "class": "classification",
    "location": "location",
    "terms": "term",
    "taxSchedule": "taxschedule",
    **dict.fromkeys(
        names(
            """
            account expenseAccount incomeAccount deferralAccount deferredRevenueAccount billPriceVarianceAcct billQtyVarianceAcct
            billExchRateVarianceAcct
            """
        ),
        "account",
    ),
    **dict.fromkeys(
        names(
            """
            amortizationTemplate costCategory currency customForm parent purchaseTaxCode salesTaxCode unitsType vendor billingSchedule
            revenueRecognitionRule billAddressList nextApprover amortizationSched orderDoc projecttask taxCode category
            """
        ),
        "",
    ),
}
_ENTITY_REFERENCES = {  # of projects and vendors, by the same rule
    "subsidiary": "subsidiary",
    "representingSubsidiary": "subsidiary",
    "currency": "currency",
    "payablesAccount": "account",
    **dict.fromkeys(names("jobType projectManager projectExpenseType incoterm workCalendar"), ""),
}
_TEXTS_OF_EXPENSES = names("orderDoc orderLine")  # a reference and a number on item lines
_PREFIXES = {
    "custbody_": ("bill", BODY),
    "custcol_": ("bill", "line"),
    "custitem_": ("item", BODY),
    "custentity_": ("entity", BODY),
}


@dataclass(frozen=True)
class FieldType:
    """What a property can hold. `list`: SuiteQL's name of the list that a reference points to, "" for any; `length`: 0 = no limit."""

    kind: str
    list: str = ""
    label: str = ""
    length: int = 0
    custom: bool = False


def standard_properties(record_type: str, part: str) -> frozenset[str]:
    """Return the names of the published properties of a part of a record type."""
    if part == "item":
        return BILL_ITEM_LINE_PROPERTIES
    if part == "expense":
        return BILL_EXPENSE_LINE_PROPERTIES
    return {**ITEM_PROPERTIES, **BILL_TYPE_PROPERTIES}.get(record_type, frozenset())


def standard_type(name: str, part: str) -> FieldType | None:
    """Return the type of a published property; None for those that the rules of the record read themselves."""
    if name in _OWN:
        return None
    if part == "expense" and name in _TEXTS_OF_EXPENSES:
        return FieldType("text")
    if name in _REFERENCES:
        return FieldType("reference", _REFERENCES[name])
    kinds = {"boolean": _BOOLEANS, "number": _NUMBERS, "integer": _INTEGERS, "date": _DATES}
    return FieldType(next((kind for kind, members in kinds.items() if name in members), "text"))


def entity_types(settings: NetSuiteSettings, record_type: str) -> dict[str, FieldType]:
    """Return the types of all properties of a project ("job") or vendor, with those of its custom fields."""
    types = {name: _entity_type(name) for name in ENTITY_PROPERTIES[record_type]}
    return {**types, **custom_types(settings, record_type, BODY)}


def _entity_type(name: str) -> FieldType:
    if name in _ENTITY_REFERENCES:
        return FieldType("reference", _ENTITY_REFERENCES[name])
    return standard_type(name, BODY) or FieldType("text")


def custom_types(settings: NetSuiteSettings, record_type: str, part: str) -> dict[str, FieldType]:
    """Return the custom fields of a part of a record type, with their types."""
    return {
        name: _custom_type(name, known)
        for name, known in settings.custom_field_types.items()
        if _applies(name, known, record_type, part)
    }


def types_of(settings: NetSuiteSettings, record_type: str, part: str) -> dict[str, FieldType]:
    """Return the types by which values are checked: of custom fields, and with `typed_values` of standard properties."""
    types = custom_types(settings, record_type, part) if settings.custom_field_types else {}
    if settings.typed_values:
        for name in standard_properties(record_type, part):
            known = standard_type(name, part)
            if known is not None:
                types[name] = known
    return types


def known_names(settings: NetSuiteSettings, record_type: str, part: str) -> frozenset[str]:
    """Return the names of all properties of a part of a record type."""
    return standard_properties(record_type, part) | custom_types(settings, record_type, part).keys()


def _custom_type(name: str, known: Mapping[str, Any]) -> FieldType:
    kind = str(known.get("type", "text"))
    if kind not in KINDS:
        raise ValueError(f"{name}: no such type of a custom field: {kind}")
    return FieldType(kind, str(known.get("list", "")), str(known.get("label", "")), int(known.get("length", 0)), True)


def _applies(name: str, known: Mapping[str, Any], record_type: str, part: str) -> bool:
    """Return whether a part of a record type has the custom field: by its prefix, and by the "records" and "parts" of its definition."""
    group = "bill" if record_type in BILL_TYPE_PROPERTIES else "entity" if record_type in ENTITY_PROPERTIES else "item"
    for prefix, (its_group, its_part) in _PREFIXES.items():
        if name.startswith(prefix) and (group != its_group or ("line" if part else BODY) != its_part):
            return False
    records, parts = known.get("records"), known.get("parts")
    return (records is None or record_type in records or group in records) and (
        parts is None or (part or "body") in parts
    )
