"""Logging: one line per event, as text or JSON, to standard error. What other systems' names hold makes no line of its own."""

from __future__ import annotations

import json
import logging
import logging.config
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from config.names import TaskName

_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that change what is around them: controls, directions, halves, line ends."""


def shown(text: str) -> str:
    """A text as a terminal, a log or a page may be given it: what these would obey is written the way Python writes it."""
    return "".join(repr(sign)[1:-1] if unicodedata.category(sign) in _OBEYED else sign for sign in text)


class TextLines(logging.Formatter):
    """One line per event, with the correlation id at its end where there is one; only a traceback has more."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name for it
        """The event's line."""
        correlation_id = getattr(record, "correlation_id", "")
        return shown(super().formatMessage(record) + (f" [{correlation_id}]" if correlation_id else ""))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name for it
        """The traceback, line by line."""
        return "\n".join(shown(line) for line in super().formatException(ei).split("\n"))


class JsonLines(logging.Formatter):
    """One JSON object per line: at (UTC), level, logger, message; the correlation id, the facts of a request and the traceback's text where
    there are any.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if correlation_id := getattr(record, "correlation_id", ""):
            line["correlation_id"] = correlation_id
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


LIMITED_BURST = 20
"""Lines that one place in the code may log at once in a process that strangers can reach."""
LIMITED_EVERY_SECONDS = 10.0
"""After a burst, one line of each place every so many seconds: at most 8,640 a day."""
LIMITED_LENGTH = 1_000
"""Characters of a message, of which a stranger may have chosen the length."""


@dataclass(slots=True)
class _Allowance:
    lines: float
    at: float
    left_out: int = 0


class RateLimit(logging.Filter):
    """A filter for processes that listen: whatever strangers send, each place in the code logs a burst and then one line every few seconds.

    The next line of that place says how many were left out. Places, not messages: a message may hold what the stranger chose. Our own
    lines at INFO are about callers that showed the right login, and are not limited.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._allowances: dict[tuple[str, int, int], _Allowance] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; one that is may get a note at its end."""
        if record.levelno <= logging.INFO and record.name.startswith("worker."):
            return True
        left_out = self._take(record)
        if left_out is None:
            return False
        message = record.getMessage()
        if len(message) > LIMITED_LENGTH:
            message = f"{message[:LIMITED_LENGTH]}..."
        if left_out:
            message += f" ({left_out:,} more lines of this kind omitted)"
        record.msg, record.args = message, ()
        return True

    def _take(self, record: logging.LogRecord) -> int | None:
        """How many lines were left out before this one; None when this one is left out too."""
        place, now = (record.pathname, record.lineno, record.levelno), self._clock()
        with self._lock:
            one = self._allowances.setdefault(place, _Allowance(LIMITED_BURST, now))
            one.lines = min(LIMITED_BURST, one.lines + (now - one.at) / LIMITED_EVERY_SECONDS)
            one.at = now
            if one.lines < 1:
                one.left_out += 1
                return None
            one.lines -= 1
            left_out, one.left_out = one.left_out, 0
            return left_out


def is_no_routine(record: logging.LogRecord) -> bool:
    """A filter: false for Celery's lines about `ledger.resume`, which is sent, received and ended every few seconds also while nothing
    goes on. Warnings and errors about it are written.
    """
    if record.levelno > logging.INFO or not record.args:
        return True
    facts = record.args.values() if isinstance(record.args, dict) else record.args
    return not (record.name.startswith("celery.") and TaskName.RESUME.value in facts)


def set_up_logging(
    *, level: str, style: str, correlation_id: Callable[[], str] = lambda: "", rate_limited: bool = False
) -> None:
    """Replace all logging set-up of the process. `style`: text or json; `correlation_id`: gives that of the thread that logs;
    `rate_limited`: of a process that strangers can reach. Routine is logged at level DEBUG only.
    """

    def correlated(record: logging.LogRecord) -> bool:
        record.correlation_id = correlation_id()
        return True

    filters: list[Any] = [correlated]
    if level != "DEBUG":
        filters.append(is_no_routine)
    if rate_limited:
        filters.append(RateLimit())
    formatters = {
        "text": {"()": TextLines, "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": JsonLines},
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": formatters,
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style, "filters": filters}},
            "root": {"level": level, "handlers": ["stderr"]},
            # Requests' own lines would tell each URL, and the headers of an answer that it cannot read as they are; ours tell
            # what a request was for and what came of it.
            "loggers": {"urllib3": {"level": "ERROR"}, "kombu": {"level": "WARNING"}, "amqp": {"level": "WARNING"}},
        }
    )
