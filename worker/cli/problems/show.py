"""`wbs-sync problems show`: the details of one problem."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from worker.cli.output import FAILED, Fault, clock, json_option, out, print_json, styled
from worker.cli.problems.options import problem_key
from worker.cli.session import open_container
from worker.domain.problems import scope_of_problem

JsonObject = Mapping[str, Any]


@click.command()
@click.argument("key", metavar="KEY_OR_NUMBER")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show the details of one problem: its sentence, owner and next step, where to fix it, the last and next attempt, links to the records,
    and notes. Pass its key, or the number of its invoice, code or project. The exit code is 0 if the problem is not open, or ignored.
    """
    container = open_container()
    key = problem_key(container, key)
    # Keys have only these characters, and Redis cannot be queried with every other text.
    problem = container.problem_views.shown(key) if key.isascii() and key.isprintable() else None
    if problem is None:
        raise Fault(
            f"There is no problem {key}. `wbs-sync problems` lists all problems; `wbs-sync explain --invoice {key}` shows why an invoice is not "
            "billed."
        )
    if as_json:
        print_json(problem)
    else:
        for name, text in _lines(problem):
            out.print(styled((f"{name:<11}", "bold"), text), soft_wrap=True)
    sys.exit(FAILED if problem["open"] and not problem["ignored"] else 0)


def _lines(problem: JsonObject) -> Iterator[tuple[str, str]]:
    yield "key", problem["key"]
    if problem["open"]:
        yield from _open_lines(problem)
    else:
        yield "state", "not open"
    for note in problem["notes"]:
        text = f": {note['note']}" if note["note"] else ""
        yield note["act"], f"{clock(note['at'])} by {note['by']}{text}"
        if note["sentence"] != problem.get("sentence"):
            yield "", f"Sentence at that time: {note['sentence']}"


def _open_lines(problem: JsonObject) -> Iterator[tuple[str, str]]:
    yield "record", problem["record"]
    yield "problem", problem["sentence"]
    yield "cause", f"{problem['cause']} ({problem['class']})"
    yield "owner", problem["owner"]
    yield "next step", problem["next_step"]
    yield "fix it", problem["fix_at"]
    yield "since", clock(problem["since"])
    yield "attempts", _tried(problem["last_attempt"])
    yield "next try", _again(problem)
    for link in problem["links"]:
        yield link["system"], f"{link['record']}: {link['url']}"
    if problem["ignored"]:
        yield "state", "ignored until it changes"


def _tried(tried: JsonObject) -> str:
    parts = [f"{tried['state']} since {clock(tried['at'])}"] if tried["state"] else []
    parts += [tried["detail"]] if tried["detail"] else []
    parts += [f"{tried['failures']} attempts failed"] if tried["failures"] else []
    return "; ".join(parts) or "no attempt recorded"


def _again(problem: JsonObject) -> str:
    again = problem["next_attempt"]
    if again["in_progress"]:
        return "in progress now"
    if again["at"] is not None:
        return clock(again["at"]) if again["at"] else "as soon as a worker is free"
    if again["with"]:
        return f"with the next {again['with']}, or now: `wbs-sync problems retry {problem['key']}`"
    return "with the next request to that system" if scope_of_problem(problem["key"]) else "not retried by wbs-sync"
