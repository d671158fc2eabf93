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
    """As the page on architecture says: lock, ledger, slot, intent, request, record, end of the work."""
    entered_files = list(walk_of_a_code(office)[-1].files)
    expected_order = ["engine/runner.py", "store/locks.py", "sync/item_writer.py", "engine/exactly_once.py", "clients/netsuite/api.py",
             "store/gate.py", "clients/http.py", "engine/settlement.py"]  # fmt: skip
    assert [
        file.removeprefix("worker/") for file in entered_files if file.removeprefix("worker/") in expected_order
    ] == expected_order
