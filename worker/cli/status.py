"""`wbs-sync status`: overall status, or the status of one task, invoice or code."""

from __future__ import annotations

import sys
from typing import Any

import click

from worker.cli.output import (
    FAILED,
    Fault,
    clock,
    json_option,
    named_invoice,
    named_project,
    out,
    print_fault,
    print_json,
    styled,
    table,
)
from worker.cli.session import open_container
from worker.cli.verify import progress_dict, progress_line
from worker.container import Container
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.texts import counted, first_few
from worker.inspect.liveness import Alive
from worker.inspect.overview import run_counts, run_view
from worker.store.connection import why

ENDED = ("SUCCESS", "FAILURE")
MAX_NAMED = 10


@click.command()
@click.option("--task", "task_id", help="Show the task with this id, and the current status of its work.")
@click.option("--invoice", type=named_invoice, help="Show the invoice with this Procore id or number.")
@click.option(
    "--code",
    "code_id",
    type=click.IntRange(1, 2**63 - 1),
    help="Show the WBS code with this Procore id; requires --project.",
)
@click.option("--project", type=named_project, help="Procore id, number or name of the invoice's or code's project.")
@json_option
def status(task_id: str | None, invoice: str | None, code_id: int | None, project: str | None, as_json: bool) -> None:
    """Show codes and invoices by state, waiting work, the last runs, open problems and running processes, or the status of one record.

    Queries Procore only for an invoice that no export has seen yet. The exit code is 1 if no worker or no beat is running, or if Redis rejects writes, because no work is done then.
    """
    named = [one for one in (task_id, invoice, code_id) if one is not None]
    if len(named) > 1 or (project is not None and invoice is None and code_id is None):
        raise click.UsageError("Pass one of --task ID, --invoice ID (with --project ID), or --code ID --project ID.")
    container = open_container()
    if not named:
        alive = container.liveness.now()
        comparison = container.stores.verifications.current()
        status = {**container.overview.status(), "processes": processes_view(alive)}
        if as_json:
            print_json({**status, "comparison": progress_dict(comparison) if comparison else None})
        else:
            _print(status)
            if comparison:
                out.print(
                    styled(("Comparison in progress (verify): ", "bold"), progress_line(comparison)), soft_wrap=True
                )
        for sentence in alive.faults + alive.warnings:
            print_fault(sentence)
        if alive.faults:
            print_fault(alive.remedy)
            sys.exit(FAILED)
    else:
        key = _key(container, invoice, code_id, project)
        shown = _of(container, key) if key else _task(container, str(task_id))
        print_json(shown) if as_json else _print_one(shown)


def processes_view(alive: Alive) -> dict[str, Any]:
    """Return the running processes as JSON values; `clock_ahead`: seconds ahead of Redis' clock; `not_known_because`: why
    it is not known what runs."""
    return {
        "running": [
            {"process": one.process, "queues": sorted(one.queues), "clock_ahead": round(one.clock_ahead, 1)}
            for one in alive.processes
        ],
        "silent": [{"process": one.process, "seen_at": one.seen} for one in alive.silent],
        "queues_without_worker": None if alive.rejection else list(alive.missing_queues),
        "beat": None if alive.rejection else alive.has_beat,
        "not_known_because": why(alive.rejection) if alive.rejection else None,
    }


def _key(
    container: Container, invoice: str | None, code_id: int | None, project: str | None
) -> InvoiceKey | CodeKey | None:
    if code_id is not None:
        if project is None:
            raise click.UsageError("--code requires --project ID.")
        return CodeKey(container.named_records.project_id(project), code_id)
    return container.named_records.invoice(invoice, project) if invoice is not None else None


def _of(container: Container, key: InvoiceKey | CodeKey) -> dict[str, Any]:
    """Return the status of one record; for an invoice that no export has seen, with the reason from Procore why it is not billed."""
    shown = container.overview.of(key)
    if shown["outcome"] is None and shown["next_attempt_at"] is None and isinstance(key, InvoiceKey):
        shown["reason"] = container.explain.why_not_billed(key)
    return shown


