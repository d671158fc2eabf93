"""NetSuite's records and rows as models, and the bodies of new records.

Only documented properties are sent (REST API Browser, record v1, 2026.1), and the custom fields that the installation names. Amounts are sent as JSON numbers with two decimals and read as
Decimal. SuiteQL leaves out columns that are null.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from worker.clients.fields import Day, Flag, InternalId, Money, NonEmptyText, OptionalText, Row, Text
from worker.domain import money
from worker.domain.bills import Bill, BillLine, Document, FoundBill
from worker.domain.errors import UnexpectedAnswer
from worker.domain.field_kinds import FieldKind, FieldValue
from worker.domain.items import FoundItem, ItemNeed
from worker.domain.links import Entity
from worker.domain.posting_periods import PostingPeriod

RECORD_TYPES = {Document.BILL: "vendorBill", Document.CREDIT: "vendorCredit"}
SUITEQL_TYPES = {Document.BILL: "VendBill", Document.CREDIT: "VendCred"}
PLAUSIBLE_NAME_LIMITS = range(20, 1000)
"""Any other value in a metadata catalog is ignored, and the usual length is used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDefaults:
    """Values of every new Item and bill; for an empty id, NetSuite's own preferences apply. `item_name_limit`: from the account's profile."""

    item_type: str
    subsidiary_id: str = ""
    expense_account_id: str = ""
    income_account_id: str = ""
    tax_schedule_id: str = ""
    project_field: str = "customer"
    makes_credits: bool = False
    item_name_limit: int | None = None


def item_body(need: ItemNeed, defaults: AccountDefaults, *, display_name_limit: int) -> dict[str, Any]:
    """Return the body of POST /{otherCharge…Item}. The display name may be shortened: it identifies nothing."""
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
    return body | {name: {"id": value} for name, value in references.items() if value} | properties(need.fields)


def bill_body(bill: Bill, defaults: AccountDefaults, document: Document) -> dict[str, Any]:
    """Return the body of POST /vendorBill, or of POST /vendorCredit, whose amounts have the opposite sign (docs/remotes.md, the bill)."""
    sign = -1 if document is Document.CREDIT else 1
    body: dict[str, Any] = {
        "externalId": bill.external_id,
        "entity": {"id": bill.vendor_id},
        "tranId": bill.document_number,
        "tranDate": bill.date.isoformat(),
        "memo": bill.memo,
        "item": {"items": [_line_body(line, sign, bill.job_id, defaults.project_field) for line in bill.lines]},
    }
    if bill.posting_period:
        body["postingPeriod"] = {"id": bill.posting_period.id}
    if defaults.subsidiary_id:
        body["subsidiary"] = {"id": defaults.subsidiary_id}
    return body | properties(bill.fields)


def _number(value: Any) -> Decimal:
    number = Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
    if number is None or not number.is_finite() or abs(number) >= money.LIMIT:
        raise ValueError("is not a number")
    return number


Rate = Annotated[Decimal, BeforeValidator(lambda value: Decimal(1) if value is None else _number(value))]
"""An exchange rate with any number of decimals; missing in an account with one currency."""


class NetSuiteRow(Row):
    """A record or row of NetSuite."""

    remote: ClassVar[str] = "NetSuite"


class IdRow(NetSuiteRow):
    """The `id` of any record or row."""

    id: InternalId


class ItemRow(IdRow):
    """A row of SuiteQL's `item`."""

    itemid: NonEmptyText
    externalid: OptionalText = None
    itemtype: NonEmptyText
    subtype: Text = ""
    isinactive: Literal["T", "F"]
    displayname: Text = ""

    def item(self) -> FoundItem:
        """Convert to the domain's type."""
        inactive = self.isinactive == "T"
        return FoundItem(self.id, self.itemid, self.externalid, self.itemtype, self.subtype, inactive, self.displayname)


class ItemNameRow(IdRow):
    """A row of SuiteQL's `item` with only the name."""

    itemid: Text = ""


class ItemRecordRow(IdRow):
    """GET /{otherCharge…Item}/…"""

    name: NonEmptyText = Field(alias="itemId")
    external_id: OptionalText = Field(None, alias="externalId")
    display_name: Text = Field("", alias="displayName")
    inactive: Flag = Field(alias="isInactive")


class BillNumberRow(IdRow):
    """A row of SuiteQL's `transaction`: a bill's vendor, number and last change."""

    type: Literal["VendBill", "VendCred"]
    externalid: OptionalText = None
    tranid: Text = ""
    entity: InternalId
    modified: Text = ""


class AccountRow(IdRow):
    """A row of SuiteQL's `account`."""

    fullname: NonEmptyText
    isinactive: Literal["T", "F"]


class EntryRow(IdRow):
    """A row of a list such as SuiteQL's `department`."""

    name: Text = ""
    fullname: Text = ""
    isinactive: Literal["T", "F"] = "F"


class NamedRow(IdRow):
    """A row of one of SuiteQL's tables of lists, such as `taxschedule` or `department`."""

    name: NonEmptyText


class PostingPeriodRow(IdRow):
    """A row of SuiteQL's `accountingperiod`, its days written by TO_CHAR."""

    periodname: NonEmptyText
    firstday: Day
    lastday: Day
    closed: Literal["T", "F"]
    aplocked: Literal["T", "F"]
    alllocked: Literal["T", "F"]

    def period(self) -> PostingPeriod:
        """Convert to the domain's type."""
        opened = "T" not in (self.closed, self.aplocked, self.alllocked)
        return PostingPeriod(self.id, self.periodname, self.firstday, self.lastday, opened)


