"""How commands speak: tables and progress for people, one JSON value for programs. Progress goes to standard error.

Names come from other systems. They are shown to the letter: nothing in them is markup, and what a terminal would obey is written
the way Python writes it (`\\x1b`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from rich.console import Console, JustifyMethod
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from config.logs import shown
from config.settings import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from worker.domain.errors import Blocked, Misconfigured, SyncError
from worker.domain.problems import describe
from worker.domain.texts import unwritable
from worker.embedded import EmbeddedServerError
from worker.store.connection import why

FAILED = 1
NUMBERS = frozenset({"amount", "total", "count", "waiting", "in hand", "Items first"})
"""Columns whose cells are compared by their last place."""


class Plain(Console):
    """A console that prints texts to the letter; styles are for `styled` to give."""

    def print(self, *objects: Any, **options: Any) -> None:
        """As rich's own, but that a text is only a text."""
        super().print(*(styled(one) if isinstance(one, str) else one for one in objects), **options)


out = Plain(highlight=False)
err = Plain(stderr=True, highlight=False)

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON value on standard output instead of tables."
)


class Named(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """What people call a project or an invoice: its Procore id, or its number. Which one is meant, the services find out."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, where it can be a name; a number that is out of all bounds is none."""
        text = str(value).strip()
        digits = text.removeprefix("-").isdecimal()
        if not text or unwritable(text) or (digits and (text.startswith("-") or len(text) > 18 or not int(text))):
            self.fail(f"{shown(text)!r} is neither a Procore id nor {self.name}.", param, ctx)
        return text


named_project = Named("the number or name of a project")
named_invoice = Named("the number of an invoice")


class Fault(click.ClickException):
    """Ends a command with one sentence."""

    def show(self, file: Any = None) -> None:
        """On standard error, without a traceback."""
        say_fault(self.format_message())


@contextmanager
def faults_as_sentences() -> Any:
    """Known errors end the command with a sentence and exit code 1 or 2, never with a traceback."""
    try:
        yield
    except InvalidSettings as error:
        for fault in error.faults:
            say_fault(fault)
        sys.exit(BAD_SETTINGS_EXIT_CODE)
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        raise Fault(f"{problem.sentence} {problem.next_step}") from error
    except (SyncError, EmbeddedServerError) as error:
        raise Fault(str(error) or type(error).__name__) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Fault(f"{error.strerror or type(error).__name__}: {error.filename or 'no file is named'}.") from error
    except (RedisError, OperationalError) as error:
        raise Fault(why(error)) from error


def say_fault(sentence: str) -> None:
    """One sentence on standard error."""
    err.print(styled(("wbs-sync:", "red"), f" {sentence}"), soft_wrap=True)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Texts to the letter, one after the other; a pair is a text and its style."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((shown(text), style) for text, style in pairs))


def print_json(value: Any) -> None:
    """The one JSON value of a command: in ASCII, which every terminal and program takes."""
    click.echo(json.dumps(value, indent=2, default=str))


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table on standard output; nothing but a line when it has no rows. A column that is empty in all of them is left out, and so is
    a head in which no column has a title.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    told = {place: column for place, column in enumerate(columns) if any(row[place] for row in texts)}
    drawn = Table(header_style="bold", expand=False, show_header=any(told.values()))
    for column in told.values():
        # A key is copied into the next command: whole, on one line.
        justify: JustifyMethod = "right" if column in NUMBERS else "left"
        drawn.add_column(column, overflow="fold", no_wrap=column == "key", justify=justify)
    for row in texts:
        drawn.add_row(*(styled(row[place]) for place in told))
    if not drawn.row_count:
        out.print(f"{title}: none")
        return
    # Not as the table's own title, which would be folded to the width of a narrow table.
    if title:
        out.print(styled((title, "bold")), soft_wrap=True)
    out.print(drawn)


def progress() -> Progress:
    """A progress display that leaves its last state on the screen."""
    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description:<10}", markup=False),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=err,
    )


def clock(at: float | None) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "-"
