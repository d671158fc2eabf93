"""Files of saved plans: written for approval, and validated when they are read back."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from worker.cli.output import Fault
from worker.container import Container
from worker.domain import money
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.plans import VERSION, Plan, PlanLine, edited_lines, has_signed_head
from worker.domain.texts import counted

_PLAN = TypeAdapter(Plan)


def require_writable(file: Path, *, force: bool) -> None:
    """Raise Fault if a plan cannot be saved in this file; called before the dry run, not only after it."""
    if file.exists() and not force:
        raise Fault(f"{file} exists already; --force overwrites it.")
    if not os.access(file.parent, os.W_OK):
        raise Fault(f"{file.parent} is not a writable directory.")


def save_plan(plan: Plan, file: Path, *, force: bool) -> None:
    """Write a plan to a file as JSON. Raises Fault if the file exists, unless `force` is set."""
    try:
        with file.open("w" if force else "x", encoding="ascii") as opened:
            json.dump(asdict(plan), opened, indent=1)
            opened.write("\n")
    except FileExistsError:
        require_writable(file, force=False)
        raise


def read_plan(container: Container, file: Path) -> Plan:
    """Read a saved plan. Raises Fault if it was edited, or belongs to another version, installation, company or account."""
    try:
        plan = _parsed(file)
    except (ValueError, IndexError, RecursionError, ValidationError) as error:
        raise Fault(f"{file} is not a plan written by `--dry-run --save`. Make a new plan.") from error
    own = container.stores.installation
    if (plan.company_id, plan.account) != (own.company_id, own.account):
        raise Fault(
            f"{file} is a plan for Procore company {plan.company_id} and NetSuite account {plan.account}; the settings are for {own.company_id} and "
            f"{own.account}. Nothing was done."
        )
    _require_unedited(plan, file, container.stores.plan_key())
    return plan


def _parsed(file: Path) -> Plan:
    """Return the plan in a file. Raises Fault for another version, and ValueError, IndexError, RecursionError or ValidationError for no plan."""
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
        if line.is_invoice and line.action.is_change:
            money.amount(line.data.get("total"))
    return plan


def _require_key(line: PlanLine) -> None:
    """Raise ValueError if the key is not that of a code, an invoice or a project."""
    if line.action.is_change or line.needs:
        key = InvoiceKey.parse(line.key) if line.is_invoice else CodeKey.parse(line.key)
        if str(key) != line.key:
            raise ValueError(line.key)
    elif line.project_id < 1:
        raise ValueError(line.key)


def _require_unedited(plan: Plan, file: Path, key: str) -> None:
    """Raise Fault unless the plan is as this installation saved it, except for removed lines. `key`: of the installation, "" for none."""
    if not has_signed_head(plan, key):
        raise Fault(
            f"{file} is not a plan saved by this installation: its header was edited, or Redis was emptied since. Nothing was done. Make a new plan."
        )
    if edited := edited_lines(plan, key):
        records = ", ".join(line.record for line in edited[:3])
        raise Fault(
            f"{file} was edited after it was made ({counted(len(edited), 'lines')}, such as {records}). Nothing was done. Lines may be removed, but "
            "not changed or added. Make a new plan."
        )
    counts = Counter(line.key for line in plan.lines)
    if repeated := [line_key for line_key, count in counts.items() if count > 1]:
        raise Fault(f"{file} lists {', '.join(repeated[:3])} more than once. Nothing was done. Make a new plan.")
