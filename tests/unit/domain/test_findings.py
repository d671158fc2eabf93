"""Findings: each kind is a problem with an owner and a next step, unless it is mild, and is described in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.domain.findings import Finding, Verified
from worker.domain.problems import Cause, FindingKind

DOCS = Path(__file__).parents[3] / "docs" / "verify.md"
SERIOUS = [kind for kind in FindingKind if not kind.is_information]


def finding(kind: FindingKind) -> Finding:
    return Finding(kind, "code:17:901", "Code 01-100.S of project 24-017 Riverside has no Item.", "01-100.S")


@pytest.mark.parametrize("kind", SERIOUS)
def test_a_finding_is_a_problem_with_the_same_sentence(kind: FindingKind) -> None:
    problem = finding(kind).problem
    assert problem is not None
    assert problem.cause == f"drift_{kind}"
    assert problem.sentence == "Code 01-100.S of project 24-017 Riverside has no Item."


def test_each_kind_has_its_own_next_step() -> None:
    steps = {kind: problem.next_step for kind in SERIOUS if (problem := finding(kind).problem)}
    assert len(set(steps.values())) == len(SERIOUS)


def test_every_cause_of_drift_is_that_of_a_kind() -> None:
    assert {cause for cause in Cause if cause.startswith("drift_")} == {f"drift_{kind}" for kind in SERIOUS}


MILD = [FindingKind.DISPLAY_NAME_CHANGED, FindingKind.INVOICE_DECISION, FindingKind.INVOICES_UNREADABLE]


def test_a_difference_without_a_fix_is_for_information_only() -> None:
    assert [kind for kind in FindingKind if kind.is_information] == MILD
    assert all(finding(kind).problem is None for kind in MILD)


def test_findings_and_information_are_separate() -> None:
    verified = Verified()
    verified.find(*(finding(kind) for kind in FindingKind))
    assert [one.kind for one in verified.findings] == SERIOUS
    assert [one.kind for one in verified.information] == MILD


@pytest.mark.parametrize("kind", FindingKind)
def test_the_document_lists_each_kind_with_its_owner(kind: FindingKind) -> None:
    (row,) = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith(f"| `{kind}` |")]
    problem = finding(kind).problem
    assert problem is None or row.split("|")[3].strip() == problem.owner
