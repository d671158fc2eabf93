"""The transport over a real socket whose other end sends arbitrary bytes: it returns a response, or a specific error."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.bad_input import strategies as hostile
from tests.bad_input.strategies import Damage
from tests.bad_input.strikes import HEADERS
from worker.clients.http import Answer, Transport
from worker.domain.errors import OutcomeUnknown, Transient

pytestmark = [
    pytest.mark.real,
    # urllib3 leaves a connection whose answer it could not read to the garbage collector.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class RawServer:
    """A server that answers each connection's first request with the same bytes and hangs up."""

    listener: socket.socket
    response: bytes = b""
    asked: int = 0
    _end: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        while not self._end.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            # Separate, since a client that trips over a response may keep the connection for a while.
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(60)
            connection.recv(65_536)
            self.asked += 1
            connection.sendall(self.response)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass

    def close(self) -> None:
        self._end.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture(scope="module")
def raw_server() -> Iterator[RawServer]:
    made = RawServer(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=made.serve, daemon=True)
    thread.start()
    yield made
    made.close()
    thread.join(60)


def ask(raw_server: RawServer, response: bytes, *, writes: bool) -> Answer | Transient | OutcomeUnknown:
    """Send one request and return its result. Each request has a new transport, so leftover bytes of a connection do not reach the next one."""
    raw_server.response = response
    transport = Transport(remote="netsuite", read_timeout=60)
    headers = {"Authorization": "Bearer token-of-ours"}
    ended: Answer | Transient | OutcomeUnknown
    try:
        ended = transport.send("POST", f"{raw_server.url}/x", headers=headers, body={}, writes=writes)
    except (Transient, OutcomeUnknown) as error:
        ended = error
    finally:
        transport.session().close()
    if not isinstance(ended, Answer):
        assert "127.0.0.1" not in str(ended)
        assert "token-of-ours" not in str(ended)
    return ended


status_lines = (
    st.sampled_from((b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/2 200", b"HTTP/1.1 abc", b"HTTP/1.1 99 x", b"HTTP/1.1 1000 x", b"ICY 200 OK", b"", b"HTTP/1.1 204", b"HTTP/1.1 100 go on\r\n\r\nHTTP/1.1 200 OK"))
    | st.integers(100, 999).map(lambda status: b"HTTP/1.1 %d x" % status)
)  # fmt: skip
lengths = st.sampled_from((b"0", b"5", b"-1", b"99999999", b"abc", b"5, 5", b"5, 6", b"", b"1e3", b"+5"))
header_lines = st.one_of(
    st.tuples(st.sampled_from(HEADERS).map(str.encode), hostile.header_values.map(lambda text: text.encode("latin-1", "replace"))).map(b": ".join),
    lengths.map(lambda length: b"Content-Length: " + length),
    st.sampled_from((b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"Content-Encoding: br, gzip", b"Content-Type: application/json; charset=idna", b"no colon", b" folded", b": empty", b"X: " + b"y" * 70_000)),
    st.binary(max_size=30).map(lambda raw: raw.replace(b"\n", b"")),
)  # fmt: skip
bodies = st.sampled_from(
    (b'{"id": 1}', b"", b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\nhello", b"\x1f\x8b\x08\x00garbage", b"[" * 3000)
) | st.binary(max_size=50)


@given(
    line=status_lines, headers=st.lists(header_lines, max_size=5), body=bodies, damage=st.none() | hostile.damages.filter(lambda one: one.kind in ("cut", "broken byte", "twice")), writes=st.booleans(),
)  # fmt: skip
@example(line=b"HTTP/1.1 200 OK", headers=[b"X: 1"] * 200, body=b"{}", damage=None, writes=True)
@example(line=b"HTTP/1.1 200 OK", headers=[b"Content-Length: 5, 6"], body=b"{}", damage=None, writes=True)
@example(line=b"HTTP/1.1 200 OK", headers=[b"Content-Encoding: gzip"], body=b"no gzip", damage=None, writes=True)
def test_any_bytes_result_in_a_response_or_a_specific_error(
    raw_server: RawServer, line: bytes, headers: list[bytes], body: bytes, damage: Damage | None, writes: bool
) -> None:
    raw = b"\r\n".join([line, *headers, b"", body])
    before = raw_server.asked
    ended = ask(raw_server, damage.of(raw) if damage else raw, writes=writes)
    assert raw_server.asked > before
    if isinstance(ended, Answer):
        assert 100 <= ended.status <= 999
        ended.json_or_none()
        assert ended.excerpt().isprintable()
        assert ended.retry_after is None or 0 <= ended.retry_after <= 3600
    else:
        # It was sent: a write may have been done, a read did nothing.
        assert isinstance(ended, OutcomeUnknown) is writes
        assert not isinstance(ended, Transient) or not ended.down


@given(raw=st.binary(max_size=200), writes=st.booleans())
def test_a_write_without_any_response_is_in_doubt(raw_server: RawServer, raw: bytes, writes: bool) -> None:
    ended = ask(raw_server, raw.replace(b"HTTP", b"HTML"), writes=writes)
    assert isinstance(ended, OutcomeUnknown if writes else Transient)
