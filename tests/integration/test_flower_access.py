"""Flower as wbs-sync starts it: no page without the login, no action that changes anything, and no secret on any page."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

from config.processes import processes
from config.settings import setting_names
from config.unknown_names import OWN_PREFIXES
from tests.kit.ports import unused_port
from tests.kit.programs import ROOT, ended
from tests.kit.waiting import eventually
from worker.domain.problems import Cause
from worker.flower.login import WINDOW_SECONDS
from worker.local.embedded import EmbeddedServer
from worker.local.supervisor import Supervisor
from worker.store.connection import connect
from worker.store.ledger import Ledger

pytestmark = pytest.mark.real

LOGIN = ("engineer", "a-password-of-flower")
PROCORE_SECRET = "a-secret-of-procore"
PAGES = (
    "/",
    "/workers",
    "/tasks",
    "/broker",
    "/api/workers",
    "/api/tasks",
    "/api/queues/length",
    "/report",
    "/metrics/business",
)


def environment(data_dir: Path, redis_url: str) -> dict[str, str]:
    """Return only the settings of the test, whatever the developer's environment contains."""
    key = data_dir / "key.pem"
    key.write_text("not used here")
    theirs = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((*OWN_PREFIXES, "FLOWER_", "SECRETS_DIR"))
    }
    return {name: value for name, value in theirs.items() if name not in setting_names()} | {
        "REDIS_URL": redis_url,
        "DATA_DIR": str(data_dir),
        "PROCORE_CLIENT_ID": "an-app",
        "PROCORE_CLIENT_SECRET": PROCORE_SECRET,
        "PROCORE_COMPANY_ID": "7",
        "NETSUITE_ACCOUNT_ID": "1234567",
        "NETSUITE_CLIENT_ID": "an-integration",
        "NETSUITE_CERTIFICATE_ID": "a-certificate",
        "NETSUITE_PRIVATE_KEY_FILE": str(key),
    }


@dataclass
class RunningFlower:
    url: str
    worker: str
    redis_password: str
    ledger: Ledger
    log: Path

    def get(self, path: str, login: tuple[str, str] | None = LOGIN) -> requests.Response:
        return requests.get(self.url + path, auth=login, timeout=60)


@pytest.fixture(scope="module")
def flower(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[RunningFlower]:
    """Run Flower next to one worker that it has seen."""
    folder = tmp_path_factory.mktemp("flower")
    port = unused_port()
    env = environment(folder, redis_server.url)
    # In a file, which Flower itself would not read.
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "flower_basic_auth").write_text(":".join(LOGIN))
    env |= {"SECRETS_DIR": str(secrets), "FLOWER_PORT": str(port), "REDIS_KEY_PREFIX": "flower-test:"}
    started = [process for process in processes(data_dir=folder) if process.name in ("items", "flower")]
    with Supervisor(started, env=env, log_dir=folder / "logs"):
        ledger = Ledger(connect(redis_server.url), "flower-test:")
        running = RunningFlower(
            f"http://127.0.0.1:{port}",
            "",
            urlsplit(redis_server.url).password or "",
            ledger,
            folder / "logs" / "flower.log",
        )
        running.worker = eventually(lambda: first_worker(running), every=0.2)
        yield running


def first_worker(flower: RunningFlower) -> str:
    """Return the name of the worker once Flower has all its details; empty until then."""
    try:
        workers = flower.get("/api/workers?refresh=1").json()
    except (requests.ConnectionError, requests.Timeout):
        return ""
    return next((name for name, facts in workers.items() if facts.get("conf")), "")


def test_without_the_login_nothing_is_shown(flower: RunningFlower) -> None:
    pages = (*PAGES, f"/worker/{flower.worker}")
    assert {page: flower.get(page).status_code for page in pages} == dict.fromkeys(pages, 200)
    assert {page: flower.get(page, None).status_code for page in pages} == dict.fromkeys(pages, 401)
    # Too few failures to block further logins.
    for page in ("/", "/api/workers", "/report"):
        assert flower.get(page, ("engineer", "another")).status_code == 401


def test_no_page_shows_a_password_or_a_secret(flower: RunningFlower) -> None:
    assert flower.redis_password
    pages = (*PAGES, f"/worker/{flower.worker}", "/metrics", "/healthcheck")
    text = "".join(flower.get(page).text for page in pages)
    assert [secret for secret in (flower.redis_password, PROCORE_SECRET, LOGIN[1]) if secret in text] == []
    assert "redis://:**@127.0.0.1" in flower.get("/broker").text


def test_nothing_can_be_stopped_from_a_page(flower: RunningFlower) -> None:
    answer = requests.post(f"{flower.url}/api/worker/shutdown/{flower.worker}", auth=LOGIN, timeout=60)
    assert answer.status_code == 403


def test_tasks_are_listed_with_arguments_and_result(flower: RunningFlower) -> None:
    page = flower.get("/tasks").text
    assert [name for name in ("kwargs", "result", "state") if f'data-column="{name}"' in page] == [
        "kwargs",
        "result",
        "state",
    ]


