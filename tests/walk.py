"""The way of one WBS code and of one invoice through the product, traced: `uv run python -m tests.walk [--json]`.

Both simulators answer over HTTP and the ledger is on a real server. Of each step it shows the files in the order in which they are entered
first, how often each is entered, and the functions that run in it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests.kit import books
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import Lane
from worker.local.embedded import EmbeddedServer

ROOT = Path(__file__).parents[1]
PRODUCT = tuple(f"{ROOT / name}/" for name in ("worker", "tasks", "config"))


@dataclass
class Step:
    """What ran in one step. `functions`: (file, function), in the order of the first call; `entries`: how often each file was entered."""

    name: str
    functions: dict[tuple[str, str], None] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    calls: int = 0

    def note(self, file: str, function: str, before: str) -> None:
        """Record a call of a function. `before`: the file of the previous call."""
        self.functions[file, function] = None
        self.entries[file] = self.entries.get(file, 0) + (file != before)
        self.calls += 1

    @property
    def files(self) -> dict[str, list[str]]:
        """The functions by file, in the order of the first entry."""
        files: dict[str, list[str]] = {}
        for file, function in self.functions:
            files.setdefault(file, []).append(function)
        return files


@contextmanager
def traced(name: str, steps: list[Step]) -> Iterator[None]:
    """Trace the calls of the product's functions in all threads until the end of the block, as one more of `steps`."""
    step, last = Step(name), ""

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal last
        if event == "call" and frame.f_code.co_filename.startswith(PRODUCT):
            file = str(Path(frame.f_code.co_filename).relative_to(ROOT))
            step.note(file, frame.f_code.co_name, last)
            last = file

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)
        steps.append(step)


def first_scan(office: Installation) -> None:
    """Scan another project first: the way is that of every day, without the first logins."""
    office.scan(office.new_project("31-400", ["05-100.S"]).id)
    office.settle()


def walk_of_a_code(office: Installation) -> list[Step]:
    """Scan a project with one new code: the request, the scan, and the Item that is created."""
    steps: list[Step] = []
    first_scan(office)
    project = office.new_project("31-500", ["05-120.S"])
    with traced("the scan is requested", steps):
        office.container.start_scan("walk", [project.id])
    names = iter(("the project is scanned", "the Item is created"))
    while given := office.container.dispatch.next(Lane):
        for key in given:
            with traced(next(names), steps):
                office.container.work_on(key)
    assert [item.itemid for item in office.netsuite.items_named("31-500-05-120.S")] == ["31-500-05-120.S"]
    return steps


def walk_of_an_invoice(office: Installation) -> list[Step]:
    """Export one approved invoice whose Items are missing, in one attempt."""
    first_scan(office)
    for invoice in books.invoices(office.stage):
        steps: list[Step] = []
        with traced("the invoice is exported", steps):
            outcome = office.export(invoice)
        if outcome.kind is OutcomeKind.CREATED:
            return steps
        office.settle()
    raise AssertionError("no invoice of the company can be billed")


def files_of(steps: list[Step]) -> int:
    """Return how many files these steps enter, each counted once."""
    return len({file for step in steps for file in step.files})


def lines(steps: list[Step]) -> Iterator[str]:
    """Yield the steps as lines of text."""
    for step in steps:
        yield f"{step.name}: {len(step.files)} files, {step.calls} calls, {sum(step.entries.values())} changes of file"
        yield from (f"  {step.entries[file]:4}  {file}: {', '.join(names)}" for file, names in step.files.items())
    yield f"in all: {files_of(steps)} files"


def main() -> None:
    """Trace both, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.walk")
    parser.add_argument("--json", action="store_true")
    as_json = parser.parse_args().json
    walks: dict[str, list[Step]] = {}
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer.start(Path(folder) / "redis") as server:
        for name, walk in (("code", walk_of_a_code), ("invoice", walk_of_an_invoice)):
            office = Installation.open(Path(folder) / name, server.url)
            try:
                walks[name] = walk(office)
            finally:
                office.close()
    shown: dict[str, Any] = {
        name: [{"step": step.name, "calls": step.calls, "entries": step.entries} for step in steps]
        for name, steps in walks.items()
    }
    text = json.dumps(shown, indent=2) if as_json else "\n\n".join("\n".join(lines(steps)) for steps in walks.values())
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
