"""A model of NetSuite on virtual time, over the simulator's own records, rules and SuiteQL.

Only what takes time is different: a request arrives, is admitted, is checked, commits and is answered as events of the
schedule, whether its client still waits or not.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

from simulators.books import NetSuiteBooks, NsItem, NsJob, NsVendor
from simulators.netsuite.bills import BillKind
from simulators.netsuite.bodies import NameCheck
from simulators.netsuite.items import ItemKind
from simulators.netsuite.records import BILL_TYPES, ITEM_TYPES, Bill, BillLine, Item
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.suiteql import Engine
from simulators.netsuite.suiteql_parser import BadQuery
from simulators.netsuite.wire import NetSuiteError, json_response, usual_error
from tests.campaign.simulated.remotes import Reply, Request
from tests.campaign.simulated.world import BILLING_DATE, RETAINAGE_ITEM, Company, Invoice, Project

RECORDS = "/services/rest/record/v1/"
HOST = "https://1.suitetalk.example"
PERSON = "person"


class LaggingEngine(Engine):
    """SuiteQL that shows a new record only after a while; a record keeps the moment from which it is seen."""

    def __init__(self, state: NetSuiteState, now: Callable[[], float]) -> None:
        super().__init__(state)
        self._now = now
        self.seen_from: dict[str, float] = {}

    def _visible(self, rows: Iterable[Any]) -> list[Any]:
        return [row for row in rows if self.seen_from.get(row.id, 0.0) <= self._now()]


@dataclasses.dataclass(slots=True)
class Written:
    """A record that was made: by which request, when."""

    record_id: str
    external_id: str
    at: float
    request: Request | None


@dataclasses.dataclass(slots=True)
class AccountRules:
    """What this account's preferences and the role's permissions do to a write.

    `field_refused_for`: the external id of the bill whose memo the role's form does not show; `subsidiary_refused_for`: the id of
    a vendor that the subsidiary does not share.
    """

    generates_names: bool = False
    generates_numbers: bool = False
    field_refused_for: str = ""
    subsidiary_refused_for: str = ""
    credits_allowed: bool = True
    items_editable: bool = True
    _generated: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def require_allowed(self, request: Request) -> None:
        """Raise NetSuiteError for a create that the account refuses."""
        body = request.body
        if request.is_bill and self.field_refused_for and body["externalId"].lower() == self.field_refused_for:
            raise NetSuiteError(
                "You do not have permissions to set a value for element memo due to one of the following reasons: "
                "1) The field is read-only; 2) An associated feature is disabled; 3) The field is available either "
                "when a record is created or updated, but not in both cases.",
                code="INSUFFICIENT_PERMISSION",
            )
        if request.is_bill and body["entity"]["id"] == self.subsidiary_refused_for:
            raise NetSuiteError(f"Invalid subsidiary reference key 1 for entity {self.subsidiary_refused_for}.")
        if request.path.endswith("/vendorCredit") and not self.credits_allowed:
            raise NetSuiteError(
                "You do not have permission to access this page.", status=403, code="INSUFFICIENT_PERMISSION"
            )

    def require_editable(self) -> None:
        """Raise NetSuiteError for an edit that the role may not make."""
        if not self.items_editable:
            raise NetSuiteError(
                "You do not have permission to access this page.", status=403, code="INSUFFICIENT_PERMISSION"
            )

    def as_account_makes(self, record: Any) -> Any:
        """The record as it is saved: generated numbers take the place of what was sent, without an error."""
        if isinstance(record, Item) and self.generates_names:
            record.itemid = f"OC{next(self._generated):05d}"
        if isinstance(record, Bill) and self.generates_numbers:
            record.tranid = f"VB{next(self._generated):05d}"
        return record


class NetSuiteModel:
    """The account. `window`: seconds between the check of uniqueness and the commit; None = both at once."""

    def __init__(self, company: Company, now: Callable[[], float], *, window: float | None, numbers: str) -> None:
        self._now = now
        self.window = window
        self.lag = 0.0
        self.closed = False
        self.rules = AccountRules()
        self.state = NetSuiteState(
            _books(company),
            now=lambda: datetime.datetime.fromtimestamp(now(), datetime.UTC),
            one_world=False,
            default_expense_account="111",
            duplicate_numbers=numbers,
        )
        self.state.now = lambda: datetime.datetime.fromtimestamp(now(), datetime.UTC)
        self.engine = LaggingEngine(self.state, now)
        self._items = {name: ItemKind(self.state, name) for name in ITEM_TYPES}
        self._bills = {name: BillKind(self.state, name) for name in BILL_TYPES}
        self.tokens: dict[str, float] = {}
        self.token_lifetime = 3600
        self.made: list[Written] = []
        self.edits: list[tuple[float, str, dict[str, Any]]] = []
        self.entered: dict[str, float] = {}
        self._company = company

    # Requests, in the steps they take

    def admits(self, request: Request) -> Reply | None:
        """The refusal of a request that may not be looked at."""
        if request.path.endswith("/token"):
            return None
        good_until = self.tokens.get(request.headers.get("Authorization", "")[7:], 0.0)
        return None if good_until > self._now() else _error(401)

    def read(self, request: Request) -> Reply:
        """Everything but a create."""
        try:
            return self._read(request)
        except NetSuiteError as error:
            return _reply(error.response())

    def draft(self, request: Request) -> Any:
        """The record that a create would make; raises NetSuiteError."""
        kind = self._kind(request.path[len(RECORDS) :])
        if self.closed and request.is_bill:
            raise NetSuiteError("You cannot change transactions in a closed period.")
        self.rules.require_allowed(request)
        return self.rules.as_account_makes(kind.draft(_body(request.body), NameCheck(True, "USER_ERROR", ())))

    def check_unique(self, request: Request, draft: Any) -> None:
        """Raises NetSuiteError if another record is in the way."""
        self._kind(request.path[len(RECORDS) :]).check_unique(draft)

    def commit(self, request: Request, draft: Any) -> str:
        """Put the record; gives its id."""
        kind = self._kind(request.path[len(RECORDS) :])
        draft.id = kind.shelf.next_id()
        draft.modified_at = self.state.now()
        kind.shelf.put(draft)
        self.engine.seen_from[draft.id] = self._now() + self.lag
        self.made.append(Written(draft.id, draft.externalid or "", self._now(), request))
        return str(draft.id)

    def _kind(self, name: str) -> Any:
        return self._bills.get(name) or self._items[name]

    def _read(self, request: Request) -> Reply:
        path = request.path
        if path.endswith("/token"):
            return self._login(request)
        if path.endswith("/suiteql"):
            return self._query(request)
        name, _, key = path[len(RECORDS) :].partition("/")
        if name == "metadata-catalog":
            return Reply(200, json.dumps({"properties": {"itemId": {"maxLength": 60}}}))
        kind = self._kind(name)
        record = self._found(kind, key)
        if request.method == "PATCH":
            self.rules.require_editable()
            changed = kind.changed(record, _body(request.body), NameCheck(True, "USER_ERROR", ()), frozenset())
            kind.check_unique(changed)
            kind.shelf.put(changed)
            return Reply(204)
        return _reply(json_response(kind.shown(record, True)))

    def _found(self, kind: Any, key: str) -> Any:
        if key.startswith("eid:"):
            same = kind.shelf.find("externalid", key[4:].casefold())
            record = next((one for one in same if kind.belongs(one)), None)
        else:
            record = kind.shelf.get(key)
        if record is None or not kind.belongs(record):
            raise kind.missing(key)
        return record

    def _query(self, request: Request) -> Reply:
        try:
            rows = self.engine.run(request.body["q"])
        except BadQuery as error:
            return _error(400, str(error))
        return _reply(json_response({"hasMore": False, "items": rows}))

    def _login(self, request: Request) -> Reply:
        claims = request.body["client_assertion"].split(".")[1]
        expires = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]
        if expires < self._now():
            return Reply(400, json.dumps({"error": "invalid_request"}))
        token = f"ns-{len(self.tokens)}"
        self.tokens[token] = self._now() + self.token_lifetime
        return Reply(200, json.dumps({"access_token": token, "expires_in": str(self.token_lifetime)}))

    # People

    def edit_item(self, item_id: str, **changes: Any) -> None:
        """An accountant changes an Item."""
        self.state.edit_item(item_id, **changes)
        self.edits.append((self._now(), item_id, changes))

    def make_item(self, name: str) -> None:
        """An accountant makes an Item by hand."""
        item = self.state.make_item(name)
        self.engine.seen_from[item.id] = self._now() + self.lag
        self.made.append(Written(item.id, "", self._now(), None))

    def enter_bill(self, invoice: Invoice, project: Project, *, exact: bool) -> Bill:
        """An accountant enters an invoice's bill or vendor credit: `exact` as Procore has it, if all its Items exist; else in one line."""
        version = invoice.now
        lines = [(self._usable_item(project, line.code_id), line.gross) for line in version.lines]
        held = sum((line.held for line in version.lines), Decimal(0))
        if held:
            lines.append((RETAINAGE_ITEM, -held))
        if not exact or not all(item for item, _ in lines):
            lines = [(RETAINAGE_ITEM, version.due)]
        vendor = self._company.vendors[invoice.vendor_id].internal_id
        kind, sign = ("vendorBill", 1) if version.due >= 0 else ("vendorCredit", -1)
        rows = [
            BillLine(place, str(item), Decimal(1), sign * value, sign * value, "", None)
            for place, (item, value) in enumerate(lines, 1)
        ]
        bill = Bill("", None, vendor, "1", invoice.number, BILLING_DATE, "by hand", rows, record_type=kind)
        bill = self.state.make_bill(bill)
        self.engine.seen_from[bill.id] = self._now() + self.lag
        self.entered[bill.id] = self._now()
        return bill

    def edit_bill(self, bill_id: str, **changes: Any) -> None:
        """An accountant changes a bill."""
        self.state.edit_bill(bill_id, **changes)
        self.edits.append((self._now(), bill_id, changes))

    def _usable_item(self, project: Project, code_id: int) -> str | None:
        name = f"{project.number}-{project.codes[code_id].flat}"
        usable = [one for one in self.state.items_named(name) if one.itemtype == "OthCharge" and not one.isinactive]
        return usable[0].id if usable else None

    def items(self) -> list[Item]:
        """All Items."""
        return list(self.state.items)

    def bills(self) -> list[Bill]:
        """All bills."""
        return list(self.state.bills)


