"""Kinds of fault that are drawn in addition to those of `faults.plan`: situations of both remotes, and what goes with them.

Each kind has dice of its own in each seed, so that one more kind changes no seed that does not draw it. A situation holds
from the start; a window or a moment comes at its time. Whatever is drawn is a `Fault` like any other: it is listed, and a
failing seed is shortened by leaving it out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.campaign.simulated.faults import FIRST, Fault, Kind
from tests.campaign.simulated.netsuite import NetSuiteModel
from tests.campaign.simulated.world import COMPANY, Code, Company, HandMade, Invoice, Project

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

OfCompany = Callable[[Company, random.Random], bool]
OfAccount = Callable[[NetSuiteModel, Company, random.Random], bool]

WIDER = tuple(kind for kind in Kind if kind not in FIRST)
SHARE = 0.04
"""How many seeds draw a kind, where `_SHARES` does not say."""
_SHARES = {
    Kind.SAME_NUMBER: 0.06,
    Kind.ONE_KIND_AWAY: 0.06,
    Kind.REQUEST_DURING: 0.06,
    Kind.NIGHTLY: 0.06,
    Kind.TAX_ADDED: 0.08,
    Kind.GENERATED_NUMBERS: 0.08,
}
TEMPLATE_ID = 190


def wider(seed: int, length: float, kinds: Collection[Kind], always: Collection[Kind] = ()) -> list[Fault]:
    """The faults of these kinds that a seed draws; `always`: those that it plays whatever its dice say."""
    drawn = []
    for kind in WIDER:
        if kind not in kinds and kind not in always:
            continue
        dice = random.Random(f"{seed} {kind.name}")
        if dice.random() < _SHARES.get(kind, SHARE) or kind in always:
            drawn.append(_fault(kind, dice, length))
    return drawn


def _fault(kind: Kind, dice: random.Random, length: float) -> Fault:
    seed, at = dice.getrandbits(32), dice.uniform(0, length)
    match kind:
        case Kind.ONE_KIND_AWAY:
            return Fault(kind, dice.choice((0.0, at * 0.5)), dice.uniform(250, 420), seed=seed)
        case Kind.OUTAGE_WITH_ROOM:
            return Fault(kind, at * 0.5, dice.uniform(1, 60), dice.choice((0.1, 0.5, 1.0)), seed=seed)
        case Kind.TOKENS_HANG:
            return Fault(kind, dice.choice((0.0, at * 0.5)), dice.uniform(60, 600), 1.0, seed=seed)
        case Kind.PC_SLOW:
            return Fault(kind, at * 0.5, dice.uniform(60, 600), dice.choice((0.3, 1.0)), seed=seed)
        case Kind.ADOPTED_LOST:
            return Fault(kind, at, seed=seed)
        case Kind.DECIDED:
            return Fault(kind, dice.choice((0.0, at * 0.5)), seed=seed)
        case Kind.PROJECT_INACTIVATED:
            return Fault(kind, dice.choice((0.0, at)), seed=seed)
        case _:
            return Fault(kind, 0.0 if kind in (*OF_COMPANY, *OF_ACCOUNT) else at, length, seed=seed)


# In Procore's company, and in what both sides hold about the same vendor or project


def _same_number(company: Company, dice: random.Random) -> bool:
    """Sometimes in another case, as people type it."""
    if len(company.invoices) < 2:
        return False
    first, second = dice.sample(list(company.invoices.values()), 2)
    second.vendor_id = first.vendor_id
    second.number = first.number.lower() if dice.random() < 0.3 else first.number
    return True


def _vendor_link_wrong(company: Company, dice: random.Random) -> bool:
    first, second = dice.sample(list(company.vendors.values()), 2)
    first.origin_id = second.internal_id
    return True


def _vendor_link_inactive(company: Company, dice: random.Random) -> bool:
    vendor = dice.choice(list(company.vendors.values()))
    vendor.inactive = True
    company.namesakes.append(("731", vendor.name))
    return True


def _vendor_link_foreign(company: Company, dice: random.Random) -> bool:
    """Another ERP's vendor number: text, or digits that no NetSuite record has."""
    dice.choice(list(company.vendors.values())).origin_id = dice.choice(("V-0031", "31004", "0"))
    return True


def _project_link_wrong(company: Company, dice: random.Random) -> bool:
    first, second = dice.sample(list(company.projects.values()), 2)
    first.origin_id = second.job_id
    return True


def _project_link_foreign(company: Company, dice: random.Random) -> bool:
    dice.choice(list(company.projects.values())).origin_id = dice.choice(("P-24", "99017", "0"))
    return True


def _odd_rows(company: Company, dice: random.Random) -> bool:
    company.odd_lists |= set(dice.sample(("projects", "codes", "budget", "invoices"), dice.randint(1, 2)))
    return True


def _template(company: Company, dice: random.Random) -> bool:
    number = dice.choice(("", "TEMPLATE"))
    codes = {1900 + place: Code(1900 + place, f"{place:02d}-900.S", budgeted=True) for place in (1, 2)}
    project = Project(TEMPLATE_ID, "Standard job", number, None, codes, [number], template=True)
    company.templates[project.id] = project
    return True


def _lines_share_id(company: Company, dice: random.Random) -> bool:
    return _with_invoice_before(company, dice, "shared")


