"""`wbs-sync problems retry`: retry fixed problems now, without waiting for the next scan or export."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from config.names import TaskName
from worker.cli.output import FAILED, Fault, clock, json_option, out, print_json, table
from worker.cli.problems.options import Row, cause_option, matching, owner_option, problem_key, project_option
from worker.cli.runs import grouped, print_cause
from worker.cli.session import follow, open_container, send
from worker.container import Container
from worker.context import correlated, new_id
from worker.domain.texts import counted
from worker.inspect.retries import Retry


@click.command()
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@cause_option
@project_option
@owner_option
@click.option("--all", "everything", is_flag=True, help="All open problems.")
@click.option("--wait", is_flag=True, help="Wait until the work has ended, and list which problems are fixed.")
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
    """Retry the work behind problems now: those with these KEYs (`problems --json` lists them), or all that match the options.

    Ignored problems are retried only if their KEY is given. Each problem stays open until its work has succeeded. With --wait, the exit code is
    0 only if all of them are fixed.
    """
    if not (keys or cause or project or owner or everything):
        raise click.UsageError("Pass KEYs, --cause, --project or --owner, or --all.")
    container = open_container()
    project_id = container.named_records.project_id(project) if project else None
    keys = tuple(problem_key(container, key) for key in keys)
    rows = {row["key"]: row for row in container.problem_views.all()}
    if unknown := [key for key in keys if key not in rows]:
        raise Fault(f"There is no open problem {', '.join(unknown)}. `wbs-sync problems --json` lists the keys.")
    tried = (row for row in rows.values() if (row["key"] in keys if keys else not row["ignored"]))
    chosen = matching(tried, cause=cause, owner=owner, project_id=project_id)
    with correlated(new_id("retry")) as correlation_id:
        retried = container.retries.retry([row["key"] for row in chosen])
        send(TaskName.RESUME)
    result: dict[str, Any] = {
        "correlation_id": correlation_id,
        "dispatched": retried.dispatched,
        "not_retryable": [row for row in chosen if row["key"] in retried.without_work],
    }
    if wait:
        began = time.monotonic()
        count = len(retried.work) + len(retried.remotes)
        follow(container, lambda: len(container.retries.unfinished(retried)), count=count, noun="problems")
        result |= _ends(container, retried, chosen) | {"seconds": round(time.monotonic() - began, 2)}
    print_json(result) if as_json else print_retried(result)
    sys.exit(FAILED if result.get("remaining") or (wait and result["not_retryable"]) else 0)


def _ends(container: Container, retried: Retry, chosen: Sequence[Row]) -> dict[str, list[Row]]:
    """Return which of the retried problems are fixed, and which remain."""
    tried = [row for row in chosen if row["key"] in retried.work or row["key"] in retried.remotes]
    now = {row["key"]: row for row in container.problem_views.all()}
    return {
        "fixed": [row for row in tried if row["key"] not in now],
        "remaining": [
            {**now[row["key"]], "next_attempt_at": container.retries.due_later(retried, row["key"])}
            for row in tried
            if row["key"] in now
        ],
    }


def print_retried(result: Mapping[str, Any]) -> None:
    """Print what was dispatched, and the result if it was waited for."""
    counts = ", ".join(counted(count, kind) for kind, count in result["dispatched"].items()) or "nothing"
    follow_it = "" if "fixed" in result or not result["dispatched"] else " Follow it with `wbs-sync status`."
    out.print(f"Retrying: {counts}.{follow_it}")
    if result["not_retryable"]:
        out.print("Not retried; wbs-sync has no work for these")
    for cause, rows in grouped(result["not_retryable"], "cause"):
        print_cause(cause, rows, {"record": "record"}, rest=f"wbs-sync problems --cause {cause}")
    if "fixed" in result:
        _print_ends(result)


def _print_ends(result: Mapping[str, Any]) -> None:
    if result["fixed"]:
        fixed = sorted((row["record"], row["cause"]) for row in result["fixed"])
        table(f"{len(fixed)} fixed in {result['seconds']:.1f} s", ("record", "problem"), fixed)
    if not result["remaining"]:
        out.print("All fixed." if result["fixed"] else "None was retried.")
        return
    columns = ("record", "cause", "owner", "problem", "next attempt")
    remaining = (
        (
            row["record"],
            row["cause"],
            row["owner"],
            row["sentence"],
            clock(row["next_attempt_at"]) if row["next_attempt_at"] else "",
        )
        for row in sorted(result["remaining"], key=lambda row: str(row["record"]))
    )
    count = len(result["remaining"])
    tried = "" if result["fixed"] else f"; none was fixed in {result['seconds']:.1f} s"
    table(f"{count} {'remains' if count == 1 else 'remain'}{tried}", columns, remaining)
