"""Flower's login: guesses are counted for each address and logged without what was guessed."""

from __future__ import annotations

import logging
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError

from worker.flower import login as flower_login
from worker.flower.login import MAX_FAILURES, MAX_LINES, WINDOW_SECONDS, Logins

LOGIN = "engineer:a-password-of-flower"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock) -> Logins:
    return Logins(LOGIN, clock)


def basic(login: str | bytes) -> str:
    return "Basic " + b64encode(login.encode() if isinstance(login, str) else login).decode()


def status(logins: Logins, header: str, address: str = "192.0.2.7") -> int:
    try:
        logins.require(header, address)
    except HTTPError as error:
        return error.status_code
    return 200


def test_the_correct_login_is_accepted(logins: Logins) -> None:
    assert status(logins, basic(LOGIN)) == 200


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !!", "Bearer x", basic(""), basic("engineer"), basic("engineer:pässwörd-of-flower"), basic(b"\xff\xfe"), "Basic \udce9"],
)  # fmt: skip
def test_any_other_login_is_refused_without_a_server_error(logins: Logins, header: str) -> None:
    assert status(logins, header) == 401


@given(header=st.text(st.characters(max_codepoint=255)) | st.binary().map(basic))
def test_any_other_header_results_in_401(header: str) -> None:
    assert status(Logins(LOGIN), header) == 401


def test_after_ten_failures_no_login_is_checked_for_a_minute(logins: Logins, clock: Clock) -> None:
    assert [status(logins, basic("engineer:guess")) for _ in range(MAX_FAILURES)] == [401] * MAX_FAILURES
    assert status(logins, basic(LOGIN)) == status(logins, basic("engineer:guess")) == 429
    assert status(logins, basic(LOGIN), "192.0.2.8") == 200, "another address"
    clock.now += WINDOW_SECONDS
    assert status(logins, basic(LOGIN)) == 200


def test_a_browser_that_asks_first_guesses_nothing(logins: Logins) -> None:
    assert {status(logins, "") for _ in range(100)} == {401}
    assert status(logins, basic(LOGIN)) == 200


def test_the_addresses_of_one_machine_of_version_6_are_one(logins: Logins) -> None:
    for number in range(MAX_FAILURES):
        status(logins, basic("guess"), f"2001:db8::{number:x}")
    assert status(logins, basic(LOGIN), "2001:db8::ffff") == 429
    assert status(logins, basic(LOGIN), "2001:db8:1::1") == 200


def test_failures_of_the_oldest_address_are_dropped_when_there_is_no_room(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flower_login, "MAX_ADDRESSES", 10)
    for _ in range(MAX_FAILURES):
        status(logins, basic("guess"), "198.51.100.1")
    for number in range(9):
        status(logins, basic("guess"), f"192.0.2.{number}")
    assert status(logins, basic(LOGIN), "198.51.100.1") == 429
    for number in range(10):
        status(logins, basic("guess"), f"203.0.113.{number}")
    assert status(logins, basic(LOGIN), "198.51.100.1") == 200


def test_failed_logins_are_logged_with_their_address_and_no_guess(
    logins: Logins, caplog: pytest.LogCaptureFixture
) -> None:
    """The last line says that no further attempt from there is checked for a while."""
    for _ in range(MAX_FAILURES + 5):
        status(logins, basic("engineer:canary"))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == MAX_FAILURES
    assert lines[0] == "Flower refused a login from 192.0.2.7, failed login 1 in a minute"
    assert lines[-1].endswith("failed login 10 in a minute; further logins from that address are refused for 60 s")
    assert "canary" not in " ".join(lines)


def test_the_log_grows_slowly_however_many_logins_fail(
    logins: Logins, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for number in range(500):
        status(logins, basic("guess"), f"192.0.2.{number % 250}")
    assert len(caplog.records) == MAX_LINES
    clock.now += WINDOW_SECONDS
    status(logins, basic("guess"))
    assert "refused 470 more logins in the last minute" in caplog.text
