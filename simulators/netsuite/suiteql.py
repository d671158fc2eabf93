"""Runs SuiteQL queries over the records, by index if the condition allows it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.books import NsVendor, NsVendorSubsidiary
from simulators.netsuite.currencies import transaction_columns, vendor_columns
from simulators.netsuite.periods import Period
from simulators.netsuite.records import BILL_TYPES, Bill, Item, Shelf
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.suiteql_lists import list_table
from simulators.netsuite.suiteql_parser import BadQuery, Column, Comparison, Condition, Junction, Query, parse

Value = str | None
Getter = Callable[[Any], Value]
Test = Callable[[Any], bool]


@dataclass(frozen=True)
class Page:
    """Some rows of a query, and the total number of its rows."""

    rows: list[dict[str, Value]]
    total: int


@dataclass(frozen=True)
class Table:
    """A table of SuiteQL: its rows, its columns, and which of them have an index (keys in lower case)."""

    shelf: Shelf[Any]
    columns: dict[str, Getter]
    indexed: frozenset[str]


class Engine:
    """Runs queries on item, job, vendor, transaction, accountingperiod, and the tables of lists.

    Texts and external ids are compared with case: nothing documents that SuiteQL ignores it, so that a client which relies on that fails
    here. The setting `suiteql_case_insensitive` makes comparisons ignore case.
    """

    def __init__(self, state: NetSuiteState) -> None:
        self._state = state

    def run(self, sql: str) -> list[dict[str, Value]]:
        """Return all rows of a query. Raises BadQuery."""
        return self.page(sql, 0, None).rows

    def page(self, sql: str, offset: int, limit: int | None) -> Page:
        """Return the rows `offset` to `offset + limit` of a query; only these rows are built. Raises BadQuery."""
        query = parse(sql)
        table = self._table(query.table)
        names = list(table.columns) if query.columns == ["*"] else query.columns
        getters = {name: self._shown(table, query, name) for name in names}
        lost = self._state.settings.suiteql_needs_direction and query.lacks_direction
        found = [] if lost else self._found(table, query)
        shown = found[offset : None if limit is None else offset + limit]
        return Page([self._row(getters, record) for record in shown], len(found))

    def _found(self, table: Table, query: Query) -> list[Any]:
        """Return all records of the query, in its order."""
        records: Iterable[Any] = table.shelf
        if query.where is not None:
            test = self._test(table, query.table, query.where)
            candidates = self._candidates(table, query.where)
            records = filter(test, table.shelf if candidates is None else candidates)
        visible = self._visible(records)
        for name, descending in reversed(query.order):
            getter = self._getter(table, query.table, name)
            # Nearly every query is by id, which is a number for every record.
            key = _number if name == "id" else lambda record, get=getter: _sort_key(get(record))
            visible.sort(key=key, reverse=descending)
        return visible

    def _row(self, getters: dict[str, Getter], record: Any) -> dict[str, Value]:
        values = {name: get(record) for name, get in getters.items()}
        if self._state.settings.suiteql_nulls:
            return values
        return {name: value for name, value in values.items() if value is not None}

    def _visible(self, rows: Iterable[Any]) -> list[Any]:
        """Return the records without those that are too new to be visible (setting `suiteql_lag`)."""
        lag = self._state.settings.suiteql_lag
        if not lag:
            return list(rows)
        youngest = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=lag)
        return [row for row in rows if not isinstance(row, Item | Bill) or row.created_at <= youngest]

    def _table(self, name: str) -> Table:
        state = self._state
        if name in state.settings.hidden_from_queries:
            raise BadQuery(f"Search error occurred: Record '{name}' was not found.")
        entity = frozenset({"id", "entityid", "externalid"})
        if name == "item":
            return Table(state.items, _ITEM, frozenset({"id", "itemid", "externalid"}))
        if name == "job":
            return Table(state.jobs, _JOB, entity)
        if name == "vendor":
            return Table(state.vendors, {**_VENDOR, **vendor_columns(state)}, entity)
        if name == "vendorsubsidiaryrelationship":
            return Table(_shared(state.vendors), _VENDOR_SUBSIDIARY, frozenset({"id"}))
        if name == "transaction":
            columns = {
                **_TRANSACTION,
                **transaction_columns(state),
                "trandate": self._trandate,
                "foreigntotal": self._foreigntotal,
                "lastmodifieddate": self._lastmodifieddate,
            }
            return Table(state.bills, columns, frozenset({"id", "externalid", "entity", "tranid"}))
        if name == "accountingperiod" and "accountingPeriod" not in state.settings.missing_permissions:
            return Table(state.periods, self._accountingperiod(), frozenset({"id"}))
        if (found := list_table(state, name)) is not None:
            return Table(*found, frozenset({"id"}))
        raise BadQuery(f"Record '{name}' was not found.")

    def _accountingperiod(self) -> dict[str, Getter]:
        state = self._state

        def shown(day: datetime.date) -> str:
            return day.strftime(state.settings.suiteql_date_format)

        def no(_: Period) -> str:
            return "F"

        return {
            "id": lambda period: str(period.id),
            "periodname": lambda period: str(period.name),
            "startdate": lambda period: shown(period.start),
            "enddate": lambda period: shown(period.end),
            "closed": lambda period: _flag(state.closed(period)),
            "aplocked": lambda period: _flag(state.ap_locked(period)),
            "alllocked": no,
            "isyear": no,
            "isquarter": no,
            "isadjust": no,
        }

    def _shown(self, table: Table, query: Query, name: str) -> Getter:
        """Return a getter of a column, which formats its value if the query has TO_CHAR for it."""
        if name not in query.texts_of:
            return self._getter(table, query.table, name)
        column, pattern = query.texts_of[name]
        if column in _MOMENTS and query.table == "transaction":
            return lambda record: _MOMENTS[column](record).strftime(pattern)
        get = self._getter(table, query.table, column)
        shape = self._state.settings.suiteql_date_format

        def written(record: Any) -> Value:
            value = get(record)
            if value is None:
                return None
            return datetime.datetime.strptime(value, shape).replace(tzinfo=datetime.UTC).strftime(pattern)

        return written

    def _trandate(self, bill: Bill) -> str:
        return datetime.date.fromisoformat(bill.trandate).strftime(self._state.settings.suiteql_date_format)

    def _lastmodifieddate(self, bill: Bill) -> str:
        """Return the date alone: without TO_CHAR the response has no time of day."""
        return bill.modified_at.strftime(self._state.settings.suiteql_date_format)

    def _foreigntotal(self, bill: Bill) -> str:
        return str(bill.total * self._state.settings.suiteql_bill_sign)

    def _getter(self, table: Table, table_name: str, column: str) -> Getter:
        getter = table.columns.get(column)
        if f"{table_name}.{column}" in self._state.settings.hidden_from_queries:
            getter = None
        if getter is None:
            raise BadQuery(f"Search error occurred: Field '{column}' for record '{table_name}' was not found.")
        return getter

    def _test(self, table: Table, table_name: str, condition: Condition) -> Test:
        if isinstance(condition, Junction):
            tests = [self._test(table, table_name, part) for part in condition.parts]
            if condition.word == "and":
                return lambda record: all(test(record) for test in tests)
            return lambda record: any(test(record) for test in tests)
        get = self._cased(self._getter(table, table_name, condition.column.name), condition.column)
        fold = self._state.settings.suiteql_case_insensitive
        return _comparison(get, condition, fold)

    def _cased(self, get: Getter, column: Column) -> Getter:
        if column.case == "upper":
            return lambda record: None if (value := get(record)) is None else value.upper()
        if column.case == "lower" or self._state.settings.suiteql_case_insensitive:
            return lambda record: None if (value := get(record)) is None else value.lower()
        return get

    def _candidates(self, table: Table, condition: Condition) -> list[Any] | None:
        """Return records that include all matches, each once, or None if every record has to be checked."""
        if isinstance(condition, Comparison):
            return self._looked_up(table, condition)
        parts = [self._candidates(table, part) for part in condition.parts]
        known = [part for part in parts if part is not None]
        if condition.word == "and":
            return min(known, key=len) if known else None
        if len(known) < len(parts):
            return None
        return list({record.id: record for part in known for record in part}.values())

    def _looked_up(self, table: Table, condition: Comparison) -> list[Any] | None:
        column = condition.column.name
        if column == "id" and condition.operator == ">":
            (bound,) = condition.values
            return table.shelf.above(int(bound)) if bound.isdecimal() else None
        if condition.operator not in ("=", "in") or condition.negated or column not in table.indexed:
            return None
        if column == "id":
            by_id = [table.shelf.get(value) for value in condition.values]
            return [record for record in by_id if record is not None]
        keys = {value.casefold() for value in condition.values}
        return [record for key in keys for record in table.shelf.find(column, key)]


def _shared(vendors: Iterable[NsVendor]) -> Shelf[Any]:
    """Return a row for each subsidiary of each vendor."""
    shelf: Shelf[Any] = Shelf()
    for vendor in vendors:
        for subsidiary in (vendor.subsidiary, *vendor.shared_with):
            primary = subsidiary == vendor.subsidiary
            shelf.put(NsVendorSubsidiary(shelf.next_id(), vendor.id, subsidiary, primary))
    return shelf


def _comparison(get: Getter, condition: Comparison, fold: bool) -> Test:
    """Return a test of one column. NULL fails every comparison, as in SQL."""
    upper = condition.column.case == "upper"
    values = frozenset(value.lower() for value in condition.values) if fold and not upper else condition.values
    if condition.operator == "null":
        return lambda record: (get(record) is not None) == condition.negated
    if condition.operator in ("=", "in", "<>"):
        wanted = condition.operator != "<>" and not condition.negated
        return lambda record: (value := get(record)) is not None and (value in values) == wanted
    (operand,) = values
    if condition.operator == "like":
        fits = _like(operand)
        return lambda record: (value := get(record)) is not None and fits(value) != condition.negated
    bound = _sort_key(operand)
    return lambda record: (value := get(record)) is not None and _COMPARE[condition.operator](_sort_key(value), bound)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _like(pattern: str) -> Callable[[str], bool]:
    """Return a test for a LIKE pattern: % matches any text, _ one character."""
    beginning = pattern.removesuffix("%")
    if beginning != pattern and "%" not in beginning and "_" not in beginning:
        return lambda value: value.startswith(beginning)
    parts = (".*" if each == "%" else "." if each == "_" else re.escape(each) for each in pattern)
    whole = re.compile("".join(parts), re.DOTALL)
    return lambda value: whole.fullmatch(value) is not None


def _number(record: Any) -> int:
    return int(record.id)


def _sort_key(value: Value) -> tuple[int, int, str]:
    """Return the sort key of a value: numbers by size, then texts, then NULL."""
    if value is None:
        return (2, 0, "")
    return (0, int(value), "") if value.isdecimal() else (1, 0, value)


def _flag(value: bool) -> str:
    return "T" if value else "F"


_ITEM: dict[str, Getter] = {
    "id": lambda item: str(item.id),
    "itemid": lambda item: str(item.itemid),
    "externalid": lambda item: item.externalid or None,
    "displayname": lambda item: item.displayname or None,
    "itemtype": lambda item: str(item.itemtype),
    "subtype": lambda item: item.subtype or None,
    "isinactive": lambda item: _flag(item.isinactive),
    "includechildren": lambda item: _flag(item.fields.get("includeChildren") is True),
}
_JOB: dict[str, Getter] = {
    "id": lambda job: str(job.id),
    "entityid": lambda job: str(job.entityid),
    "companyname": lambda job: job.companyname or None,
    "subsidiary": lambda job: str(job.subsidiary),
    "externalid": lambda job: job.externalid or None,
    "isinactive": lambda job: _flag(job.isinactive),
}
_VENDOR: dict[str, Getter] = {
    **_JOB,
    "firstname": lambda vendor: vendor.firstname or None,
    "lastname": lambda vendor: vendor.lastname or None,
}
_MOMENTS: dict[str, Callable[[Bill], datetime.datetime]] = {"lastmodifieddate": lambda bill: bill.modified_at}
_VENDOR_SUBSIDIARY: dict[str, Getter] = {
    "id": lambda one: str(one.id),
    "entity": lambda one: str(one.entity),
    "subsidiary": lambda one: str(one.subsidiary),
    "isprimarysub": lambda one: _flag(one.isprimarysub),
}
_TRANSACTION: dict[str, Getter] = {
    "id": lambda bill: str(bill.id),
    "tranid": lambda bill: bill.tranid or None,
    "externalid": lambda bill: bill.externalid or None,
    "entity": lambda bill: str(bill.entity),
    "type": lambda bill: BILL_TYPES[bill.record_type],
}
