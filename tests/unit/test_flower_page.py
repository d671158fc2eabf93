"""The pictures that docs/flower.md shows exist, and are small enough for a repository."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
MAX_BYTES = 150_000


def test_every_picture_is_shown_and_none_is_large() -> None:
    shown = re.findall(r"!\[[^\]]+\]\(flower/([a-z]+\.png)\)", (DOCS / "flower.md").read_text())
    pictures = {path.name: path.stat().st_size for path in (DOCS / "flower").iterdir()}
    assert sorted(shown) == sorted(pictures)
    assert {name: size for name, size in pictures.items() if size > MAX_BYTES} == {}
