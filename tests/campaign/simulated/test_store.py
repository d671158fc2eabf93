"""The model store answers as a real server does: the same commands and the product's own scripts, in lockstep."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.simulated.client import Client
from tests.campaign.simulated.store import Server
from tests.kit.container import Redis
from worker import store
from worker.context import correlated
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Children, OutcomeKind, Record, State
from worker.domain.problems import Cause
from worker.domain.work import SCAN_OF_ALL, Lane, RunKind, scan_of
from worker.store.connection import connect
from worker.store.lanes import Lanes
from worker.store.ledger import Ledger
from worker.store.open_problems import Handling
from worker.store.runs import Runs

pytestmark = [pytest.mark.campaign, pytest.mark.real]

PREFIX = "t:"
FOR_PEOPLE_ONLY = {"hlen", "llen", "xrange", "xrevrange", "zrange", "zrevrange"}
"""Commands behind what people look at, which no campaign plays."""


class Clock:
    """A clock that only moves when a test sets it."""

    now = 1_780_000_000.0


def model() -> tuple[Any, Clock]:
    """A client of an empty model."""
    clock = Clock()
    server = Server(lambda: clock.now, random.Random(1))
    return Client(server, lambda command, _: command(), lambda _keys, _timeout: None), clock


@pytest.fixture
def both(redis_url: str) -> tuple[Redis, Any]:
    return connect(redis_url), model()[0]


def test_invoices_are_work_since_the_same_moment(both: tuple[Redis, Any]) -> None:
    told = []
    for client in both:
        work, keys = Lanes(client, PREFIX), [f"invoice:1:{number}" for number in range(4)]
        work.add(Lane.EXPORTS, keys)
        work.request(Lane.EXPORTS, keys[:1])
        for taken in work.take(Lane.EXPORTS, limit=2):
            work.claim(Lane.EXPORTS, taken.key)
            work.close(Lane.EXPORTS, taken.key, OutcomeKind.CREATED)
        ended_by_an_older_worker = sorted(
            client.zrangebyscore(f"{PREFIX}waiting:exports", "-inf", "+inf", start=0, num=9)
        )
        client.zrem(f"{PREFIX}waiting:exports", ended_by_an_older_worker[0])
        work.forget_ended_invoices()
        told.append(client.zrangebyscore(f"{PREFIX}since:invoice", "-inf", "+inf", start=0, num=9))
    assert told[0] == told[1]
    assert len(told[0]) == 1


def test_lanes_and_runs_go_the_same_way(both: tuple[Redis, Any]) -> None:
    told = []
    for client in both:
        dice, work, runs = random.Random(5), Lanes(client, PREFIX), Runs(client, PREFIX)
        keys = [f"code:1:{number}" for number in range(1, 9)]
        said: list[Any] = []
        with correlated("a-request"):
            runs.begin(RunKind.SCAN, "test", [SCAN_OF_ALL])
        work.add(Lane.SCANS, [SCAN_OF_ALL])
        said.append(work.take(Lane.SCANS, limit=4))
        work.spawn(SCAN_OF_ALL, Lane.SCANS, Children([scan_of(1)], Lane.SCANS, {"projects": 1}))
        work.spawn(scan_of(1), Lane.SCANS, Children(keys, Lane.ITEMS, {"codes": len(keys)}))
        for _ in range(200):
            key = dice.choice(keys)
            match dice.randrange(6):
                case 0:
                    said.append(sorted(work.take(Lane.ITEMS, limit=3)))
                case 1:
                    work.claim(Lane.ITEMS, key)
                case 2:
                    work.close(Lane.ITEMS, key, OutcomeKind.CREATED)
                case 3:
                    work.postpone(
                        Lane.ITEMS, key, at=dice.choice((0.0, 4e9)), outcome=dice.choice((None, OutcomeKind.UNKNOWN))
                    )
                case 4:
                    work.add(Lane.ITEMS, [key], at=dice.choice((0.0, 4e9)))
                case _:
                    said.append(work.failed(key))
            run = runs.current(RunKind.SCAN)
            said.append(
                (work.depth(Lane.ITEMS), work.is_in_progress(Lane.ITEMS, key), _when(work.waits_until(Lane.ITEMS, key)))
            )
            said.append(run and (run.ended, run.open_keys, dict(run.counts)))
        told.append(said)
    assert told[0] == told[1]


def _when(at: float | None) -> float | str | None:
    """The two servers' clocks differ: any time of theirs is "now"."""
    return at if at in (None, 0.0, 4e9) else "now"


def test_the_ledger_goes_the_same_way(both: tuple[Redis, Any]) -> None:
    told = []
    for client in both:
        dice, ledger = random.Random(6), Ledger(client, PREFIX)
        said: list[Any] = []
        for _ in range(200):
            key = CodeKey(1, dice.randrange(1, 4))
            cause = Cause.ITEM_INACTIVE
            state = dice.choice(list(State))
            facts = {"name": "24-017 é", "item_id": "5"} if state is State.BLOCKED else {}
            record = Record(
                state, "24-017", at=float(dice.randrange(9)), fence=dice.randrange(5), facts=facts,
                cause=cause if state is State.BLOCKED else None,
            )  # fmt: skip
            said.append(ledger.write(key, record))
            said.append(ledger.add_waiting(1, {key.wbs_code_id: Record(State.WAITING, "again")}))
            said.append((ledger.code(key), ledger.problems(), ledger.projects()))
        told.append(said)
    assert told[0] == told[1]


def test_what_people_do_about_problems_goes_the_same_way(both: tuple[Redis, Any]) -> None:
    told = []
    for client in both:
        dice, ledger, handling = random.Random(7), Ledger(client, PREFIX), Handling(client, PREFIX)
        said: list[Any] = []
        for at in range(200):
            key = CodeKey(1, dice.randrange(1, 4))
            facts = {"name": dice.choice(("24-017 é", "24-018"))} if dice.random() < 0.8 else {}
            ledger.report(str(key), dice.choice((Cause.ITEM_INACTIVE, Cause.ITEM_REJECTED)), facts, at=float(at))
            for seen in ledger.problems():
                act = dice.choice((handling.ignore, handling.ignore, handling.resolve))
                if dice.random() < 0.3:
                    said.append(act(seen, by="ana", at=at + 0.5, note="é"))
            said.append((ledger.problems(), [handling.history(str(CodeKey(1, number))) for number in (1, 2, 3)]))
        told.append(said)
    assert told[0] == told[1]
    assert any(one.ignored for problems, _ in [said for said in told[0] if isinstance(said, tuple)] for one in problems)


def test_the_model_has_every_command_that_work_needs() -> None:
    """Else the first to miss one would be a seed, in the middle of a campaign."""
    modules = [file.read_text(encoding="utf-8") for file in Path(store.__file__).parent.glob("*.py")]
    used = {name for text in modules for name in re.findall(r"self\._client\.(\w+)\(", text)}
    assert {"hget", "hset"} < used
    assert {name for name in used if not hasattr(Client, name)} == FOR_PEOPLE_ONLY


def test_keys_end_when_their_time_is_over() -> None:
    client, clock = model()
    client.set("a", "1", px=1500)
    assert client.set("a", "2", nx=True) is None
    clock.now += 1.5
    assert client.get("a") is None
    assert client.set("a", "2", nx=True)
