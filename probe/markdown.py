"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a table with a header line, without a newline at its end. `|` in a cell is escaped."""
    lines = [[str(cell) for cell in line] for line in (columns, *rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
