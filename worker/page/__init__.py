"""The report as one HTML page that needs nothing else: no script, no font, no network.

Names come from other systems and are shown to the letter: the template escapes whatever it is given, what a browser would obey
besides (a change of direction) is written the way Python writes it, and the page's own policy lets no script run.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# Flower is a Tornado application, so its templates are there wherever Flower is.
from tornado.template import Loader

from config.logs import shown
from worker.domain import money
from worker.domain.run_counts import run_counts
from worker.page.plot import COLUMNS, plot
from worker.services.report import Due, Report, Tally

MOST_PROJECTS, MOST_PROBLEMS, FIRST_PROBLEMS = 500, 100, 3
"""Rows of projects, of problems of one cause, and of those that are seen at once. The data behind the page have all."""
INVOICE_STATES = {
    "created": ("Billed", "a vendor bill was made", "done"),
    "adopted": ("Adopted", "an equal bill that a person entered stood there already", "done"),
    "waiting": ("Waiting", "its turn comes later", "waiting"),
    "intent": ("Being written", "the bill is on its way to NetSuite", "waiting"),
    "unknown": ("In doubt", "a write got no answer; it is looked for before anything is sent again", "waiting"),
    "blocked": ("Blocked", "a person has to mend something", "blocked"),
    "skipped": ("Skipped", "none of our business now, such as a draft", "skipped"),
}
"""Name, meaning and colour of each of the ledger's states, in the order in which they are shown."""

_HERE = Path(__file__).parent
_STYLE = (_HERE / "report.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def render(report: Report) -> str:
    """The whole page; times in UTC."""
    told = _to_the_letter(report)
    page = Loader(str(_HERE)).load("report.html").generate(
        report=told,
        # Who has to do something looks at the top.
        projects=sorted(told.projects, key=lambda row: not (row.codes.blocked or row.invoices.blocked)),
        plot=plot(report.gate, now=report.at),
        columns=COLUMNS,
        style=_STYLE,
        policy=POLICY,
        states=INVOICE_STATES,
        most_projects=MOST_PROJECTS,
        most_problems=MOST_PROBLEMS,
        first_problems=FIRST_PROBLEMS,
        amount=amount,
        bar=bar,
        share=share,
        counts=run_counts,
        held_back=held_back,
        lacking=lacking,
        took=took,
        utc=utc,
        words=words,
    )  # fmt: skip
    return page.decode()


def bar(tally: Tally) -> list[tuple[str, float, float]]:
    """The parts of a bar of 100 as (kind, where it begins, how wide it is), empty ones left out."""
    found, begins = [], 0.0
    for kind in ("done", "waiting", "blocked"):
        width = 100 * getattr(tally, kind) / max(tally.wanted, 1)
        if width:
            found.append((kind, round(begins, 2), round(width, 2)))
        begins += width
    return found


def share(tally: Tally) -> str:
    """How much of what is wanted stands in NetSuite; 100 % only when nothing is missing."""
    return f"{100 * tally.done // tally.wanted} %" if tally.wanted else "none known"


def amount(due: Due) -> str:
    """A sum for people; never one of amounts that are not known."""
    return money.text(due.payment_due) if due.known else "not known"


def lacking(due: Due) -> str:
    """How much of a sum is known, where it is not the whole; else ""."""
    part = 0 < due.known < due.invoices
    return f"{due.known:,} of {due.invoices:,} amounts known" if part else ""


def held_back(due: Due) -> str:
    """What problems keep from being billed, in a sentence."""
    invoices = "1 invoice" if due.invoices == 1 else f"{due.invoices:,} invoices"
    return f"Held back: {invoices}, payment due {amount(due)}" + (f" ({lacking(due)})." if lacking(due) else ".")


def took(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def utc(at: float) -> str:
    """A time for people, in UTC; the page says so."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def words(code: str) -> str:
    """A stable code as a heading."""
    return code.replace("_", " ").capitalize()


def _to_the_letter(value: Any) -> Any:
    """The same value with every text in it as a page may be given it."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_to_the_letter(one) for one in value]
    if isinstance(value, dict):
        return {_to_the_letter(name): _to_the_letter(one) for name, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _to_the_letter(getattr(value, field.name)) for field in fields(value)})
    return value
