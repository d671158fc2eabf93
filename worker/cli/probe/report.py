"""The report of a probe, made to be sent as an issue: no secret, no name, no id, not even the account's."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from importlib.metadata import version

from config.profile import Answer, Profile
from worker.domain.sandboxes import is_netsuite_sandbox
from worker.services.probe.table import POINTS

HEAD = """# Report of `wbs-sync probe`

wbs-sync {version}, Python {python}, {day}, {account}. Words of a remote stand without names, numbers and what was quoted (`…`).
Read it once before it is sent: what is left of these words is a remote's own."""


def report_of(profile: Profile) -> str:
    """The whole report, as Markdown."""
    looks = "a sandbox" if is_netsuite_sandbox(profile.account) else "an account that does not look like a sandbox"
    head = HEAD.format(
        version=version("wbs-sync"), python=platform.python_version(), day=profile.probed_at.date(), account=looks
    )
    answers = [_row(point.id, profile.answers[point.id]) for point in POINTS if point.id in profile.answers]
    requests = [(f"`{one.kind}`", one.count, one.least, one.median, one.p95) for one in profile.requests]
    return "\n\n".join(
        (
            head,
            as_table(("Point", "Answer", "How sure", "Facts"), answers),
            as_table(("Request", "Count", "Least (s)", "Median (s)", "p95 (s)"), requests),
        )
    )


def _row(point_id: str, kept: Answer) -> tuple[str, str, str, str]:
    if not kept.answer:
        return f"`{point_id}`", "not settled", kept.why, ""
    facts = "; ".join(f"{name}: {value}" for name, value in kept.facts.items())
    return f"`{point_id}`", kept.answer, kept.sure, facts


def as_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table in Markdown."""
    lines = [[str(cell) for cell in line] for line in (columns, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
