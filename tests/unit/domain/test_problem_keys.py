"""Keys of problems: what each is about, and which work resolves it."""

from __future__ import annotations

import pytest

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import (
    Subject,
    finding_of,
    of_finding,
    of_project,
    of_scope,
    record_of,
    scope_of_problem,
    subject_of,
    work_behind,
)


@pytest.mark.parametrize(
    ("key", "subject", "work"),
    [
        ("code:17:901", Subject("code", 17), ["code:17:901"]),
        ("invoice:17:417", Subject("invoice", 17), ["invoice:17:417"]),
        ("scan:17", Subject("scan", 17), ["scan:17"]),
        ("scan:all", Subject("scan", None), ["scan:all"]),
        ("reconcile:all", Subject("reconcile", None), ["reconcile:all"]),
        ("project:17", Subject("project", 17), ["scan:17"]),
        ("project:17:budget", Subject("project", 17, "budget"), ["scan:17"]),
        ("project:17:commitments", Subject("project", 17, "commitments"), ["exports:17"]),
        ("project:17:commitment_rows", Subject("project", 17, "commitment_rows"), ["exports:17"]),
        ("remote:netsuite", Subject("remote", None), []),
        ("remote:netsuite:item:create", Subject("remote", None), []),
        ("verify:item_missing:code:17:901", Subject("code", 17), []),
        ("verify:project_renumbered:project:17", Subject("project", 17), []),
        ("series:items", Subject("series", None), []),
        ("adopted_items", Subject("adopted_items", None), []),
        ("", Subject("", None), []),
    ],
)
def test_each_key_has_its_subject_and_the_work_that_resolves_it(key: str, subject: Subject, work: list[str]) -> None:
    assert subject_of(key) == subject
    assert list(work_behind(key)) == work


@pytest.mark.parametrize(
    ("key", "record"),
    [
        ("code:17:901", CodeKey(17, 901)),
        ("invoice:17:417", InvoiceKey(17, 417)),
        ("scan:17", None),
        ("project:17:budget", None),
        ("verify:item_missing:code:17:901", None),
        ("code:17", None),
        ("code:x:1", None),
        ("merge:17:901", None),
    ],
)
def test_only_the_key_of_a_code_or_an_invoice_has_a_record(key: str, record: CodeKey | InvoiceKey | None) -> None:
    assert record_of(key) == record


def test_a_key_that_was_built_can_be_parsed() -> None:
    assert subject_of(of_project(17, "row")) == Subject("project", 17, "row")
    assert scope_of_problem(of_scope("netsuite:item:create")) == "netsuite:item:create"
    assert scope_of_problem("code:17:901") == ""
    assert finding_of(of_finding("item_missing", "code:17:901")) == ("item_missing", "code:17:901")
    assert finding_of("code:17:901") == ("", "code:17:901")
