"""Redis as companies run it: client certificates, ACL users, sentinels with their own login and TLS, clusters, all on real servers."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import kombu.exceptions
import kombu.transport
import pytest
import redis
from celery import Celery
from celery.app.utils import filter_hidden_settings

from benchmarks.installation import own_environment
from config.celery_options import celery_options
from config.processes import processes
from config.setting_faults import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from tests.kit.container import Redis
from tests.kit.ports import unused_port
from tests.kit.programs import ROOT, ended
from tests.kit.waiting import eventually
from tests.tls import Authority, TlsFront
from worker.local.embedded import EmbeddedServer
from worker.local.server_program import server_program
from worker.redis_access import redis_at, require_one_server
from worker.runtime.transport import SentinelChannel, reach_sentinels, use_transport
from worker.store import connection
from worker.store.connection import is_cluster, try_tls, why

pytestmark = pytest.mark.real


USER, PASSWORD, SENTINEL_PASSWORD = "wbs-sync", "canary@w/ord#1", "watch?word&2"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer.start(tmp_path / "redis") as started:
        with redis.Redis.from_url(started.url) as client:
            client.execute_command("ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~wbs:*", "~/*", "&*", "+@all")
        yield started


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture(autouse=True)
def handshakes_take_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server is known to speak no TLS after seconds; here one in the same busy process does."""
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 60)


@pytest.fixture(autouse=True)
def channel_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Kombu keeps the class that another test had before this process took ours.
    monkeypatch.setattr(kombu.transport, "_transport_cache", {})
    yield
    SentinelChannel.sentinel_kwargs = None


def celery_at(url: str) -> Celery:
    use_transport()
    reach_sentinels(url)
    app = Celery("test", set_as_current=False)
    app.conf.update(celery_options(redis_url=url, key_prefix="wbs:"))
    return app


def assert_all_connections_work(url: str) -> None:
    """Check the product's connection, the broker's and the result backend's, each with the address that the settings give it."""
    with contextlib.closing(redis_at(url)) as client:
        assert client.set("wbs:probe", "1")
    app = celery_at(url)
    with app.connection_for_write() as connection:
        connection.connect()
        assert connection.default_channel.client.ping()
    assert app.backend.client.ping()


def failure(url: str) -> str:
    with pytest.raises(redis.RedisError) as raised:
        try_tls(url)
    return why(raised.value)


def options(**files: Path) -> str:
    return "&".join(f"{name}={quote(str(path), safe='')}" for name, path in files.items())


def test_an_acl_user_over_tls_with_a_client_certificate(server: EmbeddedServer, authority: Authority) -> None:
    certificate, key = authority.issue("client")
    with TlsFront(server.port, authority, ask_client=True) as front:
        own = options(ssl_ca_certs=authority.certificate, ssl_certfile=certificate, ssl_keyfile=key)
        url = f"rediss://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{front.port}/0?ssl_cert_reqs=required&{own}"
        try_tls(url)
        assert_all_connections_work(url)
        assert front.tls_connections >= 3


def test_what_is_wrong_with_tls_is_named(server: EmbeddedServer, authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue("client")
    foreign = Authority(tmp_path, "foreign").issue("stranger")
    text = tmp_path / "text.pem"
    text.write_text("no PEM\n")
    password = urlsplit(server.url).password
    with TlsFront(server.port, authority, ask_client=True) as front:
        base = f"rediss://:{password}@127.0.0.1:{front.port}/0?{options(ssl_ca_certs=authority.certificate)}"
        messages = {
            "requires a client certificate": failure(base),
            "refused the ": failure(f"{base}&{options(ssl_certfile=foreign[0], ssl_keyfile=foreign[1])}"),
            "do not match": failure(f"{base}&{options(ssl_certfile=certificate, ssl_keyfile=foreign[1])}"),
            "is not readable": failure(f"{base}&{options(ssl_certfile=tmp_path / 'absent', ssl_keyfile=key)}"),
            "is not a PEM file": failure(f"{base}&{options(ssl_certfile=text, ssl_keyfile=key)}"),
            "is not trusted": failure(f"rediss://:{password}@127.0.0.1:{front.port}/0"),
        }
    assert [sentence for cause, sentence in messages.items() if cause not in sentence] == []
    assert "use redis://" not in " ".join(messages.values())
    assert str(password) not in " ".join(messages.values())


@pytest.mark.parametrize("resets", [2, 3])
def test_a_refused_certificate_is_named_although_the_reason_was_lost(
    server: EmbeddedServer, authority: Authority, resets: int
) -> None:
    """A server that refuses a client certificate closes at once, so a busy machine may see only that."""
    with TlsFront(server.port, authority, ask_client=True, resets=resets) as front:
        own = options(ssl_ca_certs=authority.certificate)
        message = failure(f"rediss://:{urlsplit(server.url).password}@127.0.0.1:{front.port}/0?{own}")
    assert "requires a client certificate" in message


@contextlib.contextmanager
def sentinel(folder: Path, master_port: int, password: str) -> Iterator[int]:
    """Run a sentinel that only its own user may query."""
    port, configuration = unused_port(), folder / "sentinel.conf"
    lines = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {folder}",
        "user default off",
        f"user watcher on >{SENTINEL_PASSWORD} allchannels +@all",
        f"sentinel monitor the-master 127.0.0.1 {master_port} 1",
        f"sentinel auth-pass the-master {password}",
    ]
    configuration.write_text("\n".join(lines) + "\n")
    command = [str(server_program()), str(configuration), "--sentinel"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, username="watcher", password=SENTINEL_PASSWORD) as client:
            assert eventually(lambda: answers(client))
        yield port
    finally:
        process.kill()
        process.wait()


def answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def test_sentinels_with_their_own_user_password_and_tls(
    server: EmbeddedServer, authority: Authority, tmp_path: Path
) -> None:
    certificate, key = authority.issue("client")
    password = urlsplit(server.url).password or ""
    with contextlib.ExitStack() as stack:
        # The sentinel itself comes without TLS, for want of a server that is built with it.
        master = stack.enter_context(TlsFront(server.port, authority, ask_client=True, plain=True))
        port = stack.enter_context(sentinel(tmp_path, master.port, password))
        front = stack.enter_context(TlsFront(port, authority, ask_client=True))
        login = f"{USER}:{quote(PASSWORD, safe='')}"
        own = f"sentinel_username=watcher&sentinel_password={quote(SENTINEL_PASSWORD, safe='')}"
        tls = options(ssl_ca_certs=authority.certificate, ssl_certfile=certificate, ssl_keyfile=key)
        url = f"rediss+sentinel://{login}@127.0.0.1:{front.port}/the-master/0?{own}&{tls}"
        assert_all_connections_work(url)
        assert min(master.tls_connections, front.tls_connections) >= 3
        app = celery_at(url)
        with app.connection_for_write() as connection:
            shown = f"{connection.info()} {connection.as_uri()} {filter_hidden_settings(app.conf.table())}"
        assert SENTINEL_PASSWORD not in shown
        assert "canary" not in f"{connection.as_uri()} {filter_hidden_settings(app.conf.table())}"


def test_the_error_that_no_master_is_known_shows_no_password(caplog: pytest.LogCaptureFixture) -> None:
    url = f"redis+sentinel://:{quote(PASSWORD, safe='')}@127.0.0.1:{unused_port()}/m/0?sentinel_password=canary-two"
    with contextlib.closing(redis_at(url)) as client, pytest.raises(redis.RedisError) as raised:
        client.ping()
    app = celery_at(url)
    with app.connection_for_write() as connection, pytest.raises(kombu.exceptions.OperationalError) as refused:
        connection.ensure_connection(max_retries=1, interval_start=0)
    with pytest.raises(redis.RedisError) as no_result:
        app.backend.client.ping()
    messages = [f"{error.value!r} {error.value}" for error in (raised, refused, no_result)]
    assert "No master found" in messages[0]
    assert why(raised.value).startswith("No sentinel in REDIS_URL knows the master:")
    assert [text for text in [*messages, caplog.text] if "canary" in text] == []


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """Run a cluster of one server with all slots, and yield its address."""
    port, password = unused_port(), "letters-and-digits"
    command = [str(server_program()), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes"]
    command += ["--cluster-port", str(unused_port()), "--dir", str(folder), "--save", "", "--requirepass", password]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with redis.Redis(port=port, password=password, decode_responses=True) as client:
            assert eventually(lambda: answers(client))
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            assert eventually(lambda: "cluster_state:ok" in str(client.execute_command("CLUSTER", "INFO")))
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        process.kill()
        process.wait()


def test_a_cluster_is_recognized_and_its_refusals_are_explained(tmp_path: Path, server: EmbeddedServer) -> None:
    client: Redis
    with cluster(tmp_path) as url, contextlib.closing(redis_at(url)) as client:
        assert is_cluster(client)
        with pytest.raises(redis.RedisError) as raised:
            client.eval("return redis.call('MGET', KEYS[1], KEYS[2])", 2, "wbs:a", "wbs:b")
        assert "is a cluster" in why(raised.value)
        with pytest.raises(InvalidSettings) as refused:
            require_one_server(client)
        assert "REDIS_URL: This Redis is a cluster" in str(refused.value.faults)
        # With a hash tag all keys have one slot, and one server takes them, until slots move or a replica takes over.
        assert client.eval("return redis.call('MGET', KEYS[1], KEYS[2])", 2, "{wbs}:a", "{wbs}:b") == [None, None]
    with contextlib.closing(redis_at(server.url)) as client:
        assert not is_cluster(client)


def test_every_process_refuses_a_cluster_with_the_reason(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("not used here")
    env = own_environment() | {
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(tmp_path / "data"),
        "NETSUITE_PRIVATE_KEY_FILE": str(key),
        "PROCORE_CLIENT_ID": "an-app",
        "PROCORE_CLIENT_SECRET": "a-secret-of-procore",
        "PROCORE_COMPANY_ID": "7",
        "NETSUITE_ACCOUNT_ID": "1234567",
        "NETSUITE_CLIENT_ID": "an-integration",
        "NETSUITE_CERTIFICATE_ID": "a-certificate",
        "FLOWER_BASIC_AUTH": "an-engineer:a-password-of-flower",
        "FLOWER_PORT": str(unused_port()),
        "WEBHOOK_AUTHORIZATION": "Bearer a-secret-that-procore-has",
        "WEBHOOK_PORT": str(unused_port()),
    }
    with cluster(tmp_path) as url:
        ends = {
            process.name: ended(
                list(process.command),
                env={**env, **process.environment, "REDIS_URL": url},
                folder=tmp_path,
                timeout=60,
            )
            for process in processes(data_dir=tmp_path / "data", webhooks=True)
            if process.name != "invoices"
        }
    assert ends.keys() == {"items", "beat", "flower", "webhooks"}
    for name, end in ends.items():
        output = end.out + end.err
        assert "REDIS_URL: This Redis is a cluster" in " ".join(output.split()), (name, output)
        assert end.code == BAD_SETTINGS_EXIT_CODE, (name, output)
        assert "Traceback" not in output, output
