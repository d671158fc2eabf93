"""Clients get time and randomness from outside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import worker.clients
from tests.unit.clients.remotes import answers, serving
from tests.unit.store.test_runtime import FROM_OUTSIDE, imported
from worker.clients.http import Transport
from worker.domain.errors import NoRoom
from worker.store.runtime import REAL

FOLDER = Path(next(iter(worker.clients.__path__)))


def test_no_client_imports_time_or_chance() -> None:
    imports = {file.name: FROM_OUTSIDE.intersection(imported(file)) for file in FOLDER.rglob("*.py")}
    # Both keep something per thread; their clock and lock come from outside.
    assert imports.pop("http.py") == imports.pop("network.py") == {"threading"}
    assert {name for name, modules in imports.items() if modules} == set()


@pytest.mark.real
def test_a_request_leaves_by_the_clock_of_its_transport() -> None:
    with serving(answers(200)) as server:
        transport = Transport(remote="netsuite", read_timeout=60, runtime=replace(REAL, monotonic=lambda: 17.0))
        with pytest.raises(NoRoom, match="nothing was sent"):
            transport.send("POST", server.url, headers={}, body={}, writes=True, leaves_by=16.9)
        assert transport.send("POST", server.url, headers={}, body={}, writes=True, leaves_by=17.0).ok
    assert len(server.seen) == 1


@pytest.mark.real
def test_clocks_are_compared_by_the_clock_of_the_transport() -> None:
    ahead = replace(REAL, time=lambda: REAL.time() + 90)
    begun = REAL.time()
    with serving(answers(200)) as server:
        transport = Transport(remote="netsuite", read_timeout=60, runtime=ahead)
        transport.send("GET", server.url, headers={})
    took = REAL.time() - begun
    assert transport.clock_ahead is not None
    assert 90 - 2 <= transport.clock_ahead <= 90 + took + 2