def _body(body: Any) -> dict[str, Any]:
    """As it comes out of the wire."""
    parsed: dict[str, Any] = json.loads(json.dumps(body), parse_float=Decimal)
    return parsed


def _reply(response: Any) -> Reply:
    return Reply(response.status_code, bytes(response.body).decode())


def _error(status: int, _words: str = "") -> Reply:
    return _reply(usual_error(status).response())


def refusal(status: int) -> Reply:
    """An error as NetSuite words it; a gateway's HTML for 502 to 504."""
    return Reply(status, "<html>Service Unavailable</html>") if status in (502, 503, 504) else _error(status)


def _books(company: Company) -> NetSuiteBooks:
    def item(number: int, name: str, record_type: str, inactive: bool, external_id: str | None) -> NsItem:
        itemtype, subtype = ITEM_TYPES[record_type]
        return NsItem(str(number), record_type, itemtype, subtype, name, name, external_id, inactive, "1", "111")

    made = [
        item(1001 + place, one.name, one.record_type, one.inactive, one.external_id)
        for place, one in enumerate(company.hand_made)
    ]
    made.append(item(int(RETAINAGE_ITEM), "Retainage", "otherChargePurchaseItem", False, None))
    jobs = [NsJob(one.job_id, one.number, one.name, None, "1") for one in company.projects.values()]
    vendors = [
        NsVendor(one.internal_id, f"V{one.internal_id}", one.name, None, "1", one.inactive)
        for one in company.vendors.values()
    ]
    vendors += [NsVendor(id_, f"V{id_}", name, None, "1") for id_, name in company.namesakes]
    return NetSuiteBooks("1", "1", "111", "5", RETAINAGE_ITEM, vendors, jobs, made, [], datetime.date(2020, 1, 1))