class EntityRow(IdRow):
    """A row of SuiteQL's `vendor` or `job`."""

    entityid: Text = ""
    companyname: Text = ""
    externalid: OptionalText = None
    isinactive: Literal["T", "F"]

    def entity(self) -> Entity:
        """Convert to the domain's type."""
        inactive = self.isinactive == "T"
        return Entity(self.id, self.entityid, self.companyname, external_id=self.externalid, inactive=inactive)


class PersonRow(IdRow):
    """A row of SuiteQL's `vendor` with the names of a person."""

    firstname: Text = ""
    lastname: Text = ""

    def named(self, entity: Entity) -> Entity:
        """Return the vendor with these names."""
        return replace(entity, first_name=self.firstname, last_name=self.lastname)


class ReferenceRow(IdRow):
    """A reference to another record; `refName`: its name (ohelp/section_1545142037)."""

    name: Text = Field("", alias="refName")


class BillLineRow(NetSuiteRow):
    """One of `item.items` of a vendor bill. Quantity and rate are only read if the amount is missing, the project only to find that of the bill."""

    item: ReferenceRow | None = None
    customer: Any = None
    job: Any = None
    amount: Money | None = None
    quantity: Any = None
    rate: Any = None
    description: Text = ""

    @model_validator(mode="after")
    def _has_amount(self) -> Self:
        self.line()
        return self

    def line(self) -> BillLine:
        """Convert to the domain's type."""
        value = self.amount
        if value is None:
            quantity = 1 if self.quantity is None else self.quantity
            value = money.amount(_number(quantity) * _number(0 if self.rate is None else self.rate))
        item_id, item_name = (self.item.id, self.item.name) if self.item else ("", "")
        return BillLine(item_id, value, self.description, item_name)


class BillLinesRow(NetSuiteRow):
    """`item` of a vendor bill."""

    items: list[BillLineRow] = Field(default_factory=list)


class VendorBillRow(IdRow):
    """GET /vendorBill/…?expandSubResources=true, or of a vendor credit."""

    external_id: OptionalText = Field(None, alias="externalId")
    entity: ReferenceRow
    document_number: Text = Field("", alias="tranId")
    day: Day = Field(alias="tranDate")
    total: Money
    lines: BillLinesRow | None = Field(None, alias="item")
    period: ReferenceRow | None = Field(None, alias="postingPeriod")
    exchange_rate: Rate = Field(Decimal(1), alias="exchangeRate")
    subsidiary: ReferenceRow | None = None

    def bill(self, document: Document = Document.BILL) -> FoundBill:
        """Convert to the domain's type, a credit with the opposite sign."""
        sign = -1 if document is Document.CREDIT else 1
        rows = self.lines.items if self.lines else []
        lines = [row.line() for row in rows]
        return FoundBill(
            self.id,
            self.external_id,
            self.entity.id,
            self.document_number,
            self.day,
            sign * self.total,
            tuple(replace(line, amount=sign * line.amount) for line in lines),
            self.entity.name,
            document,
            self.period.id if self.period else "",
            self.period.name if self.period else "",
            self.exchange_rate,
            self.subsidiary.id if self.subsidiary else "",
            next((job_id for row in rows if (job_id := id_in(row.customer) or id_in(row.job))), ""),
        )


def id_in(reference: Any) -> str:
    """Return the internal id in a reference; "" for any other value. Nothing is written from it."""
    value = reference.get("id") if isinstance(reference, dict) else None
    return str(value) if isinstance(value, str | int) and str(value).removeprefix("-").isdecimal() else ""


def name_limit(schema: Any, field: str = "itemId") -> int | None:
    """Return the length of a name in a record's JSON schema; None if it has none, or an implausible one."""
    for name in ("properties", field, "maxLength"):
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema if type(schema) is int and schema in PLAUSIBLE_NAME_LIMITS else None


def _line_body(line: BillLine, sign: int, job_id: str, project_field: str) -> dict[str, Any]:
    return {
        "item": {"id": line.item_id},
        "quantity": 1,
        "rate": number(sign * line.amount),
        "description": line.description,
        **({project_field: {"id": job_id}} if job_id else {}),
        "isBillable": False,
    } | properties(line.fields)


def properties(fields: Mapping[str, FieldValue]) -> dict[str, Any]:
    """Return further fields as properties of a body: references as {"id"}, multi-select fields as {"items": [{"id"}]} (docs/remotes.md, fields)."""
    return {name: _property(value) for name, value in fields.items()}


def _property(value: FieldValue) -> Any:
    if value.kind is FieldKind.REFERENCE:
        return {"id": value.text}
    if value.kind is FieldKind.MULTI_SELECT:
        return {"items": [{"id": each} for each in value.ids]}
    if value.kind is FieldKind.BOOLEAN:
        return value.text == "true"
    if value.kind is FieldKind.INTEGER:
        return int(Decimal(value.text))
    return number(Decimal(value.text)) if value.kind is FieldKind.NUMBER else value.text


def number(value: Decimal) -> float:
    """Return a Decimal as the JSON number with the same digits: json writes the shortest text that reads back as this float, and below 10**13
    that text is exactly the amount. Raises UnexpectedAnswer for any other number, before anything is sent.
    """
    as_float = float(value)
    if Decimal(repr(as_float)) != value:
        raise UnexpectedAnswer(f"{value} cannot be sent without losing a cent")
    return as_float
