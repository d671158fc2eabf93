"""The transport: what was certainly not sent is told apart from what may have been done."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from urllib3.exceptions import MaxRetryError, NameResolutionError

from tests.unit.clients.remotes import Behaviour, Server, answer, answers, cuts, cuts_the_body, hangs, serving
from worker.clients.http import Answer, Transport
from worker.domain.errors import OutcomeUnknown, SyncError, Transient

pytestmark = pytest.mark.real


@pytest.fixture
def transport() -> Transport:
    return Transport(remote="netsuite", read_timeout=5)


def send(transport: Transport, server: Server, *, writes: bool = False, **options: object) -> Answer:
    plain = {"headers": {"Authorization": "Bearer sesame"}} | options
    return transport.send("POST", server.url + "/records?x=1", writes=writes, **plain)  # type: ignore[arg-type]


@pytest.mark.parametrize("writes", [True, False])
def test_a_refused_connection_did_nothing_even_for_a_write_and_its_error_repeats_no_address(
    transport: Transport, writes: bool
) -> None:
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody_listens.getsockname()[1]}"
        with pytest.raises(Transient) as caught:
            send(transport, Server(url), writes=writes)
    assert caught.value.down == "netsuite"
    assert "127.0.0.1" not in str(caught.value)


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
def test_a_connection_that_never_came_about_did_nothing(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, failure: requests.RequestException
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(requests.Session, "request", fail)
    with pytest.raises(Transient) as caught:
        send(transport, Server("http://127.0.0.1:1"), writes=True)
    assert caught.value.down == "netsuite"


@pytest.mark.parametrize("behaviour", [cuts, cuts_the_body, hangs])
@pytest.mark.parametrize(("writes", "expected"), [(True, OutcomeUnknown), (False, Transient)])
def test_a_request_that_was_sent_and_got_no_whole_answer_is_unknown_for_a_write_and_nothing_for_a_read(
    behaviour: Behaviour, writes: bool, expected: type[SyncError]
) -> None:
    transport = Transport(remote="netsuite", read_timeout=0.2)
    with serving(behaviour) as server, pytest.raises(SyncError) as caught:
        send(transport, server, writes=writes)
    assert type(caught.value) is expected
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500])
def test_whatever_the_status_an_answer_is_an_answer(transport: Transport, status: int) -> None:
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
def test_the_link_header_tells_whether_there_is_another_page(
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


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", '{"id": 1', ""])
def test_an_answer_that_is_no_json_is_a_passing_trouble_told_with_its_status(body: str) -> None:
    with pytest.raises(Transient, match=r"\(200\) is not JSON"):
        answer(200, body).json()
    assert answer(200, body).json_or_none() is None


def test_an_excerpt_is_one_short_line() -> None:
    assert answer(502, "<html>\n  <b>Bad   gateway</b>\n</html>").excerpt() == "Bad gateway"
    assert answer(400, "a < b\nand b > c").excerpt() == "a < b and b > c"
    assert len(answer(502, "x" * 5000).excerpt()) == 200
