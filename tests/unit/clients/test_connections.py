"""A request of which no byte was sent is known to have done nothing: behind proxies, with TLS and without."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from requests.adapters import HTTPAdapter

from tests.kit.waiting import eventually
from tests.unit.clients.remotes import answers, serving
from worker.clients.http import Answer, Transport
from worker.clients.network import Network, RecordingAdapter
from worker.domain.errors import NoRoom, OutcomeUnknown, SyncError, Transient

pytestmark = pytest.mark.real

Handle = Callable[[socket.socket], None]


def post(url: str, network: Network | None = None) -> Answer:
    transport = Transport(remote="netsuite", read_timeout=60, network=network)
    return transport.send("POST", f"{url}/records", headers={}, body={}, writes=True)


def failure_of(url: str, network: Network | None = None) -> SyncError:
    with pytest.raises(SyncError) as caught:
        post(url, network)
    return caught.value


def through(port: int, ca: Path | None = None) -> Network:
    proxy = f"http://user:canary@127.0.0.1:{port}"
    return Network(proxies={"https": proxy, "http": proxy}, ca=ca)


def test_a_request_that_is_too_late_is_not_sent_on_its_new_connection() -> None:
    """The check comes after connecting, however long that took: the other end sees a connection and no byte."""
    seen: list[bytes] = []
    transport = Transport(remote="netsuite", read_timeout=60)
    with listening(lambda accepted: seen.append(accepted.recv(1))) as port:
        with pytest.raises(NoRoom, match="nothing was sent"):
            transport.send(
                "POST", f"http://127.0.0.1:{port}/x", headers={}, body={}, writes=True, leaves_by=time.monotonic() - 1
            )
        eventually(lambda: seen)
    assert seen == [b""]


@contextmanager
def listening(handle: Handle) -> Iterator[int]:
    """Accept connections on a free loopback port within the block, handle each, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    accepted, _ = listener.accept()
                    threading.Thread(target=handle_one, args=(accepted,), daemon=True).start()

        def handle_one(accepted: socket.socket) -> None:
            with accepted, contextlib.suppress(OSError):
                handle(accepted)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def closes(_: socket.socket) -> None:
    """Close the connection immediately."""


def refuses(status: str) -> Handle:
    """Refuse CONNECT, as a proxy may."""

    def handle(accepted: socket.socket) -> None:
        accepted.recv(65_536)
        accepted.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    return handle


def target_of(accepted: socket.socket) -> socket.socket:
    """Return the address that CONNECT names; every name is one of this machine."""
    return socket.create_connection(("127.0.0.1", int(accepted.recv(65_536).split()[1].decode().rpartition(":")[2])))


def by_name(url: str) -> str:
    """Replace the host of an address by a name that only the proxy knows."""
    return url.replace("127.0.0.1", "netsuite.example")


def tunnels_until(arrived: threading.Event) -> Handle:
    """Forward bytes both ways, as a proxy does. Once the request has arrived, close instead of forwarding the response."""

    def handle(accepted: socket.socket) -> None:
        with target_of(accepted) as there:
            accepted.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = [accepted, there]
            while True:
                for source in select.select(ends, [], [])[0]:
                    data = source.recv(65_536)
                    if not data or (source is there and arrived.is_set()):
                        return
                    ends[1 - ends.index(source)].sendall(data)

    return handle


