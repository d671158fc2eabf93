"""What `check` reports about a Redis address with more than one server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from worker.inspect.checks.redis import RedisChecks


class Answers:
    """A Redis address behind which servers respond in turn, a different one for each new connection."""

    def __init__(self, *run_ids: str) -> None:
        self._run_ids, self._place = run_ids, 0
        self.connection_pool = SimpleNamespace(disconnect=self._next)

    def _next(self) -> None:
        self._place += 1

    def ping(self) -> bool:
        return True

    def info(self, section: str) -> dict[str, Any]:
        assert section == "server"
        return {"redis_version": "7.2.4", "run_id": self._run_ids[self._place % len(self._run_ids)]}


@pytest.mark.parametrize(("run_ids", "ok"), [(("a",), True), (("a", "b"), False), (("a", "b", "c"), False)])
def test_an_address_with_several_servers_behind_it_is_a_fault(run_ids: tuple[str, ...], ok: bool) -> None:
    """A write is sent only while the server is the one that knows the ledger: with another one each time, none ever is."""
    client: Any = Answers(*run_ids)
    stores: Any = SimpleNamespace(redis=client)
    checks = RedisChecks(stores, queues=())
    run_check = dict(checks.checks())["Redis connection"]
    check = run_check()
    assert check.ok is ok
    assert ok or "run ids" in check.message
