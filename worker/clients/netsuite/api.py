"""SuiteTalk REST: sends one request with a token and a slot at the gate, raises the error that its response means, and reads queries page by page.

A write without a response raises OutcomeUnknown.

REST takes no bind parameters, so values become literals of SuiteQL here and nowhere else. At most 1,000 values in one IN, no date literals
(ohelp/article_0824094533); column names come back in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from worker.clients.fields import RowT, read, read_list
from worker.clients.http import Answer, Transport
from worker.clients.netsuite import wire
from worker.clients.netsuite.errors import USUAL, AccountRefusals, Unauthorized, error_of
from worker.context import no_response, response_seen
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.identities import same_external_id
from worker.domain.problems import Cause
from worker.domain.scopes import QUERY, Remote, doing, permission, scope_of
from worker.domain.texts import unwritable
from worker.store.cache import Cache
from worker.store.gate import Gate, Precedence
from worker.store.tokens import Tokens

BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Waits after 429 and 401, each with jitter. After the last one, or if NetSuite names a longer wait, the work itself is scheduled again."""
SENT_WITHIN_SECONDS = 30.0
"""Seconds after the ledger's check within which the first byte of a create must leave. Connecting takes 10 s at most. A process that was
suspended for longer may have lost its lock, so that another one may be writing the same record. The ledger's own limit ends before the
connection is made.
"""
MAX_VALUES = 1000
ROWS_PER_PAGE = 1000
MAX_ROWS = 100_000
"""Maximum rows of one query, over all its pages (ohelp/section_156414087576)."""
_ACTIONS = {"GET": "view", "POST": "create", "PATCH": "edit", "DELETE": "delete"}
IdRowT = TypeVar("IdRowT", bound=wire.IdRow)


@dataclass(frozen=True, slots=True)
class _Request:
    """One request. `scope`: the permission that it needs."""

    method: str
    url: str
    scope: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    writes: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class NetSuiteApi:
    """The REST API of one account, for one precedence at the gate. `refusals`: the account's wording of refusals."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport,
        tokens: Tokens,
        gate: Gate,
        precedence: Precedence,
        refusals: AccountRefusals = USUAL,
    ) -> None:
        self._records = f"{base_url}/services/rest/record/v1"
        self._suiteql = f"{base_url}/services/rest/query/v1/suiteql"
        self._transport = transport
        self._runtime = transport.runtime
        self._tokens = tokens
        self._gate = gate
        self._precedence = precedence
        self._refusals = refusals

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test key and certificate. Raises Misconfigured if they are refused."""
        self._tokens.renew()

    def get(self, path: str, *, params: Mapping[str, Any] | None = None, accept: str = "application/json") -> Answer:
        """GET a record, such as `vendorBill/17`, or a schema."""
        return self._send(self._request("GET", path, params=params, headers={"Accept": accept}))

    def create(self, record_type: str, body: Any, *, before_sending: Callable[[], None]) -> Answer:
        """POST a new record. `before_sending` is called with the slot, just before each request leaves, and prevents it by raising."""
        return self._send(self._request("POST", record_type, body=body, writes=True), before_sending)

    def change(self, method: str, path: str, body: Any = None) -> Answer:
        """PATCH or DELETE a record, such as `vendorBill/17`."""
        return self._send(self._request(method, path, body=body, writes=True))

    def query(self, query: str, *, table: str, offset: int, limit: int) -> Answer:
        """POST a SuiteQL query of a table."""
        return self._send(
            _Request(
                "POST",
                self._suiteql,
                scope_of(Remote.NETSUITE, table, QUERY),
                params={"limit": limit, "offset": offset},
                body={"q": query},
                headers={"Prefer": "transient"},
            )
        )

    def _request(self, method: str, path: str, **options: Any) -> _Request:
        scope = scope_of(Remote.NETSUITE, path.partition("/")[0], _ACTIONS[method])
        return _Request(method, f"{self._records}/{path}", scope, **options)

    def _send(self, request: _Request, before_sending: Callable[[], None] | None = None) -> Answer:
        """Send a request; send it again after 401 or if NetSuite has no room, which both mean that nothing was done."""
        waits = iter(BACK_OFF_SECONDS)
        while True:
            token = self._tokens.get()
            answer = self._send_once(request, token, before_sending)
            refusal = error_of(answer, writes=request.writes, refusals=self._refusals)
            _track(refusal, request.scope)
            if refusal is None:
                return answer
            if isinstance(refusal, Misconfigured):
                raise _not_permitted(request.scope, refusal)
            if not isinstance(refusal, Unauthorized | NoRoom):
                raise refusal
            if isinstance(refusal, Unauthorized):
                self._tokens.forget(token)
            self._wait_after(refusal, next(waits, None))

    def _send_once(self, request: _Request, token: str, before_sending: Callable[[], None] | None) -> Answer:
        """Wait for a slot, call `before_sending`, send. The time within which a create must leave begins before its intent is recorded."""
        with self._gate.slot(self._precedence):
            leaves_by = None
            if before_sending:
                leaves_by = self._runtime.monotonic() + SENT_WITHIN_SECONDS
                before_sending()
            return self._transmit(request, token, leaves_by)

    def _transmit(self, request: _Request, token: str, leaves_by: float | None) -> Answer:
        headers = {
            "Accept": "application/json",
            # A misspelled property is refused instead of being ignored.
            "X-NetSuite-PropertyNameValidation": "Error",
            "X-NetSuite-PropertyValueValidation": "Error",
            "Authorization": f"Bearer {token}",
        }
        try:
            return self._transport.send(
                request.method,
                request.url,
                headers={**headers, **request.headers},
                params=request.params,
                body=request.body,
                writes=request.writes,
                leaves_by=leaves_by,
            )
        except NoRoom:
            # The request did not leave this process, so this shows nothing about NetSuite.
            raise
        except (Transient, OutcomeUnknown):
            no_response(Remote.NETSUITE)
            raise

    def _wait_after(self, refusal: Unauthorized | NoRoom, wait: float | None) -> None:
        """Wait before the request is sent again. Raises if it is not: no wait is left (None), or NetSuite names a longer one."""
        named = refusal.retry_after or 0.0 if isinstance(refusal, NoRoom) else 0.0
        if wait is not None and named <= BACK_OFF_SECONDS[-1]:
            self._runtime.sleep(named or self._runtime.uniform(wait / 2, wait))
        elif isinstance(refusal, Unauthorized):
            text = str(refusal)
            raise Misconfigured(text, cause=Cause.NETSUITE_LOGIN, facts={"answer": text}) from refusal
        else:
            raise NoRoom(str(refusal), retry_after=max(5.0, named), down=Remote.NETSUITE) from refusal


