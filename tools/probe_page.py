"""The generated tables of docs/probe.md: every point of the probe with its answers."""

from __future__ import annotations

from pathlib import Path

from probe.markdown import markdown_table
from probe.point import Point
from probe.points import bills, items, procore
from tools.sections import with_section

PAGE = Path(__file__).parents[1] / "docs" / "probe.md"
COLUMNS = ("Point", "Question", "What is done", "Answers and what they mean")
GROUPS = {
    "NetSuite: reading": (*items.READS, *bills.READS),
    "NetSuite: Items": items.WRITES,
    "NetSuite: bills": bills.WRITES,
    "Procore: reading": procore.READS,
    "Procore: with `--invoice`": procore.WRITES,
}


def page(text: str) -> str:
    """Return the page with the tables of all points."""
    tables = (f"### {title}\n\n{markdown_table(COLUMNS, map(_row, points))}" for title, points in GROUPS.items())
    return with_section(text, "points", "\n\n".join(tables))


def _row(point: Point) -> tuple[str, ...]:
    answers = (f"`{one.word}`{' (news)' if one.is_news else ''}: {one.meaning}" for one in point.answers)
    return f"`{point.id}`", point.question, f"{point.action[0].upper()}{point.action[1:]}", "<br>".join(answers)
