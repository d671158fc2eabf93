"""How problems are selected: by key or name, or by options. The earlier name of a cause or class is refused with the current one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import click

from worker.cli.output import Fault, named_project
from worker.container import Container
from worker.domain.problems import FORMER_CAUSES, FORMER_CLASSES, Cause, Owner, ProblemClass

Check = Callable[[click.Context, click.Parameter, str | None], str | None]
Row = Mapping[str, Any]
"""A problem as `ProblemViews` returns it."""


def problem_key(container: Container, text: str) -> str:
    """Return the key of the open problem that matches the text, or the text if none matches. Raises Fault if several match."""
    keys = container.problem_views.named(text)
    if len(keys) > 1:
        raise Fault(f"More than one problem is open for {text}. Pass one of these keys: {', '.join(sorted(keys))}.")
    return keys[0] if keys else text


def matching(rows: Iterable[Row], **wanted: Any) -> list[Row]:
    """Return the problems that have all the wanted values; None: any value."""
    return [row for row in rows if all(value in (None, row[name]) for name, value in wanted.items())]


def _current(noun: str, names: Collection[str], former: Mapping[str, str]) -> Check:
    """Return a check of an option's value that refuses names other than current ones."""

    def check(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
        if value is None or value in names:
            return value
        renamed = f"the {noun} {value!r} is now called {str(former[value])!r}." if value in former else ""
        message = renamed or f"there is no {noun} {value!r}; docs/problems.md lists them all."
        raise click.BadParameter(message, context, option)

    return check


CLASSES = [one.value for one in ProblemClass]

cause_option = click.option(
    "--cause",
    callback=_current("cause", [cause.value for cause in Cause], FORMER_CAUSES),
    help="Only problems with this cause (docs/problems.md).",
)
class_option = click.option(
    "--class",
    "problem_class",
    metavar=f"[{'|'.join(CLASSES)}]",
    callback=_current("class", CLASSES, FORMER_CLASSES),
    help="Only problems of this class.",
)
owner_option = click.option(
    "--owner", type=click.Choice([owner.value for owner in Owner]), help="Only problems of this owner."
)
project_option = click.option(
    "--project", type=named_project, help="Only problems of this project (Procore id, number or name)."
)
