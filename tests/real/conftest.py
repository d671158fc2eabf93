"""Installations for the tests of this folder; what their processes said is shown when a test fails."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.real.site import Site

LAST_LINES = 60


class OpenSite(Protocol):
    """Makes an installation that ends with the test."""

    def __call__(self, **options: Any) -> Site:
        """As `Site.open`, in a folder of its own."""
        ...


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[OpenSite]:
    """Opens installations for one test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Site.open(tmp_path, **options))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """The last lines of every process's log, beneath the failure."""
    report = yield
    if report.failed:
        for site in Site.open_sites:
            for program in site.programs:
                lines = program.log.splitlines()[-LAST_LINES:]
                report.sections.append((f"{program.name} in {site.folder}", "\n".join(lines)))
    return report
