"""The base class of the requests: SuiteQL queries with paging, and the id of a new record.

REST takes no bind parameters, so values become literals of SuiteQL here and nowhere else. At most 1,000 values in one IN, no date literals
(ohelp/article_0824094533); column names come back in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from worker.clients.fields import RowT, read, read_list
from worker.clients.http import Answer
from worker.clients.netsuite import wire
from worker.clients.netsuite.api import NetSuiteApi
from worker.domain.errors import Blocked, NotFound, OutcomeUnknown, SyncError, UnexpectedAnswer
from worker.domain.identities import same_external_id
from worker.domain.problems import Cause
from worker.domain.texts import unwritable
from worker.store.cache import Cache

MAX_VALUES = 1000
ROWS_PER_PAGE = 1000
MAX_ROWS = 100_000
"""Maximum rows of one query, over all its pages (ohelp/section_156414087576)."""
IdRowT = TypeVar("IdRowT", bound=wire.IdRow)


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
    """Base class of the requests for each kind of record."""

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
