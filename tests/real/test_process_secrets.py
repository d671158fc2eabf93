"""The secrets of each process, read from its environment: a secret that it does not use is not there, however it was started."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from config.process_secrets import BEAT, FLOWER, HELD, PLACEHOLDERS, WEBHOOKS, WORKER
from config.processes import FLOWER_CONFIG, processes
from tests.kit.ports import unused_port
from tests.kit.programs import READY, Program
from tests.kit.site import Site
from tests.kit.waiting import eventually

pytestmark = pytest.mark.real

LOGIN = ("engineer", "a-password-of-flower")
COMMANDS = {
    WORKER: ["-m", "worker.process", "worker", "-n", "items@%h", "-Q", "scans,items,upkeep"],
    BEAT: ["-m", "worker.process", "beat"],
    FLOWER: ["-m", "celery", "-A", "worker.app", "flower", f"--conf={FLOWER_CONFIG}"],
    WEBHOOKS: ["-m", "worker.cli", "webhooks"],
}
SAYS = {WORKER: READY, BEAT: "beat: Starting", FLOWER: "Visit me at", WEBHOOKS: "Webhooks http"}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    env = {
        "FLOWER_BASIC_AUTH": ":".join(LOGIN),
        "FLOWER_PORT": str(unused_port()),
        "WEBHOOK_AUTHORIZATION": "Bearer a-canary-of-webhooks",
        "WEBHOOK_PORT": str(unused_port()),
        "SENTRY_DSN": "http://acanaryofsentry@127.0.0.1:9/7",
        "HTTPS_PROXY": "http://user:a-canary-of-a-proxy@127.0.0.1:9",
        "https_proxy": "http://user:a-canary-of-a-proxy@127.0.0.1:9",
    }
    with Site.open(tmp_path, profile="test", env=env) as opened:
        yield opened


def environment_of(pid: int) -> dict[str, str]:
    """Return the environment that another process of the same user, or an intruder, can read."""
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not show environments")
@pytest.mark.parametrize("kind", HELD)
def test_a_process_holds_the_secrets_of_the_table_and_no_other(site: Site, kind: str) -> None:
    given = {name for name in PLACEHOLDERS if site.env.get(name.upper())}
    assert given >= set(PLACEHOLDERS) - {"http_proxy"}
    program = Program(kind, [sys.executable, *COMMANDS[kind]], site.env, site.folder, fresh=True)
    site.programs.append(program)
    program.says(SAYS[kind])
    environment = environment_of(program.pid)
    shown = {name.lower() for name, value in environment.items() if value and name.lower() in PLACEHOLDERS}
    assert shown == given & set(HELD[kind])
    unused = {site.env[name.upper()] for name in given - set(HELD[kind])}
    assert [name for name, value in environment.items() if value in unused] == []
    assert_works(site, kind)


def assert_works(site: Site, kind: str) -> None:
    if kind == FLOWER:
        base = f"http://127.0.0.1:{site.env['FLOWER_PORT']}"
        for page in ("/report", "/metrics/business", "/workers"):
            assert requests.get(base + page, auth=LOGIN, timeout=60).status_code == 200, page
    elif kind == WEBHOOKS:
        url = f"http://127.0.0.1:{site.env['WEBHOOK_PORT']}/procore"
        headers = {"Authorization": site.env["WEBHOOK_AUTHORIZATION"]}
        assert requests.post(url, json={}, headers=headers, timeout=60).status_code == 204
        assert requests.post(url, json={}, timeout=60).status_code == 401
    elif kind == WORKER:
        eventually(lambda: [one for one in site.container.stores.presence.running() if one.queues])
    else:
        eventually(lambda: [one for one in site.container.stores.presence.running() if not one.queues])


def test_up_starts_each_process_without_what_it_does_not_use(tmp_path: Path) -> None:
    for process in processes(data_dir=tmp_path, webhooks=True):
        kind = process.environment["WBS_SYNC_PROCESS"]
        empty = {name.lower() for name, value in process.environment.items() if not value}
        assert empty == set(PLACEHOLDERS) - set(HELD[kind]), process.name
    assert os.environ.get("WBS_SYNC_PROCESS") is None
