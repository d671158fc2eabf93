"""The sentence with the counts of a run."""

from __future__ import annotations

import pytest

from worker.inspect.overview import run_counts


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "nothing to do"),
        ({"projects": 12, "invoices": 0, "created": 0}, "nothing to do"),
        ({"blocked": 18, "created": 1_102}, "1,102 created, 18 blocked"),
        ({"created": 50, "items": 262}, "50 created; 262 Items for them"),
        ({"created": 1, "items": 1, "projects_blocked": 1}, "1 created; 1 Item for them; 1 project not readable"),
        ({"projects_blocked": 2}, "2 projects not readable"),
    ],
)
def test_the_counts_of_a_run_are_one_sentence(counts: dict[str, int], sentence: str) -> None:
    assert run_counts(counts) == sentence
