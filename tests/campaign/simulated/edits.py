"""What people do while the machines work: in Procore, and in NetSuite."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.world import RETAINAGE_ITEM, line_of

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig


def edit(rig: Rig, kind: Kind, dice: random.Random, name: str = "") -> None:
    """One edit of this kind: of the invoice or code that is being written (its id is `name`), or of one that the dice choose."""
    if kind in (Kind.ITEM_EDITED, Kind.ITEM_RENAMED, Kind.ITEM_INACTIVATED, Kind.ITEM_BY_HAND):
        _in_netsuite(rig, kind, dice)
    else:
        _in_procore(rig, kind, dice, name)


def _in_procore(rig: Rig, kind: Kind, dice: random.Random, name: str) -> None:
    company, now = rig.company, rig.scheduler.now
    written = int(name or 0)
    invoice = company.invoices.get(written) or company.invoices[dice.choice(list(company.invoices))]
    owners = [one for one in company.projects.values() if written in one.codes]
    project = owners[0] if owners else company.projects[dice.choice(list(company.projects))]
    if kind is Kind.UNBUDGETED:
        code = project.codes.get(written) or project.codes[dice.choice(list(project.codes))]
        code.budgeted, code.edited = False, True
        rig.note("EDIT", "un-budgeted", project.number, code.flat)
    elif kind is Kind.RENUMBERED:
        # A linked project keeps its job; one that is found by its number gets a problem until the books follow.
        project.number = f"{project.number}R{len(project.numbers)}"
        project.numbers.append(project.number)
        rig.note("EDIT", "renumbered", project.number)
    elif kind is Kind.INVOICE_CHANGED and not invoice.now.origin_id:
        lines = tuple(line_of(dice, line.code_id) for line in invoice.now.lines)
        invoice.change(now, lines=lines)
        rig.note("EDIT", "invoice changed", invoice.id, invoice.now.due)
    elif kind is Kind.INVOICE_WITHDRAWN and not invoice.now.origin_id:
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


def _in_netsuite(rig: Rig, kind: Kind, dice: random.Random) -> None:
    company, netsuite = rig.company, rig.netsuite
    items = [one for one in netsuite.items() if one.id != RETAINAGE_ITEM]
    if kind is Kind.ITEM_BY_HAND:
        project = company.projects[dice.choice(list(company.projects))]
        code = project.codes[dice.choice(list(project.codes))]
        name = f"{project.number}-{code.flat}"
        if not netsuite.state.items_named(name):
            netsuite.make_item(name)
            rig.note("EDIT", "Item by hand", name)
        return
    if not items:
        return
    item = dice.choice(items)
    changes: dict[str, object] = {"displayname": f"by the accountant {dice.randint(1, 99)}"}
    if kind is Kind.ITEM_RENAMED:
        changes = {"itemid": f"renamed {item.itemid}"}
    elif kind is Kind.ITEM_INACTIVATED:
        changes = {"isinactive": True}
    netsuite.edit_item(item.id, **changes)
    rig.note("EDIT", kind.name, item.id, item.itemid)
