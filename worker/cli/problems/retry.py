"""`wbs-sync problems retry`: what was mended is tried again now, without waiting for the next scan or export."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from config.names import TaskName
from worker.cli.output import (
    FAILED,
    Fault,
    clock,
    faults_as_sentences,
    json_option,
    named_project,
    out,
    print_json,
    table,
)
from worker.cli.problems.named import problem_key
from worker.cli.runs import grouped, print_cause
from worker.cli.session import follow, open_container, send
from worker.container import Container
from worker.domain import correlation
from worker.domain.problems import Cause, Owner
from worker.domain.texts import counted
from worker.services.retries import Retry

Row = Mapping[str, Any]


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--cause", type=click.Choice([cause.value for cause in Cause]), help="Only those of this cause.")
@click.option("--project", type=named_project, help="Only those of one project (its Procore id, number or name).")
@click.option("--owner", type=click.Choice([owner.value for owner in Owner]), help="Only those that this person mends.")
@click.option("--all", "everything", is_flag=True, help="All open problems.")
@click.option("--wait", is_flag=True, help="Follow them to their end, and tell which are mended.")
@json_option
def retry(
    keys: tuple[str, ...],
    cause: str | None,
    project: str | None,
    owner: str | None,
    everything: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Try the work behind problems again now: those of these KEYs (`problems --json` shows them), or all that the options leave.

    Those that somebody ignores are tried only when their KEY is named. No problem is closed by this: each stays open until its work has ended well. With --wait the exit code is 0 only when all
    are mended.
    """
    with faults_as_sentences():
        if not (keys or cause or project or owner or everything):
            raise click.UsageError("Say which: KEYs, --cause, --project or --owner, or --all.")
        container = open_container()
        project_id = container.named_records.project_id(project) if project else None
        keys = tuple(problem_key(container, key) for key in keys)
        rows = {row["key"]: row for row in container.problem_views.all()}
        if unknown := [key for key in keys if key not in rows]:
            raise Fault(f"No problem is open under {', '.join(unknown)}. `wbs-sync problems --json` shows the keys.")
        chosen = [
            row
            for row in rows.values()
            if (row["key"] in keys if keys else not row["ignored"])
            and cause in (None, row["cause"])
            and owner in (None, row["owner"])
            and project_id in (None, row["project_id"])
        ]
        with correlation.of(correlation.new_id("retry")) as correlation_id:
            asked = container.retries.again([row["key"] for row in chosen])
            send(TaskName.RESUME)
        told: dict[str, Any] = {
            "correlation_id": correlation_id,
            "given_out": asked.given_out,
            "without_work": [row for row in chosen if row["key"] in asked.without_work],
        }
        if wait:
            began = time.monotonic()
            count = len(asked.work) + len(asked.remotes)
            follow(container, lambda: len(container.retries.going_on(asked)), count=count, noun="problems")
            told |= _ends(container, asked, chosen) | {"seconds": round(time.monotonic() - began, 2)}
        if as_json:
            print_json(told)
        else:
            _print(told)
        sys.exit(FAILED if told.get("remaining") or (wait and told["without_work"]) else 0)


def _ends(container: Container, asked: Retry, chosen: Sequence[Row]) -> dict[str, list[Row]]:
    """Which problems are mended now, and which remain, as they stand now."""
    tried = [row for row in chosen if row["key"] in asked.work or row["key"] in asked.remotes]
    now = {row["key"]: row for row in container.problem_views.all()}
    return {
        "mended": [row for row in tried if row["key"] not in now],
        "remaining": [
            {**now[row["key"]], "again_at": container.retries.due_later(asked, row["key"])}
            for row in tried
            if row["key"] in now
        ],
    }


def _print(told: Mapping[str, Any]) -> None:
    given_out = ", ".join(counted(count, kind) for kind, count in told["given_out"].items()) or "nothing"
    follow_it = "" if "mended" in told or not told["given_out"] else " Follow it with `wbs-sync status`."
    out.print(f"Given out again: {given_out}.{follow_it}")
    if told["without_work"]:
        out.print("Nothing to try again: no work of wbs-sync mends these")
    for cause, rows in grouped(told["without_work"], "cause"):
        print_cause(cause, rows, {"about": "about"}, rest=f"wbs-sync problems --cause {cause}")
    if "mended" in told:
        _print_ends(told)


def _print_ends(told: Mapping[str, Any]) -> None:
    if told["mended"]:
        mended = sorted((row["about"], row["cause"]) for row in told["mended"])
        table(f"{len(mended)} mended in {told['seconds']:.1f} s", ("about", "was"), mended)
    if not told["remaining"]:
        out.print("None remains." if told["mended"] else "None was tried.")
        return
    columns = ("about", "cause", "who", "what", "looked at again")
    remaining = (
        (row["about"], row["cause"], row["owner"], row["sentence"], clock(row["again_at"]) if row["again_at"] else "")
        for row in sorted(told["remaining"], key=lambda row: str(row["about"]))
    )
    count = len(told["remaining"])
    tried = "" if told["mended"] else f"; none was mended in {told['seconds']:.1f} s"
    table(f"{count} {'remains' if count == 1 else 'remain'}{tried}", columns, remaining)
