"""The report as one self-contained HTML page: no script, no font, no network.

Names from other systems are shown literally: the template escapes all values, characters that change the text direction are shown
as Python escapes, and the page's content security policy blocks all scripts.
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
from worker.domain.texts import counted
from worker.inspect.overview import run_counts
from worker.inspect.report import InvoiceTotals, Report, StatusCounts
from worker.page.plot import COLUMNS, plot

MAX_PROJECTS, MAX_PROBLEMS, FIRST_PROBLEMS = 500, 100, 3
"""Maximum rows of projects, of problems per cause, and of problems shown without expanding. The JSON report has all."""
INVOICE_STATES = {
    "created": ("Billed", "vendor bill created", "done"),
    "adopted": ("Adopted", "matched to a bill already in NetSuite", "done"),
    "waiting": ("Waiting", "queued for export", "waiting"),
    "intent": ("Sending", "the bill is being sent to NetSuite", "waiting"),
    "unknown": ("Unconfirmed", "NetSuite did not confirm the bill; wbs-sync checks before any retry", "waiting"),
    "blocked": ("Blocked", "needs attention: see the problems", "blocked"),
    "skipped": ("Skipped", "not ready or not ours, such as a draft", "skipped"),
}
"""Name, meaning and color of each ledger state, in display order."""

_HERE = Path(__file__).parent
_STYLE = (_HERE / "report.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; img-src data:; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"


def render(report: Report) -> str:
    """Return the page; times in UTC."""
    literal = _literal(report)
    page = Loader(str(_HERE)).load("report.html").generate(
        report=literal,
        # Projects that need attention come first.
        projects=sorted(literal.projects, key=lambda row: not (row.codes.blocked or row.invoices.blocked)),
        plot=plot(report.gate, now=report.at),
        columns=COLUMNS,
        style=_STYLE,
        policy=POLICY,
        states=INVOICE_STATES,
        max_projects=MAX_PROJECTS,
        max_problems=MAX_PROBLEMS,
        first_problems=FIRST_PROBLEMS,
        amount=amount,
        bar=bar,
        share=share,
        counts=run_counts,
        on_hold=on_hold,
        known_amounts=known_amounts,
        duration=duration,
        utc=utc,
        heading=heading,
    )  # fmt: skip
    return page.decode()


def bar(statuses: StatusCounts) -> list[tuple[str, float, float]]:
    """Return the non-empty parts of a bar of width 100 as (kind, start, width)."""
    parts, begins = [], 0.0
    for kind in ("done", "waiting", "blocked"):
        width = 100 * getattr(statuses, kind) / max(statuses.wanted, 1)
        if width:
            parts.append((kind, round(begins, 2), round(width, 2)))
        begins += width
    return parts


def share(statuses: StatusCounts) -> str:
    """Return the synced share, rounded down, so that 100 % means that nothing is missing."""
    return f"{100 * statuses.done // statuses.wanted} %" if statuses.wanted else "none known"


def amount(totals: InvoiceTotals) -> str:
    """Return the payment due as text, or `not known` if no amount is known."""
    return money.text(totals.payment_due) if totals.known else "not known"


def known_amounts(totals: InvoiceTotals) -> str:
    """Return how many amounts of a total are known if some are not, else ""."""
    part = 0 < totals.known < totals.invoices
    return f"{totals.known:,} of {totals.invoices:,} amounts known" if part else ""


def on_hold(totals: InvoiceTotals) -> str:
    """Return a sentence on the invoices that are not billed because of problems."""
    known = f" ({known_amounts(totals)})" if known_amounts(totals) else ""
    return f"On hold: {counted(totals.invoices, 'invoices')}, payment due {amount(totals)}{known}."


def duration(seconds: float) -> str:
    """Return seconds as text, such as `3 min 20 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def utc(at: float) -> str:
    """Return a time (unix seconds) as text in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def heading(code: str) -> str:
    """Return a code as a heading."""
    return code.replace("_", " ").capitalize()


def _literal(value: Any) -> Any:
    """Return the value with control characters in all of its strings escaped."""
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, list):
        return [_literal(item) for item in value]
    if isinstance(value, dict):
        return {_literal(name): _literal(item) for name, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _literal(getattr(value, field.name)) for field in fields(value)})
    return value
