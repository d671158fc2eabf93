"""The small company of one schedule: a few projects, codes shared by invoices, some Items made by hand."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from decimal import Decimal

COMPANY = 4242
RETAINAGE_ITEM = "900"
BILLING_DATE = "2026-03-31"


@dataclass(frozen=True, slots=True)
class Line:
    """An invoice's line: its code, gross and retainage of this period; `before`: what the invoice before it had retained on stored materials."""

    code_id: int
    gross: Decimal
    held: Decimal
    before: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class InvoiceVersion:
    """An invoice as it was from `since` on (virtual seconds)."""

    since: float
    status: str
    lines: tuple[Line, ...]
    origin_id: str | None = None
    cents_off: int = 0

    @property
    def due(self) -> Decimal:
        """Current payment due; `cents_off`: by how much Procore's figure differs from its own lines."""
        lines = sum((line.gross - line.held for line in self.lines), Decimal("0.00"))
        return lines + Decimal(self.cents_off) / 100


@dataclass(slots=True)
class Code:
    """A WBS code; `names` are all Item names it ever had (lower case)."""

    id: int
    flat: str
    budgeted: bool
    active: bool = True
    edited: bool = False


@dataclass(slots=True)
class Project:
    """A project; `numbers` are all it ever had, `job_id` is its project record in NetSuite."""

    id: int
    name: str
    number: str
    origin_id: str | None
    codes: dict[int, Code]
    numbers: list[str] = field(default_factory=list)
    job_id: str = ""
    active: bool = True
    template: bool = False

    def names_of(self, code: Code) -> set[str]:
        """All Item names the code may have had."""
        return {f"{number}-{code.flat}".casefold() for number in self.numbers}


@dataclass(slots=True)
class Invoice:
    """A subcontractor invoice with all its versions, newest last. `line_ids`: "own", "shared" or "missing"."""

    id: int
    project_id: int
    number: str
    vendor_id: int
    versions: list[InvoiceVersion]
    line_ids: str = "own"

    @property
    def now(self) -> InvoiceVersion:
        """Return the current version."""
        return self.versions[-1]

    def change(self, when: float, **changes: object) -> None:
        """A new version."""
        self.versions.append(replace(self.now, since=when, **changes))  # type: ignore[arg-type]


@dataclass(slots=True)
class Vendor:
    """A company in Procore's directory: its name, the origin id Procore shows, and its vendor record in NetSuite."""

    id: int
    name: str
    origin_id: str | None
    internal_id: str
    inactive: bool = False


@dataclass(slots=True)
class HandMade:
    """An Item that existed before: (name, record type, inactive, external id)."""

    name: str
    record_type: str = "otherChargePurchaseItem"
    inactive: bool = False
    external_id: str | None = None


@dataclass(slots=True)
class Company:
    """What Procore holds, and what NetSuite holds at the start; `entered`: invoices whose bill a person entered before.

    `namesakes`: (internal id, name) of further vendors in NetSuite; `templates`: projects of Procore's list that are none;
    `odd_lists`: lists of Procore that have a row which cannot be read.
    """

    projects: dict[int, Project]
    invoices: dict[int, Invoice]
    vendors: dict[int, Vendor]
    hand_made: list[HandMade]
    entered: list[int]
    namesakes: list[tuple[str, str]] = field(default_factory=list)
    templates: dict[int, Project] = field(default_factory=dict)
    odd_lists: set[str] = field(default_factory=set)

    def code(self, project_id: int, code_id: int) -> Code:
        """A code by its ids."""
        return self.projects[project_id].codes[code_id]


def build(dice: random.Random) -> Company:
    """A company of the seed's."""
    projects: dict[int, Project] = {}
    hand_made: list[HandMade] = []
    code_id = 1000
    clash = dice.random() < 0.15
    for index in range(dice.choice((2, 2, 3))):
        number = f"24-{17 + index:03d}" if not (clash and index == 1) else "24"
        codes = {}
        for place in range(dice.choice((2, 2, 3))):
            code_id += 1
            flat = f"{place + 1:02d}-{100 * (index + 1)}.S"
            if clash and index == 1 and place == 0:
                flat = "017-01-100.S"
            codes[code_id] = Code(code_id, flat, budgeted=dice.random() < 0.85, active=dice.random() < 0.95)
            hand_made += _by_hand(dice, f"{number}-{flat}", 100 + index, code_id)
        linked = str(501 + index) if dice.random() < 0.5 else None
        projects[100 + index] = Project(
            100 + index, f"Tower {index}", number, linked, codes, [number], str(501 + index)
        )
    invoices = {}
    for index in range(dice.choice((2, 3, 3, 4))):
        project = projects[dice.choice(list(projects))]
        invoice = _invoice(dice, 7000 + index, project, 31 + index % 2)
        invoices[invoice.id] = invoice
    entered = [invoice_id for invoice_id in invoices if dice.random() < 0.06]
    vendors = {number: Vendor(number, f"Vendor {number}", str(670 + number), str(670 + number)) for number in (31, 32)}
    return Company(projects, invoices, vendors, hand_made, entered)


def _by_hand(dice: random.Random, name: str, project_id: int, code_id: int) -> list[HandMade]:
    chance = dice.random()
    if chance < 0.12:
        return [HandMade(name if dice.random() < 0.7 else name.lower())]
    if chance < 0.15:
        return [HandMade(name, record_type="serviceSaleItem")]
    if chance < 0.18:
        return [HandMade(name, inactive=True)]
    if chance < 0.22:
        return [HandMade(f"old {name}", external_id=f"PCR-itm-{COMPANY}-{project_id}-{code_id}")]
    return []


def _invoice(dice: random.Random, invoice_id: int, project: Project, vendor_id: int) -> Invoice:
    chosen = dice.sample(list(project.codes), dice.randint(1, min(3, len(project.codes))))
    lines = tuple(line_of(dice, code_id) for code_id in chosen)
    status = "approved" if dice.random() < 0.85 else "under_review"
    return Invoice(invoice_id, project.id, f"SUB-{invoice_id}", vendor_id, [InvoiceVersion(0.0, status, lines)])


def line_of(dice: random.Random, code_id: int) -> Line:
    """A line of some amount, sometimes a deductive one; an invoice with a negative amount becomes a vendor credit."""
    gross = Decimal(dice.randint(1_000, 9_999_999)) / 100
    gross = -gross if dice.random() < 0.15 else gross
    held = (gross * dice.choice((0, 0, 5, 10)) / 100).quantize(Decimal("0.01"))
    return Line(code_id, gross.quantize(Decimal("0.01")), held)
