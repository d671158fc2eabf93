"""Fault rules apply to the requests that they name, in an order that only the seed determines; the journal keeps all in order."""

from __future__ import annotations

import pytest

from simulators.common.faults import FaultPlan
from simulators.common.journal import Journal
from simulators.common.meter import template_of


def struck(plan: FaultPlan, requests: int, path: str = "/x?") -> list[bool]:
    return [plan.strike("POST", path) is not None for _ in range(requests)]


def test_a_seed_determines_which_requests_fail() -> None:
    rule = {"kind": "cut_after", "probability": 0.3}
    first, same_seed, other_seed = FaultPlan(), FaultPlan(), FaultPlan()
    first.replace([rule], seed=7)
    same_seed.replace([rule], seed=7)
    other_seed.replace([rule], seed=8)
    hits = struck(first, 200)
    assert hits == struck(same_seed, 200)
    assert hits != struck(other_seed, 200)
    assert 30 < sum(hits) < 90


def test_a_rule_hits_the_same_requests_whatever_other_rules_exist() -> None:
    rule = {"kind": "html", "path": "/b", "probability": 0.5}
    alone, with_others = FaultPlan(), FaultPlan()
    alone.replace([{"kind": "latency", "path": "/never"}, rule], seed=3)
    with_others.replace([{"kind": "latency", "path": "/a", "probability": 0.5}, rule], seed=3)
    expected = struck(alone, 50, "/b?")
    seen = []
    for _ in range(50):
        with_others.strike("GET", "/a?")
        seen.append(with_others.strike("GET", "/b?") is not None)
    assert seen == expected


def test_skip_and_times_count_matching_requests_only() -> None:
    plan = FaultPlan()
    plan.replace([{"kind": "empty", "method": "POST", "path": r"vendorBill\?$", "skip": 1, "times": 2}])
    assert plan.strike("GET", "/vendorBill?") is None
    assert plan.strike("POST", "/vendorBill?fields=id") is None
    assert struck(plan, 5, "/vendorBill?") == [False, True, True, False, False]
    assert plan.as_json()["rules"][0]["struck"] == 2


@pytest.mark.parametrize("rule", [{"kind": "nonsense"}, {"kind": "html", "colour": "red"}, {}])
def test_a_rule_that_makes_no_sense_is_refused_and_the_old_rules_stay(rule: dict[str, str]) -> None:
    plan = FaultPlan()
    plan.replace([{"kind": "empty"}])
    with pytest.raises(ValueError, match=r"unknown kind|no field"):
        plan.replace([{"kind": "html"}, rule])
    assert [each["kind"] for each in plan.as_json()["rules"]] == ["empty"]


def test_the_journal_continues_its_numbers_after_it_was_cleared() -> None:
    journal = Journal()
    for _ in range(3):
        journal.add(method="GET")
    journal.clear()
    journal.add(write="create")
    journal.add(method="PUT")
    assert [entry["n"] for entry in journal.entries()] == [4, 5]
    assert [entry["n"] for entry in journal.entries(since=4)] == [5]
    assert [entry["n"] for entry in journal.entries(since=2)] == [4, 5]
    assert [entry["n"] for entry in journal.requests()] == [5]
    assert [entry["n"] for entry in journal.writes()] == [4]


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/rest/v1.0/projects/12/wbs", "/rest/v1.0/projects/{id}/wbs"),
        ("/services/rest/record/v1/vendorBill/eid:pcr-bill-1-2", "/services/rest/record/v1/vendorBill/eid:{ext}"),
        ("/services/rest/record/v1/vendorBill/88", "/services/rest/record/v1/vendorBill/{id}"),
    ],
)
def test_requests_are_counted_by_path_without_ids(path: str, template: str) -> None:
    assert template_of(path) == template
