"""Installations for the tests of this folder; a failure shows the last output of their processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.kit.site import Site

LAST_LINES = 60


class OpenSite(Protocol):
    """Opens an installation that ends with the test."""

    def __call__(self, **options: Any) -> Site:
        """Open an installation as `Site.open` does, in a separate folder."""
        ...


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[OpenSite]:
    """Open installations for one test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Site.open(tmp_path, **options))


@pytest.fixture
def shifted_clock(tmp_path: Path) -> Callable[[int], dict[str, str]]:
    """Return the environment of a process whose wall clock is this many seconds ahead; skip the test if nothing can compile that."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        pytest.skip("no C compiler for a process with a clock of its own")
    library = tmp_path / "clock_shift.so"
    source = Path(__file__).with_name("clock_shift.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return lambda seconds: {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(seconds)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Append the last lines of every process's log to a failure."""
    report = yield
    if report.failed:
        for site in Site.open_sites:
            for program in site.programs:
                lines = program.log.splitlines()[-LAST_LINES:]
                report.sections.append((f"{program.name} in {site.folder}", "\n".join(lines)))
    return report
