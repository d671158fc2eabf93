"""The records of decisions: the index has every one, and each has the parts of the template."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
FIRST_WITH_ALL_PARTS = 35
STATUS = re.compile(r"^Status: (proposed|accepted|superseded)[^.]*\.", re.MULTILINE)


def test_the_index_of_decisions_has_every_record_with_its_status() -> None:
    rows = []
    for path in DECISIONS:
        text = path.read_text()
        number, title = re.findall(r"\A# (\d+)\. (.+)", text)[0]
        found = STATUS.search(text)
        assert found, f"{path.name} has no status line"
        rows.append(f"| {number} | [{title}]({path.name}) | {found[0].removeprefix('Status: ').removesuffix('.')} |")
    index = (DOCS / "decisions" / "README.md").read_text()
    assert [line for line in index.splitlines() if re.match(r"\| \d", line)] == rows


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_record_has_the_parts_of_the_template(path: Path) -> None:
    template = re.findall(r"^## .+", (DOCS / "decisions" / "template.md").read_text(), re.MULTILINE)
    required = template if int(path.stem[:4]) >= FIRST_WITH_ALL_PARTS else ["## Context", "## Decision", "## Check"]
    parts = re.findall(r"^## .+", path.read_text(), re.MULTILINE)
    assert [part for part in parts if part in required] == required
