"""Log lines: one event is one line, whatever the names from other systems contain."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

import pytest
import redis
from celery.exceptions import Reject
from hypothesis import given
from hypothesis import strategies as st

from config.logs import (
    LIMITED_BURST,
    LIMITED_EVERY_SECONDS,
    LIMITED_LENGTH,
    JsonLines,
    RateLimit,
    TextLines,
    set_up_logging,
)
from worker.store.connection import is_outage

ANY_TEXT = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1)
FORMAT = "%(levelname)s %(name)s: %(message)s"


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    trace = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("worker", logging.WARNING, __file__, 1, message, arguments, trace)


def caught(message: str) -> ValueError:
    """Return an error that was raised."""
    with pytest.raises(ValueError, match=re.escape(message)) as raised:
        raise ValueError(message)
    return raised.value


@given(name=ANY_TEXT)
def test_a_name_adds_no_line(name: str) -> None:
    line = TextLines(FORMAT).format(record("%s is blocked", name))
    assert line.startswith("WARNING worker: ")
    assert line.endswith(" is blocked")
    assert len(line.splitlines()) == 1
    assert line.encode()


def test_a_forged_line_stays_inside_the_line_that_logged_it() -> None:
    name = "Acme\n2026-11-24 WARNING worker: all is well\x1b[2K"
    assert TextLines(FORMAT).format(record("%s", name)) == (
        "WARNING worker: Acme\\n2026-11-24 WARNING worker: all is well\\x1b[2K"
    )


def test_a_name_with_accents_is_logged_unchanged() -> None:
    assert (
        TextLines(FORMAT).format(record("Constru\u00e7\u00e3o \u00c4u\u00dferst"))
        == "WARNING worker: Constru\u00e7\u00e3o \u00c4u\u00dferst"
    )


def test_a_traceback_keeps_its_lines_without_control_characters() -> None:
    lines = TextLines(FORMAT).format(record("failed", error=caught("\x1b[31mred\x1b[0m")))
    assert "Traceback (most recent call last):\n" in lines
    assert lines.endswith("ValueError: \\x1b[31mred\\x1b[0m")


@given(name=ANY_TEXT)
def test_a_line_of_json_is_one_ascii_line_that_reads_back(name: str) -> None:
    line = JsonLines().format(record("%s", name))
    assert line.isascii()
    assert "\n" not in line
    # Two halves next to each other are one character in JSON.
    assert json.loads(line)["message"] == json.loads(json.dumps(name))


def test_a_line_of_json_carries_the_traceback() -> None:
    entry = json.loads(JsonLines().format(record("failed", error=caught("no"))))
    assert "ValueError: no" in entry["traceback"]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Restore the logging setup after a test: pytest logs too."""
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in ("urllib3", "kombu", "amqp"))]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("style", ["text", "json"])
def test_a_line_has_the_correlation_id_of_its_request(capsys: pytest.CaptureFixture[str], style: str) -> None:
    asked_by = iter(["scan-842763e1cb", ""])
    set_up_logging(level="INFO", style=style, correlation_id=lambda: next(asked_by))
    logging.getLogger("worker").info("done", extra={"facts": {"remote": "netsuite"}})
    logging.getLogger("worker").info("idle")
    first, second = capsys.readouterr().err.splitlines()
    if style == "text":
        assert first.endswith("worker: done [scan-842763e1cb]")
        assert second.endswith("worker: idle")
        return
    entry = json.loads(first)
    assert entry.keys() == {"at", "level", "logger", "message", "correlation_id", "remote"}
    assert (entry["correlation_id"], entry["remote"]) == ("scan-842763e1cb", "netsuite")
    assert json.loads(second).keys() == {"at", "level", "logger", "message"}


@pytest.mark.usefixtures("logging_as_before")
def test_a_response_with_unreadable_headers_is_not_logged_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """urllib3 would log it at WARNING with all that it could not parse: a remote may have put our own credentials there."""
    set_up_logging(level="DEBUG", style="text")
    logging.getLogger("urllib3.connection").warning("Failed to parse headers: Bearer canary")
    logging.getLogger("worker").warning("ours is told")
    logged = capsys.readouterr().err
    assert "ours is told" in logged
    assert "canary" not in logged


