"""Messages: published arguments are accepted, others are refused by name, and no refusal repeats a value."""

from __future__ import annotations

import pickle
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.names import QUEUE_OF_TASK, TaskName
from tasks.messages import MESSAGES, InvalidMessage, read
from tools.message_schemas import schemas
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import (
    EXPORTS_OF_ALL,
    RECONCILE_ALL,
    SCAN_OF_ALL,
    Lane,
    WorkKey,
    WorkKind,
    exports_of,
    resolution_of,
    scan_of,
)

IDS = st.integers(1, 2**63 - 1)
RIGHT: dict[TaskName, dict[str, Any]] = {
    TaskName.SCAN_PROJECTS: {"trigger": "nightly job", "project_ids": [17, 18]},
    TaskName.SCAN_PROJECT: {"project_id": 17},
    TaskName.PLAN_CODES: {"project_id": 17},
    TaskName.CREATE_ITEM: {"project_id": 17, "wbs_code_id": 901},
    TaskName.CREATE_ITEMS: {"project_id": 17, "wbs_code_id": 901},
    TaskName.EXPORT_APPROVED: {"trigger": "nightly job"},
    TaskName.EXPORT_PROJECT: {"project_id": 17},
    TaskName.EXPORT: {"project_id": 17, "invoice_id": 417},
    TaskName.MAKE_ITEMS: {"project_id": 17, "invoice_id": 417, "wbs_code_ids": [901]},
    TaskName.CREATE_BILL: {"project_id": 17, "invoice_id": 417},
    TaskName.RESUME: {},
    TaskName.RECONCILE: {},
}


def test_every_task_has_its_message_and_its_example_here() -> None:
    assert set(MESSAGES) == set(RIGHT) == set(TaskName)


@pytest.mark.parametrize("task", TaskName)
def test_published_messages_are_accepted(task: TaskName) -> None:
    message = read(MESSAGES[task], RIGHT[task])
    assert message.model_dump(mode="json") == RIGHT[task]


@pytest.mark.parametrize("task", TaskName)
def test_keys_of_a_newer_producer_are_ignored(task: TaskName) -> None:
    extra = {"asked_by": "portal", "priority": {"level": 1}}
    assert read(MESSAGES[task], RIGHT[task] | extra) == read(MESSAGES[task], RIGHT[task])


@pytest.mark.parametrize("task", TaskName)
def test_arguments_with_a_default_may_be_omitted(task: TaskName) -> None:
    required = schemas()[task.value].get("required", [])
    least = {name: value for name, value in RIGHT[task].items() if name in required}
    assert read(MESSAGES[task], least).model_dump(mode="json").items() >= least.items()


WRONG_IDS = ["17", "sesame", None, True, 17.5, 0, -17, 2**63, [17], {"id": 17}]
IDS_OF_TASKS = [(task, name) for task in TaskName for name in RIGHT[task] if name.endswith("_id")]


@pytest.mark.parametrize(("task", "name"), IDS_OF_TASKS)
@pytest.mark.parametrize("value", WRONG_IDS)
def test_an_invalid_id_is_refused_by_name_and_not_repeated(task: TaskName, name: str, value: Any) -> None:
    arguments = RIGHT[task] | {name: value}
    with pytest.raises(InvalidMessage, match=f"^{name}: ") as caught:
        read(MESSAGES[task], arguments)
    assert "sesame" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(("task", "name"), IDS_OF_TASKS)
def test_an_id_that_is_missing_is_named(task: TaskName, name: str) -> None:
    missing = {key: value for key, value in RIGHT[task].items() if key != name}
    with pytest.raises(InvalidMessage, match=f"{name}: Field required"):
        read(MESSAGES[task], missing)


@pytest.mark.parametrize(
    ("task", "changes", "beginning"),
    [
        (TaskName.SCAN_PROJECTS, {"project_ids": "17"}, "project_ids: "),
        (TaskName.SCAN_PROJECTS, {"project_ids": [17, "x"]}, "project_ids.1: "),
        (TaskName.SCAN_PROJECTS, {"project_ids": [1] * 10_001}, "project_ids: "),
        (TaskName.SCAN_PROJECTS, {"trigger": 7}, "trigger: "),
        (TaskName.EXPORT_APPROVED, {"trigger": "x" * 101}, "trigger: "),
        (TaskName.MAKE_ITEMS, {"wbs_code_ids": [None]}, "wbs_code_ids.0: "),
    ],
)
def test_any_other_wrong_argument_is_named(task: TaskName, changes: dict[str, Any], beginning: str) -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(MESSAGES[task], RIGHT[task] | changes)
    assert str(caught.value).startswith(beginning)
    assert len(str(caught.value)) < 300


def test_a_refusal_survives_pickle() -> None:
    with pytest.raises(InvalidMessage) as caught:
        read(MESSAGES[TaskName.EXPORT], {})
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(("task", "name"), IDS_OF_TASKS)
@pytest.mark.parametrize("value", [17, 1, 2**63 - 1, "17", None, True, 17.5, 0, 2**63])
def test_the_published_schema_and_the_task_accept_the_same_messages(task: TaskName, name: str, value: Any) -> None:
    message = RIGHT[task] | {name: value}
    by_schema = jsonschema.Draft202012Validator(schemas()[task.value]).is_valid(message)
    try:
        read(MESSAGES[task], message)
    except InvalidMessage:
        assert not by_schema
    else:
        assert by_schema


# Messages that we send ourselves


@given(st.sampled_from([scan_of, resolution_of, exports_of]), IDS)
def test_waiting_work_on_a_project_becomes_a_message_that_its_task_takes(make_key: Any, project: int) -> None:
    key = WorkKey.parse(make_key(project))
    assert read(MESSAGES[TaskName(key.kind.task)], key.arguments).model_dump() == {"project_id": project}


@given(st.sampled_from([CodeKey, InvoiceKey]), IDS, IDS)
def test_waiting_work_becomes_a_message_that_its_task_takes(key_type: Any, project: int, record_id: int) -> None:
    """This holds for every code and every invoice."""
    key = WorkKey.parse(str(key_type(project, record_id)))
    assert key.record == key_type(project, record_id)
    assert list(read(MESSAGES[TaskName(key.kind.task)], key.arguments).model_dump().values()) == [project, record_id]


@pytest.mark.parametrize(
    ("key", "task"),
    [
        (SCAN_OF_ALL, TaskName.SCAN_PROJECTS),
        (EXPORTS_OF_ALL, TaskName.EXPORT_APPROVED),
        (scan_of(17), TaskName.SCAN_PROJECT),
        (resolution_of(17), TaskName.PLAN_CODES),
        (exports_of(17), TaskName.EXPORT_PROJECT),
        (str(CodeKey(17, 901)), TaskName.CREATE_ITEMS),
        (str(InvoiceKey(17, 417)), TaskName.EXPORT),
        (RECONCILE_ALL, TaskName.RECONCILE),
    ],
)
def test_each_kind_of_waiting_work_is_done_by_its_own_task(key: str, task: TaskName) -> None:
    work = WorkKey.parse(key)
    assert TaskName(work.kind.task) is task
    read(MESSAGES[task], work.arguments)
    interactive = work.lane in (Lane.LISTINGS, Lane.EXPORTS)
    assert (QUEUE_OF_TASK[task].value == "exports") is interactive


def test_every_kind_of_work_has_its_own_published_task() -> None:
    tasks = [TaskName(kind.task) for kind in WorkKind]
    assert len(set(tasks)) == len(tasks)
