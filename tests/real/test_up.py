"""`wbs-sync up`: one in a data directory, honest about its addresses, with a password that stays; and every process ends when it is asked
to, even when Redis does not respond.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
import requests

from tests.kit.ports import unused_port
from tests.kit.programs import Program, script
from tests.kit.site import QUICK, Site
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite
from tests.real.test_commands import assert_sentence, first_json
from worker.cli.stack import PASSWORD_FILE

pytestmark = pytest.mark.real

END_SECONDS = 30.0


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def healthy(port: int) -> bool:
    """Return whether the health page responds within seconds."""
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthcheck", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def up(site: Site, number: int) -> Program:
    program = Program(f"up-{number}", [script(), "up", "--json"], site.env, site.folder, fresh=True)
    site.programs.append(program)
    return program


def test_one_up_runs_in_a_data_directory_and_its_password_stays(open_site: OpenSite) -> None:
    """With REDIS_URL set, only the lock of the data directory shows that it is in use."""
    site = open_site(profile="large:1x2", env={"FLOWER_PORT": str(unused_port())})
    first = up(site, 1)
    login = first_json(first)["login"]
    assert_sentence(site.command("up", fresh=True), 1, "is already running for", "DATA_DIR")
    file = site.folder / "data" / PASSWORD_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert login == f"wbs-sync:{file.read_text().strip()}"
    log = site.folder / "data" / "logs" / "items.log"
    eventually(lambda: log.exists() and " ready." in log.read_text(), 60)
    with standing_still(site.server.pid):
        first.ask_to_end()
        assert first.wait(END_SECONDS) == 0
    assert first_json(up(site, 2))["login"] == login


@pytest.mark.parametrize("setting", ["FLOWER_PORT", "WEBHOOK_PORT"])
def test_a_port_in_use_is_reported_before_any_address(open_site: OpenSite, setting: str) -> None:
    site = open_site(profile="large:1x2", env={"WEBHOOK_AUTHORIZATION": "Bearer a-secret-that-procore-was-told"})
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = str(listener.getsockname()[1])
        assert_sentence(
            site.command("up", env={setting: port}, fresh=True), 1, f"Cannot listen on http://127.0.0.1:{port}", setting
        )


@pytest.mark.parametrize("kind", ["items", "beat", "flower", "webhooks"])
def test_a_process_ends_when_asked_to_even_if_redis_hangs(open_site: OpenSite, kind: str) -> None:
    env = {
        "FLOWER_PORT": str(unused_port()),
        "FLOWER_BASIC_AUTH": "an-engineer:a-long-password",
        "WEBHOOK_PORT": str(unused_port()),
        "WEBHOOK_AUTHORIZATION": "Bearer a-secret-that-procore-was-told",
    }
    site = open_site(profile="large:1x2", env=env)
    starts: dict[str, Callable[[], Program]] = {
        "items": site.worker,
        "beat": site.beat,
        "flower": site.flower,
        "webhooks": lambda: site.webhooks(times=QUICK),
    }
    program = starts[kind]()
    if kind in ("flower", "webhooks"):
        port = int(env["FLOWER_PORT" if kind == "flower" else "WEBHOOK_PORT"])
        eventually(lambda: healthy(port), 60)
    with standing_still(site.server.pid):
        if kind in ("flower", "webhooks"):
            time.sleep(6)  # Flower asks the workers every five seconds
            assert healthy(port)
        program.ask_to_end()
        assert program.wait(END_SECONDS) == 0
