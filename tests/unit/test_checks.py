"""`check` reports once what several checks found, and never less than each of them found."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from redis.exceptions import ConnectionError as LostConnection

from worker.domain.errors import Transient
from worker.inspect.checks import Check, Checks


def failing(error: Exception) -> Callable[[], Check]:
    def check() -> NoReturn:
        raise error

    return check


def test_a_failure_of_redis_is_reported_once_whatever_it_responds() -> None:
    errors = [LostConnection(f"attempt {number}") for number in (1, 2)]
    first, second = Checks((("Ledger", failing(errors[0])), ("Queues", failing(errors[1])))).run()
    assert (first.ok, second.ok) == (False, None)
    assert second.message == "not checked: see 'Ledger' above"


def test_two_responses_of_a_remote_are_two_failures() -> None:
    """This holds even if a proxy's page contains the text with which the response of Redis begins."""
    errors = [Transient(f"the proxy failed. Its response: {text}") for text in ("no such host", "certificate expired")]
    results = Checks((("Procore", failing(errors[0])), ("NetSuite", failing(errors[1])))).run()
    assert [(one.ok, one.message) for one in results] == [(False, str(error)) for error in errors]
