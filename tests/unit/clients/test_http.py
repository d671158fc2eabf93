"""The transport: a request that was certainly not sent is distinguished from one that may have taken effect."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
from decimal import Decimal
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from tests.kit.waiting import eventually
from tests.unit.clients.remotes import (
    ODD_NUMBERS,
    Behaviour,
    Server,
    answer,
    answers,
    cuts,
    cuts_the_body,
    hangs,
    serving,
)
from worker.clients import http
from worker.clients.http import Answer, Transport
from worker.domain.errors import OutcomeUnknown, SyncError, Transient

pytestmark = pytest.mark.real


@pytest.fixture
def transport() -> Transport:
    return Transport(remote="netsuite", read_timeout=60)


def send(transport: Transport, server: Server, *, writes: bool = False, **options: object) -> Answer:
    plain = {"headers": {"Authorization": "Bearer sesame"}} | options
    return transport.send("POST", server.url + "/records?x=1", writes=writes, **plain)  # type: ignore[arg-type]


@pytest.mark.parametrize("writes", [True, False])
def test_a_refused_connection_did_nothing_and_its_error_names_the_host(transport: Transport, writes: bool) -> None:
    """This applies to a write too, and the error names nothing but the host."""
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"
        with pytest.raises(Transient) as caught:
            send(transport, Server(url), writes=writes)
    assert caught.value.down == "netsuite"
    assert str(caught.value) == "nothing was sent to 127.0.0.1: ConnectionError"


@pytest.mark.parametrize(
    "failure",
    [
        requests.ConnectTimeout(),
        requests.ConnectionError(
            MaxRetryError(None, "/", NameResolutionError("host", None, socket.gaierror(-2, "unknown")))  # type: ignore[arg-type]
        ),
    ],
    ids=["connect timeout", "unknown host"],
)
def test_a_connection_that_was_never_made_sent_nothing(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, failure: requests.RequestException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(requests.Session, "request", fail)
    with pytest.raises(Transient) as caught:
        send(transport, Server("http://127.0.0.1:1"), writes=True)
    assert caught.value.down == "netsuite"


@pytest.mark.parametrize(("behaviour", "read_timeout"), [(cuts, 60), (cuts_the_body, 60), (hangs, 0.2)])
@pytest.mark.parametrize(("writes", "expected"), [(True, OutcomeUnknown), (False, Transient)])
def test_an_incomplete_response_is_unknown_for_a_write_only(
    behaviour: Behaviour, read_timeout: float, writes: bool, expected: type[SyncError]
) -> None:
    """A read whose response is cut off or missing did nothing and may be repeated."""
    transport = Transport(remote="netsuite", read_timeout=read_timeout)
    with serving(behaviour) as server:
        with pytest.raises(SyncError) as caught:
            send(transport, server, writes=writes)
        # On a busy machine the client may give up before the server has read what it was sent.
        eventually(lambda: server.seen)
    assert type(caught.value) is expected
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500])
def test_a_response_of_any_status_is_returned(transport: Transport, status: int) -> None:
    with serving(answers(status, b"")) as server:
        got = send(transport, server)
    assert (got.status, got.ok) == (status, status < 300)


def test_redirects_are_not_followed(transport: Transport) -> None:
    with serving(answers(302, b"", Location="/elsewhere")) as server:
        assert send(transport, server).status == 302
    assert len(server.seen) == 1


def test_cookies_are_not_sent_back(transport: Transport) -> None:
    with serving(answers(200, Set_Cookie="account=other; Path=/")) as server:
        for _ in range(2):
            send(transport, server)
    assert [headers.get("Cookie") for _, _, headers, _ in server.seen] == [None, None]


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer sesame"}, {}])
def test_a_netrc_file_changes_nothing(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(answers(200)) as server:
        send(transport, server, headers=headers)
    assert server.seen[0][2].get("Authorization") == headers.get("Authorization")


def test_a_body_goes_as_json_and_a_form_goes_form_encoded(transport: Transport) -> None:
    with serving(answers(200)) as server:
        send(transport, server, body={"itemId": "24"}, params={"limit": 1})
        send(transport, server, form={"grant_type": "client credentials"})
    (_, path, first, body), (_, _, second, form) = server.seen
    assert (path, first["Content-Type"], body) == ("/records?x=1&limit=1", "application/json", b'{"itemId": "24"}')
    assert (second["Content-Type"], form) == ("application/x-www-form-urlencoded", b"grant_type=client+credentials")


@pytest.mark.parametrize(
    ("link", "more"),
    [
        ({}, None),
        ({"Link": '<http://x/?page=2>; rel="next", <http://x/?page=9>; rel="last"'}, True),
        ({"Link": '<http://x/?page=1>; rel="first"'}, False),
    ],
)
def test_the_link_header_shows_whether_there_is_another_page(
    transport: Transport, link: dict[str, Any], more: bool | None
) -> None:
    with serving(answers(200, **link)) as server:
        assert send(transport, server).next_page is more


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.oracle.resource+json; type=singular"])
def test_names_with_accents_are_read_as_utf8_whatever_kind_of_json_it_is(transport: Transport, kind: str) -> None:
    name = "Construção Äußerst São Tomé"
    with serving(answers(200, f'{{"n": "{name}"}}'.encode(), Content_Type=kind)) as server:
        assert send(transport, server).json() == {"n": name}


def test_numbers_with_a_point_are_read_as_decimals() -> None:
    amount = answer(200, '{"total": 0.10}').json()["total"]
    assert isinstance(amount, Decimal)
    assert str(amount) == "0.10"


@pytest.mark.parametrize(
    "body",
    [
        "<html>Bad gateway</html>", '{"id": 1', "", "[NaN]", "[-Infinity]", '{"id": 1, "id": 2}', '{"a": {"b": 1, "b": 1}}',
        "[" * 100_000, '{"a":' * 100_000, "[1e99999999999999999999]", f"[{'9' * 5000}]", "[1.]", "[01]", "{'id': 1}", '["\t"]',
    ],
)  # fmt: skip
def test_a_response_that_is_not_json_is_transient_and_shows_its_status(body: str) -> None:
    """This includes JSON with duplicate names, NaN, or nesting or numbers that are too large."""
    with pytest.raises(Transient, match=r"\(200\) is not JSON"):
        answer(200, body).json()
    assert answer(200, body).json_or_none() is None


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=iso-8859-1", "application/json; charset=idna", "x/y; charset=\x00"],
)
def test_a_response_is_read_as_utf8_or_refused(transport: Transport, kind: str) -> None:
    """In another charset `Construção` would be a different name."""
    with serving(answers(200, '{"n": "Construção"}'.encode("latin-1"), Content_Type=kind)) as server:
        read = send(transport, server)
    assert read.json_or_none() is None
    with pytest.raises(Transient, match="not UTF-8"):
        read.json()
    with serving(answers(200, '\ufeff{"n": "Construção"}'.encode(), Content_Type=kind)) as server:
        assert send(transport, server).json() == {"n": "Construção"}


def drips(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Send a byte now and then, without end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        while not server.end.wait(0.02):
            handler.wfile.write(b"[")


@pytest.mark.parametrize(("writes", "expected"), [(True, OutcomeUnknown), (False, Transient)])
def test_a_response_that_only_drips_ends_at_a_timeout(writes: bool, expected: type[SyncError]) -> None:
    with serving(drips) as server, pytest.raises(expected):
        send(Transport(remote="netsuite", read_timeout=0.3), server, writes=writes)


def test_an_endless_response_is_not_kept(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_BYTES", 100_000)
    bomb = gzip.compress(b"[" * 1_000_000)
    with serving(answers(200, bomb, Content_Encoding="gzip")) as server, pytest.raises(Transient, match="no response"):
        send(transport, server)


@pytest.mark.parametrize(("writes", "expected"), [(True, OutcomeUnknown), (False, Transient)])
@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"{}", mtime=0)[:-9] + b"garbage"])
def test_a_body_that_cannot_be_decompressed_is_an_error(
    transport: Transport, body: bytes, writes: bool, expected: type[SyncError]
) -> None:
    with serving(answers(200, body, Content_Encoding="gzip")) as server, pytest.raises(expected):
        send(transport, server, writes=writes)


@pytest.mark.parametrize("host", [f"{'a' * 70}.example", "a..example", "exa mple", "[::1", "127.0.0.1:99999", ""])
def test_an_invalid_address_counts_as_a_remote_that_is_down(transport: Transport, host: str) -> None:
    with pytest.raises(Transient) as caught:
        send(transport, Server(f"http://{host}"), writes=True)
    assert caught.value.down == "netsuite"


@pytest.mark.parametrize("value", ["sesame\n", "sesa\u2026me"])
def test_a_header_that_cannot_be_sent_repeats_nothing(transport: Transport, value: str) -> None:
    with serving(answers(200)) as server, pytest.raises(Transient) as caught:
        send(transport, server, headers={"Authorization": f"Bearer {value}"}, writes=True)
    assert "ses" not in str(caught.value)
    assert server.seen == []


@pytest.mark.parametrize("after", ODD_NUMBERS)
def test_a_wait_that_is_no_number_of_seconds_is_ignored(after: str) -> None:
    assert answer(429, Retry_After=after).retry_after is None


def test_a_wait_is_an_hour_at_most() -> None:
    assert [answer(429, Retry_After=after).retry_after for after in ("0", "7", "99999999")] == [0, 7, 3600]


# Remotes that repeat what they were sent

SECRET = "open/sesame & more"
ASSERTION = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjIn0.c2VzYW1l"


def echoes(handler: BaseHTTPRequestHandler, server: Server) -> None:
    """Answer with the complete request, as a debugging page does."""
    _, path, headers, body = server.seen[-1]
    echoed = f"{path} {headers} {body.decode()} {unquote_plus(body.decode())} {escape(unquote_plus(body.decode()))}"
    answers(400, json.dumps({"errors": echoed}).encode())(handler, server)


@pytest.mark.parametrize("most", [50, 300, 5000])
def test_what_a_remote_repeats_of_our_secrets_is_not_shown(transport: Transport, most: int) -> None:
    form = {"client_id": "app-1", "client_secret": SECRET, "client_assertion": ASSERTION}
    with serving(echoes) as server:
        read = send(transport, server, form=form, headers={"Authorization": "Bearer token-of-ours"})
    for shown in (
        read.quote(read.text, most=most),
        read.quote(read.json()["errors"], most=most),
        read.excerpt(),
        repr(read.sent_secrets)[:0],
    ):
        assert [part for part in ("sesame", "token-of-ours", "eyJ", "c2VzYW1l") if part in shown] == []
    assert "app-1" in read.quote(read.text, most=5000)


@pytest.mark.parametrize("cut", range(10, len(ASSERTION)))
def test_part_of_an_assertion_is_not_shown_either(cut: int) -> None:
    assert "eyJ" not in answer(400, f"Invalid assertion {ASSERTION[:cut]}…").excerpt()


def test_an_answer_does_not_show_the_secrets_it_must_not_repeat() -> None:
    assert "sesame" not in repr(Answer(200, {}, "", sent_secrets=("sesame",)))


def test_the_text_of_a_successful_response_is_never_changed(transport: Transport) -> None:
    """A name that equals a secret stays unchanged: only text that is quoted to people is masked."""
    with serving(answers(200, b'{"name": "Bearer sesame Harbor"}')) as server:
        assert send(transport, server).json() == {"name": "Bearer sesame Harbor"}


@pytest.mark.parametrize(
    "text",
    ["<" * 1_000_000, "<html>" + "<" * 1_000_000, "bearer " * 200_000, "eyJ" * 300_000, "\x1b[31m\x00\u202e\ud800 a"],
)
def test_an_excerpt_is_printable_whatever_it_is_of(text: str) -> None:
    assert answer(502, text).excerpt().isprintable()


def test_an_excerpt_is_one_short_line() -> None:
    assert answer(502, "<html>\n  <b>Bad   gateway</b>\n</html>").excerpt() == "Bad gateway"
    assert answer(400, "a < b\nand b > c").excerpt() == "a < b and b > c"
    assert len(answer(502, "x" * 5000).excerpt()) == 200


@pytest.mark.parametrize(
    ("asked", "received", "ahead"),
    [(-30.0, 30.0, 0.0), (0.0, 0.2, 0.0), (0.9, 5.0, 0.0), (40.0, 45.0, 39.0), (-50.0, -45.0, -45.0)],
    ids=["slow", "quick", "slow body", "ahead", "behind"],
)
def test_only_a_certain_difference_of_clocks_counts(asked: float, received: float, ahead: float) -> None:
    """The `Date` header has whole seconds, and was set at some time between the request and the end of the response."""
    of_remote = 1_795_521_600.0
    date = {"Date": "Tue, 24 Nov 2026 12:00:00 GMT"}
    response = Answer(200, date, "", received_at=of_remote + received, asked_at=of_remote + asked)
    assert response.sent_at == of_remote
    assert response.clock_ahead == ahead
