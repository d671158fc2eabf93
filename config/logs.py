"""Logging: one line per event, as text or JSON, to standard error. Line breaks in names from other systems are escaped."""

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
"""Unicode categories of characters that affect the text around them: controls, text directions, surrogates, line separators."""


def shown(text: str) -> str:
    """Return a text that is safe in a terminal, a log or a page: characters of these categories become Python escapes."""
    return "".join(repr(sign)[1:-1] if unicodedata.category(sign) in _OBEYED else sign for sign in text)


class TextLines(logging.Formatter):
    """Formats an event as one line that ends with the correlation id, if any; a traceback adds lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name for it
        """Return the line of an event."""
        correlation_id = getattr(record, "correlation_id", "")
        return shown(super().formatMessage(record) + (f" [{correlation_id}]" if correlation_id else ""))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name for it
        """Return the traceback with each line escaped."""
        return "\n".join(shown(line) for line in super().formatException(ei).split("\n"))


class JsonLines(logging.Formatter):
    """Formats an event as one JSON object per line: at (UTC), level, logger, message, and if present the correlation id, the facts of a
    request and the traceback's text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
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
"""Lines that one place in the code may log in a burst, in a process that accepts connections."""
LIMITED_EVERY_SECONDS = 10.0
"""Seconds per line of each place after a burst: at most 8,640 lines a day."""
LIMITED_LENGTH = 1_000
"""Maximum characters of a message: a stranger may determine its length."""


@dataclass(slots=True)
class _Allowance:
    lines: float
    at: float
    left_out: int = 0


class RateLimit(logging.Filter):
    """A filter for processes that accept connections: each place in the code logs a burst, and then one line every few seconds.

    The next line of that place reports how many lines were omitted. The limit is per place, not per message, because a stranger may determine
    the text of a message. Our own lines at INFO are about callers with a valid login, and are not limited.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._allowances: dict[tuple[str, int, int], _Allowance] = {}
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the line is written; add the number of omitted lines to it."""
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
        """Return how many lines were omitted before this one, or None if this one is omitted too."""
        place, now = (record.pathname, record.lineno, record.levelno), self._clock()
        with self._lock:
            allowance = self._allowances.setdefault(place, _Allowance(LIMITED_BURST, now))
            allowance.lines = min(LIMITED_BURST, allowance.lines + (now - allowance.at) / LIMITED_EVERY_SECONDS)
            allowance.at = now
            if allowance.lines < 1:
                allowance.left_out += 1
                return None
            allowance.lines -= 1
            left_out, allowance.left_out = allowance.left_out, 0
            return left_out


def is_no_routine(record: logging.LogRecord) -> bool:
    """Filter out Celery's lines about `ledger.resume`, which runs every few seconds even when there is no work. Warnings and errors about it
    are written.
    """
    if record.levelno > logging.INFO or not record.args:
        return True
    facts = record.args.values() if isinstance(record.args, dict) else record.args
    return not (record.name.startswith("celery.") and TaskName.RESUME.value in facts)


def _without_outage_traceback(record: logging.LogRecord, is_outage: Callable[[BaseException], bool]) -> bool:
    """Reduce a record of Celery or kombu about an outage to one line, because its traceback names no fault of the program. Celery's record of a
    message that returns to its queue is omitted, because our own line says why (`worker.runtime.pool`).
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is None or not record.name.startswith(("celery.", "kombu.")):
        return True
    kind = type(error)
    if (kind.__module__, kind.__name__) == ("celery.exceptions", "Reject"):
        return False
    if is_outage(error):
        record.msg, record.args = f"{record.getMessage()} ({kind.__name__})", ()
        record.exc_info = record.exc_text = None
    return True


def set_up_logging(
    *,
    level: str,
    style: str,
    correlation_id: Callable[[], str] = lambda: "",
    is_outage: Callable[[BaseException], bool] = lambda _: False,
    rate_limited: bool = False,
) -> None:
    """Replace the process's logging set-up. `style`: text or json; `correlation_id`: returns the correlation id of the calling thread;
    `is_outage`: returns whether an error says only that Redis is away or rejects commands; `rate_limited`: for a process that accepts connections. Routine lines are logged only at level DEBUG.
    """

    def correlated(record: logging.LogRecord) -> bool:
        record.correlation_id = correlation_id()
        return True

    def brief(record: logging.LogRecord) -> bool:
        return _without_outage_traceback(record, is_outage)

    filters: list[Any] = [correlated, brief]
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
            # The lines of `requests` contain each URL, and the headers of an unreadable response unescaped. Our own lines report the
            # purpose and the result of each request.
            "loggers": {"urllib3": {"level": "ERROR"}, "kombu": {"level": "WARNING"}, "amqp": {"level": "WARNING"}},
        }
    )
