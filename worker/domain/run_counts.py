"""Formats the counts of a run, for the command line and the page."""

from __future__ import annotations

from collections.abc import Mapping

from worker.domain.texts import counted

OUTCOMES = ("created", "adopted", "already", "skipped", "blocked", "unknown", "waiting")


def run_counts(counts: Mapping[str, int]) -> str:
    """Return `102 created, 18 blocked; 262 Items for them; 1 project not readable`, without zeros.

    The outcomes are those of codes in a scan, and of invoices in an export. An export's Items, and projects that could not be read or were
    skipped for a reason (`wbs-sync status` names them), are counted separately.
    """
    outcomes = ", ".join(f"{counts[name]:,} {name}" for name in OUTCOMES if counts.get(name))
    items = f"{counted(counts['items'], 'Items')} for them" if counts.get("items") else ""
    unread = f"{counted(counts['projects_blocked'], 'projects')} not readable" if counts.get("projects_blocked") else ""
    skipped = f"{counted(counts['projects_skipped'], 'projects')} skipped" if counts.get("projects_skipped") else ""
    return "; ".join(part for part in (outcomes, items, unread, skipped) if part) or "nothing to do"
