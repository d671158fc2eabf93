"""A saved plan cannot be changed, extended or combined from others without the key of the installation; lines may be removed."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.unit.domain.test_plans import bill, create
from worker.domain.plans import VERSION, Action, Plan, PlanLine, Requests, edited_lines, has_signed_head, signed
from worker.domain.work import RunKind

KEY, OTHER_KEY = "a" * 64, "b" * 64
LINES = (create(), bill("invoice:1:7", "code:1:2", rows=(("27-001-05-120.S", "100.00", "Steel"),)))


def plan(*lines: PlanLine, made_at: str = "2026-05-04T09:00:00+00:00") -> Plan:
    return Plan(VERSION, RunKind.EXPORT, 5, "tst", made_at, Requests(4, 9), Requests(3, 5), lines)


def through_a_file(saved_plan: Plan) -> Plan:
    return TypeAdapter(Plan).validate_python(json.loads(json.dumps(asdict(saved_plan))))


def is_as_saved(saved_plan: Plan, key: str = KEY) -> bool:
    return has_signed_head(saved_plan, key) and not edited_lines(saved_plan, key)


SAVED = signed(plan(*LINES), KEY)


def test_a_plan_that_was_saved_and_read_back_is_unchanged() -> None:
    read_back = through_a_file(SAVED)
    assert read_back == SAVED
    assert is_as_saved(read_back)
    assert (len(SAVED.id), SAVED.line_count) == (12, 2)


def test_other_keys_need_another_version_of_the_format() -> None:
    """Other programs read saved plans."""
    saved = json.loads(json.dumps(asdict(SAVED)))
    line = (
        "key project record action name remote_id reason cause owner next_step data needs requests waits_for signature"
    )
    head = "version kind company_id account made_at requests dry_run_requests lines id line_count signature"
    assert (VERSION, " ".join(saved), " ".join(saved["lines"][0])) == (4, head, line)
    assert list(Action) == ["create", "bill", "adopt", "already", "skip", "blocked", "pending"]


@pytest.mark.parametrize("lines", [LINES[:1], LINES[1:], (), tuple(reversed(LINES))])
def test_lines_may_be_removed(lines: tuple[PlanLine, ...]) -> None:
    kept = {line.key: line for line in SAVED.lines}
    assert is_as_saved(through_a_file(replace(SAVED, lines=tuple(kept[line.key] for line in lines))))


CHANGES: dict[str, Any] = {
    "action": Action.ADOPT, "data": {"total": "91.00"}, "needs": (), "requests": Requests(9, 9), "signature": "0" * 32,
}  # fmt: skip


@pytest.mark.parametrize("field", [field.name for field in fields(PlanLine)])
def test_no_field_of_a_line_can_be_changed(field: str) -> None:
    first, second = SAVED.lines
    edited = replace(second, **{field: CHANGES.get(field, "24-999 Approved Project")})
    assert edited_lines(replace(SAVED, lines=(first, edited)), KEY) == [edited]


@pytest.mark.parametrize("field", [field.name for field in fields(Plan) if field.name != "lines"])
def test_no_field_of_the_head_can_be_changed(field: str) -> None:
    changes: dict[str, Any] = {"version": 5, "company_id": 6, "kind": RunKind.SCAN, "line_count": 1} | dict.fromkeys(
        ("requests", "dry_run_requests"), Requests()
    )
    assert not has_signed_head(replace(SAVED, **{field: changes.get(field, "x")}), KEY)


def test_a_line_of_another_plan_cannot_be_added() -> None:
    other_plan = signed(plan(*LINES, made_at="2026-05-05T09:00:00+00:00"), KEY)
    added = replace(SAVED, lines=(*SAVED.lines[:1], *other_plan.lines[1:]))
    assert edited_lines(added, KEY) == [other_plan.lines[1]]


def test_only_the_installation_can_sign() -> None:
    forged = signed(plan(*LINES), OTHER_KEY)
    assert not has_signed_head(forged, KEY)
    assert len(edited_lines(forged, KEY)) == 2
    assert not has_signed_head(SAVED, "")


def test_plans_with_other_content_have_other_ids() -> None:
    ids = {signed(one, KEY).id for one in (plan(*LINES), plan(*LINES[:1]), plan(*LINES, made_at="2026"), plan())}
    assert len(ids) == 4
    assert signed(plan(*LINES), OTHER_KEY).id == SAVED.id, (
        "the id depends on the content, and only the signatures on the key"
    )
