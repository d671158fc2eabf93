"""Simultaneous writes: one record with atomic uniqueness, two with a uniqueness window; and the account's concurrency limit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.kit.waiting import eventually
from tests.unit.simulators.conftest import BILLS, ITEMS, RECORDS, Account, bill_body, item_body, problem


def at_once(*calls: Callable[[], requests.Response]) -> list[requests.Response]:
    """Start all calls together, and return their responses in order."""
    answers: list[requests.Response | None] = [None] * len(calls)
    gate = threading.Barrier(len(calls))

    def run(place: int, call: Callable[[], requests.Response]) -> None:
        gate.wait()
        answers[place] = call()

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]


def held(account: Account, *calls: Callable[[], requests.Response]) -> list[requests.Response]:
    """Return the responses to calls that have all arrived before any is processed, however busy the machine is."""
    plan, meter = account.state.faults, account.state.meter
    plan.replace([{"kind": "hold", "path": RECORDS, "value": 120}])

    def released() -> requests.Response:
        eventually(lambda: plan.as_json()["rules"][0]["struck"] + meter.refused == len(calls))
        plan.clear()
        return requests.Response()

    return at_once(*calls, released)[:-1]


def statuses(account: Account, method: str, path: str, body: dict[str, Any]) -> list[int]:
    def call() -> requests.Response:
        return account.send(method, path, body)

    return sorted(answer.status_code for answer in held(account, call, call))


WRITES = [
    pytest.param("POST", ITEMS, item_body("same", "i-1"), id="item"),
    pytest.param("POST", BILLS, bill_body("b-1", "INV-1", "10.00"), id="bill"),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_atomic_uniqueness_accepts_one_of_two(account: Account, method: str, path: str, body: dict[str, Any]) -> None:
    account.state.settings.write_latency = 0.3
    assert statuses(account, method, path, body) == [204, 400]
    assert account.state.duplicates() == []


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_window_accepts_both_and_the_pair_is_found(
    account: Account, method: str, path: str, body: dict[str, Any]
) -> None:
    account.state.settings.uniqueness, account.state.settings.uniqueness_window = "window", 0.3
    assert statuses(account, method, path, body) == [204, 204]
    kinds = {kind for kind, _, ids in account.state.duplicates() if len(ids) == 2}
    names = {"item_name", "item_external_id"}
    assert kinds == (names if path == ITEMS else {"bill_external_id", "bill_number"})
    listed = account.send("GET", "/_admin/duplicates").json()["duplicates"]
    assert {each["kind"] for each in listed} == kinds
    # The window has closed: a third is refused.
    assert problem(account.send(method, path, body))[0] == 400


@pytest.mark.parametrize(("uniqueness", "bills"), [("atomic", 1), ("window", 2)])
def test_two_upserts_at_once(account: Account, uniqueness: str, bills: int) -> None:
    settings = account.state.settings
    settings.uniqueness, settings.uniqueness_window, settings.write_latency = uniqueness, 0.15, 0.15
    body = bill_body(None, "INV-1", "10.00")
    assert statuses(account, "PUT", f"{BILLS}/eid:b-1", body) == [204, 204]
    assert len(account.state.bills.find("externalid", "b-1")) == bills


@pytest.mark.parametrize(
    ("disguise", "expected"), [(False, (429, "CONCURRENCY_LIMIT_EXCEEDED")), (True, (401, "INVALID_LOGIN"))]
)
def test_requests_above_the_cap_are_refused_and_counted(
    account: Account, disguise: bool, expected: tuple[int, str]
) -> None:
    settings = account.state.settings
    settings.concurrency_limit, settings.disguise_429_as_401, settings.read_latency = 2, disguise, 0.5

    def read() -> requests.Response:
        return account.send("GET", f"{ITEMS}/5001")

    answers = held(account, read, read, read, read)
    refused = [answer for answer in answers if answer.status_code != 200]
    assert [problem(answer)[:2] for answer in refused] == [expected, expected]
    stats = account.send("GET", "/_admin/stats").json()
    assert (stats["max_in_flight"], stats["refused"], stats["in_flight"]) == (2, 2, 0)
    served = [entry for entry in account.state.journal.requests() if not entry["refused"]]
    assert sorted(entry["in_flight"] for entry in served) == [1, 2]
    assert all(entry["ended"] - entry["started"] >= 0.5 for entry in served)


def test_tokens_do_not_count_against_the_cap(account: Account) -> None:
    account.state.settings.concurrency_limit = 0
    assert account.ask_token(account.assertion()).status_code == 200
    assert account.send("GET", f"{ITEMS}/5001").status_code == 429


def test_latency_grows_with_the_lines_of_a_bill(account: Account) -> None:
    settings = account.state.settings
    settings.write_latency, settings.line_latency = 0.1, 0.1
    account.send("POST", BILLS, bill_body("b-1", "INV-1", "1.00", "2.00", "3.00"))
    entry = account.state.journal.requests()[-1]
    assert entry["ended"] - entry["started"] >= 0.4
