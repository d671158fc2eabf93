"""Plans of dry runs: printed as tables, saved as JSON, and validated when read back."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from config.logs import shown
from worker.cli.output import Fault, out, print_json, progress, styled, table
from worker.container import Container
from worker.domain import money
from worker.domain.bills import Document
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.plan_signatures import edited_lines, has_signed_head, signed
from worker.domain.plans import VERSION, Plan, PlanLine, Would
from worker.domain.texts import counted
from worker.reconcile.planning import Planning, Progress

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_PLAN = TypeAdapter(Plan)


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
        _require_room(save, force=force)
    container.stores.cache.leave_no_trace()
    with progress() as bars:
        bar = bars.add_task("projects", total=None, note="")
        plan = make(container.planning, lambda project: bars.update(bar, advance=1, note=shown(project.label)))
        looked = max(1, bars.tasks[bar].completed)
        bars.update(bar, completed=looked, total=looked, note="")
    if save:
        plan = signed(plan, container.stores.plan_keys.get_or_make())
        _save(plan, save, force=force)
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


def read_plan(container: Container, file: Path) -> Plan:
    """Read a saved plan. Raises Fault if it was edited, or belongs to another installation, company or account."""
    try:
        saved = json.loads(file.read_bytes())
        version = saved.get("version") if isinstance(saved, dict) else None
        if version != VERSION:
            raise Fault(
                f"{file} is not a plan of version {VERSION}, the only one this wbs-sync reads. Make a new plan with --save."
            )
        plan = _PLAN.validate_python(saved)
        datetime.fromisoformat(plan.made_at)
        for line in plan.lines:
            _require_key(line)
            if line.of_invoice and line.would.acts:
                money.amount(line.world.get("total"))
    except (ValueError, IndexError, RecursionError, ValidationError) as error:
        raise Fault(f"{file} is not a plan written by `--dry-run --save`. Make a new plan.") from error
    own = container.stores.installation
    theirs, ours = (plan.company_id, plan.account), (own.company_id, own.account)
    if theirs != ours:
        raise Fault(
            f"{file} is a plan for Procore company {theirs[0]} and NetSuite account {theirs[1]}; the settings are for {ours[0]} and {ours[1]}. "
            "Nothing was done."
        )
    key = container.stores.plan_keys.get()
    if not has_signed_head(plan, key):
        raise Fault(
            f"{file} is not a plan saved by this installation: its header was edited, or Redis was emptied since. Nothing was done. Make a new plan."
        )
    if edited := edited_lines(plan, key):
        about = ", ".join(line.about for line in edited[:3])
        raise Fault(
            f"{file} was edited after it was made ({counted(len(edited), 'lines')}, such as {about}). Nothing was done. Lines may be removed, but "
            "not changed or added. Make a new plan."
        )
    keys = Counter(line.key for line in plan.lines)
    if doubled := [key for key, count in keys.items() if count > 1]:
        raise Fault(f"{file} lists {', '.join(doubled[:3])} more than once. Nothing was done. Make a new plan.")
    return plan


def _require_key(line: PlanLine) -> None:
    """Raise ValueError if the key is not that of a code, an invoice or a project."""
    if line.would.acts or line.needs:
        key = InvoiceKey.parse(line.key) if line.of_invoice else CodeKey.parse(line.key)
        if str(key) != line.key:
            raise ValueError(line.key)
    elif line.project_id < 1:
        raise ValueError(line.key)


def _require_room(file: Path, *, force: bool) -> None:
    """Check that the plan can be saved, before the dry run rather than after it."""
    if file.exists() and not force:
        raise Fault(f"{file} exists already; --force overwrites it.")
    if not os.access(file.parent, os.W_OK):
        raise Fault(f"{file.parent} is not a writable directory.")


def _save(plan: Plan, file: Path, *, force: bool) -> None:
    try:
        with file.open("w" if force else "x", encoding="ascii") as opened:
            json.dump(asdict(plan), opened, indent=1)
            opened.write("\n")
    except FileExistsError:
        _require_room(file, force=False)
        raise


def print_plan(plan: Plan) -> None:
    """Print what applying a plan would do, by project, and what it would cost."""
    of_project: dict[str, list[PlanLine]] = {}
    for line in plan.lines:
        of_project.setdefault(line.project, []).append(line)
    for project, lines in of_project.items():
        _print_project(project, lines)
    counts = Counter(line.would for line in plan.lines)
    totals = ", ".join(f"{counts[would]} {would}" for would in Would if counts[would])
    out.print(styled(("Plan:", "bold"), f" {totals or 'no changes'}."), soft_wrap=True)
    waiting = Counter((line.waits_for, line.would) for line in plan.lines if line.waits_for)
    for (reason, would), count in waiting.items():
        out.print(styled(("Later:", "bold"), f" {count} {would}: {reason}"), soft_wrap=True)
    if due := [_due(line) for line in plan.lines if line.would is Would.BILL]:
        total = money.text(sum(due, money.ZERO))
        out.print(f"Bills: {len(due)}, total {total} (the payment due of their invoices).")
    out.print(
        f"Estimated requests: {plan.requests.procore} to Procore, {plan.requests.netsuite} to NetSuite (without logins and retries; this dry run "
        f"used {plan.looked.procore} and {plan.looked.netsuite})."
    )
    out.print("A plan cannot predict errors that NetSuite raises only on save, such as a missing mandatory field.")


def _print_project(project: str, lines: Sequence[PlanLine]) -> None:
    codes = [line for line in lines if not line.of_invoice and line.would is not Would.ALREADY]
    if codes:
        rows = ((line.about, line.would, _found(line)) for line in codes)
        table(f"{project}: codes", ("WBS code", "planned", "Item"), rows)
    invoices = [line for line in lines if line.of_invoice]
    if invoices:
        columns = ("invoice", "planned", "vendor", "date", "posting period", "total", "Items first")
        table(f"{project}: invoices", columns, map(_invoice_row, invoices))
    if reasons := _reasons([*codes, *invoices]):
        # In a separate table: next to vendors and amounts, a sentence would wrap to one word per line.
        table(f"{project}: reasons", ("record", "reason", "owner", "next step"), reasons)
    for line in invoices:
        if line.would is Would.BILL:
            table(f"Bill {line.about}", ("Item", "amount", "description"), _bill_rows(line))
    if already := sum(not line.of_invoice and line.would is Would.ALREADY for line in lines):
        out.print(f"{project}: {counted(already, 'codes')} already with an Item.", soft_wrap=True)


def _invoice_row(line: PlanLine) -> Iterable[Any]:
    world = line.world
    head = (
        world.get("vendor", ""),
        world.get("date", ""),
        world.get("posting period", ""),
        _amount(world.get("total")),
    )
    return (line.about, _bill_would(line), *head, len(line.needs) or "")


def _reasons(lines: Iterable[PlanLine]) -> list[tuple[str, str, str, str]]:
    """Group the lines by reason: a project without a number, for example, blocks all of its codes."""
    of_reason: dict[tuple[str, str, str], list[str]] = {}
    for line in lines:
        if line.reason and line.would is not Would.BILL:
            of_reason.setdefault((line.reason, line.owner, line.next_step), []).append(line.about)
    return [(", ".join(abouts), *reason) for reason, abouts in of_reason.items()]


def _found(line: PlanLine) -> str:
    """Return the Item's name, and its id if it exists."""
    return f"{line.name} (id {line.remote_id})" if line.remote_id else line.name


def _bill_would(line: PlanLine) -> str:
    if line.is_credit:
        return Document.CREDIT.value
    return f"{line.would} (bill id {line.remote_id})" if line.remote_id else line.would


def _due(line: PlanLine) -> Decimal:
    return Decimal(str(line.world["total"]))


def _bill_rows(line: PlanLine) -> Iterable[Sequence[str]]:
    rows = line.world.get("lines")
    for item, amount, description in rows if isinstance(rows, tuple) else ():
        yield item, _amount(amount), description
    yield "", _amount(line.world.get("total")), "Payment due"


def _amount(text: Any) -> str:
    return money.text(Decimal(text)) if text else ""
