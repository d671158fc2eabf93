"""In a full run over the seeded company with its awkward cases, every error of a remote is in the error tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.clients.netsuite import api as netsuite
from worker.clients.procore import api as procore
from worker.domain.errors import SyncError, UnexpectedAnswer
from worker.domain.problems import Cause, ProblemClass

pytestmark = pytest.mark.real

CODE = "05-120.S"
UNMAPPED = {Cause.ITEM_REJECTED, Cause.BILL_REJECTED, Cause.WRITE_BACK_REJECTED, Cause.RETRIES_EXHAUSTED}
"""Causes that cover any message of a remote, in addition to those that say themselves that the reason is unknown."""


@pytest.fixture
def errors(monkeypatch: pytest.MonkeyPatch) -> list[SyncError]:
    """Collect every error that the tables made of a response, before any code catches it."""
    made: list[SyncError] = []

    def listening(error_of: Callable[..., SyncError | None]) -> Callable[..., SyncError | None]:
        def listened(*arguments: Any, **named: Any) -> SyncError | None:
            error = error_of(*arguments, **named)
            made.extend([error] if error else [])
            return error

        return listened

    for client in (netsuite, procore):
        monkeypatch.setattr(client, "error_of", listening(client.error_of))
    return made


def unknown(errors: list[SyncError]) -> list[str]:
    return [
        str(error)
        for error in errors
        if isinstance(error, UnexpectedAnswer) or getattr(error, "cause", None) is Cause.UNEXPECTED
    ]


def test_a_full_run_finds_no_unknown_error(open_office: OpenInstallation, errors: list[SyncError]) -> None:
    office = open_office()
    office.scan()
    office.export_all()
    assert errors, "the seeded company causes some errors"
    assert unknown(errors) == []
    problems = office.container.overview.problems()
    assert len(problems) > 20
    assert [row["sentence"] for row in problems if row["class"] == ProblemClass.UNKNOWN] == []
    assert [row["sentence"] for row in problems if row["cause"] in UNMAPPED] == []


def new_project(office: Installation) -> Project:
    return office.new_project("31-800", [CODE])


@pytest.mark.parametrize("remote", ["netsuite", "procore"])
def test_an_unknown_error_is_noticed(office: Installation, errors: list[SyncError], remote: str) -> None:
    path = ITEM_PATH if remote == "netsuite" else "/budget_line_items"
    office.stage.faults(remote, [{"kind": "error_before", "path": path, "value": 400}])
    office.scan(new_project(office).id)
    assert unknown(errors)
