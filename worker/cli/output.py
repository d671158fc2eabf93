"""How commands speak: tables and progress for people, one JSON value for programs. Progress goes to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from redis.exceptions import RedisError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from config.settings import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from worker.domain.errors import Blocked, Misconfigured, SyncError
from worker.domain.problems import describe
from worker.embedded import EmbeddedServerError

FAILED = 1

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

json_option = click.option(
    "--json", "as_json", is_flag=True, help="One JSON value on standard output instead of tables."
)


class Fault(click.ClickException):
    """Ends a command with one sentence."""

    def show(self, file: Any = None) -> None:
        """On standard error, without a traceback."""
        err.print(f"[red]wbs-sync:[/red] {self.format_message()}", soft_wrap=True)


@contextmanager
def faults_as_sentences() -> Any:
    """Known errors end the command with a sentence and exit code 1 or 2, never with a traceback."""
    try:
        yield
    except InvalidSettings as error:
        for fault in error.faults:
            err.print(f"[red]wbs-sync:[/red] {fault}", soft_wrap=True)
        sys.exit(BAD_SETTINGS_EXIT_CODE)
    except (Blocked, Misconfigured) as error:
        problem = describe(error.cause, error.facts)
        raise Fault(f"{problem.sentence} {problem.next_step}") from error
    except (SyncError, EmbeddedServerError) as error:
        raise Fault(str(error)) from error
    except RedisError as error:
        raise Fault(
            f"Redis does not answer ({type(error).__name__}). Is it running, and is REDIS_URL right?"
        ) from error


def print_json(value: Any) -> None:
    """The one JSON value of a command."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """A table on standard output; nothing but a line when it has no rows."""
    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="bold", expand=False)
    for column in columns:
        drawn.add_column(column, overflow="fold")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    out.print(drawn if drawn.row_count else f"{title}: none")


def progress() -> Progress:
    """A progress display that leaves its last state on the screen."""
    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.description:<10}"),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
        console=err,
    )


def clock(at: float | None) -> str:
    """A time for people, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if at else "-"


def counts_line(counts: Mapping[str, int]) -> str:
    """`102 created, 2 adopted, 18 blocked`; zeros left out."""
    shown = ("created", "adopted", "already", "skipped", "blocked", "unknown", "waiting")
    return ", ".join(f"{counts[name]} {name}" for name in shown if counts.get(name)) or "nothing to do"