def test_callers_without_a_login_cause_a_bounded_number_of_lines() -> None:
    """The lines say how many are missing."""
    now = 0.0
    limit = RateLimit(clock=lambda: now)
    written = []
    for attempt in range(100_000):
        now = attempt / 100  # a hundred a second
        refused = record("Refused a request from %s", f"198.51.100.{attempt}")
        if limit.filter(refused):
            written.append(refused.getMessage())
    assert len(written) <= LIMITED_BURST + 1000 / LIMITED_EVERY_SECONDS
    assert written[0] == "Refused a request from 198.51.100.0"
    assert written[-1].endswith(" (999 more lines of this kind omitted)")


def test_text_of_a_caller_without_a_login_makes_no_line_long() -> None:
    sent = record("Uncaught exception %s", "/" * 65_536)
    assert RateLimit().filter(sent)
    assert len(sent.getMessage()) < LIMITED_LENGTH + 100


def test_lines_about_callers_with_the_right_login_are_all_written() -> None:
    limit = RateLimit(clock=lambda: 0.0)
    events = [
        logging.LogRecord("worker.sync.webhooks", logging.INFO, __file__, 1, "%s", (n,), None) for n in range(1000)
    ]
    assert all(limit.filter(event) for event in events)


@pytest.mark.usefixtures("logging_as_before")
@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_routine_is_logged_at_debug_only(capsys: pytest.CaptureFixture[str], level: str) -> None:
    """Celery's own calls, as worker/strategy.py, app/trace.py and beat.py make them."""
    set_up_logging(level=level, style="text")
    for name in ("ledger.resume", "invoices.export"):
        facts = {"id": "7", "name": name, "return_value": "{}", "runtime": 0.1, "description": "raised"}
        logging.getLogger("celery.worker.strategy").info("Task %(name)s[%(id)s] received", facts, extra={"data": facts})
        logging.getLogger("celery.app.trace").info("Task %(name)s[%(id)s] succeeded", facts, extra={"data": facts})
        logging.getLogger("celery.beat").info("Scheduler: Sending due task %s (%s)", "entry", name)
        logging.getLogger("celery.app.trace").error("Task %(name)s[%(id)s] %(description)s", facts)
    lines = capsys.readouterr().err
    assert lines.count("invoices.export") == 4
    assert lines.count("ledger.resume") == (4 if level == "DEBUG" else 1), "a failure is always written"


@pytest.mark.usefixtures("logging_as_before")
def test_an_outage_of_redis_adds_no_traceback_to_a_librarys_line(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(level="INFO", style="text", is_outage=is_outage)
    refused = redis.exceptions.ResponseError("MISCONF Errors writing to the AOF file: what was sent")
    # As redis-py passes on a refusal within a pipeline.
    not_permitted = redis.exceptions.ResponseError(
        "Command # 1 (SADD x) caused error: User default has no permissions to run it"
    )
    kombu, celery = logging.getLogger("kombu.transport.redis"), logging.getLogger("celery.app.trace")
    kombu.warning("will retry", exc_info=refused)
    kombu.warning("will retry", exc_info=not_permitted)
    celery.warning("Task rejected", exc_info=Reject("Redis is full", requeue=True))
    assert [line.partition(": ")[2] for line in capsys.readouterr().err.splitlines()] == [
        "will retry (ResponseError)"
    ] * 2
    celery.error("Task raised", exc_info=caught("a fault of the program"))
    kombu.error("Wrong type", exc_info=redis.exceptions.ResponseError("WRONGTYPE Operation"))
    logging.getLogger("worker.base").error("ours", exc_info=refused)
    logged = capsys.readouterr().err
    assert "ValueError: a fault of the program" in logged
    assert "redis.exceptions.ResponseError: WRONGTYPE Operation" in logged
    assert "redis.exceptions.ResponseError: MISCONF" in logged, "our own lines keep theirs"