def _lines_without_id(company: Company, dice: random.Random) -> bool:
    return _with_invoice_before(company, dice, "missing")


def _with_invoice_before(company: Company, dice: random.Random, line_ids: str) -> bool:
    """An invoice of several lines becomes the second one of its subcontract, the first having retained on stored materials."""
    several = [one for one in company.invoices.values() if len(one.versions[0].lines) > 1 and one.line_ids == "own"]
    if not several:
        return False
    invoice = dice.choice(several)
    invoice.line_ids = line_ids
    first = invoice.versions[0]
    lines = tuple(replace(line, before=Decimal(dice.randint(1, 9999)) / 100) for line in first.lines)
    invoice.versions[0] = replace(first, lines=lines)
    return True


def _made_by_hand(company: Company, dice: random.Random) -> bool:
    """A person has made the Items of two codes, so that something is adopted."""
    codes = [(project, code) for project in company.projects.values() for code in project.codes.values()]
    names = {one.name.casefold() for one in company.hand_made}
    fresh = [f"{project.number}-{code.flat}" for project, code in codes if code.budgeted and code.active]
    fresh = [name for name in fresh if name.casefold() not in names]
    company.hand_made += [HandMade(name) for name in dice.sample(fresh, min(2, len(fresh)))]
    return False


def _cent_off(company: Company, dice: random.Random) -> bool:
    invoice = dice.choice(list(company.invoices.values()))
    invoice.versions[0] = replace(invoice.versions[0], cents_off=dice.choice((1, -1, 7)))
    return True


OF_COMPANY: dict[Kind, OfCompany] = {
    Kind.SAME_NUMBER: _same_number,
    Kind.VENDOR_LINK_WRONG: _vendor_link_wrong,
    Kind.VENDOR_LINK_INACTIVE: _vendor_link_inactive,
    Kind.VENDOR_LINK_FOREIGN: _vendor_link_foreign,
    Kind.PROJECT_LINK_WRONG: _project_link_wrong,
    Kind.PROJECT_LINK_FOREIGN: _project_link_foreign,
    Kind.ODD_ROWS: _odd_rows,
    Kind.TEMPLATE: _template,
    Kind.LINES_SHARE_ID: _lines_share_id,
    Kind.LINES_WITHOUT_ID: _lines_without_id,
    Kind.CENT_OFF: _cent_off,
    Kind.SETTLED_BY_HAND: _cent_off,
    Kind.ADOPTED_LOST: _made_by_hand,
}


# In NetSuite's account


def _field_refused(account: NetSuiteModel, company: Company, dice: random.Random) -> bool:
    invoice = dice.choice(list(company.invoices.values()))
    account.rules.field_refused_for = f"pcr-bill-{COMPANY}-{invoice.id}"
    return True


def _subsidiary_refused(account: NetSuiteModel, company: Company, dice: random.Random) -> bool:
    account.rules.subsidiary_refused_for = dice.choice(list(company.vendors.values())).internal_id
    return True


def _credits_refused(account: NetSuiteModel, company: Company, dice: random.Random) -> bool:
    """One invoice becomes a credit, so that there is something to refuse."""
    account.rules.credits_allowed = False
    invoice: Invoice = dice.choice(list(company.invoices.values()))
    first = invoice.versions[0]
    if invoice.id not in company.entered and first.due > 0:
        lines = tuple(replace(line, gross=-abs(line.gross), held=-abs(line.held)) for line in first.lines)
        invoice.versions[0] = replace(first, lines=lines)
    return True


def _edit_refused(account: NetSuiteModel, _company: Company, _dice: random.Random) -> bool:
    account.rules.items_editable = False
    return True


def _generated_names(account: NetSuiteModel, _company: Company, _dice: random.Random) -> bool:
    account.rules.generates_names = True
    return True


def _generated_numbers(account: NetSuiteModel, _company: Company, _dice: random.Random) -> bool:
    account.rules.generates_numbers = True
    return True


def _tax_added(account: NetSuiteModel, _company: Company, dice: random.Random) -> bool:
    account.state.settings.bill_tax = dice.choice((Decimal("0.01"), Decimal("82.50")))
    return True


OF_ACCOUNT: dict[Kind, OfAccount] = {
    Kind.FIELD_REFUSED: _field_refused,
    Kind.SUBSIDIARY_REFUSED: _subsidiary_refused,
    Kind.CREDITS_REFUSED: _credits_refused,
    Kind.EDIT_REFUSED: _edit_refused,
    Kind.GENERATED_NAMES: _generated_names,
    Kind.GENERATED_NUMBERS: _generated_numbers,
    Kind.TAX_ADDED: _tax_added,
}


def in_company(company: Company, faults: Collection[Fault]) -> list[Kind]:
    """Put the situations into a company before anything is built from it; gives those that found their place."""
    return [fault.kind for fault in faults
            if fault.kind in OF_COMPANY and OF_COMPANY[fault.kind](company, random.Random(fault.seed))]  # fmt: skip


def in_account(rig: Rig, faults: Collection[Fault]) -> list[Kind]:
    """The same in NetSuite's account."""
    return [fault.kind for fault in faults
            if fault.kind in OF_ACCOUNT and OF_ACCOUNT[fault.kind](rig.netsuite, rig.company, random.Random(fault.seed))]  # fmt: skip
