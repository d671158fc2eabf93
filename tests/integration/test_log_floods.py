"""Callers without a login cannot fill the disk through the logs of listening processes."""

from __future__ import annotations

import base64
import resource
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from config.logs import LIMITED_BURST, LIMITED_EVERY_SECONDS
from config.processes import processes
from tests.integration.test_flower_access import LOGIN, environment
from tests.kit.ports import unused_port
from tests.kit.waiting import eventually
from worker.inspect.liveness import RECEIVES
from worker.local.embedded import EmbeddedServer
from worker.local.supervisor import Supervisor
from worker.store.connection import connect
from worker.store.presence import Presence
from worker.store.webhook_counts import WebhookCounts

pytestmark = pytest.mark.real

TRIES = 400


@dataclass
class Listener:
    """A listening process. `page`: the page that it refuses without the right login."""

    url: str
    page: str
    pid: int
    log: Path

    def ready(self) -> bool:
        with suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f"{self.url}/healthcheck", timeout=60).ok
        return False

    def lines(self) -> int:
        return len(self.log.read_bytes().splitlines())


@pytest.fixture(scope="module")
def listeners(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[dict[str, Listener]]:
    """Run Flower and the receiver of webhooks."""
    folder = tmp_path_factory.mktemp("listeners")
    ports = {"flower": unused_port(), "webhooks": unused_port()}
    env = environment(folder, redis_server.url) | {
        "FLOWER_PORT": str(ports["flower"]),
        "FLOWER_BASIC_AUTH": ":".join(LOGIN),
        "WEBHOOK_PORT": str(ports["webhooks"]),
        "WEBHOOK_AUTHORIZATION": "Bearer of-nobody-at-all",
        "REDIS_KEY_PREFIX": "floods:",
    }
    started = [process for process in processes(data_dir=folder, webhooks=True) if process.name in ports]
    with Supervisor(started, env=env, log_dir=folder / "logs") as supervisor:
        pids = supervisor.alive()
        pages = {"flower": "/tasks", "webhooks": "/procore"}
        by_name = {
            name: Listener(f"http://127.0.0.1:{port}", pages[name], pids[name], folder / "logs" / f"{name}.log")
            for name, port in ports.items()
        }
        for listener in by_name.values():
            eventually(listener.ready, 60, every=0.2)
        yield by_name


# A failure of Flower's has a traceback of some 40 lines.
@pytest.mark.parametrize(("name", "most_lines"), [("flower", 2 * LIMITED_BURST * 45), ("webhooks", 2 * LIMITED_BURST)])
def test_a_wrong_login_again_and_again_makes_a_bounded_number_of_lines(
    listeners: dict[str, Listener], name: str, most_lines: int
) -> None:
    listener = listeners[name]
    before, begun = listener.lines(), time.monotonic()
    # Not ASCII: a comparison of passwords may fail at it.
    with requests.Session() as session:
        for _ in range(TRIES):
            answer = session.post(
                listener.url + listener.page, headers={"Authorization": b"Basic \xff\xfe"}, timeout=60
            )
            assert answer.status_code >= 400
        for _ in range(TRIES):
            login = "Basic " + base64.b64encode("engineer:pässwörd".encode()).decode()
            answer = session.get(listener.url + listener.page, headers={"Authorization": login}, timeout=60)
            assert answer.status_code >= 400
    assert listener.lines() - before < most_lines * bursts_since(begun)


def test_refused_webhooks_are_counted_and_the_receiver_stays_alive(
    listeners: dict[str, Listener], redis_server: EmbeddedServer
) -> None:
    client, receiver = connect(redis_server.url), listeners["webhooks"]
    counts = WebhookCounts(client, "floods:")

    def send(authorization: str, status: int) -> None:
        headers = {"Authorization": authorization}
        answer = requests.post(receiver.url + receiver.page, json={}, headers=headers, timeout=60)
        assert answer.status_code == status

    # Counts are saved every two seconds, in order: with this request, all that other tests sent is saved.
    accepted = counts.total().get("accepted", 0)
    send("Bearer of-nobody-at-all", 204)
    eventually(lambda: counts.total().get("accepted", 0) == accepted + 1)
    refused = counts.total().get("unauthorized", 0)
    send("Bearer of-somebody-else", 401)
    eventually(lambda: counts.total().get("unauthorized", 0) == refused + 1)
    [running] = eventually(Presence(client, "floods:").running)
    assert (running.name.partition("@")[0], running.queues) == ("webhooks", RECEIVES)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets another process change the limit")
@pytest.mark.parametrize("name", ["flower", "webhooks"])
def test_a_process_out_of_descriptors_says_so_a_bounded_number_of_times(
    listeners: dict[str, Listener], name: str
) -> None:
    """It responds again as soon as it may open files."""
    listener = listeners[name]
    before, begun = listener.lines(), time.monotonic()
    limits = resource.prlimit(listener.pid, resource.RLIMIT_NOFILE)
    host, port = listener.url.removeprefix("http://").split(":")
    try:
        used = max(int(path.name) for path in Path(f"/proc/{listener.pid}/fd").iterdir())
        resource.prlimit(listener.pid, resource.RLIMIT_NOFILE, (used + 3, limits[1]))
        with ExitStack() as callers:
            for _ in range(20):
                callers.enter_context(socket.create_connection((host, int(port)), timeout=60))
            eventually(lambda: "Too many open files" in listener.log.read_text(errors="replace"))
            # It is polled while connections wait; the time that this takes is the measure.
            at = cpu_ticks(listener.pid)
            eventually(lambda: cpu_ticks(listener.pid) > at + 50)
            assert listener.lines() - before < 2 * LIMITED_BURST * 45 * bursts_since(begun)
    finally:
        resource.prlimit(listener.pid, resource.RLIMIT_NOFILE, limits)
    eventually(listener.ready)


def bursts_since(begun: float) -> float:
    """Return how many bursts a place may have logged: one, and the lines that it is given afterwards, which count where the test took long."""
    return 1 + (time.monotonic() - begun) / LIMITED_EVERY_SECONDS / LIMITED_BURST


def cpu_ticks(pid: int) -> int:
    """Return the CPU time that a process has used, in hundredths of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
