"""The parts that both clients use, in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import fakeredis
import pytest

from tests.kit.container import Redis
from tests.unit.clients.netsuite import MakeClient
from tests.unit.clients.procore import ADDRESS
from tests.unit.clients.procore import MakeClient as MakeProcore
from tests.unit.clients.remotes import Scripted
from worker.clients.http import Answer
from worker.clients.netsuite.api import NetSuiteApi
from worker.clients.netsuite.client import NetSuite
from worker.clients.netsuite.wire import AccountDefaults
from worker.clients.procore.api import ProcoreApi
from worker.clients.procore.client import Procore
from worker.domain.errors import SyncError
from worker.store.cache import Cache
from worker.store.gate import Gate, Precedence
from worker.store.limits import RateLimits
from worker.store.locks import LeaseKeeper
from worker.store.runtime import REAL
from worker.store.tokens import AccessToken, Tokens


@pytest.fixture
def client() -> Iterator[Redis]:
    """Yield an in-memory Redis with Lua."""
    with fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True) as imitation:
        yield imitation


@pytest.fixture
def sleeps() -> list[float]:
    """Return the list of seconds that the client would have slept."""
    return []


@pytest.fixture
def netsuite_of(client: Redis, sleeps: list[float]) -> MakeClient:
    def make(
        *answers: Answer | SyncError,
        item_type: str = "otherChargePurchaseItem",
        sleep: Callable[[float], None] = sleeps.append,
    ) -> tuple[NetSuite, Scripted]:
        minted: list[int] = []

        def mint() -> AccessToken:
            minted.append(1)
            return AccessToken(f"token-{len(minted)}", 3600)

        transport = Scripted(*answers, runtime=replace(REAL, sleep=sleep))
        api = NetSuiteApi(
            "https://td1.example",
            transport=transport,
            tokens=Tokens(client, "t:", "netsuite", mint),
            gate=Gate(client, "t:", LeaseKeeper(), limit=1),
            precedence=Precedence.SCAN,
        )
        return NetSuite(api, AccountDefaults(item_type=item_type), Cache(client, "t:", "td1")), transport

    return make


@pytest.fixture
def procore_of(client: Redis) -> MakeProcore:
    def make(*answers: Answer | SyncError) -> tuple[Procore, Scripted]:
        minted: list[int] = []

        def mint() -> AccessToken:
            minted.append(1)
            return AccessToken(f"token-{len(minted)}", 3600)

        transport = Scripted(*answers)
        api = ProcoreApi(
            ADDRESS,
            transport=transport,
            tokens=Tokens(client, "t:", "procore", mint),
            limits=RateLimits(client, "t:", "procore"),
            precedence=Precedence.SCAN,
        )
        return Procore(api, Cache(client, "t:", "td1")), transport

    return make
