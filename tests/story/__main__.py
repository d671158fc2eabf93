"""Plays the month end and writes docs/month-end.md with its pictures; with --check compares it with the existing page."""

from __future__ import annotations

import argparse
import difflib
import sys
import tempfile
from pathlib import Path

from tests.kit.programs import ROOT
from tests.story.installation import Installation
from tests.story.month_end import MonthEnd

DOCS = ROOT / "docs"
FILE = DOCS / "month-end.md"


def main(arguments: list[str] | None = None) -> int:
    """Play the month end: 0 when every chapter holds and, with --check, the page is current."""
    parser = argparse.ArgumentParser(prog="python -m tests.story", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 when the page would be another"
    )
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="wbs-sync-story-") as folder, Installation(Path(folder)) as installation:
        month_end = MonthEnd(installation, pictures=Path(folder) if asked.check else DOCS)
        month_end.play()
    if asked.check:
        return _compare(month_end.page.text)
    FILE.write_text(month_end.page.text, encoding="utf-8")
    sys.stdout.write(f"Written: {FILE.relative_to(ROOT)}\n")
    return 0


def _compare(text: str) -> int:
    page = FILE.read_text(encoding="utf-8")
    if page == text:
        sys.stdout.write(f"{FILE.relative_to(ROOT)} is up to date.\n")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(page.splitlines(keepends=True), text.splitlines(keepends=True), "page", "played", n=1)
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
