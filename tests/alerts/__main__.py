"""Plays every situation and writes docs/alerts.md."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.alerts.page import PAGE, page
from tests.alerts.play import play
from tests.alerts.situations import SITUATIONS


def main() -> int:
    """Play every situation and write the page."""
    played = []
    for situation in SITUATIONS:
        with tempfile.TemporaryDirectory(prefix="wbs-sync-alert-") as folder:
            played.append(play(situation, Path(folder)))
        last = played[-1]
        sys.stdout.write(f"{situation.alert}: {last.fired_after:.0f} s, {last.cleared_after:.0f} s\n")
    PAGE.write_text(page(played), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
