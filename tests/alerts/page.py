"""docs/alerts.md: each alert with the situation that was played for it, and how long it took to fire and to clear."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.alerts.play import Played
from tests.alerts.prometheus import rules

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"
INTRODUCTION = """\
# How each alert was tested

`python -m tests.alerts` writes this page. For each alert, it creates the situation in an installation of the product's own services with simulated systems and a Valkey server whose clock it advances. The
resulting metrics are scraped every 15 seconds to 30 minutes of that clock (column *Step*) and evaluated with the rules in
[deploy/prometheus/wbs-sync.rules.yml](../deploy/prometheus/wbs-sync.rules.yml) until the alert fires. Then the situation is ended, and the test waits until the alert clears. `tests/alerts/test_alerts.py` repeats
this and compares the times with the table.

*Fires after* is measured from the start of the situation, *clears after* from its end, both in seconds. Each alert's runbook says what to do.

| Alert | Situation | Ended by | Fires after | Clears after | Step |
|---|---|---|---|---|---|
"""
ROW = re.compile(r"^\| \[(\w+)\]\(runbooks/\1\.md\) \| .* \| ([\d,]+) s \| ([\d,]+) s \| [\d,]+ s \|$", re.MULTILINE)


def page(played: Iterable[Played]) -> str:
    """Return the whole page, in the order of the rules."""
    by_alert = {one.situation.alert: one for one in played}
    return INTRODUCTION + "".join(_row(by_alert[alert]) for alert in rules())


def published() -> dict[str, tuple[float, float]]:
    """Return what the page says: for each alert, the seconds until it fires and until it clears."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {alert: (_number(fires), _number(clears)) for alert, fires, clears in rows}


def _row(played: Played) -> str:
    alert, step = played.situation.alert, played.situation.step
    cells = (f"[{alert}](runbooks/{alert}.md)", played.situation.played, played.situation.ended)
    times = (f"{seconds:,.0f} s" for seconds in (played.fired_after, played.cleared_after, step))
    return f"| {' | '.join((*cells, *times))} |\n"


def _number(text: str) -> float:
    return float(text.replace(",", ""))
