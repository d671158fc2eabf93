"""Writes the options of every command into docs/commands.md: `python -m tools.commands_page`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from worker.cli import wbs_sync

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
BEGIN, END = "<!-- generated: commands -->\n", "<!-- end: commands -->\n"


def page(text: str) -> str:
    """Return the page with the section of all commands from the code. The text before it is written by hand."""
    head = text.partition(BEGIN)[0]
    return (
        head + BEGIN + "".join(section(path, command) for path, command in commands(wbs_sync, "wbs-sync")) + "\n" + END
    )


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield the path and command of each command below a group, groups before their members."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def section(path: str, command: click.Command) -> str:
    """Return the heading, text, usage and options of one command."""
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [
        f"| `{cell(names)}` | {cell(meaning)} |" for names, meaning in filter(None, records) if "--help" not in names
    ]
    options = ["", "| Option | Meaning |", "|---|---|", *rows] if rows else []
    level = "#" * (path.count(" ") + 1)
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return "\n".join(["", f"{level} {path}", "", text, "", "```sh", usage, "```", *options, ""])


def cell(text: str) -> str:
    """Return text for one cell of a table."""
    return re.sub(r"\s+", " ", text).replace("|", r"\|").strip()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
