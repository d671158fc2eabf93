"""Every error that the simulators can answer is known to the error tables, and an unknown one is shown with the remote's message.

The errors are read from the simulators' source, so a new one fails here until somebody has said what it means: by a row of a table,
or below, as a refusal that people's data can cause or as one that only a wrong request of wbs-sync can.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import simulators
from simulators.netsuite import wire
from simulators.netsuite.wire import NetSuiteError, usual_error
from simulators.procore.answers import REASONS, Refusal
from tests.unit.clients.remotes import answer
from worker.clients.http import Answer
from worker.clients.login import require_admitted
from worker.clients.netsuite import errors as netsuite
from worker.clients.procore import errors as procore
from worker.domain.errors import Blocked, Misconfigured, SyncError, UnexpectedAnswer
from worker.domain.problems import Cause, describe
from worker.domain.refusals import REFUSED

ROOT = Path(simulators.__file__).parent
ANYTHING = "7"
"""Placeholder for what is only known when the simulator runs."""

STATUSES_LEFT_OPEN = {
    "simulators.netsuite.app": (404, 405),
    "simulators.procore.invoicing": (409, 422),
    "simulators.procore.state": (403, 404),
}
"""Where the source does not have the status, the settings or the address decide: these."""

REFUSED_BY_NETSUITE = (
    r"Please enter value\(s\) for: ",
    r"You have entered an Invalid Field Value",
    r"contained more than the maximum number",
    r"Invalid \w+ reference key",
    r"You must enter at least one line item",
    r"The total of this transaction must not be negative",
    r"Unknown reference or property name",
    r"You do not have permissions to set a value for element",
    r"Invalid value for the resource or sub-resource field",
)
"""What an account's setup, its fields or an accountant's records can cause: reported by its cause in refusals.toml, or as `item_rejected` or
`bill_rejected`.
"""
REFUSED_BY_PROCORE = (
    r"The invoice is not editable because it has been synced with ERP",
    r"origin_id: has already been taken",
)
"""What can be wrong with the only write to Procore: reported as `write_back_rejected`."""
OURS_IN_NETSUITE = (
    r"it is not JSON",
    r"The request body has to be a JSON object",
    r"Invalid external ID",
    r"Invalid record instance ID",
    r"An upsert needs an external ID",
    r"The required request header 'Prefer'",
    r"Provide a valid (limit|offset|7) value",
    r"The parameter q is missing",
    r"Invalid search query",
    r"The header Prefer: respond-async is required",
    r"A collection has 1 to",
    r"this idempotency key was already processed",
    r"is not supported",
    r"only reads this record type",
    r"cannot be deleted because it has dependent records",
    r"Record type '7' does not exist",
)
OURS_IN_PROCORE = (
    r"Missing Procore-Company-Id header!",
    r"Procore-Company-Id must be a number",
    r"There was a problem parsing the request body",
    r"unknown parameters: ",
    r"param is missing or the value is empty",
    r"page and per_page must be positive",
    r": must be one of ",
    r": is not a (boolean|number|date|range of two dates)",
    r"status: is not included in the list",
    r"^400 7: 7$",
    r"^(400 Bad Request|409 Conflict|422 Unprocessable Entity)$",
)
"""What only a wrong request can cause, or a simulated fault: reported as `unexpected` or `unreadable_response`, with the message."""


@dataclass(frozen=True)
class SimulatedError:
    """One error as it is sent, and the place in the source that creates it."""

    where: str
    answer: Answer

    def __str__(self) -> str:
        return self.where


def _calls(remote: str, *names: str) -> Iterator[tuple[str, dict[str, Any], ast.Call]]:
    """Yield each call of these names in a simulator's source: place, the module's names, the call."""
    for path in sorted((ROOT / remote).glob("*.py")):
        module = importlib.import_module(f"simulators.{remote}.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{remote}/{path.name}:{node.lineno}", vars(module), node


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    """Return the value of an argument as far as the source shows it."""
    match node:
        case ast.Constant():
            return node.value
        case ast.JoinedStr():
            return "".join(str(_value(part, names)) for part in node.values)
        case ast.Name() if isinstance(names.get(node.id), str | int | dict):
            return names[node.id]
        case ast.Dict():
            keys = [_value(key, names) for key in node.keys if key]
            return dict(zip(keys, [_value(value, names) for value in node.values], strict=True))
        case ast.List():
            return [_value(value, names) for value in node.elts]
    return ANYTHING


def _statuses(node: ast.expr | None, names: dict[str, Any]) -> tuple[int, ...]:
    """Return the status of a response, or those that it may have."""
    if node is None:
        return (400,)
    status = _value(node, names)
    return (status,) if isinstance(status, int) else STATUSES_LEFT_OPEN[names["__name__"]]


def _netsuite_errors() -> Iterator[SimulatedError]:
    for where, names, call in _calls("netsuite", "NetSuiteError", "_refused"):
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        detail = _value(call.args[0], names)
        if detail == ANYTHING:
            # The text comes from a caller that is among these calls, or from the table of usual errors.
            continue
        code = _value(named["code"], names) if "code" in named else "USER_ERROR"
        for status in _statuses(named.get("status"), names):
            yield _simulated(where, NetSuiteError(detail, status=status, code=code))
    for status in (*wire.CODES, 500, 502, 503, 504):
        yield _simulated(f"netsuite, usual {status}", usual_error(status))


def _procore_errors(*, v2: bool) -> Iterator[SimulatedError]:
    for where, names, call in _calls("procore", "Refusal"):
        errors = _value(call.args[1], names)
        for status in _statuses(call.args[0], names):
            yield SimulatedError(where, _answer(Refusal(status, errors).response(v2=v2)))
    for status, reason in REASONS.items():
        yield SimulatedError(f"procore, usual {status}", _answer(Refusal(status, reason).response(v2=v2)))


def _simulated(where: str, error: NetSuiteError) -> SimulatedError:
    return SimulatedError(where, _answer(error.response()))


def _answer(response: Any) -> Answer:
    return answer(response.status_code, bytes(response.body).decode())


FROM_NETSUITE = list(_netsuite_errors())
FROM_PROCORE = list(_procore_errors(v2=False))
IN_BOTH_VERSIONS = list(zip(FROM_PROCORE, _procore_errors(v2=True), strict=True))


def is_known(error: SyncError) -> bool:
    """Return whether a row says what the response means, other than that it is unknown."""
    return not isinstance(error, UnexpectedAnswer) and getattr(error, "cause", None) is not Cause.UNEXPECTED


def meaning_in_netsuite(given: Answer) -> SyncError:
    """Return the meaning by the table alone, before reads and writes are distinguished."""
    message = netsuite.message_of(given)
    row = next(row for row in netsuite.TABLE if given.status in row.statuses and re.search(row.pattern, message))
    return row.meaning(message)


def matching(patterns: tuple[str, ...], message: str) -> list[str]:
    return [pattern for pattern in patterns if re.search(pattern, message)]


def test_the_sources_are_read() -> None:
    assert len({simulated.where for simulated in FROM_NETSUITE}) > 45
    assert len({simulated.where for simulated in FROM_PROCORE}) > 25


@pytest.mark.parametrize("simulated", FROM_NETSUITE, ids=str)
def test_errors_of_the_simulated_netsuite_are_known_or_shown_literally(simulated: SimulatedError) -> None:
    message = netsuite.message_of(simulated.answer)
    refused, ours = matching(REFUSED_BY_NETSUITE, message), matching(OURS_IN_NETSUITE, message)
    if is_known(meaning_in_netsuite(simulated.answer)):
        assert (refused, ours) == ([], []), "a row of the table knows it"
        return
    assert len(refused) + len(ours) == 1, f"say what it means: {message}"
    error = netsuite.error_of(simulated.answer, writes=True)
    assert isinstance(error, Blocked)
    assert refused or error.cause is Cause.UNEXPECTED
    unknown = (Cause.ITEM_REJECTED, Cause.BILL_REJECTED) if refused else (Cause.UNEXPECTED,)
    causes = (error.cause,) if error.cause in REFUSED else unknown
    assert all(message in describe(cause, error.facts).sentence for cause in causes)


@pytest.mark.parametrize("simulated", FROM_PROCORE, ids=str)
def test_errors_of_the_simulated_procore_are_known_or_shown_literally(simulated: SimulatedError) -> None:
    error = procore.error_of(simulated.answer)
    assert error is not None
    message = str(error)
    refused, ours = matching(REFUSED_BY_PROCORE, message), matching(OURS_IN_PROCORE, message)
    if is_known(error):
        assert (refused, ours) == ([], []), "a status of the table knows it"
        return
    assert len(refused) + len(ours) == 1, f"say what it means: {message}"
    cause = Cause.WRITE_BACK_REJECTED if refused else Cause.UNEXPECTED
    assert isinstance(error, Blocked)
    assert message in describe(cause, error.facts).sentence


@pytest.mark.parametrize(("first", "second"), IN_BOTH_VERSIONS, ids=str)
def test_procores_second_version_says_the_same_in_its_own_shape(first: SimulatedError, second: SimulatedError) -> None:
    assert first.where == second.where
    assert type(procore.error_of(first.answer)) is type(procore.error_of(second.answer))


def test_every_pattern_of_these_lists_matches_an_error() -> None:
    netsuite_messages = [netsuite.message_of(simulated.answer) for simulated in FROM_NETSUITE]
    procore_messages = [str(procore.error_of(simulated.answer)) for simulated in FROM_PROCORE]
    for messages, patterns in (
        (netsuite_messages, REFUSED_BY_NETSUITE + OURS_IN_NETSUITE),
        (procore_messages, REFUSED_BY_PROCORE + OURS_IN_PROCORE),
    ):
        assert [pattern for pattern in patterns if not any(re.search(pattern, words) for words in messages)] == []


@pytest.mark.parametrize("call", list(_calls("netsuite", "LoginRefused")), ids=lambda call: str(call[0]))
def test_a_refused_login_is_reported_as_a_refused_login(call: tuple[str, dict[str, Any], ast.Call]) -> None:
    _, names, node = call
    error, description = (_value(argument, names) for argument in node.args[:2])
    status = _value(node.args[2], names) if len(node.args) > 2 else 400
    body = answer(status, {"error": error, "error_description": description})
    with pytest.raises(Misconfigured) as caught:
        require_admitted(
            body, netsuite.message_of(body), Cause.NETSUITE_LOGIN, url="https://netsuite.example/token", identity="a"
        )
    assert caught.value.cause is Cause.NETSUITE_LOGIN
    assert error in describe(Cause.NETSUITE_LOGIN, caught.value.facts).sentence


@pytest.mark.parametrize("status", [400, 418, 422])
def test_an_unknown_error_is_shown_with_the_message_of_the_remote(status: int) -> None:
    """The checks of this file can fail: such an error is in no list."""
    given = answer(
        status, {"o:errorDetails": [{"o:errorCode": "NEW_RULE", "detail": "Items need a colour since May."}]}
    )
    assert not is_known(meaning_in_netsuite(given))
    message = netsuite.message_of(given)
    assert matching(REFUSED_BY_NETSUITE + OURS_IN_NETSUITE, message) == []
    error = netsuite.error_of(given, writes=True)
    assert isinstance(error, Blocked)
    assert "NEW_RULE Items need a colour since May." in describe(error.cause, error.facts).sentence