def _track(refusal: SyncError | None, scope: str) -> None:
    """Record whether NetSuite responded. A refused token or a busy account shows nothing about the permission or the record."""
    if refusal is None:
        response_seen(scope)
    if isinstance(refusal, Unauthorized | NoRoom):
        return
    if isinstance(refusal, OutcomeUnknown | Transient):
        no_response(Remote.NETSUITE)
    else:
        response_seen(Remote.NETSUITE)


def _not_permitted(scope: str, refusal: Misconfigured) -> Misconfigured:
    """Add the permission that is missing to the refusal, by name if it is known."""
    named = permission(scope)
    text = f"{doing(scope)}{f' (permission {named})' if named else ''}. NetSuite's response: {refusal}"
    return Misconfigured(text, cause=refusal.cause, facts={"answer": text}, scope=scope)


def literal(value: str) -> str:
    """Return a text literal with quotes doubled (O'Brien). Raises Blocked for a character that no name in NetSuite can have."""
    if character := unwritable(value):
        facts = {"name": value, "character": character}
        raise Blocked(f"{character} cannot be queried", cause=Cause.NAME_HAS_UNSUPPORTED_CHARACTER, facts=facts)
    return "'" + value.replace("'", "''") + "'"


def is_in(column: str, values: Collection[str]) -> str:
    """Return `column IN ('a', 'b')`; `values`: 1 to 1,000."""
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValueError(f"IN takes 1 to {MAX_VALUES} values, not {len(values)}")
    return f"{column} IN ({', '.join(literal(value) for value in values)})"


def begins_with(column: str, stem: str) -> str:
    """Return `column LIKE 'stem%'`."""
    return f"{column} LIKE {literal(stem + '%')}"


def any_of(*conditions: str) -> str:
    """Return the conditions joined by OR, without empty ones."""
    return " OR ".join(condition for condition in conditions if condition)


