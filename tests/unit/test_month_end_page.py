"""docs/month-end.md shows current commands, and the code that writes it marks every omission."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.story.page import Shown, commands_of, shorten, steady
from worker.cli import wbs_sync

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "month-end.md").read_text(encoding="utf-8")
MAX_BYTES = 200_000
TABLE = """\
24-002 Cedar Ridge: codes
┏━━━━━━━━━━━━━┳━━━━━━━━━┓
┃ code        ┃ would   ┃
┡━━━━━━━━━━━━━╇━━━━━━━━━┩
│ 01-100.S    │ create  │
│ 01-200.S    │ create  │
│ 01-300.S of │ blocked │
│ the east    │         │
│ 01-400.S    │ create  │
│ 01-500.S    │ create  │
└─────────────┴─────────┘
Would: 4 create, 1 blocked."""


def understand(arguments: list[str]) -> None:
    """Parse arguments as the console script does, without running the command. Raises click.UsageError if it would refuse them."""
    command: click.Command = wbs_sync
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        name, subcommand, arguments = command.resolve_command(click.Context(command), arguments)
        assert subcommand, name
        command = subcommand
    command.make_context("wbs-sync", arguments)


@pytest.mark.parametrize("typed", sorted(set(commands_of(PAGE))))
def test_each_command_on_the_page_exists_with_its_options(typed: str) -> None:
    understand(shlex.split(typed))


def test_the_page_shows_the_commands_of_a_month_end() -> None:
    shown = {typed.split()[0] for typed in commands_of(PAGE)}
    assert shown >= {"check", "scan", "export", "apply", "problems", "verify", "explain", "report"}


@pytest.mark.parametrize("typed", ["scan --no-such-option", "no-such-command", "problems show", "apply"])
def test_arguments_that_the_console_script_refuses_are_noticed(typed: str) -> None:
    with pytest.raises(click.UsageError):
        understand(shlex.split(typed))


def test_its_pictures_exist_and_are_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", PAGE)
    assert len(pictures) == 2
    assert all(0 < (DOCS / name).stat().st_size < MAX_BYTES for name in pictures)


def test_rows_left_out_are_counted_and_those_of_interest_stay_whole() -> None:
    """A row of several lines is not cut."""
    lines = shorten(TABLE, Shown(rows=1, keep="blocked")).splitlines()
    assert lines == [
        *TABLE.splitlines()[:5],
        "│ … 1 more row",
        "│ 01-300.S of │ blocked │",
        "│ the east    │         │",
        "│ … 2 more rows",
        *TABLE.splitlines()[-2:],
    ]


def test_tables_left_out_are_counted_and_what_is_next_to_them_stays() -> None:
    """The count is that of lines."""
    two = f"{TABLE}\n{TABLE.replace('24-002', '24-003')}"
    shortened = shorten(two, Shown(tables="24-003"))
    assert shortened.splitlines() == ["… 11 more lines", *two.splitlines()[11:]]


def test_nothing_is_left_out_unless_asked() -> None:
    assert shorten(TABLE, Shown()) == TABLE


def test_times_and_ids_read_the_same_in_every_run_and_amounts_stay() -> None:
    """A number that is part of an amount is not taken for an id."""
    printed = "Made in 2.5 s at 2026-11-24 14:37:11 UTC: id 4017, total 4,017.00 and 4017.00 (ns-vendorbill-4018)."
    steady_text = steady(printed, {"4017": "4031", "4018": "4032"})
    assert (
        steady_text
        == "Made in N.N s at YYYY-MM-DD hh:mm:ss UTC: id 4031, total 4,017.00 and 4017.00 (ns-vendorbill-4032)."
    )
