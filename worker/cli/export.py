"""`wbs-sync export`: approved subcontractor invoices to vendor bills."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click

from config.names import TaskName
from worker.cli.output import FAILED, clock, json_option, named_invoice, named_project, print_done, styled
from worker.cli.plans import plan_options, require_dry_run, run_dry
from worker.cli.runs import end_command
from worker.cli.session import open_container, send, wait_until
from worker.container import Container
from worker.context import correlated, new_id
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import COMPLETE, NOT_STARTED, Outcome, OutcomeKind
from worker.domain.work import Lane

MAX_WAIT_SECONDS = 180.0
SOON_SECONDS = 30.0


@click.command()
@click.argument("invoice", type=named_invoice, required=False)
@click.option("--project", type=named_project, help="Procore id, number or name of the invoice's project.")
@click.option("--approved", is_flag=True, help="Export all invoices in the statuses to export, in all projects.")
@plan_options
@click.option("--wait", is_flag=True, help="Wait until the work has ended.")
@json_option
def export(
    invoice: str | None,
    project: str | None,
    approved: bool,
    dry_run: bool,
    save: Path | None,
    force: bool,
    wait: bool,
    as_json: bool,
) -> None:
    """Export one invoice (INVOICE, its number or Procore id) or all approved invoices (--approved). Add --project if the number is not unique.

    Missing Items of an invoice are created first. With --wait, the exit code is 0 only if nothing is blocked, in doubt or
    waiting. With --dry-run, nothing is written, and --save FILE saves the plan for `apply`.
    """
    require_dry_run(dry_run=dry_run, wait=wait, save=save, force=force)
    if approved == (invoice is not None) or (approved and project is not None):
        raise click.UsageError(
            "Pass one INVOICE (with --project PROJECT if its number is not unique), or --approved for all projects, or those of PROJECT_IDS if set."
        )
    container = open_container()
    key = container.named_records.invoice(invoice, project) if invoice is not None else None
    if dry_run:
        run_dry(
            container,
            lambda planning, progress: planning.export_one(key) if key else planning.export_approved(progress),
            save=save,
            force=force,
            as_json=as_json,
        )
    elif key is None:
        _export_approved(container, wait=wait, as_json=as_json)
    else:
        _export_one(container, key, wait=wait, as_json=as_json)


def _export_approved(container: Container, *, wait: bool, as_json: bool) -> None:
    run, joined = container.export_runs.request("command line")
    with correlated(run.correlation_id):
        send(TaskName.EXPORT_APPROVED, trigger="command line")
    end_command(container, (run, joined), wait=wait, as_json=as_json)


def _export_one(container: Container, key: InvoiceKey, *, wait: bool, as_json: bool) -> None:
    began = container.now()
    with correlated(new_id("export")) as correlation_id:
        container.work.request(Lane.EXPORTS, [str(key)])
        send(TaskName.EXPORT, project_id=key.project_id, invoice_id=key.invoice_id)
    if not wait:
        sentence = f"Queued as {correlation_id}. Follow it with `wbs-sync status --invoice {key.invoice_id}`."
        print_done({"queued": str(key), "correlation_id": correlation_id}, sentence, as_json=as_json)
        return
    ended = wait_until(lambda: _has_ended(container, key), seconds=MAX_WAIT_SECONDS)
    outcome = _outcome(container, key, began)
    again_at = container.work.waits_until(Lane.EXPORTS, str(key))
    result = {**outcome.result(noun="bill"), "next_attempt_at": again_at, "correlation_id": correlation_id}
    detail = " ".join(part for part in (outcome.name, outcome.remote_id, outcome.reason) if part)
    later = f" (next attempt {clock(again_at)})" if again_at else ""
    print_done(result, styled((outcome.kind.value, "bold"), f" {detail}{later}"), as_json=as_json)
    sys.exit(0 if ended and outcome.kind in COMPLETE else FAILED)


def _has_ended(container: Container, key: InvoiceKey) -> bool:
    """Return whether no worker has claimed the invoice and its next attempt, if any, is not due soon."""
    waits_until = container.work.waits_until(Lane.EXPORTS, str(key))
    soon = waits_until is not None and waits_until < container.now() + SOON_SECONDS
    return not soon and not container.work.is_in_progress(Lane.EXPORTS, str(key))


def _outcome(container: Container, key: InvoiceKey, began: float) -> Outcome:
    """Return the outcome of the export. A bill created or adopted since `began` counts as created or adopted, an older one as `already`."""
    record = container.ledger.invoice(key)
    outcome = container.overview.outcome_of(key) or NOT_STARTED
    is_new = record is not None and record.done and record.at >= began
    return replace(outcome, kind=OutcomeKind(record.state.value)) if record and is_new else outcome