def test_the_served_report_is_current(flower: RunningFlower) -> None:
    """The worker's first resume noted the use of the gate; later changes of the ledger are on the page at the next request."""
    eventually(lambda: "no slot in use in any of them" in flower.get("/report").text)
    answer = flower.get("/report")
    assert answer.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert "Procore company 7, NetSuite account 1234567" in answer.text
    assert "Acme" not in answer.text
    flower.ledger.report("netsuite", Cause.VENDOR_NOT_LINKED, {"vendor": "<b>Acme</b>"}, at=1)
    assert "&lt;b&gt;Acme&lt;/b&gt;" in flower.get("/report").text
    assert flower.ledger.resolve("netsuite")


def test_the_served_metrics_are_current(flower: RunningFlower) -> None:
    """The worker's first resume is seen; later changes of the ledger are in the next scrape."""
    eventually(lambda: "\nwbs_sync_last_resume_timestamp_seconds " in flower.get("/metrics/business").text)
    answer = flower.get("/metrics/business")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    of_cause = 'wbs_sync_problems{cause="period_closed",owner="project accountant"}'
    assert f"{of_cause} 0.0\n" in answer.text
    flower.ledger.report("netsuite", Cause.PERIOD_CLOSED, {"date": "2026-01-31"}, at=1)
    assert f"{of_cause} 1.0\n" in flower.get("/metrics/business").text
    assert flower.ledger.resolve("netsuite")
    assert "wbs_sync_" not in flower.get("/metrics", None).text, "Flower's own have no login"


def test_the_report_is_read_only(flower: RunningFlower) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for page in ("/report", "/metrics/business"):
            answer = requests.request(method, flower.url + page, auth=LOGIN, timeout=60)
            assert answer.status_code == 405, (method, page)


class From(HTTPAdapter):
    """Sends from one of the addresses of this machine."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, source_address=(self._address, 0), **options)


def guessed(flower: RunningFlower, address: str) -> list[int]:
    """Return the statuses of logins from an address: of wrong ones, the first of them not in ASCII, and then of the right one."""
    guesses = [
        ("engineer", "p\u00e4ssw\u00f6rd-canary"),
        *(("engineer", f"canary-{number}") for number in range(20)),
        LOGIN,
    ]
    with requests.Session() as session:
        session.mount("http://", From(address))
        return [
            session.get(flower.url + "/", auth=HTTPBasicAuth(name.encode(), word.encode()), timeout=60).status_code
            for name, word in guesses
        ]


def test_guesses_are_limited_logged_and_never_an_error_of_ours(flower: RunningFlower) -> None:
    """Flower checks no login from such an address for a minute afterwards."""
    for attempt in itertools.count(1):
        address, begun = f"127.0.1.{attempt}", time.monotonic()
        statuses = guessed(flower, address)
        # Where the guesses took longer than the minute in which they count, another address guesses.
        if time.monotonic() - begun < WINDOW_SECONDS:
            break
    assert statuses[0] == 401
    assert set(statuses) == {401, 429}
    assert statuses == sorted(statuses)
    assert statuses[-1] == 429, "not even the right login"
    log = flower.log.read_text()
    assert (
        f"Flower refused a login from {address}, failed login 10 in a minute; further logins from that address" in log
    )
    assert "canary" not in log
    assert "Traceback" not in log


def test_the_report_says_when_redis_does_not_answer(tmp_path: Path) -> None:
    port, unreachable_url = unused_port(), f"redis://:a-password-of-redis@127.0.0.1:{unused_port()}/0"
    env = environment(tmp_path, unreachable_url) | {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": ":".join(LOGIN)}
    started = [process for process in processes(data_dir=tmp_path) if process.name == "flower"]
    with Supervisor(started, env=env, log_dir=tmp_path / "logs"):
        answer = eventually(lambda: answered(f"http://127.0.0.1:{port}/report"), every=0.2)
        assert answered(f"http://127.0.0.1:{port}/metrics/business") == answer
    assert answer == (503, "Redis does not respond. Try again when it is running.")
    log = (tmp_path / "logs" / "flower.log").read_text()
    assert "No report: Redis does not respond (ConnectionError)" in log
    assert "a-password-of-redis" not in log


def answered(url: str) -> tuple[int, str] | None:
    """Return status and text of the response; empty while there is none."""
    try:
        answer = requests.get(url, auth=LOGIN, timeout=60)
    except requests.ConnectionError:
        return None
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("login", "sentence"),
    [(None, "is not set"), ("engineer:", "must be user:password"), ("engineer:short", "at least 12 characters")],
)
def test_flower_does_not_start_without_a_valid_login(
    tmp_path: Path, redis_server: EmbeddedServer, login: str | None, sentence: str
) -> None:
    env = environment(tmp_path, redis_server.url) | {"FLOWER_PORT": str(unused_port()), "PYTHONPATH": str(ROOT)}
    if login is not None:
        env["FLOWER_BASIC_AUTH"] = login
    command = next(process.command for process in processes(data_dir=tmp_path) if process.name == "flower")
    refused = ended(list(command), env=env, folder=tmp_path, timeout=60)
    assert refused.code == 2
    assert refused.err.startswith("wbs-sync: FLOWER_BASIC_AUTH")
    assert sentence in refused.err
    assert "Traceback" not in refused.err
