"""The page of the month end: sentences, and commands with what they printed, shortened and the same in every run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

ROW = "│"
STEADY = (
    # What another run would say otherwise, in the same width: tables keep their shape.
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"), "YYYY-MM-DD hh:mm:ss UTC"),
    (re.compile(r"\bin \d+\.\d s\b"), "in N.N s"),
    (re.compile(r"\b\d+ MB used"), "N MB used"),
    (re.compile(r"\b[\d,.]+ GB free"), "N GB free"),
    (re.compile(r"\b[\d,]+ open files allowed"), "N open files allowed"),
    (re.compile(r"\bValkey [\d.]+\d"), "Valkey N.N.N"),
)
EXAMPLE = re.compile(r"^\$ wbs-sync (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is shown of a command's output: of each table the first `rows`, and every row in which `keep` is found (a regular
    expression); of the tables only those whose title matches `tables`. Text outside of tables is shown.
    """

    rows: int = 1000
    keep: str = "$^"
    tables: str = ""


@dataclass(slots=True)
class Page:
    """The Markdown text so far. `ids`: what internal ids are called here, since their order is that of concurrent work."""

    ids: Callable[[], dict[str, str]]
    parts: list[str] = field(default_factory=list)

    def say(self, text: str) -> None:
        """Add a paragraph, or any other Markdown."""
        self.parts.append(text.strip())

    def show(self, command: Sequence[str], output: str, shown: Shown, *, code: int = 0) -> None:
        """Add a command as it was typed, the shown part of its output, and its exit code if it is not 0."""
        ids = self.ids()
        typed = steady(" ".join(map(_quoted, command)), ids)
        self.parts.append(f"```console\n$ wbs-sync {typed}\n{shorten(steady(output, ids), shown)}\n```")
        if code:
            self.parts.append(f"*Exit code {code}.*")

    @property
    def text(self) -> str:
        """Return the whole page."""
        return "\n\n".join(self.parts) + "\n"


def commands_of(page: str) -> list[str]:
    """Return the arguments of every command on a page, as typed."""
    return EXAMPLE.findall(page)


def steady(output: str, ids: dict[str, str]) -> str:
    """Return the output with ids and times that are the same in every run."""
    if ids:
        # Not within amounts or longer numbers.
        known = "|".join(sorted(ids, key=int))
        output = re.sub(rf"(?<![\d.,])({known})(?!\d|[.,]\d)", lambda found: ids[found[0]], output)
    for pattern, replacement in STEADY:
        output = pattern.sub(replacement, output)
    return "\n".join(line.rstrip() for line in output.strip("\n").splitlines())


def shorten(output: str, shown: Shown) -> str:
    """Return some of the rows of some of the tables, with the number of rows left out in their place."""
    kept: list[str] = []
    left_out = 0
    for title, lines in _tables(output.splitlines()):
        if title is not None and not re.search(shown.tables, title):
            left_out += len(lines)
            continue
        kept += _left_out(left_out)
        left_out = 0
        kept += lines if title is None else _shorten_table(lines, shown)
    return "\n".join(kept + _left_out(left_out))


def _tables(lines: Sequence[str]) -> Iterator[tuple[str | None, list[str]]]:
    """Return the tables with their titles, which are in the line before; and the text between them, without a title."""
    starts = {place - 1 for place, line in enumerate(lines) if line.startswith("┏")}
    of_table: list[int | None] = []
    current: int | None = None
    for place, line in enumerate(lines):
        if place in starts:
            current = place
        of_table.append(current)
        if line.startswith("└"):
            current = None
    for start, places in groupby(range(len(lines)), key=lambda place: of_table[place]):
        yield (None if start is None else lines[start]), [lines[place] for place in places]


def _shorten_table(lines: Iterable[str], shown: Shown) -> Iterator[str]:
    rows_so_far = left_out = 0
    for row in _rows(lines):
        is_row = row[0].startswith(ROW)
        rows_so_far += is_row
        if is_row and rows_so_far > shown.rows and not re.search(shown.keep, _words(row)):
            left_out += 1
            continue
        yield from _more_rows(left_out)
        left_out = 0
        yield from row


def _rows(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield each row of a table with the lines that it is folded into: only its first line has text in the first two columns."""
    row: list[str] = []
    for line in lines:
        if row and line.startswith(ROW) and row[0].startswith(ROW) and _is_folded(line):
            row.append(line)
            continue
        if row:
            yield row
        row = [line]
    if row:
        yield row


def _is_folded(line: str) -> bool:
    first, second, *_ = [*(cell.strip() for cell in line.strip(ROW).split(ROW)), ""]
    return not first or not second


def _words(row: Sequence[str]) -> str:
    """Return a row's text, with the lines of a folded cell joined."""
    cells = zip(*([cell.strip() for cell in line.strip(ROW).split(ROW)] for line in row), strict=True)
    return " | ".join(" ".join(filter(None, cell)) for cell in cells)


def _more_rows(count: int) -> list[str]:
    return [f"{ROW} … {count} more {'rows' if count > 1 else 'row'}"] if count else []


def _left_out(count: int) -> list[str]:
    return [f"… {count} more lines"] if count else []


def _quoted(argument: str) -> str:
    return f'"{argument}"' if " " in argument or not argument else argument