def in_batches(values: Sequence[str], size: int = MAX_VALUES) -> Iterator[Sequence[str]]:
    """Return the values in batches, each small enough for one IN."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


@dataclass(frozen=True, slots=True)
class RowPage(Generic[IdRowT]):
    """A page of rows by ascending id. `in_all`: number of rows from the first one of this page on. `last`: whether it is the last page."""

    rows: Sequence[IdRowT]
    in_all: int
    last: bool


class NetSuiteRecords:
    """Base class of the requests for each kind of record: SuiteQL queries with paging, and the id of a new record."""

    def __init__(self, api: NetSuiteApi, defaults: wire.AccountDefaults, cache: Cache) -> None:
        self._api = api
        self._defaults = defaults
        self._cache = cache

    def _query(self, model: type[RowT], query: str) -> Iterator[RowT]:
        """Return all rows of a SuiteQL query (ohelp/section_157909186990), which must have a unique ORDER BY."""
        for offset in range(0, MAX_ROWS, ROWS_PER_PAGE):
            body = self._query_body(query, offset=offset, limit=ROWS_PER_PAGE)
            yield from read_list(model, body.get("items"))
            if not body.get("hasMore", False):
                return
        raise UnexpectedAnswer(f"NetSuite's SuiteQL response continues after {MAX_ROWS} rows")

    def _first_rows(self, model: type[RowT], query: str, *, limit: int) -> tuple[Sequence[RowT], int]:
        """Return the first page of a query, and the number of all rows; without a total from NetSuite, that of the page."""
        body = self._query_body(query, offset=0, limit=limit)
        rows, total = read_list(model, body.get("items")), body.get("totalResults")
        return rows, max(total, len(rows)) if isinstance(total, int) and not isinstance(total, bool) else len(rows)

    def _page_after(self, model: type[IdRowT], query: str, after: int) -> RowPage[IdRowT]:
        """Return the rows of a query whose id is above `after`. `query` ends with its conditions. A query returns at most `MAX_ROWS` rows, so
        longer lists are read by ascending id.
        """
        rows, in_all = self._first_rows(model, f"{query} AND id > {after} ORDER BY id ASC", limit=ROWS_PER_PAGE)
        if any(int(row.id) <= after for row in rows):
            raise UnexpectedAnswer("NetSuite's SuiteQL response repeats itself")
        return RowPage(rows, in_all, last=len(rows) < ROWS_PER_PAGE)

    def _query_body(self, query: str, *, offset: int, limit: int) -> Mapping[str, Any]:
        table = query.partition(" FROM ")[2].partition(" ")[0]
        try:
            body = self._api.query(query, table=table, offset=offset, limit=limit).json()
        except NotFound as error:
            # A query that finds nothing returns no rows, so the address or the feature is missing.
            raise UnexpectedAnswer(f"NetSuite answered a SuiteQL query with {error}") from error
        if not isinstance(body, dict) or not isinstance(body.get("hasMore", False), bool):
            raise UnexpectedAnswer("NetSuite's SuiteQL response is not in the documented format")
        # A record that NetSuite counts must not be taken for one that does not exist.
        counted = body.get("totalResults")
        if not body.get("items") and (body.get("hasMore") or (isinstance(counted, int) and counted > offset)):
            raise UnexpectedAnswer(
                f"NetSuite counts rows of the table {table} in its SuiteQL response but returns none"
            )
        return body

    def _created_id(self, answer: Answer, record_type: str, external_id: str) -> str:
        """Return the id of a new record: the last part of `Location` (ohelp/section_1545141395), which not every response has. The record
        exists, so no error here is a failed write.
        """
        location = answer.headers.get("Location", "")
        if match := re.search(rf"/{record_type}/([0-9]{{1,19}})/?$", location, re.IGNORECASE):
            return match[1]
        try:
            body = self._api.get(f"{record_type}/eid:{external_id}", params={"fields": "id"}).json()
            return read(wire.IdRow, body).id
        except SyncError as error:
            raise OutcomeUnknown(f"created, but its id could not be read: {error}") from error


def require_requested(returned: str | None, requested: str) -> None:
    """Raise UnexpectedAnswer if NetSuite returned another record than the requested one."""
    if not same_external_id(returned, requested):
        raise UnexpectedAnswer(f"NetSuite returned the record {returned!r} instead of {requested!r}")