def _task(container: Container, task_id: str) -> dict[str, Any]:
    """Return how a task ended, and the current status of its work, which may have continued under another task id."""
    stored = container.stores.task_result(task_id)
    if stored is None:
        raise Fault(
            f"Task {task_id} not found: no worker has started it, it was sent with ignore_result, or it ended more than a day ago."
        )
    arguments, status = stored.get("kwargs"), stored["status"]
    # The stored result of a task that is still running is only the worker that runs it.
    result = stored["result"] if status in ENDED else None
    shown = {"task": task_id, "name": stored.get("name"), "arguments": arguments, "status": status, "result": result}
    return {**shown, "now": _now(container, arguments, result)}


def _now(container: Container, arguments: Any, result: Any) -> dict[str, Any] | None:
    match arguments, result:
        case {"project_id": int(project_id), "invoice_id": int(invoice_id)}, _:
            return container.overview.of(InvoiceKey(project_id, invoice_id))
        case {"project_id": int(project_id), "wbs_code_id": int(code_id)}, _:
            return container.overview.of(CodeKey(project_id, code_id))
        case _, {"run": str(run_id)}:
            run = container.runs.run(run_id)
            return run_view(run) if run else None
    return None


def _print_one(shown: dict[str, Any]) -> None:
    """Print one row per fact, and for a task the current status of its work below."""
    now = shown.pop("now", None)
    if "key" in shown and shown["outcome"] is None and shown["next_attempt_at"] is None:
        not_found = f"{shown['key']} not found: no scan or export has processed it yet."
        out.print(shown.get("reason", not_found), soft_wrap=True)
        return
    for title, facts in (("", shown), ("Now", now)):
        if facts:
            table(title, ("", ""), [(name.replace("_", " "), _shown(name, value)) for name, value in facts.items()])


def _not_readable(projects: list[str], answer: str) -> str:
    """Return a sentence on the inactive projects whose invoices cannot be read, with the first few names."""
    named = first_few(projects, MAX_NAMED)
    return (
        f"Invoices not readable: {counted(len(projects), 'inactive projects')} ({named}); approved invoices of these projects are not billed. "
        f"Procore's response: {answer}"
    )


def _shown(name: str, value: Any) -> str:
    if name.endswith("_at"):
        return clock(value)
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _print(overview: dict[str, Any]) -> None:
    if notice := overview["ledger"]["notice"]:
        out.print(notice, soft_wrap=True)
    for noun in ("codes", "invoices"):
        table(noun.capitalize(), ("state", "count"), sorted(overview[noun].items()))
    lanes = ((lane, depth["waiting"], depth["in_progress"]) for lane, depth in overview["lanes"].items())
    table("Work", ("lane", "waiting", "in progress"), lanes)
    if unread := overview["invoices_unreadable"]:
        out.print(_not_readable([one["project"] for one in unread], unread[0]["answer"]), soft_wrap=True)
    for record in overview["oldest_waiting"]:
        since = f"waiting since {clock(record['since'])}"
        out.print(f"Oldest waiting {record['record']}: {record['name']}, {since}: {record['sentence']}", soft_wrap=True)
    for pause in overview["pauses"]:
        out.print(f"Paused: {pause['sentence']}", soft_wrap=True)
    out.print(f"NetSuite slots in use: {overview['gate']['in_use']} of {overview['gate']['slots']}")
    for kind, run in overview["runs"].items():
        end = f"ended {clock(run['ended_at'])}" if run["ended_at"] else f"{counted(run['open'], 'pieces of work')} open"
        out.print(
            f"Last {kind} ({run['trigger']}): started {clock(run['started_at'])}, {end}; {run_counts(run['counts'])}"
        )
    running = [one["process"] for one in overview["processes"]["running"]]
    nothing = "not known" if overview["processes"]["not_known_because"] else "nothing"
    out.print(f"Running: {', '.join(running) or nothing}")
    problems = sum(overview["problems"].values())
    ignored = f"; {overview['ignored_problems']} ignored" if overview["ignored_problems"] else ""
    out.print(f"Open problems: {problems}{ignored}" + (" (see `wbs-sync problems`)" if problems else ""))
