"""Logging: one line per event, as text or JSON, to standard error. What other systems' names hold makes no line of its own."""

from __future__ import annotations

import json
import logging
import logging.config
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

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


def set_up_logging(*, level: str, style: str, correlation_id: Callable[[], str] = lambda: "") -> None:
    """Replace all logging set-up of the process. `style`: text or json; `correlation_id`: gives that of the thread that logs."""

    def correlated(record: logging.LogRecord) -> bool:
        record.correlation_id = correlation_id()
        return True

    formatters = {
        "text": {"()": TextLines, "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": JsonLines},
    }
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": formatters,
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style, "filters": [correlated]}},
            "root": {"level": level, "handlers": ["stderr"]},
            # Requests' own lines would tell each URL, and the headers of an answer that it cannot read as they are; ours tell
            # what a request was for and what came of it.
            "loggers": {"urllib3": {"level": "ERROR"}, "kombu": {"level": "WARNING"}, "amqp": {"level": "WARNING"}},
        }
    )
