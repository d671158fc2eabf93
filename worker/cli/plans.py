"""Dry runs of scan and export: their options, and the plan as tables, as JSON, or saved for `apply`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click

from config.logs import shown
from worker.cli.output import out, print_json, progress, styled, table
from worker.cli.plan_file import require_writable, save_plan
from worker.container import Container
from worker.domain import money
from worker.domain.bills import Document
from worker.domain.plans import Action, Plan, PlanLine, signed
from worker.domain.texts import counted
from worker.reconcile.planning import Planning, Progress

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def plan_options(command: CommandT) -> CommandT:
    """Add `--dry-run`, `--save` and `--force` to scan and export."""
    for option in (
        click.option("--force", is_flag=True, help="Let --save overwrite an existing file."),
        click.option(
            "--save", type=click.Path(path_type=Path), help="Save the plan of the dry run to a file for `apply`."
        ),
        click.option("--dry-run", is_flag=True, help="Show the plan; write nothing."),
    ):
        command = option(command)
    return command


def require_dry_run(*, dry_run: bool, wait: bool, save: Path | None, force: bool) -> None:
    """Raise UsageError if the options contradict each other."""
    if dry_run and wait:
        raise click.UsageError("--dry-run and --wait cannot be combined: a dry run starts no work.")
    if save and not dry_run:
        raise click.UsageError("--save requires --dry-run.")
    if force and not save:
        raise click.UsageError("--force requires --save.")


def run_dry(
    container: Container, make: Callable[[Planning, Progress], Plan], *, save: Path | None, force: bool, as_json: bool
) -> None:
    """Make a plan, save it if requested, and print it. Writes nothing else, not even to the ledger."""
    if save:
        require_writable(save, force=force)
    container.stores.cache.leave_no_trace()
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        plan = make(container.planning, lambda project: bars.update(bar, advance=1, note=shown(project.label)))
        projects = max(1, bars.tasks[bar].completed)
        bars.update(bar, completed=projects, total=projects, note="")
    if save:
        plan = signed(plan, container.stores.plan_key(create=True))
        save_plan(plan, save, force=force)
    if as_json:
        print_json(asdict(plan))
        return
    print_plan(plan)
    if not container.ledger.state.is_open():
        out.print(
            "There is no ledger in Redis yet: a worker first restores it from NetSuite, with additional requests."
        )
    if save:
        out.print(
            f"Saved to {save} as plan {plan.id}. To carry it out, run `wbs-sync apply {save} --plan {plan.id}`.",
            soft_wrap=True,
        )


def print_plan(plan: Plan) -> None:
    """Print what applying a plan would do, by project, and what it would cost."""
    of_project: dict[str, list[PlanLine]] = {}
    for line in plan.lines:
        of_project.setdefault(line.project, []).append(line)
    for project, lines in of_project.items():
        _print_project(project, lines)
    counts = Counter(line.action for line in plan.lines)
    totals = ", ".join(f"{counts[action]} {action}" for action in Action if counts[action])
    out.print(styled(("Plan:", "bold"), f" {totals or 'no changes'}."), soft_wrap=True)
    waiting = Counter((line.waits_for, line.action) for line in plan.lines if line.waits_for)
    for (reason, action), count in waiting.items():
        out.print(styled(("Later:", "bold"), f" {count} {action}: {reason}"), soft_wrap=True)
    if due := [Decimal(str(line.data["total"])) for line in plan.lines if line.action is Action.BILL]:
        total = money.text(sum(due, money.ZERO))
        out.print(f"Bills: {len(due)}, total {total} (the payment due of their invoices).")
    out.print(
        f"Estimated requests: {plan.requests.procore} to Procore, {plan.requests.netsuite} to NetSuite (without logins and retries; this dry run "
        f"used {plan.dry_run_requests.procore} and {plan.dry_run_requests.netsuite})."
    )
    out.print("A plan cannot predict errors that NetSuite raises only on save, such as a missing mandatory field.")


def _print_project(project: str, lines: Sequence[PlanLine]) -> None:
    codes = [line for line in lines if not line.is_invoice and line.action is not Action.ALREADY]
    if codes:
        rows = ((line.record, line.action, _item(line)) for line in codes)
        table(f"{project}: codes", ("WBS code", "planned", "Item"), rows)
    invoices = [line for line in lines if line.is_invoice]
    if invoices:
        columns = ("invoice", "planned", "vendor", "date", "posting period", "total", "Items first")
        table(f"{project}: invoices", columns, map(_invoice_row, invoices))
    if reasons := _reasons([*codes, *invoices]):
        # In a separate table: next to vendors and amounts, a sentence would wrap to one word per line.
        table(f"{project}: reasons", ("record", "reason", "owner", "next step"), reasons)
    for line in invoices:
        if line.action is Action.BILL:
            table(f"Bill {line.record}", ("Item", "amount", "description"), _bill_rows(line))
    if already := sum(not line.is_invoice and line.action is Action.ALREADY for line in lines):
        out.print(f"{project}: {counted(already, 'codes')} already with an Item.", soft_wrap=True)


def _invoice_row(line: PlanLine) -> Iterable[Any]:
    texts = (line.data.get(label, "") for label in ("vendor", "date", "posting period"))
    return (line.record, _planned_bill(line), *texts, _amount(line.data.get("total")), len(line.needs) or "")


def _reasons(lines: Iterable[PlanLine]) -> list[tuple[str, str, str, str]]:
    """Group the lines by reason: a project without a number, for example, blocks all of its codes."""
    of_reason: dict[tuple[str, str, str], list[str]] = {}
    for line in lines:
        if line.reason and line.action is not Action.BILL:
            of_reason.setdefault((line.reason, line.owner, line.next_step), []).append(line.record)
    return [(", ".join(records), *reason) for reason, records in of_reason.items()]


def _item(line: PlanLine) -> str:
    """Return the Item's name, and its id if it exists."""
    return f"{line.name} (id {line.remote_id})" if line.remote_id else line.name


def _planned_bill(line: PlanLine) -> str:
    if line.is_credit:
        return Document.CREDIT.value
    return f"{line.action} (bill id {line.remote_id})" if line.remote_id else line.action


def _bill_rows(line: PlanLine) -> Iterable[Sequence[str]]:
    rows = line.data.get("lines")
    for item, amount, description in rows if isinstance(rows, tuple) else ():
        yield item, _amount(amount), description
    yield "", _amount(line.data.get("total")), "Payment due"
    fields = line.data.get("fields")
    for name, value in fields if isinstance(fields, tuple) else ():
        yield "", "", f"{name}: {value}"


def _amount(text: Any) -> str:
    return money.text(Decimal(text)) if text else ""
