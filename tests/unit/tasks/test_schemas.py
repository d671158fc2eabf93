"""The published schemas stand in docs/messages/, are those of the code, and can only grow by optional arguments."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from config.names import TaskName
from tasks import schemas as schemas_module
from tasks.schemas import breaking_changes, publish, published, schemas

Change = Callable[[dict[str, Any]], None]

SCHEMA = schemas()["wbs.scan_projects"]


def changed(change: Change) -> dict[str, Any]:
    after = copy.deepcopy(SCHEMA)
    change(after)
    return after


@pytest.mark.parametrize("task", TaskName)
def test_nothing_that_other_apps_send_today_is_refused_or_read_differently(task: TaskName) -> None:
    assert breaking_changes(published()[task.value], schemas()[task.value]) == []


def test_what_is_published_is_what_the_code_takes() -> None:
    assert published() == schemas(), "write them anew: python -m tasks.schemas"


@pytest.mark.parametrize("task", TaskName)
def test_every_schema_is_a_schema(task: TaskName) -> None:
    jsonschema.Draft202012Validator.check_schema(published()[task.value])


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
    ("change", "told"),
    [
        (drop, "project_ids is gone"),
        (rename, "project_ids is gone"),
        (narrow, "trigger has changed"),
        (retype, "project_ids has changed"),
        (require_old, "trigger is newly required"),
        (require_new, "company_id is newly required"),
    ],
)
def test_a_change_that_breaks_what_other_apps_send_is_told(change: Change, told: str) -> None:
    assert breaking_changes(SCHEMA, changed(change)) == [told]


def add_optional(after: dict[str, Any]) -> None:
    after["properties"]["dry_run"] = {"type": "boolean", "default": False}


def reword(after: dict[str, Any]) -> None:
    after["properties"]["trigger"]["description"] = "better said"
    after["properties"]["project_ids"]["items"]["description"] = "better said"
    after["description"] = "better said"


@pytest.mark.parametrize("change", [add_optional, reword])
def test_a_change_that_breaks_nothing_is_let_through(change: Change) -> None:
    assert breaking_changes(SCHEMA, changed(change)) == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(schemas_module, "FOLDER", tmp_path / "messages")
    return tmp_path / "messages"


def test_schemas_are_published_one_file_per_task_and_stay_when_published_again(folder: Path) -> None:
    assert publish() == []
    first = {path.name: path.read_text() for path in folder.iterdir()}
    assert set(first) == {f"{task.value}.json" for task in TaskName}
    assert publish() == []
    assert {path.name: path.read_text() for path in folder.iterdir()} == first


def test_a_breaking_change_is_not_published_and_nothing_is_written(folder: Path) -> None:
    publish()
    stands = folder / "ledger.resume.json"
    stands.write_text(json.dumps({"properties": {"since": {"type": "integer"}}}))
    (folder / "wbs.old_task.json").write_text("{}")
    assert publish() == [
        "wbs.old_task is gone.",
        "ledger.resume: since is gone; give the changed task a new name.",
    ]
    assert json.loads(stands.read_text()) == {"properties": {"since": {"type": "integer"}}}
