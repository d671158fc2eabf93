"""The parts that both clients stand on, in memory."""

from __future__ import annotations

from collections.abc import Iterator

import fakeredis
import pytest

from tests.support import Redis


@pytest.fixture
def client() -> Iterator[Redis]:
    """An in-memory Redis with Lua."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as imitation:
        yield imitation
