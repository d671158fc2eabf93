"""A parser for the part of SuiteQL that look-ups use.

SELECT columns FROM table [WHERE condition] [ORDER BY column [ASC|DESC], ...]

A column may be a date as TO_CHAR(column, 'YYYY-MM-DD') AS name, or a moment with its time of day as 'YYYY-MM-DD HH24:MI:SS'. Conditions are
comparisons (= <> != < <= > >=), [NOT] IN, [NOT] LIKE and IS [NOT] NULL of a column, UPPER(column) or LOWER(column) with texts and whole
numbers, joined by AND, OR and parentheses. A quote within a text is doubled.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

MAX_IN_VALUES = 1000  # ohelp/article_0824094533
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_]\w*)?)"
    r"|(?P<sign><>|!=|<=|>=|[=<>(),*]))"
)
_DATE_PATTERNS = {"YYYY-MM-DD": "%Y-%m-%d", "YYYY-MM-DD HH24:MI:SS": "%Y-%m-%d %H:%M:%S"}
_COMPARISONS = frozenset({"=", "<>", "!=", "<", "<=", ">", ">="})


class BadQuery(Exception):
    """The query is invalid, or uses a part of SuiteQL that is not supported here."""


@dataclass(frozen=True)
class Column:
    """A column, as it is or in one case."""

    name: str
    case: str | None = None  # "upper", "lower" or None


@dataclass(frozen=True)
class Comparison:
    """`column operator values`; one value for all operators but "in"."""

    column: Column
    operator: str  # = <> < <= > >= in like null
    values: frozenset[str]
    negated: bool = False


@dataclass(frozen=True)
class Junction:
    """Conditions joined by AND or OR."""

    word: str  # "and" or "or"
    parts: tuple[Condition, ...]


Condition = Comparison | Junction


@dataclass
class Query:
    """A parsed query."""

    columns: list[str]
    table: str
    where: Condition | None = None
    order: list[tuple[str, bool]] = field(default_factory=list)  # (column, descending)
    lacks_direction: bool = False  # whether a column of ORDER BY has neither ASC nor DESC
    texts_of: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name -> (column of dates, how they are written)


@dataclass(frozen=True)
class Token:
    """A word in lower case, a text without its quotes, a number or a sign."""

    kind: str
    value: str


@functools.lru_cache(maxsize=128)
def parse(sql: str) -> Query:
    """Parse a query. Raises BadQuery. The result is cached, because clients repeat their queries, so it must not be changed."""
    return _Parser(_tokens(sql)).query()


def _tokens(sql: str) -> list[Token]:
    tokens: list[Token] = []
    place, end = 0, len(sql.rstrip())
    while place < end:
        match = _TOKEN.match(sql, place)
        if match is None:
            raise BadQuery(f"unexpected text at character {place + 1}: {sql[place : place + 20]!r}")
        kind, value = str(match.lastgroup), match[str(match.lastgroup)]
        if kind == "text":
            value = value[1:-1].replace("''", "'")
        elif kind == "word":
            value = value.lower()
        tokens.append(Token(kind, value))
        place = match.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def query(self) -> Query:
        self._need("select")
        query = Query([], "")
        query.columns = self._columns(query)
        self._need("from")
        query.table = self._word()
        if self._take("where"):
            query.where = self._either()
        if self._take("order"):
            self._need("by")
            query.order.append(self._ordering(query))
            while self._take(","):
                query.order.append(self._ordering(query))
        if self._place < len(self._tokens):
            raise BadQuery(f"unexpected {self._tokens[self._place].value!r}")
        return query

    def _columns(self, query: Query) -> list[str]:
        if self._take("*"):
            return ["*"]
        columns = [self._shown(query)]
        while self._take(","):
            columns.append(self._shown(query))
        return columns

    def _shown(self, query: Query) -> str:
        name = self._name()
        if name != "to_char":
            return name
        self._need("(")
        column = self._name()
        self._need(",")
        pattern = self._value()
        self._need(")")
        self._need("as")
        alias = self._word()
        if pattern not in _DATE_PATTERNS:
            raise BadQuery(f"dates cannot be written as {pattern!r} here")
        query.texts_of[alias] = (column, _DATE_PATTERNS[pattern])
        return alias

    def _ordering(self, query: Query) -> tuple[str, bool]:
        column = self._name()
        if self._take("desc"):
            return column, True
        query.lacks_direction |= not self._take("asc")
        return column, False

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Junction("or", tuple(parts))

    def _both(self) -> Condition:
        parts = [self._condition()]
        while self._take("and"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else Junction("and", tuple(parts))

    def _condition(self) -> Condition:
        if self._take("("):
            inside = self._either()
            self._need(")")
            return inside
        column = self._column()
        if self._take("is"):
            negated = self._take("not")
            self._need("null")
            return Comparison(column, "null", frozenset(), negated)
        negated = self._take("not")
        if self._take("in"):
            return Comparison(column, "in", self._list(), negated)
        if self._take("like"):
            return Comparison(column, "like", frozenset({self._value()}), negated)
        sign = self._next()
        if negated or sign.kind != "sign" or sign.value not in _COMPARISONS:
            raise BadQuery(f"a comparison is expected, not {sign.value!r}")
        operator = "<>" if sign.value == "!=" else sign.value
        return Comparison(column, operator, frozenset({self._value()}))

    def _column(self) -> Column:
        name = self._name()
        if name not in ("upper", "lower"):
            return Column(name)
        self._need("(")
        column = Column(self._name(), name)
        self._need(")")
        return column

    def _list(self) -> frozenset[str]:
        self._need("(")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
        self._need(")")
        if len(values) > MAX_IN_VALUES:
            raise BadQuery(f"an IN list has at most {MAX_IN_VALUES} values, not {len(values)}")
        return frozenset(values)

    def _value(self) -> str:
        token = self._next()
        if token.kind not in ("text", "number"):
            raise BadQuery(f"a text or number is expected, not {token.value!r}")
        return token.value

    def _name(self) -> str:
        return self._word().rpartition(".")[2]  # item.id is id: a query has one table

    def _word(self) -> str:
        token = self._next()
        if token.kind != "word":
            raise BadQuery(f"a name is expected, not {token.value!r}")
        return token.value

    def _next(self) -> Token:
        if self._place >= len(self._tokens):
            raise BadQuery("the query ends too early")
        self._place += 1
        return self._tokens[self._place - 1]

    def _take(self, value: str) -> bool:
        if self._place < len(self._tokens):
            token = self._tokens[self._place]
            if token.value == value and token.kind in ("word", "sign"):
                self._place += 1
                return True
        return False

    def _need(self, value: str) -> None:
        if not self._take(value):
            raise BadQuery(f"{value.upper()} is expected")
