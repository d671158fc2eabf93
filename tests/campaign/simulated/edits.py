"""What people do while the machines work: in Procore, and in NetSuite. Each returns whether it found something to do."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.world import RETAINAGE_ITEM, Invoice, Project, line_of

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

Edit = Callable[["Rig", random.Random, int], bool]


def edit(rig: Rig, kind: Kind, dice: random.Random, name: str = "") -> bool:
    """One edit of this kind: of the invoice or code that is being written (its id is `name`), or of one that the dice choose."""
    return _EDITS[kind](rig, dice, int(name or 0))


# In Procore


def _unbudget(rig: Rig, dice: random.Random, written: int) -> bool:
    project = _project(rig, dice, written)
    code = project.codes.get(written) or project.codes[dice.choice(list(project.codes))]
    code.budgeted, code.edited = False, True
    rig.note("EDIT", "un-budgeted", project.number, code.flat)
    return True


def _renumber(rig: Rig, dice: random.Random, written: int) -> bool:
    # A linked project keeps its job; one that is found by its number gets a problem until the books follow.
    project = _project(rig, dice, written)
    project.number = f"{project.number}R{len(project.numbers)}"
    project.numbers.append(project.number)
    rig.note("EDIT", "renumbered", project.number)
    return True


def _change_invoice(rig: Rig, dice: random.Random, written: int) -> bool:
    invoice = _invoice(rig, dice, written)
    if invoice.now.origin_id:
        return False
    lines = tuple(replace(line_of(dice, line.code_id), before=line.before) for line in invoice.now.lines)
    invoice.change(rig.scheduler.now, lines=lines)
    rig.note("EDIT", "invoice changed", invoice.id, invoice.now.due)
    return True


def _withdraw_invoice(rig: Rig, dice: random.Random, written: int) -> bool:
    invoice, now = _invoice(rig, dice, written), rig.scheduler.now
    if invoice.now.origin_id:
        return False
    invoice.change(now, status="revise_and_resubmit")
    rig.note("EDIT", "invoice withdrawn", invoice.id)
    if dice.random() < 0.7:
        rig.pending += 1

        def again() -> None:
            rig.pending -= 1
            if not invoice.now.origin_id:
                invoice.change(rig.scheduler.now, status="approved")
                rig.note("EDIT", "invoice approved again", invoice.id)

        rig.scheduler.at(now + dice.uniform(1, 200), again)
    return True


def _invoice(rig: Rig, dice: random.Random, written: int) -> Invoice:
    return rig.company.invoices.get(written) or rig.company.invoices[dice.choice(list(rig.company.invoices))]


def _project(rig: Rig, dice: random.Random, written: int) -> Project:
    projects = rig.company.projects
    owner = next((one for one in projects.values() if written in one.codes), None)
    return owner or projects[dice.choice(list(projects))]


# In NetSuite


def _make_item(rig: Rig, dice: random.Random, written: int) -> bool:
    project = _project(rig, dice, written)
    code = project.codes.get(written) or project.codes[dice.choice(list(project.codes))]
    name = f"{project.number}-{code.flat}"
    if rig.netsuite.state.items_named(name):
        return False
    rig.netsuite.make_item(name)
    rig.note("EDIT", "Item by hand", name)
    return True


def _edit_item(rig: Rig, dice: random.Random, changes: Callable[[Any], dict[str, Any]]) -> bool:
    items = [one for one in rig.netsuite.items() if one.id != RETAINAGE_ITEM]
    if not items:
        return False
    item = dice.choice(items)
    rig.netsuite.edit_item(item.id, **changes(item))
    rig.note("EDIT", "Item", item.id, item.itemid, *changes(item))
    return True


def _redescribe(rig: Rig, dice: random.Random, _: int) -> bool:
    words = f"by the accountant {dice.randint(1, 99)}"
    return _edit_item(rig, dice, lambda _: {"displayname": words})


def _rename(rig: Rig, dice: random.Random, _: int) -> bool:
    return _edit_item(rig, dice, lambda item: {"itemid": f"renamed {item.itemid}"})


def _inactivate(rig: Rig, dice: random.Random, _: int) -> bool:
    return _edit_item(rig, dice, lambda _: {"isinactive": True})


def _enter_bill(rig: Rig, dice: random.Random, written: int) -> bool:
    """As the invoice says, if all its Items exist; else on another Item, as people do."""
    invoice = _invoice(rig, dice, written)
    if any(bill.tranid == invoice.number for bill in rig.netsuite.bills()):
        return False
    bill = rig.netsuite.enter_bill(invoice, rig.company.projects[invoice.project_id], exact=dice.random() < 0.8)
    rig.note("EDIT", "bill by hand", bill.id, bill.tranid, bill.total)
    return True


def _edit_bill(rig: Rig, dice: random.Random, _: int) -> bool:
    bills = rig.netsuite.bills()
    if not bills:
        return False
    bill = dice.choice(bills)
    rig.netsuite.edit_bill(bill.id, memo=f"seen by the accountant {dice.randint(1, 99)}")
    rig.note("EDIT", "bill", bill.id)
    return True


_EDITS: dict[Kind, Edit] = {
    Kind.UNBUDGETED: _unbudget,
    Kind.RENUMBERED: _renumber,
    Kind.INVOICE_CHANGED: _change_invoice,
    Kind.INVOICE_WITHDRAWN: _withdraw_invoice,
    Kind.ITEM_EDITED: _redescribe,
    Kind.ITEM_RENAMED: _rename,
    Kind.ITEM_INACTIVATED: _inactivate,
    Kind.ITEM_BY_HAND: _make_item,
    Kind.BILL_BY_HAND: _enter_bill,
    Kind.BILL_EDITED: _edit_bill,
}
