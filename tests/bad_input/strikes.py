"""Changes of a response on the wire: drawn before the response is known, for a given kind of request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.bad_input import strategies as hostile
from tests.bad_input.strategies import Change, Damage
from tests.bad_input.wire import LOGINS, READS, WRITES, Exchange

HTML = b"<html><head><title>Sign in</title></head><body><h1>Please sign in</h1></body></html>"
BODIES = {
    "none": b"",
    "html": HTML,
    "json": b"{}",
    "list": b"[]",
    "procore's": b'{"errors": "something is wrong"}',
    "netsuite's": b'{"o:errorDetails": [{"detail": "something is wrong", "o:errorCode": "USER_ERROR"}]}',
    "exists": b'{"o:errorDetails": [{"detail": "This record already exists", "o:errorCode": "DUP_RCRD"}]}',
    "missing": b'{"o:errorDetails": [{"detail": "no", "o:errorCode": "NONEXISTENT_ID"}]}',
    "odd details": b'{"o:errorDetails": {"detail": [["x"]]}, "errors": [[[[[[1]]]]]], "message": 7}',
    "no text": b"\x80\x81\xff",
}
HEADERS = (
    "Retry-After", "X-Rate-Limit-Limit", "X-Rate-Limit-Remaining", "X-Rate-Limit-Reset", "Location", "Link", "Content-Type",
    "Content-Encoding", "Content-Length", "Transfer-Encoding", "Set-Cookie", "Connection",
)  # fmt: skip
LOCATIONS = (
    "/", "x", "https://elsewhere.example/", "https://netsuite.example/services/rest/async/v1/job/17",
    "https://netsuite.example/services/rest/record/v1/vendorBill/", "https://netsuite.example/services/rest/record/v1/customer/17", "javascript:1",
)  # fmt: skip


@dataclass(frozen=True)
class Answered:
    """A response with another status, other headers, and perhaps another body."""

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None

    def on(self, exchange: Exchange) -> None:
        """Change the response in place."""
        exchange.status = self.status or exchange.status
        exchange.headers |= dict(self.headers)
        exchange.body = BODIES[self.body] if self.body else exchange.body


@dataclass(frozen=True)
class Strike:
    """An answer of this kind is changed: from the `first` on, so many `times`. Unless `done`, a write never reaches the remote."""

    kind: str
    action: Change | Damage | Answered
    first: int = 0
    times: int = 1
    done: bool = True

    def on(self, exchange: Exchange) -> None:
        """Change the response in place."""
        if isinstance(self.action, Answered):
            self.action.on(exchange)
        elif isinstance(self.action, Damage):
            exchange.body = self.action.of(exchange.body)
        elif exchange.json is not None:
            exchange.body = json.dumps(self.action.of(exchange.json)).encode()


@dataclass
class Strikes:
    """A function that changes responses by a list of strikes."""

    strikes: Sequence[Strike]
    _count: Counter[str] = field(default_factory=Counter)

    def __call__(self, exchange: Exchange) -> None:
        place = self._count[exchange.kind]
        self._count[exchange.kind] += 1
        for strike in self.strikes:
            if strike.kind == exchange.kind and strike.first <= place < strike.first + strike.times:
                strike.on(exchange)

    def kept_back(self, kind: str) -> bool:
        """Return whether the next request of this kind never reaches the remote."""
        place = self._count[kind]
        return any(
            not strike.done and strike.kind == kind and strike.first <= place < strike.first + strike.times
            for strike in self.strikes
        )


statuses = st.sampled_from(
    (
        200,
        201,
        202,
        204,
        301,
        302,
        304,
        400,
        401,
        403,
        404,
        405,
        408,
        409,
        418,
        422,
        429,
        500,
        501,
        502,
        503,
        504,
        599,
        999,
    )
) | st.integers(100, 999)
headers = st.lists(st.tuples(st.sampled_from(HEADERS), hostile.header_values), max_size=3).map(tuple)
times = st.sampled_from((1, 1, 2, 99))
SAME_MEANING = ("drop", "null", "empty", "wrap in a list", "wrap in an object", "as text", "as number", "add", "repeat")


def strikes_on(
    kinds: Sequence[str], action: SearchStrategy[Change] | SearchStrategy[Damage] | SearchStrategy[Answered]
) -> SearchStrategy[Strike]:
    """Draw strikes of one sort on responses to these kinds of requests."""
    return st.builds(Strike, st.sampled_from(kinds), action, st.integers(0, 2), times)


structural = strikes_on(
    (*READS, *LOGINS),
    st.builds(Change, st.sampled_from(SAME_MEANING), st.integers(0, 10_000)),
)
"""What is missing, null, empty or of another type: nothing that could pass for another value."""
replaced = strikes_on(READS, st.builds(Change, st.just("replace"), st.integers(0, 10_000), hostile.values))
damaged = strikes_on((*READS, *LOGINS), hostile.damages)
answered = strikes_on(
    (*READS, *LOGINS), st.builds(Answered, statuses | st.none(), headers, st.none() | st.sampled_from(tuple(BODIES)))
)
locations = (
    st.sampled_from(LOCATIONS).map(lambda value: (("Location", value),)) | st.just((("Location", ""),)) | headers
)
writes = st.builds(
    Strike, st.sampled_from(WRITES), st.builds(Answered, statuses | st.none(), locations, st.none() | st.sampled_from(tuple(BODIES))),
    st.integers(0, 1), times, st.booleans(),
)  # fmt: skip