def creates(certificate: tuple[Path, Path], arrived: threading.Event) -> Handle:
    """Return a TLS remote with this certificate that answers every request with 201. `arrived`: set before it answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def handle(accepted: socket.socket) -> None:
        with context.wrap_socket(accepted, server_side=True) as spoken:
            request = b""
            # Head and body come one after the other; closing with one unread would cut the answer off.
            while not request.endswith(b"{}"):
                request += spoken.recv(65_536)
            arrived.set()
            spoken.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")

    return handle


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a self-signed certificate of 127.0.0.1 and netsuite.example, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a private CA")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("netsuite.example")]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "ca.pem", folder / "key.pem"


@pytest.fixture
def secure(certificate: tuple[Path, Path]) -> Iterator[str]:
    """Run a remote with that certificate, and yield its address."""
    with listening(creates(certificate, threading.Event())) as port:
        yield f"https://127.0.0.1:{port}"


@contextmanager
def dead_port() -> Iterator[int]:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        yield nobody_listens.getsockname()[1]


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_behind_a_proxy_that_is_down_nothing_was_sent(scheme: str) -> None:
    with dead_port() as port:
        error = failure_of(f"{scheme}://netsuite.example", through(port))
    assert (type(error), getattr(error, "down", "")) == (Transient, "netsuite")
    assert (
        str(error)
        == "nothing was sent to netsuite.example: the proxy in HTTPS_PROXY does not respond, or is not an HTTP proxy (ProxyError)"
    )


@pytest.mark.parametrize(
    ("proxy", "sentence"),
    [
        (closes, "nothing was sent to netsuite.example"),
        (
            refuses("407 Proxy Authentication Required"),
            "the proxy in HTTPS_PROXY refused to connect to it (407)",
        ),
        (refuses("502 Bad Gateway"), "the proxy in HTTPS_PROXY refused to connect to it (502)"),
    ],
)
def test_behind_a_proxy_that_does_not_connect_nothing_was_sent(proxy: Handle, sentence: str) -> None:
    with listening(proxy) as port:
        error = failure_of("https://netsuite.example", through(port))
    assert (type(error), getattr(error, "down", "")) == (Transient, "netsuite")
    assert sentence in str(error)


def test_with_a_remote_that_does_not_speak_tls_nothing_was_sent() -> None:
    with serving(answers(200)) as server:
        error = failure_of(server.url.replace("http://", "https://"))
        assert (type(error), getattr(error, "down", "")) == (Transient, "netsuite")
        assert server.seen == []


def test_with_a_remote_that_hangs_up_in_the_handshake_nothing_was_sent() -> None:
    with listening(closes) as port:
        error = failure_of(f"https://127.0.0.1:{port}")
    assert (type(error), getattr(error, "down", "")) == (Transient, "netsuite")


def test_a_private_ca_is_trusted_where_it_is_named_alone(secure: str, certificate: tuple[Path, Path]) -> None:
    error = failure_of(secure)
    assert (type(error), getattr(error, "down", "")) == (Transient, "netsuite")
    assert "its certificate is not trusted" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)
    assert post(secure, Network(ca=certificate[0])).status == 201


def test_a_request_goes_through_a_proxy_to_a_remote_with_a_private_ca(
    secure: str, certificate: tuple[Path, Path]
) -> None:
    with listening(tunnels_until(threading.Event())) as port:
        assert post(by_name(secure), through(port, certificate[0])).status == 201


def test_a_request_that_a_proxy_has_passed_on_is_unconfirmed(certificate: tuple[Path, Path]) -> None:
    arrived = threading.Event()
    with listening(creates(certificate, arrived)) as remote, listening(tunnels_until(arrived)) as port:
        error = failure_of(by_name(f"https://127.0.0.1:{remote}"), through(port, certificate[0]))
    assert (type(error), arrived.is_set()) == (OutcomeUnknown, True)


def test_this_machine_is_never_behind_a_proxy(secure: str, certificate: tuple[Path, Path]) -> None:
    with dead_port() as port:
        assert post(secure, through(port, certificate[0])).status == 201


def test_the_environments_proxy_is_that_of_the_settings_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_port() as port, serving(answers(200)) as server:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "")
        assert post(server.url).ok


@pytest.mark.parametrize(
    ("direct", "url", "is_direct"),
    [
        ("example", "https://netsuite.example", True),
        (".example", "https://netsuite.example", True),
        ("*.example", "https://netsuite.example", True),
        ("suite.example", "https://netsuite.example", False),
        ("NetSuite.Example:443", "https://netsuite.example", False),
        ("netsuite.example:9443", "https://netsuite.example:9443/x", True),
        ("*", "https://netsuite.example", True),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("fd00::1", "https://[fd00::1]:8443", True),
        ("", "https://netsuite.example", False),
        ("", "http://127.9.9.9:1", True),
        ("", "http://[::1]:1", True),
        ("", "http://LOCALHOST:1", True),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(direct: str, url: str, is_direct: bool) -> None:
    network = Network(proxies={"https": "http://proxy:3128", "http": "http://proxy:3128"}, direct=direct.split(","))
    assert (network.proxies_for(url) == {}) is is_direct


def test_a_proxys_password_is_not_shown() -> None:
    assert "canary" not in repr(through(3128))


def test_a_kept_connection_that_breaks_may_have_carried_the_request() -> None:
    """The second request uses the connection of the first one: without a new connection, all of it counts as sent."""
    kept: list[socket.socket] = []

    def once(accepted: socket.socket) -> None:
        kept.append(accepted)
        request = b""
        while not request.endswith(b"{}"):
            request += accepted.recv(65_536)
        accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        accepted.recv(65_536)

    transport = Transport(remote="netsuite", read_timeout=60)
    with listening(once) as port:
        url = f"http://127.0.0.1:{port}/records"
        assert transport.send("POST", url, headers={}, body={}, writes=True).ok
        with pytest.raises(OutcomeUnknown):
            transport.send("POST", url, headers={}, body={}, writes=True)
    assert len(kept) == 1


def test_a_connection_that_is_not_ours_counts_as_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS uses its own connections, which record nothing; an unknown result must not count as a request that did nothing."""
    monkeypatch.setattr(RecordingAdapter, "init_poolmanager", HTTPAdapter.init_poolmanager)
    with dead_port() as port:
        assert type(failure_of(f"http://127.0.0.1:{port}")) is OutcomeUnknown
