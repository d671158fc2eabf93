"""Output of commands: tables and progress for people, one JSON value for programs. Progress goes to standard error.

Names from other systems are printed literally: nothing in them is treated as markup, and control characters are shown as Python
escapes (`\\x1b`).
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
from config.setting_faults import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from worker.domain.errors import Blocked, Misconfigured, SyncError
from worker.domain.problems import describe
from worker.domain.texts import unwritable
from worker.local.server_program import EmbeddedServerError
from worker.store.connection import why

FAILED = 1
RIGHT_ALIGNED = frozenset({"amount", "total", "count", "waiting", "in progress", "Items first"})
"""Right-aligned columns."""


class LiteralConsole(Console):
    """A console that prints strings literally; use `styled` for styles."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print like rich's Console, without interpreting markup in strings."""
        super().print(*(styled(one) if isinstance(one, str) else one for one in objects), **options)


out = LiteralConsole(highlight=False)
err = LiteralConsole(stderr=True, highlight=False)

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of tables.")


class Named(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """The name or Procore id of a project or invoice, as typed; the services look it up."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the trimmed text. Fails for unsupported characters and for numbers that cannot be an id."""
        text = str(value).strip()
        digits = text.removeprefix("-").isdecimal()
        if not text or unwritable(text) or (digits and (text.startswith("-") or len(text) > 18 or not int(text))):
            self.fail(f"{shown(text)!r} is not a Procore id or {self.name}.", param, ctx)
        return text


named_project = Named("project number or name")
named_invoice = Named("invoice number")


class Fault(click.ClickException):
    """An error that ends a command with one sentence."""

    def show(self, file: Any = None) -> None:
        """Print the sentence to standard error, without a traceback."""
        print_fault(self.format_message())


@contextmanager
def faults_as_sentences() -> Any:
    """End the command with a sentence and exit code 1 or 2 for known errors, without a traceback."""
    try:
        yield
    except InvalidSettings as error:
        for fault in error.faults:
            print_fault(fault)
        sys.exit(BAD_SETTINGS_EXIT_CODE)
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        raise Fault(f"{problem.sentence} {problem.next_step}") from error
    except (SyncError, EmbeddedServerError) as error:
        raise Fault(str(error) or type(error).__name__) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Fault(f"{error.strerror or type(error).__name__}: {error.filename or 'unnamed file'}.") from error
    except (RedisError, OperationalError) as error:
        raise Fault(why(error)) from error


def print_fault(sentence: str) -> None:
    """Print one sentence to standard error."""
    err.print(styled(("wbs-sync:", "red"), f" {sentence}"), soft_wrap=True)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Join literal strings; a pair is a string and its style."""
    pairs = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((shown(text), style) for text, style in pairs))


def print_json(value: Any) -> None:
    """Print the JSON value of a command in ASCII, which every terminal and program can read."""
    click.echo(json.dumps(value, indent=2, default=str))


def print_done(value: Any, sentence: str | Text, *, as_json: bool) -> None:
    """Print what a command did, as a JSON value or as one sentence."""
    print_json(value) if as_json else out.print(sentence, soft_wrap=True)


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table to standard output, or one line if it has no rows. Columns that are empty in all rows are left out, and so is the
    header row if no column has a title.
    """
    texts = [[str(cell) for cell in row] for row in rows]
    shown = {place: column for place, column in enumerate(columns) if any(row[place] for row in texts)}
    drawn = Table(header_style="bold", expand=False, show_header=any(shown.values()))
    for column in shown.values():
        # A key is copied into the next command: whole, on one line.
        justify: JustifyMethod = "right" if column in RIGHT_ALIGNED else "left"
        drawn.add_column(column, overflow="fold", no_wrap=column == "key", justify=justify)
    for row in texts:
        drawn.add_row(*(styled(row[place]) for place in shown))
    if not drawn.row_count:
        out.print(f"{title}: none")
        return
    # Not as the table's own title, which would be folded to the width of a narrow table.
    if title:
        out.print(styled((title, "bold")), soft_wrap=True)
    out.print(drawn)


def progress() -> Progress:
    """Return a progress display that stays on the screen when it ends."""
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
    """Format a time in UTC, or `-` for none."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "-"
