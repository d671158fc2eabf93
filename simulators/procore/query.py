"""Reads query parameters as Procore does ("pagination" and "filtering-on-list-actions" guides)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

from starlette.requests import Request

from simulators.procore.answers import Page, Refusal

Row = TypeVar("Row")
PAGING = frozenset({"page", "per_page"})


class Query:
    """A request's query parameters. Every method returns None for an absent parameter, and refuses an invalid one with a 400."""

    def __init__(self, request: Request) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in request.query_params.multi_items():
            self._values.setdefault(name.removesuffix("[]"), []).append(value)

    def unknown(self, known: Collection[str]) -> list[str]:
        """Return the parameters that are not `known`, without a trailing []."""
        return sorted(set(self._values) - set(known))

    def text(self, name: str) -> str | None:
        """Return the text of a parameter."""
        values = self._values.get(name)
        return values[-1] if values else None

    def texts(self, name: str) -> list[str] | None:
        """Return the values of an array: a repeated parameter, with or without [], or values separated by commas."""
        values = self._values.get(name)
        return None if values is None else [part for value in values for part in value.split(",")]

    def integer(self, name: str) -> int | None:
        """Return a parameter that is a whole number."""
        value = self.text(name)
        return None if value is None else self._whole(name, value)

    def integers(self, name: str) -> set[int] | None:
        """Return the ids in an array."""
        values = self.texts(name)
        return None if values is None else {self._whole(name, value) for value in values}

    def required(self, name: str) -> int:
        """Return a required id."""
        value = self.integer(name)
        if value is None:
            raise Refusal(400, f"param is missing or the value is empty: {name}")
        return value

    def flag(self, name: str) -> bool | None:
        """Return a parameter that is true or false."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise Refusal(400, {name: ["is not a boolean"]})
        return value.lower() == "true"

    def span(self, name: str) -> tuple[dt.datetime, dt.datetime] | None:
        """Return a time range `from...to`, including both ends. A date without a time means the whole day in UTC."""
        value = self.text(name)
        if value is None:
            return None
        start, dots, end = value.partition("...")
        if not dots:
            raise Refusal(400, {name: ["is not a range of two dates joined by ..."]})
        try:
            return _moment(start, dt.time.min), _moment(end, dt.time.max)
        except ValueError as error:
            raise Refusal(400, {name: [str(error)]}) from error

    def cut(
        self,
        rows: Sequence[Row],
        show: Callable[[Row], Any],
        *,
        default: int,
        most: int | None = None,
        v2: bool = False,
    ) -> Page:
        """Return the requested page: by default `default` rows, at most `most` (None = no limit), each formatted by `show`."""
        page, per_page = self.integer("page") or 1, self.integer("per_page") or default
        if page < 1 or per_page < 1:
            raise Refusal(400, "page and per_page must be positive")
        if most is not None:
            per_page = min(per_page, most)
        cut = rows[(page - 1) * per_page : page * per_page]
        return Page(cut, len(rows), page, per_page, v2, [show(row) for row in cut])

    @staticmethod
    def _whole(name: str, value: str) -> int:
        if not value.isdigit():
            raise Refusal(400, {name: ["is not a number"]})
        return int(value)


def _moment(text: str, bare: dt.time) -> dt.datetime:
    if len(text) == 10:
        return dt.datetime.combine(dt.date.fromisoformat(text), bare, dt.UTC)
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def within(moment: dt.datetime, span: tuple[dt.datetime, dt.datetime] | None) -> bool:
    """Return whether `moment` is in the range, including the whole second of its end. True without a range."""
    return span is None or (span[0] <= moment and moment.replace(microsecond=0) <= span[1])
