"""Hostile values, built once for all the tests of this folder.

A change of an answer is drawn before the answer is known (it comes from a simulator in the middle of a flow), so it is drawn as
numbers that are taken modulo what is there: the same example does the same to the same answer, and a blob replays it.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

NASTY_TEXTS = (
    "", " ", "\x00", "\n", "a\tb", "line\nline", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x7f", "\u202e24-710", "\u200f24",
    "\u2028", "\ufeff", "\ufffd", "\ud800", "\U0001f3d7", "e\u0301" * 20, "O'Brien", "'; DROP TABLE item; --", "' OR 1=1 --", "\\", '"', "%s%n",
    "{project}", "{0.__class__}", "{", "[red]", "[/]", "[link=http://x]y[/link]", ":warning:", "<img src=x onerror=alert(1)>", "</script>",
    "../../etc/passwd", "a : b", "null", "NaN", "-1", "1e3", "0x10", "true", "x" * 61, "y" * 5000, "\u0661\u0662\u0663", "\u00b2",
)  # fmt: skip
NASTY_NUMBERS = (0, -1, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 10**20, 10**400, 0.1, -0.0, 1e308, 12.345)
NASTY_AMOUNTS = (
    "1,234.50", "1.234,50", "1e3", "NaN", "sNaN", "Infinity", "-Infinity", "12.345", "-0.00", "", "-", ".", "$5.00", "(5.00)", "5.00 USD", "+5.00",
    " 5.00", "5.00\n", "0x5", "\u0665.00", "1_000.00", "100000000000000000000.00", "0.001",
)  # fmt: skip
NASTY_DAYS = (
    "09/30/2026",
    "30.09.2026",
    "2026-9-30",
    "20260930",
    "2026-02-30",
    "0000-00-00",
    "2026-09-30T00:00:00Z",
    "1759190400",
    "today",
)

texts = st.sampled_from(NASTY_TEXTS) | st.text(max_size=80)
"""Any text that JSON can carry, lone surrogates included."""
surrogates = st.text(st.characters(categories=["Cs"]), min_size=1, max_size=3)
any_texts = texts | surrogates
numbers = st.sampled_from(NASTY_NUMBERS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | any_texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_texts, inner, max_size=4), max_leaves=8
)
header_values = (
    st.sampled_from(("", "-", "0", "-1", "1", "99999999999", "9" * 400, "1.5", "1e9", "NaN", "\u00b2", "soon", " ", "a, b; c=\"d", "<>; rel=next"))
    | st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
)  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One change of the structure of a JSON body: what happens to its `place`-th part."""

    kind: str
    place: int
    value: Any = None

    def of(self, body: Any) -> Any:
        """Return the changed body; the original is not changed."""
        box = [copy.deepcopy(body)]
        places = list(_places(box))
        container, key = places[self.place % len(places)]
        before = container[key]
        if self.kind == "drop" and container is not box:
            del container[key]
        elif self.kind == "add" and isinstance(before, dict):
            before[f"unknown_{self.place % 7}"] = self.value
        elif self.kind == "repeat" and isinstance(before, list) and before:
            before.append(copy.deepcopy(before[self.place % len(before)]))
        else:
            container[key] = self._instead_of(before)
        return box[0]

    def _instead_of(self, before: Any) -> Any:
        match self.kind:
            case "wrap in a list":
                return [before]
            case "wrap in an object":
                return {"value": before}
            case "as text":
                return before if isinstance(before, str) else json.dumps(before, default=str)
            case "as number" if isinstance(before, str) and before.strip("-").replace(".", "", 1).isdecimal():
                return float(before) if "." in before else int(before)
            case "empty":
                return type(before)() if isinstance(before, dict | list | str) else None
            case "null":
                return None
        return self.value


def _places(container: Any) -> Any:
    """Yield all parts of a body, each as its container and its key or index there."""
    keys = list(container) if isinstance(container, dict) else range(len(container))
    for key in keys:
        yield container, key
        if isinstance(container[key], dict | list):
            yield from _places(container[key])


KINDS = ("drop", "null", "empty", "wrap in a list", "wrap in an object", "as text", "as number", "add", "repeat")
values = json_values | st.sampled_from(NASTY_AMOUNTS + NASTY_DAYS)
changes: SearchStrategy[Change] = st.builds(Change, st.sampled_from(KINDS), st.integers(0, 10_000)) | st.builds(
    Change, st.sampled_from(("replace", "add")), st.integers(0, 10_000), values
)


@dataclass(frozen=True)
class Damage:
    """One change of the bytes of a body, whatever they are."""

    kind: str
    amount: int = 0

    def of(self, body: bytes) -> bytes:
        """Return the damaged body."""
        at = self.amount % (len(body) + 1)
        match self.kind:
            case "cut":
                return body[:at]
            case "empty":
                return b""
            case "html":
                return b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
            case "broken byte":
                return body[:at] + bytes([0x80 + self.amount % 0x80]) + body[at:]
            case "twice":
                return body + body
            case "utf-16":
                return body.decode("utf-8", "replace").encode("utf-16", "replace")
            case "mark":
                return b"\xef\xbb\xbf" + body
            case "deep":
                return b"[" * 5000 + body + b"]" * 5000
            case "name twice" if body.startswith(b"{") and len(body) > 2:
                first = json.dumps(next(iter(json.loads(body)))).encode()
                return b"{" + first + b": null, " + body[1:]
            case "constant":
                return b"[NaN, " + body + b"]"
        return b"null"


damages: SearchStrategy[Damage] = st.builds(
    Damage,
    st.sampled_from(("cut", "empty", "html", "broken byte", "twice", "utf-16", "mark", "deep", "name twice", "constant", "null")),
    st.integers(0, 100_000),
)  # fmt: skip
