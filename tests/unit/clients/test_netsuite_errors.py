"""What NetSuite's responses mean: every row of the table by example."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.clients.remotes import DEEP, ODD_NUMBERS, answer
from worker.clients.http import Answer
from worker.clients.netsuite.errors import (
    TABLE,
    AccountRefusals,
    KnownRefusal,
    Meaning,
    Unauthorized,
    error_of,
    message_of,
)
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause


def refusal(status: int, code: str, detail: str, path: str = "") -> Answer:
    """Return an error in NetSuite's own shape (ohelp/section_156570709583). `path`: the field that it names, if any."""
    details = [{"detail": detail, "o:errorCode": code, **({"o:errorPath": path} if path else {})}]
    return answer(status, {"title": "x", "status": status, "o:errorDetails": details})


EXAMPLES: list[tuple[int, int, str, str, type[SyncError], Cause | None]] = [
    # row, status, code, text, class, cause
    (0, 401, "INVALID_LOGIN", "Invalid login attempt.", Unauthorized, None),
    (1, 429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded.", NoRoom, None),
    (2, 400, "SSS_REQUEST_LIMIT_EXCEEDED", "Request Limit Exceeded", NoRoom, None),
    (2, 403, "SSS_REQUEST_LIMIT_EXCEEDED", "Request Limit Exceeded", NoRoom, None),
    (3, 408, "", "", OutcomeUnknown, None),
    (3, 408, "DUP_RCRD", "This record already exists", OutcomeUnknown, None),
    (4, 400, "INSUFFICIENT_PERMISSION", "You do not have permissions to set a value for element item.isbillable due to one of the following reasons: 1) The field is read-only", Blocked, Cause.UNEXPECTED),
    (5, 403, "USER_ERROR", "Permission Violation", Misconfigured, Cause.NETSUITE_PERMISSION),
    (6, 400, "INSUFFICIENT_PERMISSION", "You need the Lists -> Items permission", Misconfigured, Cause.NETSUITE_PERMISSION),
    (7, 400, "INVALID_PARAMETER", "Invalid search query. Search error occurred: Record 'vendor' was not found.", Misconfigured, Cause.NETSUITE_PERMISSION),
    (7, 400, "INVALID_PARAMETER", "Invalid search query. Search error occurred: Field 'subtype' for record 'item' was not found. Reason: REMOVED - Field is removed", Misconfigured, Cause.NETSUITE_PERMISSION),
    (8, 404, "NONEXISTENT_ID", "Record type 'otherCharge' does not exist.", UnexpectedAnswer, None),
    (9, 404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.", NotFound, None),
    (9, 400, "RCRD_DSNT_EXIST", "That record does not exist.", NotFound, None),
    (10, 400, "USER_ERROR", "Transaction type specified is incorrect.", NotFound, None),
    (11, 400, "USER_ERROR", "Uniqueness error - there is already an item with that name or name/parent combination.", AlreadyExists, None),
    (11, 400, "DUP_ITEM", "an item of that name", AlreadyExists, None),
    (11, 400, "DUP_RCRD", "This record already exists", AlreadyExists, None),
    (11, 400, "USER_ERROR", "This entity already exists.", AlreadyExists, None),
    (11, 400, "USER_ERROR", "This transaction number has already been used.", AlreadyExists, None),
    (11, 400, "RCRD_HAS_BEEN_CHANGED", "Record has been changed", AlreadyExists, None),
    (12, 400, "CLOSED_TRAN_PRD", "no", Blocked, Cause.PERIOD_CLOSED),
    (12, 400, "USER_ERROR", "The posting period you selected is closed.", Blocked, Cause.PERIOD_CLOSED),
    (12, 400, "USER_ERROR", "The transaction date you specified is not within the date range of your accounting period.", Blocked, Cause.PERIOD_CLOSED),
    (12, 400, "USER_ERROR", "You cannot change transactions in a closed period.", Blocked, Cause.PERIOD_CLOSED),
    (12, 400, "USER_ERROR", "YOU CANNOT CHANGE TRANSACTIONS IN A CLOSED PERIOD.", Blocked, Cause.PERIOD_CLOSED),
    (13, 400, "USER_ERROR", "Please enter value(s) for: Tax Schedule", Blocked, Cause.UNEXPECTED),
    (13, 400, "NONEXISTENT_EXTERNAL_ID", "Nonexistent externalId X for field", Blocked, Cause.UNEXPECTED),
    (13, 400, "USER_ERROR", "This record has been locked by a user defined workflow.", Blocked, Cause.UNEXPECTED),
    (14, 409, "", "", AlreadyExists, None),
    (15, 422, "INVALID_CONTENT", "not understood", Blocked, Cause.UNEXPECTED),
    (16, 500, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: abc", OutcomeUnknown, None),
    (16, 503, "", "", OutcomeUnknown, None),
    (17, 405, "INVALID_METHOD", "no", UnexpectedAnswer, None),
    (17, 302, "", "", UnexpectedAnswer, None),
]  # fmt: skip


@pytest.mark.parametrize(("row", "status", "code", "detail", "kind", "cause"), EXAMPLES)
def test_an_answer_means_what_the_first_fitting_row_says(
    row: int, status: int, code: str, detail: str, kind: type[SyncError], cause: Cause | None
) -> None:
    refused = refusal(status, code, detail)
    message = message_of(refused)
    fitting = [number for number, one in enumerate(TABLE) if status in one.statuses and re.search(one.pattern, message)]
    assert fitting[0] == row

    error = TABLE[row].meaning(message)
    assert type(error) is kind
    assert getattr(error, "cause", None) is cause
    assert detail in str(error)


@pytest.mark.parametrize(("row", "status", "code", "detail", "kind", "cause"), EXAMPLES)
def test_a_write_that_failed_is_refused_or_in_doubt(
    row: int, status: int, code: str, detail: str, kind: type[SyncError], cause: Cause | None
) -> None:
    """What a create refers to may not exist (a vendor, a subsidiary): that is a refusal, not a missing Procore record."""
    error = error_of(refusal(status, code, detail), writes=True)
    if kind in (NotFound, UnexpectedAnswer):
        assert type(error) is (Blocked if 400 <= status < 500 else OutcomeUnknown)
    else:
        assert type(error) is kind
    assert detail in str(error)


def test_a_response_without_the_result_of_a_write_leaves_it_in_doubt() -> None:
    say_nothing = [*range(100, 200), *range(300, 400), 408, *range(500, 1000)]
    of_writes = {code: error_of(answer(code, "<html>Sign in</html>"), writes=True) for code in say_nothing}
    assert [code for code, error in of_writes.items() if type(error) is not OutcomeUnknown] == []
    of_reads = {code: error_of(answer(code, "<html>Sign in</html>"), writes=False) for code in say_nothing}
    assert [code for code, error in of_reads.items() if isinstance(error, OutcomeUnknown)] == []


def test_a_name_in_an_error_text_is_not_read_as_a_record() -> None:
    error = error_of(
        refusal(400, "USER_ERROR", "Invalid query: companyname = 'Already Exists LLC' already exists"), writes=False
    )
    assert isinstance(error, Blocked)


def test_every_row_of_the_table_has_an_example() -> None:
    assert {row for row, *_ in EXAMPLES} == set(range(len(TABLE)))


def test_every_status_means_something_and_only_2xx_is_good() -> None:
    good = [status for status in range(100, 1000) if error_of(answer(status), writes=True) is None]
    assert good == [*range(200, 300)]


@pytest.mark.parametrize("status", [408, *range(500, 512)])
def test_a_response_that_leaves_a_write_in_doubt_only_delays_a_read(status: int) -> None:
    assert type(error_of(answer(status), writes=True)) is OutcomeUnknown
    assert type(error_of(answer(status), writes=False)) is Transient


@pytest.mark.parametrize(("status", "down"), [(502, "netsuite"), (503, "netsuite"), (504, "netsuite"), (500, ""), (408, "")])  # fmt: skip
def test_a_gateway_that_answers_in_its_place_says_that_netsuite_is_down(status: int, down: str) -> None:
    error = error_of(answer(status, "<html>Bad gateway</html>"), writes=False)
    assert isinstance(error, Transient)
    assert error.down == down
    assert "Bad gateway" in str(error)


@pytest.mark.parametrize(
    ("after", "seconds"),
    [
        ("7", 7.0),
        ("", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        *((odd, None) for odd in ODD_NUMBERS),
        ("99999999", 3600.0),
    ],
)
def test_a_wait_that_netsuite_names_is_kept_with_a_limit_for_outages(after: str, seconds: float | None) -> None:
    """The wait for a busy account is kept up to an hour, and that for an outage up to two minutes."""
    limited = error_of(answer(429, Retry_After=after), writes=True)
    assert isinstance(limited, NoRoom)
    assert limited.retry_after == seconds
    down = error_of(answer(503, Retry_After=after), writes=False)
    assert isinstance(down, Transient)
    assert down.retry_after == (min(seconds, 120.0) if seconds else None)


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_that_names_a_field_is_about_that_record(status: int) -> None:
    """NetSuite answers with the code of a missing permission when the role's form does not show one column."""
    message = "You do not have permissions to set a value for element item.isbillable"
    for text, path, cause in (
        (message, "item.items[0].isBillable", Cause.FIELD_NOT_SETTABLE),
        (message, "", Cause.FIELD_NOT_SETTABLE),
        ("Insufficient permission.", "department", Cause.UNEXPECTED),
    ):
        error = error_of(refusal(status, "INSUFFICIENT_PERMISSION", text, path), writes=True)
        assert isinstance(error, Blocked)
        assert error.cause is cause
    role = error_of(refusal(status, "INSUFFICIENT_PERMISSION", "Permission Violation"), writes=True)
    assert isinstance(role, Misconfigured)


@pytest.mark.parametrize("details", [[{"detail": DEEP, "o:errorCode": DEEP}], [DEEP], DEEP, [{"detail": "x"}] * 2_000])
def test_details_of_any_shape_result_in_a_short_text(details: Any) -> None:
    message = message_of(answer(400, json.dumps({"o:errorDetails": details})))
    assert message.startswith("400")
    assert len(message) <= 404


def test_a_refusal_has_all_of_its_details() -> None:
    details = [{"detail": "one", "o:errorCode": "A"}, {"detail": "two"}, "odd"]
    assert message_of(answer(400, {"o:errorDetails": details})) == "400 A one; two"


@pytest.mark.parametrize("body", [[], "text", {"o:errorDetails": "odd"}, {"o:errorDetails": None}, {}, None])
def test_a_refusal_of_unknown_shape_still_has_its_status_and_message(body: object) -> None:
    assert message_of(answer(400, body)).startswith("400")
    assert isinstance(error_of(answer(400, body), writes=True), Blocked)


def test_texts_are_short_enough_for_a_person() -> None:
    assert len(message_of(refusal(400, "USER_ERROR", "x" * 5000))) <= 404


GERMAN = AccountRefusals(
    [
        KnownRefusal("400 USER_ERROR Der Beleg … ist schon da.", Meaning.ALREADY_EXISTS),
        KnownRefusal("400 USER_ERROR Die Periode … ist zu.", Meaning.PERIOD_CLOSED),
        KnownRefusal("400 USER_ERROR The period … is closed.", Meaning.ALREADY_EXISTS),
    ]
)
"""What a profile says of an account."""


@pytest.mark.parametrize(
    ("status", "text", "writes", "kind", "cause"),
    [
        (400, "Der Beleg A-7 ist schon da.", True, AlreadyExists, None),
        (400, "Die Periode Sep 2026 ist zu.", True, Blocked, Cause.PERIOD_CLOSED),
        (400, "Der Beleg A-7 ist gesperrt.", True, Blocked, Cause.UNEXPECTED),
        (400, "Der Beleg A-7 ist schon da.", False, Blocked, Cause.UNEXPECTED),
        (400, "The period Sep 2026 is closed.", True, Blocked, Cause.PERIOD_CLOSED),
        (500, "Der Beleg A-7 ist schon da.", True, OutcomeUnknown, None),
        (403, "Der Beleg A-7 ist schon da.", True, Misconfigured, Cause.NETSUITE_PERMISSION),
    ],
)
def test_the_accounts_own_wording_refines_a_general_refusal(
    status: int, text: str, writes: bool, kind: type[SyncError], cause: Cause | None
) -> None:
    error = error_of(refusal(status, "USER_ERROR", text), writes=writes, refusals=GERMAN)
    assert type(error) is kind
    assert getattr(error, "cause", None) == cause
