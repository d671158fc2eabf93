"""The report of a probe, to be sent as an issue. It contains no secret, no name and no id, not even the account's."""

from __future__ import annotations

import platform
from importlib.metadata import version

from config.profile import Profile, RecordedAnswer
from probe.markdown import markdown_table
from probe.points import POINTS
from probe.sandboxes import is_netsuite_sandbox

HEAD = """# Report of `wbs-sync probe`

wbs-sync {version}, Python {python}, {day}, {account}. Response texts are shown without names, numbers and quoted text (`…`).
Read it once before you send it: the rest of these texts is what the remote wrote."""


def report_of(profile: Profile) -> str:
    """Return the report as Markdown."""
    looks = "a sandbox" if is_netsuite_sandbox(profile.account) else "an account that does not look like a sandbox"
    head = HEAD.format(
        version=version("wbs-sync"), python=platform.python_version(), day=profile.probed_at.date(), account=looks
    )
    answers = [_row(point.id, profile.answers[point.id]) for point in POINTS if point.id in profile.answers]
    requests = [(f"`{one.kind}`", one.count, one.least, one.median, one.p95) for one in profile.requests]
    return "\n\n".join(
        (
            head,
            markdown_table(("Point", "Answer", "How sure", "Facts"), answers),
            markdown_table(("Request", "Count", "Min (s)", "Median (s)", "p95 (s)"), requests),
        )
    )


def _row(point_id: str, recorded: RecordedAnswer) -> tuple[str, str, str, str]:
    if not recorded.answer:
        return f"`{point_id}`", "not settled", recorded.why, ""
    facts = "; ".join(f"{name}: {value}" for name, value in recorded.facts.items())
    return f"`{point_id}`", recorded.answer, recorded.sure, facts
