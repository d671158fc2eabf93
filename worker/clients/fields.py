"""Types of the fields in both systems' responses. Any other value is not in the documented format, and nothing is written from it.

Pydantic alone would take `true` for the id 1, `"1_0"` for 10 and 1759190400 for a day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError

from worker.domain import money
from worker.domain.errors import UnexpectedAnswer
from worker.domain.texts import REPLACEMENT

MAX_TEXT_LENGTH = 1000
"""Far more than either system allows in a name, so a text that is shortened here is refused as too long and never written."""
SHOWN_LENGTH = 20
"""Longer values are not repeated in an error, since they may be anything."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+ ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")
"""A day; a time after it is ignored, so the day is read as written, without a time zone."""


class Row(BaseModel):
    """A record of one system, with the fields that are used, by the system's names; others are ignored."""

    remote: ClassVar[str]


RowT = TypeVar("RowT", bound=Row)
T = TypeVar("T")


def _id(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise ValueError(f"{describe_value(value)} is not an id")
    return value


def _internal_id(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not (isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,19}", text)):
        raise ValueError(f"{describe_value(value)} is not an internal id")
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"{describe_value(value)} is not text")
    # Half of a surrogate pair cannot be stored or sent. Its replacement is not accepted in a name that is written.
    whole = value if value.isascii() else _SURROGATE.sub(REPLACEMENT, value)
    return whole if len(whole) <= MAX_TEXT_LENGTH else whole[:MAX_TEXT_LENGTH] + "…"


def _non_empty_text(value: Any) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("is empty")
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{describe_value(value)} is not true or false")
    return value


def _day(value: Any) -> date:
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError(f"{describe_value(value)} is not a date such as 2026-09-30")
    return date.fromisoformat(value[:10])


def _lenient(read: Callable[[Any], T], otherwise: T) -> Callable[[Any], T]:
    """Return `read`, but with `otherwise` for a value that it refuses."""

    def lenient(value: Any) -> T:
        try:
            return read(value)
        except ValueError:
            return otherwise

    return lenient


def _place_or_none(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


label: Callable[[Any], str] = _lenient(_text, "")
"""Reads a text that is only shown or passed on: unusable characters are replaced, and a long one is shortened."""
_id_or_none: Callable[[Any], int | None] = _lenient(_id, None)
Id = Annotated[int, BeforeValidator(_id)]
"""Procore's id: a number, in v2 as text."""
InternalId = Annotated[str, BeforeValidator(_internal_id)]
"""NetSuite's id: digits, as text or number."""
Text = Annotated[str, BeforeValidator(_text)]
NonEmptyText = Annotated[str, BeforeValidator(_non_empty_text)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: _text(value) or None)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Money = Annotated[Decimal, BeforeValidator(money.amount)]
ExactMoney = Annotated[Decimal, BeforeValidator(money.exact)]
"""An amount that may have fractions of a cent, which matter only where the amount is billed."""
ExactMoneyOrNull = Annotated[
    Decimal | None, BeforeValidator(lambda value: None if value is None else money.exact(value))
]
Day = Annotated[date, BeforeValidator(_day)]
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: _day(value) if value else None)]
# For values that are only shown, compared or matched: an unreadable one counts as missing, so it never blocks its record.
Label = Annotated[str, BeforeValidator(label)]
IdOrNone = Annotated[int | None, BeforeValidator(_id_or_none)]
PlaceOrNone = Annotated[int | None, BeforeValidator(_place_or_none)]
AmountOrNone = Annotated[Decimal | None, BeforeValidator(_lenient(money.exact, None))]


def read(model: type[RowT], body: Any) -> RowT:
    """Return one record. Raises UnexpectedAnswer, which names the fields that are not in the documented format."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        # Not chained, because the cause repeats the values.
        raise UnexpectedAnswer(_complaint(model, body, error)) from None


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """An unreadable row of a list: its id, if that is readable, and what is wrong with it."""

    id: int | None
    complaint: str


def read_rows(model: type[RowT], rows: Any) -> tuple[Sequence[RowT], list[UnreadableRow]]:
    """Return the records of a list, and its unreadable rows. Raises UnexpectedAnswer if `rows` is not a list."""
    try:
        return _list_of(model).validate_python(rows), []
    except ValidationError as error:
        if not isinstance(rows, list):
            raise UnexpectedAnswer(_complaint(model, rows, error)) from None
    good: list[RowT] = []
    unreadable: list[UnreadableRow] = []
    for row in rows:
        try:
            good.append(model.model_validate(row))
        except ValidationError as error:
            row_id = _id_or_none(row.get("id")) if isinstance(row, dict) else None
            unreadable.append(UnreadableRow(row_id, _complaint(model, row, error)))
    return good, unreadable


def read_list(model: type[RowT], rows: Any) -> Sequence[RowT]:
    """Return the records of a list. Raises UnexpectedAnswer as `read` does if one of them is unreadable."""
    try:
        return _list_of(model).validate_python(rows)
    except ValidationError as error:
        raise UnexpectedAnswer(_complaint(model, rows, error)) from None


@cache
def _list_of(model: type[RowT]) -> TypeAdapter[list[RowT]]:
    """Return the validator of a list. Cached for each kind of record, because building it takes longer than reading a page."""
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def describe_value(value: Any) -> str:
    """Return a value for an error message: a short one as it is, else a description of it."""
    if isinstance(value, str):
        return repr(value) if len(value) <= SHOWN_LENGTH else f"a text of {len(value)} characters"
    kinds = {dict: "an object", list: "a list", type(None): "null", bool: str(value).lower()}
    return kinds.get(type(value)) or (str(value) if abs(value) < 10**SHOWN_LENGTH else "a huge number")


def _complaint(model: type[Row], body: Any, error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_url=False)[:3]
    places = "; ".join(f"{_place(fault['loc'], body)}: {_message(fault)}" for fault in faults)
    return f"{model.remote}'s {model.__name__.removesuffix('Row')} is not in the documented format: {places}"


def _place(path: tuple[int | str, ...], body: Any) -> str:
    """Return the path of a field, such as `items.2.wbs_code`; in a list with the record's id, if there is one."""
    text = ".".join(str(part) for part in path) or "body"
    row = body[path[0]] if isinstance(body, list) and path and isinstance(path[0], int) else None
    name = row.get("id") if isinstance(row, dict) else None
    return f"{text} (id {describe_value(name)})" if name is not None and len(path) > 1 else text


def _message(fault: Any) -> str:
    message = str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return message.replace("Field required", "is missing")
