"""What Procore's responses mean, in every shape."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.unit.clients.remotes import DEEP, ODD_NUMBERS, answer
from worker.clients.procore.errors import Unauthorized, error_of, message_of, rate_limit_wait
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    NotPermitted,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause

NOT_CONNECTED = {"errors": "App is not connected to this company"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "cause"),
    [
        (400, {"errors": "bad"}, Blocked, Cause.UNEXPECTED),
        (401, {"errors": "no"}, Unauthorized, None),
        (403, NOT_CONNECTED, Misconfigured, Cause.PROCORE_LOGIN),
        (403, {"errors": "You do not have permission"}, NotPermitted, None),
        (404, {"errors": "Not found"}, NotFound, None),
        (406, None, Blocked, Cause.UNEXPECTED),
        (408, None, Transient, None),
        (409, {"errors": "taken"}, Blocked, Cause.UNEXPECTED),
        (422, {"errors": {"origin_id": ["has already been taken"]}}, Blocked, Cause.UNEXPECTED),
        (429, None, NoRoom, None),
        (500, "<html>", Transient, None),
        (502, "<html>", Transient, None),
        (503, None, Transient, None),
        (504, None, Transient, None),
        (302, None, UnexpectedAnswer, None),
        (418, None, UnexpectedAnswer, None),
        (501, None, UnexpectedAnswer, None),
    ],
)
def test_every_status_means_what_procores_reference_says(
    status: int, body: Any, kind: type[SyncError], cause: Cause | None
) -> None:
    error = error_of(answer(status, body))
    assert type(error) is kind
    assert getattr(error, "cause", None) is cause
    assert str(error).removeprefix("Procore answered ").startswith(str(status))


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_successful_response_is_no_error(status: int) -> None:
    assert error_of(answer(status)) is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"errors": "Not found"}, "Not found"),
        ({"errors": ["one", "two"]}, "one, two"),
        ({"errors": {"name": ["is too long", "is odd"], "id": ["no"]}}, "name: is too long, is odd; id: no"),
        ({"message": "Bad request"}, "Bad request"),
        ({"error": {"code": "invalid", "message": "No such thing"}}, "code: invalid; message: No such thing"),
        ({"error": {"code": 400, "message": "No such thing", "details": []}}, "No such thing"),
        ({"error": {"code": "400", "message": "No such thing", "details": []}}, "No such thing"),
        ({"error": "invalid_client", "error_description": "unknown"}, "invalid_client"),
        ("<html>\n<h1>Bad gateway</h1></html>", "Bad gateway"),
        (["odd"], '["odd"]'),
        ({}, "{}"),
        (None, ""),
    ],
)
def test_procores_message_is_found_in_every_shape_of_body(body: Any, message: str) -> None:
    assert message_of(answer(400, body)) == message


def test_texts_are_short_enough_for_a_person() -> None:
    for body in ({"errors": ["x" * 200] * 9}, {"errors": {"a": "x" * 900}}, {"message": "x" * 900}, "x" * 900):
        assert len(message_of(answer(400, body))) <= 300


@pytest.mark.parametrize(("status", "down"), [(502, "procore"), (503, "procore"), (504, "procore"), (500, ""), (429, "")])  # fmt: skip
def test_a_gateway_that_answers_in_its_place_says_that_procore_is_down(status: int, down: str) -> None:
    error = error_of(answer(status))
    assert isinstance(error, Transient)
    assert error.down == down


def test_the_wait_is_taken_from_either_header() -> None:
    assert rate_limit_wait(answer(429, Retry_After="12")) == 12.0
    now = time.time()
    refused = answer(429, received_at=now, X_Rate_Limit_Reset=str(int(now) + 30))
    assert rate_limit_wait(refused) == pytest.approx(30, abs=1)
    assert rate_limit_wait(answer(429)) is None


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_an_outage_is_never_waited_out_by_the_reset_of_the_rate_limit(status: int) -> None:
    """The three headers come with every answer, and the hour's reset says nothing about when a gateway works again."""
    reset = str(int(time.time()) + 3600)
    error = error_of(answer(status, X_Rate_Limit_Limit="3600", X_Rate_Limit_Remaining="3567", X_Rate_Limit_Reset=reset))
    assert isinstance(error, Transient)
    assert not isinstance(error, NoRoom)
    assert error.retry_after is None


@pytest.mark.parametrize(("named", "waited"), [("7", 7.0), ("3600", 120.0), ("soon", None)])
def test_a_retry_after_of_an_outage_is_honored_for_two_minutes_at_most(named: str, waited: float | None) -> None:
    error = error_of(answer(503, Retry_After=named))
    assert isinstance(error, Transient)
    assert error.retry_after == waited


@pytest.mark.parametrize("header", ODD_NUMBERS)
def test_a_wait_that_is_no_number_is_ignored(header: str) -> None:
    assert rate_limit_wait(answer(429, Retry_After=header)) is None
    assert rate_limit_wait(answer(429, X_Rate_Limit_Reset=header)) is None


def test_no_wait_is_longer_than_an_hour_whatever_the_header_says() -> None:
    assert rate_limit_wait(answer(429, Retry_After="99999999")) == 3600.0
    assert rate_limit_wait(answer(429, X_Rate_Limit_Reset="99999999999")) == 3600.0


@pytest.mark.parametrize(
    "body",
    [{"errors": DEEP}, {"errors": {"a": DEEP}}, {"errors": ["x"] * 100_000}, {"errors": {"\x1b[31m": "\n\ud800"}}],
)
def test_errors_of_any_shape_result_in_a_short_printable_text(body: Any) -> None:
    message = message_of(answer(400, body))
    assert len(message) <= 300
    assert message.isprintable()


@pytest.mark.parametrize("wrong_by", [-3600, 3600])
def test_a_worker_with_a_wrong_clock_waits_by_procores_clock(wrong_by: float) -> None:
    """It waits until the same moment as all other workers."""

    def wait(date: str) -> float | None:
        received_at = 1795521600.0 + wrong_by
        return rate_limit_wait(answer(429, received_at=received_at, Date=date, X_Rate_Limit_Reset="1795521608"))

    assert wait("Tue, 24 Nov 2026 12:00:00 GMT") == 8.0
    assert wait("yesterday") == (1.0 if wrong_by > 0 else 3600.0)


def test_a_reset_in_the_past_is_no_reason_to_send_at_once() -> None:
    assert rate_limit_wait(answer(429, X_Rate_Limit_Reset="1")) == 1.0
