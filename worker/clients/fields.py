"""What the fields of both remotes' answers may hold. Anything else is not as published, and nothing is written from it.

Pydantic alone would take `true` for the id 1, `"1_0"` for 10 and 1759190400 for a day.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError

from worker.domain import money
from worker.domain.errors import UnexpectedAnswer
from worker.domain.texts import REPLACEMENT

LONGEST_TEXT = 1000
"""Far beyond every name that either remote takes, so a text that was cut here is refused as too long and never written."""
SHOWN_LENGTH = 20
"""A longer value is not repeated in an error: what stands where it does not belong may be anything."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+ ?(Z|[+-][0-9]{2}:?[0-9]{2})?)?")
"""A day; a time that comes with it is left out: the day is taken as written, in no time zone."""


class Row(BaseModel):
    """A record of a remote: only the fields that are used, named as the remote names them; unknown ones are ignored."""

    remote: ClassVar[str]


RowT = TypeVar("RowT", bound=Row)


def _id(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,19}", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**63:
        raise ValueError(f"{shown(value)} is not an id")
    return value


def _internal_id(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not (isinstance(text, str) and re.fullmatch(r"-?[0-9]{1,19}", text)):
        raise ValueError(f"{shown(value)} is not an internal id")
    return text


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not text")
    # Half a character cannot be stored or sent; what takes its place cannot be in a name that is written.
    whole = value if value.isascii() else _SURROGATE.sub(REPLACEMENT, value)
    return whole if len(whole) <= LONGEST_TEXT else whole[:LONGEST_TEXT] + "…"


def _some_text(value: Any) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("is empty")
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is not true or false")
    return value


def _day(value: Any) -> date:
    if not (isinstance(value, str) and _DAY.fullmatch(value)):
        raise ValueError(f"{shown(value)} is not a date such as 2026-09-30")
    return date.fromisoformat(value[:10])


def _label(value: Any) -> str:
    try:
        return _text(value)
    except ValueError:
        return ""


def _id_or_none(value: Any) -> int | None:
    try:
        return _id(value)
    except ValueError:
        return None


def _place_or_none(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _amount_or_none(value: Any) -> Decimal | None:
    try:
        return money.exact(value)
    except ValueError:
        return None


Id = Annotated[int, BeforeValidator(_id)]
"""Procore's: a number, in v2 as text."""
InternalId = Annotated[str, BeforeValidator(_internal_id)]
"""NetSuite's: digits, as text or number."""
Text = Annotated[str, BeforeValidator(_text)]
SomeText = Annotated[str, BeforeValidator(_some_text)]
OptionalText = Annotated[str | None, BeforeValidator(lambda value: _text(value) or None)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Money = Annotated[Decimal, BeforeValidator(money.amount)]
ExactMoney = Annotated[Decimal, BeforeValidator(money.exact)]
"""An amount that may have parts of a cent: whether that matters is decided where it is used."""
ExactMoneyOrNull = Annotated[
    Decimal | None, BeforeValidator(lambda value: None if value is None else money.exact(value))
]
Day = Annotated[date, BeforeValidator(_day)]
OptionalDay = Annotated[date | None, BeforeValidator(lambda value: _day(value) if value else None)]
# For what is only shown, compared or matched: a value that cannot be read counts as missing, so it never blocks its record.
Label = Annotated[str, BeforeValidator(_label)]
IdOrNone = Annotated[int | None, BeforeValidator(_id_or_none)]
PlaceOrNone = Annotated[int | None, BeforeValidator(_place_or_none)]
AmountOrNone = Annotated[Decimal | None, BeforeValidator(_amount_or_none)]


def read(model: type[RowT], body: Any) -> RowT:
    """One record. Raises UnexpectedAnswer that names the fields that are not as published."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        # Without its cause, which would repeat the values.
        raise UnexpectedAnswer(_complaint(model, body, error)) from None


@dataclass(frozen=True, slots=True)
class OddRow:
    """A row of a list that is not as published: its id, where that much can be read, and what is wrong with it."""

    id: int | None
    complaint: str


def read_rows(model: type[RowT], rows: Any) -> tuple[Sequence[RowT], list[OddRow]]:
    """A list of records, and those of them that are not as published. Raises UnexpectedAnswer for what is no list."""
    try:
        return _list_of(model).validate_python(rows), []
    except ValidationError as error:
        if not isinstance(rows, list):
            raise UnexpectedAnswer(_complaint(model, rows, error)) from None
    good: list[RowT] = []
    odd: list[OddRow] = []
    for row in rows:
        try:
            good.append(model.model_validate(row))
        except ValidationError as error:
            row_id = _id_or_none(row.get("id")) if isinstance(row, dict) else None
            odd.append(OddRow(row_id, _complaint(model, row, error)))
    return good, odd


def read_list(model: type[RowT], rows: Any) -> Sequence[RowT]:
    """A list of records. Raises UnexpectedAnswer as `read` does; one record that is not understood is enough."""
    try:
        return _list_of(model).validate_python(rows)
    except ValidationError as error:
        raise UnexpectedAnswer(_complaint(model, rows, error)) from None


@cache
def _list_of(model: type[RowT]) -> TypeAdapter[list[RowT]]:
    """Made once for each kind of record: making it takes longer than reading a page of them."""
    return TypeAdapter(list[model])  # type: ignore[valid-type]


def shown(value: Any) -> str:
    """A value that does not belong there, as an error may tell it: short ones as they are, of the others what they are."""
    if isinstance(value, str):
        return repr(value) if len(value) <= SHOWN_LENGTH else f"a text of {len(value)} characters"
    kinds = {dict: "an object", list: "a list", type(None): "null", bool: str(value).lower()}
    return kinds.get(type(value)) or (str(value) if abs(value) < 10**SHOWN_LENGTH else "a huge number")


def _complaint(model: type[Row], body: Any, error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_url=False)[:3]
    told = "; ".join(f"{_place(fault['loc'], body)}: {_words(fault)}" for fault in faults)
    return f"{model.remote}'s {model.__name__.removesuffix('Row')} is not in the documented format: {told}"


def _place(path: tuple[int | str, ...], body: Any) -> str:
    """`items.2.wbs_code` for a person who looks for it; in a list with the record's id, if it can be told."""
    words = ".".join(str(part) for part in path) or "body"
    row = body[path[0]] if isinstance(body, list) and path and isinstance(path[0], int) else None
    name = row.get("id") if isinstance(row, dict) else None
    return f"{words} (id {shown(name)})" if name is not None and len(path) > 1 else words


def _words(fault: Any) -> str:
    return (
        str(fault["msg"]).removeprefix("Value error, ").removeprefix("Input ").replace("Field required", "is missing")
    )
