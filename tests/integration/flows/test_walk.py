"""The way of a WBS code and of an invoice through the product does not grow (docs/decisions/0046-length-of-the-way.md)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.installation import Installation
from tests.walk import Step, files_of, walk_of_a_code, walk_of_an_invoice

Walk = Callable[[Installation], list[Step]]


@pytest.mark.parametrize(("walk", "most", "in_last_step"), [(walk_of_a_code, 57, 37), (walk_of_an_invoice, 79, 79)])
def test_the_way_of_a_record_enters_no_more_files_than_allowed(
    office: Installation, walk: Walk, most: int, in_last_step: int
) -> None:
    steps = walk(office)
    assert files_of(steps) <= most
    assert len(steps[-1].files) <= in_last_step


def test_the_one_writer_records_the_intent_before_the_request(office: Installation) -> None:
    """The order in which the page on architecture describes the creation of an Item."""
    called = [f"{file.removeprefix('worker/')} {name}" for file, name in walk_of_a_code(office)[-1].functions]
    story = [
        "engine/runner.py run",
        "store/locks.py hold",
        "engine/exactly_once.py make",
        "store/gate.py slot",
        "store/ledger.py intend",
        "clients/http.py send",
        "store/ledger.py write_created",
        "engine/settlement.py settle",
    ]
    assert [name for name in called if name in story] == story
