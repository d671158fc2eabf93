"""`wbs-sync problems show`: the details of one problem."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import click

from worker.cli.output import FAILED, Fault, clock, faults_as_sentences, json_option, out, print_json, styled
from worker.cli.problems.named import problem_key
from worker.cli.session import open_container

Told = Mapping[str, Any]


@click.command()
@click.argument("key", metavar="KEY_OR_NUMBER")
@json_option
def show(key: str, as_json: bool) -> None:
    """Show the details of one problem: its sentence, owner and next step, where to fix it, the last and next attempt, links to the records,
    and notes. Pass its key, or the number of its invoice, code or project. The exit code is 0 if the problem is not open, or ignored.
    """
    with faults_as_sentences():
        container = open_container()
        key = problem_key(container, key)
        # No key of a problem has any other letters, and not every text of an argument can be asked for.
        told = container.problem_views.shown(key) if key.isascii() and key.isprintable() else None
        if told is None:
            raise Fault(
                f"There is no problem {key}. `wbs-sync problems` lists all problems; `wbs-sync explain --invoice {key}` shows why an invoice is not "
                "billed."
            )
        if as_json:
            print_json(told)
        else:
            for name, words in _lines(told):
                out.print(styled((f"{name:<11}", "bold"), words), soft_wrap=True)
        sys.exit(FAILED if told["open"] and not told["ignored"] else 0)


def _lines(told: Told) -> Iterator[tuple[str, str]]:
    yield "key", told["key"]
    if told["open"]:
        yield from _open_lines(told)
    else:
        yield "state", "not open"
    for note in told["notes"]:
        words = f": {note['note']}" if note["note"] else ""
        yield note["act"], f"{clock(note['at'])} by {note['by']}{words}"
        if note["sentence"] != told.get("sentence"):
            yield "", f"Sentence at that time: {note['sentence']}"


def _open_lines(told: Told) -> Iterator[tuple[str, str]]:
    yield "record", told["record"]
    yield "problem", told["sentence"]
    yield "cause", f"{told['cause']} ({told['class']})"
    yield "owner", told["owner"]
    yield "next step", told["next_step"]
    yield "fix it", told["fix_at"]
    yield "since", clock(told["since"])
    yield "attempts", _tried(told["last_attempt"])
    yield "next try", _again(told)
    for link in told["links"]:
        yield link["system"], f"{link['record']}: {link['url']}"
    if told["ignored"]:
        yield "state", "ignored until it changes"


def _tried(tried: Told) -> str:
    parts = [f"{tried['state']} since {clock(tried['at'])}"] if tried["state"] else []
    parts += [tried["detail"]] if tried["detail"] else []
    parts += [f"{tried['failures']} attempts failed"] if tried["failures"] else []
    return "; ".join(parts) or "no attempt recorded"


def _again(told: Told) -> str:
    again = told["next_attempt"]
    if again["in_progress"]:
        return "in progress now"
    if again["at"] is not None:
        return clock(again["at"]) if again["at"] else "as soon as a worker is free"
    if again["with"]:
        return f"with the next {again['with']}, or now: `wbs-sync problems retry {told['key']}`"
    return "with the next request to that system" if told["key"].startswith("remote:") else "not retried by wbs-sync"
