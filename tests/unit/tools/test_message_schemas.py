"""The schemas in docs/messages/ are those of the code and can only grow: arguments by optional ones, results by keys."""

from __future__ import annotations

import ast
import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import tasks
from config.names import TaskName
from tasks.results import RESULTS, bill_ended, ended, item_ended
from tools import message_schemas
from tools.message_schemas import (
    FOLDER,
    breaking_changes,
    breaking_result_changes,
    publish,
    published,
    result_schemas,
    schemas,
)
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause

Change = Callable[[dict[str, Any]], None]

SCHEMA = schemas()["wbs.scan_projects"]
RESULT = result_schemas()["invoices.export"]
SERIES = result_schemas()["wbs.create_items"]
RESULTS_FOLDER = FOLDER / "results"


def changed(change: Change, schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    after = copy.deepcopy(schema)
    change(after)
    return after


@pytest.mark.parametrize("task", TaskName)
def test_messages_of_today_stay_valid(task: TaskName) -> None:
    assert breaking_changes(published()[task.value], schemas()[task.value]) == []


@pytest.mark.parametrize("task", RESULTS)
def test_results_of_today_stay_readable(task: TaskName) -> None:
    before = published(RESULTS_FOLDER)[task.value]
    assert breaking_result_changes(before, result_schemas()[task.value]) == []


def test_published_schemas_are_those_of_the_code() -> None:
    assert published() == schemas(), "run `make docs`"
    assert published(RESULTS_FOLDER) == result_schemas(), "run `make docs`"


def test_every_task_but_ledger_resume_publishes_its_result() -> None:
    assert {task.value for task in TaskName} - set(result_schemas()) == {"ledger.resume"}


@pytest.mark.parametrize("schema", [*schemas().values(), *result_schemas().values()])
def test_every_schema_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_task_returns_the_type_of_its_published_result() -> None:
    """mypy checks each task against its annotation; this compares the annotation with the published type."""
    named = {}
    for path in (Path(str(tasks.__file__)).parent / name for name in ("wbs.py", "invoices.py", "ledger.py")):
        for function in ast.parse(path.read_text()).body:
            if isinstance(function, ast.FunctionDef) and isinstance(call := function.decorator_list[0], ast.Call):
                names = {word.arg: ast.unparse(word.value) for word in call.keywords}
                task = TaskName[names["name"].split(".")[1]]
                if "ignore_result" not in names:
                    assert function.returns, task
                    named[task] = ast.unparse(function.returns)
    assert named == {task: kind.__name__ if isinstance(kind, type) else "Series" for task, kind in RESULTS.items()}


@pytest.mark.parametrize(
    ("task", "given"),
    [("wbs.create_item", item_ended), ("invoices.export", bill_ended), ("invoices.create_bill", bill_ended)],
)
@pytest.mark.parametrize("kind", OutcomeKind)
def test_all_keys_of_an_outcome_are_published(task: str, given: Callable[[Outcome], Any], kind: OutcomeKind) -> None:
    schema = result_schemas()[task] | {"additionalProperties": False}
    jsonschema.validate(given(Outcome(kind, "24-017-01.S", "5871", "no", Cause.PERIOD_CLOSED)), schema)
    jsonschema.validate(given(Outcome(kind)), schema)


def test_all_keys_of_the_outcome_of_a_step_are_published() -> None:
    schema = result_schemas()["wbs.scan_project"] | {"additionalProperties": False}
    outcome = Outcome(OutcomeKind.BLOCKED, reason="no", cause=Cause.PROJECT_NOT_READABLE)
    jsonschema.validate(ended(outcome, noun="project"), schema)


def drop(after: dict[str, Any]) -> None:
    del after["properties"]["project_ids"]


def rename(after: dict[str, Any]) -> None:
    after["properties"]["projects"] = after["properties"].pop("project_ids")


def narrow(after: dict[str, Any]) -> None:
    after["properties"]["trigger"]["maxLength"] = 10


def retype(after: dict[str, Any]) -> None:
    after["properties"]["project_ids"]["items"]["type"] = "string"


def require_old(after: dict[str, Any]) -> None:
    after["required"] = ["trigger"]


def require_new(after: dict[str, Any]) -> None:
    after["properties"]["company_id"] = {"type": "integer"}
    after["required"] = ["company_id"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop, "project_ids is removed"),
        (rename, "project_ids is removed"),
        (narrow, "trigger has changed"),
        (retype, "project_ids has changed"),
        (require_old, "trigger is newly required"),
        (require_new, "company_id is newly required"),
    ],
)
def test_a_change_that_breaks_messages_is_reported(change: Change, sentence: str) -> None:
    assert breaking_changes(SCHEMA, changed(change)) == [sentence]


