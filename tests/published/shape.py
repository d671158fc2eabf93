"""Published shapes of records and responses, and how a value differs from one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
READ_ONLY = " read-only"
TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}


@dataclass(frozen=True)
class Shape:
    """The published properties of one record or response, by path: `id`, `vendor.name`, `items[].amount`.

    The type of a property is a name in `TYPES`, `any`, or the list of the values that it can have. An object or array without
    listed parts may contain anything. Null is accepted everywhere: neither vendor publishes which properties are never null.
    """

    properties: Mapping[str, str | list[str]]

    @cached_property
    def _parents(self) -> frozenset[str]:
        return frozenset(_parent(path) for path in self.properties)

    def names(self, parent: str = "") -> set[str]:
        """Return the names of the properties directly below `parent`, such as `item.items[]`."""
        start = f"{parent}." if parent else ""
        return {path.removeprefix(start) for path in self.properties if _parent(path) == parent}

    def differences(self, value: Any, *, sent: bool = False) -> list[str]:
        """Return a sentence per part of `value` that is unpublished or has another type; with `sent`, also per read-only property."""
        return list(self._differences("", "array" if "[]" in self.properties else "object", value, sent=sent))

    def _differences(self, path: str, published: str | list[str], value: Any, *, sent: bool) -> Iterator[str]:
        kind = published.removesuffix(READ_ONLY) if isinstance(published, str) else published
        if sent and kind != published:
            yield f"{path} is read-only"
        if value is None or kind == "any":
            return
        if not _has_type(value, kind):
            yield f"{path or 'the value'} is {value!r}, not {kind if isinstance(kind, str) else f'one of {kind}'}"
        elif path in self._parents:
            for part, child in _children(path, value):
                if part in self.properties:
                    yield from self._differences(part, self.properties[part], child, sent=sent)
                else:
                    yield f"{part} is not published"


def response(operation: str) -> Shape:
    """Return the shape of Procore's response to `operation`, such as `GET /rest/v1.0/vendors`."""
    return Shape(_table("procore")[operation])


def record(record_type: str) -> Shape:
    """Return the shape of a NetSuite record type; lines of a sublist are below `item.items[]` and the like."""
    return Shape(_table("netsuite")[record_type])


def _table(name: str) -> Mapping[str, Any]:
    tables: Mapping[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["properties"]
    return tables


def _parent(path: str) -> str:
    return path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]


def _has_type(value: Any, kind: str | list[str]) -> bool:
    if isinstance(kind, list):
        return value in kind
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _children(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        yield from ((f"{path}[]", each) for each in value)
    else:
        yield from ((f"{path}.{name}" if path else name, each) for name, each in value.items())
