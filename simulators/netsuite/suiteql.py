"""Running a SuiteQL query over the records, by index where the condition allows it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.netsuite.records import Bill, Item, Shelf
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.suiteql_parser import BadQuery, Column, Comparison, Condition, Junction, parse

Value = str | None
Getter = Callable[[Any], Value]
Test = Callable[[Any], bool]


@dataclass(frozen=True)
class Table:
    """A table of SuiteQL: where its rows are, its columns, and which of them have an index (keys in lower case)."""

    shelf: Shelf[Any]
    columns: dict[str, Getter]
    indexed: frozenset[str]


class Engine:
    """Answers queries on item, job, vendor and transaction.

    Texts are compared with their case, external ids too: nothing says that SuiteQL does otherwise, and a client that
    relies on it should be seen to fail. The setting `suiteql_case_insensitive` plays the other world.
    """

    def __init__(self, state: NetSuiteState) -> None:
        self._state = state

    def run(self, sql: str) -> list[dict[str, Value]]:
        """The rows of a query; BadQuery when it is wrong."""
        query = parse(sql)
        table = self._table(query.table)
        names = list(table.columns) if query.columns == ["*"] else query.columns
        getters = {name: self._getter(table, query.table, name) for name in names}
        rows: Iterable[Any] = table.shelf
        if query.where is not None:
            test = self._test(table, query.table, query.where)
            found = self._candidates(table, query.where)
            rows = filter(test, table.shelf if found is None else found.values())
        visible = self._visible(rows)
        for name, descending in reversed(query.order):
            getter = self._getter(table, query.table, name)
            visible.sort(key=lambda record, get=getter: _sort_key(get(record)), reverse=descending)  # type: ignore[misc]
        return [self._row(getters, record) for record in visible]

    def _row(self, getters: dict[str, Getter], record: Any) -> dict[str, Value]:
        values = {name: get(record) for name, get in getters.items()}
        if self._state.settings.suiteql_nulls:
            return values
        return {name: value for name, value in values.items() if value is not None}

    def _visible(self, rows: Iterable[Any]) -> list[Any]:
        """Without the records that are too new to be seen (setting `suiteql_lag`)."""
        lag = self._state.settings.suiteql_lag
        if not lag:
            return list(rows)
        youngest = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=lag)
        return [row for row in rows if not isinstance(row, Item | Bill) or row.created_at <= youngest]

    def _table(self, name: str) -> Table:
        state = self._state
        entity = frozenset({"id", "entityid", "externalid"})
        if name == "item":
            return Table(state.items, _ITEM, frozenset({"id", "itemid", "externalid"}))
        if name == "job":
            return Table(state.jobs, _JOB, entity)
        if name == "vendor":
            return Table(state.vendors, _VENDOR, entity)
        if name == "transaction":
            columns = {**_TRANSACTION, "trandate": self._trandate, "foreigntotal": self._foreigntotal}
            return Table(state.bills, columns, frozenset({"id", "externalid", "entity", "tranid"}))
        raise BadQuery(f"Record '{name}' was not found.")

    def _trandate(self, bill: Bill) -> str:
        return datetime.date.fromisoformat(bill.trandate).strftime(self._state.settings.suiteql_date_format)

    def _foreigntotal(self, bill: Bill) -> str:
        return str(bill.total * self._state.settings.suiteql_bill_sign)

    def _getter(self, table: Table, table_name: str, column: str) -> Getter:
        getter = table.columns.get(column)
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

    def _candidates(self, table: Table, condition: Condition) -> dict[str, Any] | None:
        """Records by id among which all matches are, or None when only a look at every record can tell."""
        if isinstance(condition, Comparison):
            return self._looked_up(table, condition)
        parts = [self._candidates(table, part) for part in condition.parts]
        known = [part for part in parts if part is not None]
        if condition.word == "and":
            return min(known, key=len) if known else None
        if len(known) < len(parts):
            return None
        return {record_id: record for part in known for record_id, record in part.items()}

    def _looked_up(self, table: Table, condition: Comparison) -> dict[str, Any] | None:
        column = condition.column.name
        if condition.operator not in ("=", "in") or condition.negated or column not in table.indexed:
            return None
        if column == "id":
            by_id = [table.shelf.get(value) for value in condition.values]
            return {record.id: record for record in by_id if record is not None}
        keys = {value.casefold() for value in condition.values}
        return {record.id: record for key in keys for record in table.shelf.find(column, key)}


def _comparison(get: Getter, condition: Comparison, fold: bool) -> Test:
    """A test of one column; NULL fails every comparison, as in SQL."""
    upper = condition.column.case == "upper"
    values = frozenset(value.lower() for value in condition.values) if fold and not upper else condition.values
    if condition.operator == "null":
        return lambda record: (get(record) is not None) == condition.negated
    if condition.operator in ("=", "in", "<>"):
        wanted = condition.operator != "<>" and not condition.negated
        return lambda record: (value := get(record)) is not None and (value in values) == wanted
    (operand,) = values
    if condition.operator == "like":
        pattern = _like(operand)
        return lambda record: (
            (value := get(record)) is not None and (pattern.fullmatch(value) is not None) != condition.negated
        )
    bound = _sort_key(operand)
    return lambda record: (value := get(record)) is not None and _COMPARE[condition.operator](_sort_key(value), bound)


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _like(pattern: str) -> re.Pattern[str]:
    """LIKE's wildcards: % for any text, _ for one character."""
    parts = (".*" if each == "%" else "." if each == "_" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _sort_key(value: Value) -> tuple[int, int, str]:
    """Numbers by size, then texts, then NULL."""
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
}
_JOB: dict[str, Getter] = {
    "id": lambda job: str(job.id),
    "entityid": lambda job: str(job.entityid),
    "companyname": lambda job: job.companyname or None,
    "externalid": lambda job: job.externalid or None,
    "isinactive": lambda job: _flag(job.isinactive),
}
_VENDOR: dict[str, Getter] = {**_JOB, "subsidiary": lambda vendor: str(vendor.subsidiary)}
_TRANSACTION: dict[str, Getter] = {
    "id": lambda bill: str(bill.id),
    "tranid": lambda bill: bill.tranid or None,
    "externalid": lambda bill: bill.externalid or None,
    "entity": lambda bill: str(bill.entity),
    "type": lambda bill: "VendBill",
}
