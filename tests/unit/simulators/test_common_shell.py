"""What a client receives when a fault rule applies: whether the work was done, and what is returned. Tested with NetSuite."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from simulators.common.server import RunningServer
from tests.kit.waiting import eventually
from tests.unit.simulators.conftest import BILLS, ITEMS, TIMEOUT, Account, bill_body, item_body, problem


def strike(account: Account, kind: str, **fields: Any) -> None:
    account.state.faults.replace([{"kind": kind, "method": "POST", "times": 1, **fields}])


@pytest.mark.parametrize(("kind", "done"), [("cut_before", False), ("cut_after", True)])
def test_a_cut_connection_leaves_the_result_unknown(account: Account, kind: str, done: bool) -> None:
    strike(account, kind)
    with pytest.raises(requests.ConnectionError):
        account.send("POST", BILLS, bill_body("b-1", "INV-1", "100.00"))
    assert (account.state.bill_by_external_id("b-1") is not None) is done
    entry = account.state.journal.requests()[-1]
    assert (entry["status"], entry["fault"]) == (None, kind)
    # The next request finds the server alive.
    assert account.send("GET", f"{ITEMS}/5001").status_code == 200


@pytest.mark.parametrize(
    ("kind", "value", "status", "done"),
    [
        ("error_before", 500, 500, False),
        ("error_before", 503, 503, False),
        ("error_after", 500, 500, True),
        ("error_after", 504, 504, True),
        ("unauthorized", None, 401, False),
        ("too_many", None, 429, False),
    ],
)
def test_errors_come_in_the_vendors_shape(
    account: Account, kind: str, value: int | None, status: int, done: bool
) -> None:
    strike(account, kind, value=value)
    answer = account.send("POST", ITEMS, item_body("new", "i-1"))
    assert problem(answer)[0] == status
    assert len(account.state.items_named("new")) == int(done)


def test_gateways_answer_html_or_nothing(account: Account) -> None:
    strike(account, "html", value=502)
    answer = account.send("POST", ITEMS, item_body("new"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    strike(account, "empty", value=503)
    answer = account.send("POST", ITEMS, item_body("new"))
    assert (answer.status_code, answer.content) == (503, b"")
    assert account.state.items_named("new") == []


def test_a_body_cut_in_the_middle_is_no_json(account: Account) -> None:
    account.state.faults.replace([{"kind": "not_json", "times": 1}])
    answer = account.send("GET", f"{ITEMS}/5001")
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_slow_commit_appears_after_the_client_has_given_up(account: Account) -> None:
    # The client waits long enough for the request to arrive on a busy machine.
    strike(account, "slow_commit", value=4)
    begun = time.time()
    with pytest.raises(requests.ReadTimeout):
        account.send("POST", BILLS, bill_body("b-1", "INV-1", "100.00"), timeout=3)
    eventually(lambda: account.send("GET", f"{BILLS}/eid:b-1").status_code == 200)
    (write,) = account.state.writes("vendorBill", "b-1")
    assert write["at"] >= begun + 4


def test_a_request_that_no_client_waits_for_holds_its_slot(account: Account) -> None:
    """The work is done nevertheless."""
    strike(account, "hold", value=120)
    with pytest.raises(requests.ReadTimeout):
        account.send("POST", BILLS, bill_body("b-1", "INV-1", "100.00"), timeout=3)
    eventually(lambda: account.state.meter.in_flight == 1)
    assert account.state.bill_by_external_id("b-1") is None
    account.state.faults.clear()
    eventually(lambda: account.state.meter.in_flight == 0)
    assert len(account.state.writes("vendorBill", "b-1")) == 1


def test_an_echo_repeats_all_that_came_in(account: Account) -> None:
    strike(account, "echo", value=422)
    answer = account.send("POST", ITEMS, item_body("sesame"))
    assert answer.status_code == 422
    assert "sesame" in answer.json()["errors"]
    assert "Bearer " in answer.json()["o:errorDetails"][0]["detail"]


def test_maintenance_is_an_html_page_for_everything(account: Account) -> None:
    account.state.settings.maintenance = True
    answer = account.send("GET", f"{ITEMS}/5001")
    assert (answer.status_code, "scheduled maintenance" in answer.text) == (503, True)
    assert account.ask_token(account.assertion()).status_code == 503


def test_the_admin_endpoints_control_a_running_simulator(account: Account) -> None:
    admin = f"{account.url}/_admin"
    assert requests.get(f"{admin}/health", timeout=TIMEOUT).json() == {"ok": True, "remote": "netsuite"}
    rules = {"seed": 5, "rules": [{"kind": "error_before", "value": 503, "times": 1}]}
    assert requests.post(f"{admin}/faults", json=rules, timeout=TIMEOUT).json()["seed"] == 5
    assert account.send("GET", f"{ITEMS}/5001").status_code == 503
    assert requests.get(f"{admin}/faults", timeout=TIMEOUT).json()["rules"][0]["struck"] == 1
    assert requests.delete(f"{admin}/faults", timeout=TIMEOUT).json()["rules"] == []
    changed = requests.patch(f"{admin}/settings", json={"concurrency_limit": 15, "bill_tax": 1.5}, timeout=TIMEOUT)
    assert (changed.json()["concurrency_limit"], changed.json()["bill_tax"]) == (15, "1.5")
    refused = requests.patch(f"{admin}/settings", json={"concurrency_limit": 3, "colour": 1}, timeout=TIMEOUT)
    assert (refused.status_code, account.state.settings.concurrency_limit) == (400, 15)
    entries = requests.get(f"{admin}/journal", params={"since": 0}, timeout=TIMEOUT).json()["entries"]
    assert [(entry["method"], entry["status"]) for entry in entries] == [("GET", 503)]
    stats = requests.get(f"{admin}/stats", timeout=TIMEOUT).json()
    assert stats["requests"][f"GET {ITEMS}/{{id}}"] == 1
    requests.delete(f"{admin}/journal", timeout=TIMEOUT)
    assert account.state.journal.entries() == []


def test_reset_rebuilds_the_books_and_keeps_the_login(account: Account) -> None:
    account.send("POST", ITEMS, item_body("mine", "i-1"))
    answer = requests.post(f"{account.url}/_admin/reset", json={"seed": 1, "profile": "test"}, timeout=TIMEOUT)
    assert answer.status_code == 200
    assert account.state.items_named("mine") == []
    assert account.query("SELECT id FROM item").status_code == 200
    answer = requests.post(f"{account.url}/_admin/reset", json={"profile": "no such"}, timeout=TIMEOUT)
    assert answer.status_code == 400


def test_answers_do_not_wait_for_acknowledgements() -> None:
    async def nodelay(scope: Scope, receive: Receive, send: Send) -> None:
        connection: socket.socket = scope["state"]["transport"].get_extra_info("socket")
        option = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        response: Response = PlainTextResponse(str(option != 0))
        assert Request(scope).method == "GET"
        await response(scope, receive, send)

    with RunningServer.start(nodelay) as server:
        assert requests.get(server.url, timeout=TIMEOUT).text == "True"


@pytest.mark.parametrize(("seconds", "answered"), [(0.2, True), (TIMEOUT, False)])
def test_a_server_that_stops_answers_what_it_soon_can_and_drops_the_rest(seconds: float, answered: bool) -> None:
    arrived, ended = threading.Event(), []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        arrived.set()
        try:
            await asyncio.sleep(seconds)
            await PlainTextResponse("done")(scope, receive, send)
        except asyncio.CancelledError:
            ended.append("dropped")
            raise
        ended.append("answered")

    server = RunningServer.start(slow)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(requests.get, server.url, timeout=TIMEOUT)
        assert arrived.wait(TIMEOUT)
        server.stop()
        assert ended == ["answered" if answered else "dropped"]
        assert (asked.exception() is None and asked.result().text == "done") is answered


def test_a_stopped_server_refuses_connections_and_its_port_is_free_again(tmp_path: Path) -> None:
    """Another server can be started on the same port."""

    async def hello(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("hello")(scope, receive, send)

    server = RunningServer.start(hello)
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=TIMEOUT)
    with RunningServer.start(hello, port=server.port) as again:
        assert requests.get(again.url, timeout=TIMEOUT).text == "hello"