def test_a_task_that_moves_to_another_queue_is_reported() -> None:
    assert breaking_changes(SCHEMA, changed(lambda after: after.update({"x-queue": "items"}))) == [
        "the queue has changed"
    ]


def lose(after: dict[str, Any]) -> None:
    del after["properties"]["bill_id"]


def call_otherwise(after: dict[str, Any]) -> None:
    after["properties"]["number"] = after["properties"].pop("bill")


def leave_out(after: dict[str, Any]) -> None:
    after["required"] = []


def never_say(after: dict[str, Any]) -> None:
    after["properties"]["outcome"]["enum"].remove("adopted")


def say_anything(after: dict[str, Any]) -> None:
    del after["properties"]["cause"]["enum"]


def number(after: dict[str, Any]) -> None:
    after["properties"]["bill_id"]["type"] = "integer"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lose, "bill_id is removed"),
        (call_otherwise, "bill is removed"),
        (leave_out, "outcome is no longer always present"),
        (never_say, "outcome is no longer adopted"),
        (number, "bill_id has changed"),
    ],
)
def test_a_change_that_removes_a_result_field_is_reported(change: Change, sentence: str) -> None:
    assert breaking_result_changes(RESULT, changed(change, RESULT)) == [sentence]


def test_a_list_of_values_that_becomes_any_text_is_reported() -> None:
    assert breaking_result_changes(RESULT, changed(say_anything, RESULT))[-1] == "cause has changed"


def test_counts_of_a_result_are_compared() -> None:
    fewer = changed(lambda after: after["propertyNames"]["enum"].remove("created"), SERIES)
    changed_type = changed(lambda after: after["additionalProperties"].update(type="string"), SERIES)
    assert breaking_result_changes(SERIES, fewer) == ["each key is no longer created"]
    assert breaking_result_changes(SERIES, changed_type) == ["each value has changed"]


def say_more(after: dict[str, Any]) -> None:
    after["properties"]["bill_url"] = {"type": "string"}
    after["properties"]["cause"]["enum"].append("a_new_cause")
    after["properties"]["bill"]["description"] = "better said"
    after["required"] = [*after["required"], "bill_url"]


def test_a_result_may_grow() -> None:
    assert breaking_result_changes(RESULT, changed(say_more, RESULT)) == []


def add_optional(after: dict[str, Any]) -> None:
    after["properties"]["dry_run"] = {"type": "boolean", "default": False}


def reword(after: dict[str, Any]) -> None:
    after["properties"]["trigger"]["description"] = "better said"
    after["properties"]["project_ids"]["items"]["description"] = "better said"
    after["description"] = "better said"


@pytest.mark.parametrize("change", [add_optional, reword])
def test_a_change_that_breaks_nothing_is_accepted(change: Change) -> None:
    assert breaking_changes(SCHEMA, changed(change)) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(message_schemas, "FOLDER", tmp_path / "messages")
    return tmp_path / "messages"


def files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.json")}


def test_publishing_writes_one_file_per_task_and_is_repeatable(folder: Path) -> None:
    assert publish() == []
    first = files(folder)
    results = {f"results/{task.value}.json" for task in RESULTS}
    assert set(first) == {f"{task.value}.json" for task in TaskName} | results
    assert publish() == []
    assert files(folder) == first


def test_a_breaking_change_publishes_nothing(folder: Path) -> None:
    publish()
    (folder / "ledger.resume.json").write_text(json.dumps({"properties": {"since": {"type": "integer"}}}))
    (folder / "wbs.old_task.json").write_text("{}")
    reconciled = folder / "results" / "ledger.reconcile.json"
    result = json.loads(reconciled.read_text())
    result["properties"]["seconds"] = {"type": "number"}
    reconciled.write_text(json.dumps(result))
    before = files(folder)
    assert publish() == [
        "ledger.resume: since is removed; give the changed task a new name.",
        "wbs.old_task is removed.",
        "ledger.reconcile, its result: seconds is removed; give the changed task a new name.",
    ]
    assert files(folder) == before
