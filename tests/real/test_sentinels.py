"""A Redis behind sentinels: all connections find the master through them, and continue with the next one when it dies."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import redis
import requests
from celery import Celery

from config.celery_options import celery_options
from config.names import TaskName
from simulators.stage import Stage
from tests.kit.books import assert_one_item_per_code, items_made
from tests.kit.ports import unused_port
from tests.kit.site import PREFIX, SETTLE_SECONDS, Site, kill_redis
from tests.kit.waiting import eventually
from worker.local.embedded import EmbeddedServer
from worker.local.server_program import server_program
from worker.runtime.transport import reach_sentinels, use_transport

pytestmark = pytest.mark.real

MASTER = "the-master"
SLOTS = 4
USER, PASSWORD = "wbs-sync", "canary@w/ord#1"
"""An ACL user whose password has to be quoted in an address."""
LOGIN = ("engineer", "a-password-of-flower")


def replica_of(master: EmbeddedServer, folder: Path) -> EmbeddedServer:
    """Start a second server with the first one's password that replicates it."""
    replica, password = EmbeddedServer.start(folder), urlsplit(master.url).password
    for server in (master, replica):
        with redis.Redis.from_url(server.url) as client:
            client.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all")
            client.config_set("masterauth", password)
            client.config_set("requirepass", password)
    with redis.Redis(host="127.0.0.1", port=replica.port, password=password) as client:
        client.replicaof("127.0.0.1", str(master.port))
        eventually(lambda: client.info("replication")["master_link_status"] == "up")
    return replica


def sentinel_of(master: EmbeddedServer, folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start one sentinel, which decides alone, and return it with its port."""
    port = unused_port()
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        f"sentinel monitor {MASTER} 127.0.0.1 {master.port} 1",
        f"sentinel auth-pass {MASTER} {urlsplit(master.url).password}",
        f"sentinel down-after-milliseconds {MASTER} 3000",
        f"sentinel failover-timeout {MASTER} 3000",
    ]
    configuration = folder / "sentinel.conf"
    configuration.write_text("\n".join(lines) + "\n")
    command = [str(server_program()), str(configuration), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with redis.Redis(port=port) as client:

        def knows_the_replica() -> bool:
            try:
                return bool(client.info("sentinel")["master0"]["slaves"] == 1)
            except (redis.ConnectionError, KeyError):
                return False

        eventually(knows_the_replica)
    return process, port


def answers(site: Site) -> bool:
    """Return whether there is a master."""
    try:
        return bool(site.container.redis.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    stage = Stage.start(
        tmp_path / "remotes", profile="large:2x20", concurrency_limit=SLOTS, spike_limit=None, write_latency=0.2
    )
    master = EmbeddedServer.start(tmp_path / "redis")
    replica = replica_of(master, tmp_path / "replica")
    sentinel, port = sentinel_of(master, tmp_path)
    env = {
        # The second sentinel does not answer.
        "REDIS_URL": f"redis+sentinel://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port},127.0.0.1:{unused_port()}/{MASTER}/0",
        "FLOWER_PORT": str(unused_port()),
        "FLOWER_BASIC_AUTH": ":".join(LOGIN),
        "NETSUITE_CONCURRENCY": str(SLOTS),
        "NETSUITE_SETTLE_SECONDS": str(SETTLE_SECONDS),
    }
    try:
        with Site(tmp_path, stage, master, env) as opened:
            yield opened
    finally:
        sentinel.kill()
        sentinel.wait()
        replica.stop()


def test_a_scan_continues_with_another_master_and_creates_no_item_twice(site: Site) -> None:
    site.worker()
    site.beat()
    site.send(TaskName.SCAN_PROJECTS, trigger="test")
    eventually(lambda: items_made(site.stage) >= 5)
    kill_redis(site.server)
    # Data that the dead master had not replicated may be lost, including the scan; so it is requested again.
    eventually(lambda: answers(site))
    site.ended(site.start_scan(), 60)
    assert items_made(site.stage) == 40
    assert_one_item_per_code(site.stage)
    assert [program.name for program in site.programs if "canary" in program.log] == []


def test_every_broker_connection_keeps_its_login_with_the_next_sentinel(site: Site) -> None:
    """Kombu forgets the login when it moves to the next address of its list; pooled connections of that process could not send."""
    use_transport()
    reach_sentinels(site.env["REDIS_URL"])
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(redis_url=site.env["REDIS_URL"], key_prefix=PREFIX))
    with app.connection_for_read() as own, app.pool.acquire() as pooled, app.producer_pool.acquire() as producer:
        for connection in (own, pooled, producer.connection):
            connection.maybe_switch_next()
            assert connection.default_channel.client.ping()


def test_no_page_log_or_command_line_shows_the_password(site: Site) -> None:
    """Celery gets one address for each sentinel, and code that hides passwords used to check only the first."""
    site.worker()
    site.beat()
    site.flower()
    base = f"http://127.0.0.1:{site.env['FLOWER_PORT']}"

    def get(path: str) -> str:
        try:
            return requests.get(base + path, auth=LOGIN, timeout=60).text
        except requests.ConnectionError:
            return ""

    eventually(lambda: '"conf"' in get("/api/workers?refresh=1"), 60, every=0.5)
    pages = (
        "/",
        "/workers",
        "/broker",
        "/api/workers",
        "/api/queues/length",
        "/metrics",
        "/metrics/business",
        "/report",
    )
    shown = {
        page: get(page)
        for page in (
            *pages,
            *(f"/worker/{name}" for name in requests.get(f"{base}/api/workers", auth=LOGIN, timeout=60).json()),
        )
    }
    assert len([text for text in shown.values() if "sentinel://" in text]) >= 2
    shown |= {f"log of {program.name}": program.log for program in site.programs}
    shown |= {f"command line of {one}": one.read_bytes().decode(errors="replace") for one in command_lines()}
    written = (PASSWORD, quote(PASSWORD, safe=""), "canary")
    assert [place for place, text in shown.items() if any(form in text for form in written)] == []


def command_lines() -> Iterator[Path]:
    """Yield the command lines of all running processes that this user may read."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            file.read_bytes()
            yield file
