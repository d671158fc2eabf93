"""The rules of vendor bills (ohelp/article_164484956387, ohelp/section_0504045254) and of vendor credits, which have the same sublists."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from simulators.netsuite import bodies
from simulators.netsuite.bill_lines import changed_expenses, changed_lines
from simulators.netsuite.bill_views import shown_bill
from simulators.netsuite.bodies import Body, NameCheck
from simulators.netsuite.currencies import take_currency
from simulators.netsuite.field_types import BODY, known_names
from simulators.netsuite.fields import typed
from simulators.netsuite.forms import check_hidden, check_mandatory
from simulators.netsuite.kind import Kind
from simulators.netsuite.periods import Period, period_of
from simulators.netsuite.permissions import check_vendor_allowed
from simulators.netsuite.properties import APPROVAL_STATUSES, PENDING_APPROVAL
from simulators.netsuite.records import Bill, Shelf
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.subsidiaries import check_bill, not_available
from simulators.netsuite.wire import NetSuiteError, invalid_value, missing_value

_OWN = frozenset(
    {
        "id",
        "externalId",
        "entity",
        "subsidiary",
        "tranId",
        "tranDate",
        "memo",
        "item",
        "expense",
        "approvalStatus",
        "postingPeriod",
    }
)
_NUMBER_LENGTH = 45
_MEMO_LENGTH = 999


class BillKind(Kind[Bill]):
    """Vendor bills or vendor credits. Transactions of all types share external ids; these two are the only ones here."""

    def __init__(self, state: NetSuiteState, record_type: str) -> None:
        super().__init__(state, record_type)
        self.permission = record_type

    @property
    def shelf(self) -> Shelf[Bill]:
        """The shelf on which the account keeps bills, by id."""
        return self.state.bills

    def draft(self, body: Body, names: NameCheck) -> Bill:
        """Return a new bill, which needs at least one line."""
        now = self.state.now()
        empty = Bill(
            id="",
            externalid=None,
            entity="",
            subsidiary="",
            tranid="",
            trandate=now.date().isoformat(),
            memo="",
            record_type=self.record_type,
            tax=self.state.settings.bill_tax,
            created_at=now,
        )
        bill = self.changed(empty, body, names, frozenset())
        if self.state.settings.bills_need_approval and self.record_type == "vendorBill":
            bill.fields["approvalStatus"] = {"id": PENDING_APPROVAL}
        if self.record_type in self.state.settings.auto_generated_numbers:
            bill.tranid = self.state.generated_number("BILL")
        return bill

    def changed(self, record: Bill, body: Body, names: NameCheck, replace: frozenset[str]) -> Bill:
        """Return a copy with the properties of `body`. Lines without a known key are added unless the sublist is replaced.

        So a repeated PUT may duplicate lines (ohelp/section_1545295601, ohelp/section_1545297048).
        """
        body = names.keep_known(body, known_names(self.state.settings, self.record_type, BODY))
        check_hidden(self.state.settings, self.record_type, body)
        body = typed(self.state, self.record_type, BODY, body)
        bill = dataclasses.replace(record, fields=dict(record.fields), modified_at=self.state.now())
        if "externalId" in body:
            given = bodies.text(body, "externalId")
            bill.externalid = bodies.external_id_of(given) if given else None
        if "tranId" in body:
            bill.tranid = bodies.text(body, "tranId", _NUMBER_LENGTH)
        if "memo" in body:
            bill.memo = bodies.text(body, "memo", _MEMO_LENGTH)
        bill.trandate = bodies.date(body, "tranDate", "trandate") or record.trandate
        bill.entity = bodies.reference(body, "entity") or record.entity
        bill.subsidiary = bodies.reference(body, "subsidiary") or record.subsidiary
        check_vendor_allowed(self.state, bill.entity)
        self._take_approval_status(bill, body)
        bill.fields.update({name: value for name, value in body.items() if name not in _OWN})
        self._check_head(bill)
        take_currency(self.state, bill, body)
        bill.period = self._posting_period(bill, bodies.reference(body, "postingPeriod")).id
        bill.lines = changed_lines(self.state, bill, body, names, "item" in replace)
        bill.expenses = changed_expenses(self.state, bill, body, names, "expense" in replace)
        self._check_whole(bill)
        if self.state.settings.one_world and self.state.settings.subsidiaries:
            check_bill(self.state, bill)
        if self.state.settings.mandatory_fields:
            check_mandatory(self.state.settings, self.record_type, self.shown(bill, expand=True))
        return bill

    def _take_approval_status(self, bill: Bill, body: Body) -> None:
        status = bodies.reference(body, "approvalStatus")
        if status is None:
            return
        if status not in APPROVAL_STATUSES:
            raise invalid_value(status, "approvalstatus", "approvalStatus")
        bill.fields["approvalStatus"] = {"id": status}

    def _check_head(self, bill: Bill) -> None:
        if not bill.entity:
            raise missing_value("Vendor", "entity")
        vendor = self.state.vendors.get(bill.entity)
        if vendor is None or vendor.isinactive:
            raise invalid_value(bill.entity, "entity", "entity")
        if self.state.settings.one_world:
            if not bill.subsidiary:
                raise missing_value("Subsidiary", "subsidiary")
            # Vendor, subsidiary and currency have to match (ohelp/section_N276477).
            if bill.subsidiary not in (vendor.subsidiary, *vendor.shared_with):
                if self.state.settings.subsidiaries and self.state.has_subsidiary(bill.subsidiary):
                    raise not_available("entity", bill.entity, bill.subsidiary, "entity")
                raise invalid_value(bill.subsidiary, "subsidiary", "subsidiary")

    def _posting_period(self, bill: Bill, asked: str | None) -> Period:
        """Return the requested period, or that of the date. If it is closed, the account's preferences decide: another one, or a refusal."""
        settings = self.state.settings
        own = period_of(self.state.periods, datetime.date.fromisoformat(bill.trandate))
        period = self.state.periods.get(asked) if asked else own
        if period is None:
            raise invalid_value(str(asked), "postingperiod", "postingPeriod")
        if period.id != own.id and settings.date_outside_period == "ignore":
            period = own
        if period.id != own.id and settings.date_outside_period == "disallow":
            raise NetSuiteError(
                "Error while accessing a resource. The transaction date you specified is not within the date range of "
                "your accounting period.",
                path="postingPeriod",
            )
        if self.state.accepts_bills(period) or settings.override_period_restrictions:
            return period
        if not asked and settings.closed_dates_move:
            return next(
                each for each in self.state.periods if each.start > own.start and self.state.accepts_bills(each)
            )
        # The responses of real accounts; the second if the request names a period (public code of integrations with NetSuite).
        if asked:
            raise NetSuiteError(
                "Error while accessing a resource. You cannot change transactions in a closed period.",
                code=settings.closed_period_code,
                path="postingPeriod",
            ).with_text(settings.closed_period_words)
        raise NetSuiteError(
            "Error while accessing a resource. The transaction date you specified is not within the date range of your "
            "accounting period.",
            code=settings.closed_period_code,
            path="tranDate",
        ).with_text(settings.closed_period_words)

    def _check_whole(self, bill: Bill) -> None:
        if not bill.lines and not bill.expenses:
            raise NetSuiteError(
                "Error while accessing a resource. You must enter at least one line item for this transaction.",
                path="item",
            )
        if bill.total < 0 and self.state.settings.refuse_negative_bills:
            raise NetSuiteError(
                "Error while accessing a resource. The total of this transaction must not be negative.", path="item"
            )

    def check_unique(self, record: Bill) -> None:
        """Refuse an external id in use, and, if the account blocks duplicates, a document number of the vendor (ohelp/section_N547300)."""
        if record.tranid and self.state.settings.duplicate_numbers == "block":
            others = self.shelf.find("number", (record.entity, record.tranid.casefold()))
            if any(other.id != record.id and self.belongs(other) for other in others):
                raise NetSuiteError(
                    f"Error while accessing a resource. Duplicate document number: a bill with the reference number "
                    f"{record.tranid} already exists for this vendor.",
                    path="tranId",
                ).with_text(self.state.settings.duplicate_words)
        self.check_external_id(record)

    def check_deletable(self, record: Bill) -> None:
        """Allow every deletion, because no record refers to a bill."""

    def missing(self, key: str) -> NetSuiteError:
        """Return a 400 for an unknown internal id of a transaction, not a 404; for an unknown external id, the status in the settings."""
        if key.startswith("eid:") and self.state.settings.unknown_bill_eid_status == 404:
            return NetSuiteError(
                "The record instance does not exist. Provide a valid record instance ID.",
                status=404,
                code="NONEXISTENT_ID",
            )
        unknown = NetSuiteError("Error while accessing a resource. Transaction type specified is incorrect.")
        return unknown.with_text(self.state.settings.unknown_bill_words)

    def belongs(self, record: Bill) -> bool:
        """Return whether the record has this type: a credit is not found as a bill, or the reverse."""
        return record.record_type == self.record_type

    def shown(self, record: Bill, expand: bool) -> dict[str, Any]:
        """Return the bill or credit with NetSuite's property names."""
        return shown_bill(self.state, record, expand)
