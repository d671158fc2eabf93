"""Task messages: a task accepts published arguments, and refuses all others by name."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.names import REFUSED, QueueName, TaskName
from tasks.messages import MESSAGES, InvalidMessage, read
from tests.bad_input import strategies as hostile
from tests.bad_input.envelopes import RIGHT, envelope, known_faults
from tests.bad_input.strategies import Change, Damage
from tools.message_schemas import schemas
from worker.runtime import broker
from worker.runtime.broker import admitted

tasks = st.sampled_from(list(TaskName))
VALIDATORS = {task: jsonschema.Draft202012Validator(schemas()[task.value]) for task in TaskName}


NAMES = ["project_id", "invoice_id", "trigger", "project_ids", "wbs_code_ids", "wbs_code_id"]
arguments_of_any_kind = st.dictionaries(st.sampled_from(NAMES) | hostile.any_texts, hostile.json_values, max_size=5)


def refusal_of(task: TaskName, arguments: dict[str, Any]) -> str:
    """Return why a task refuses these arguments; empty if it accepts them."""
    try:
        read(MESSAGES[task], arguments)
    except InvalidMessage as error:
        return str(error)
    return ""


@given(task=tasks, arguments=arguments_of_any_kind)
@example(task=TaskName.EXPORT, arguments={"project_id": 2**63, "invoice_id": 1.0})
@example(task=TaskName.SCAN_PROJECTS, arguments={"trigger": "\ud800"})
def test_arguments_are_valid_as_published_or_refused_with_a_short_text(
    task: TaskName, arguments: dict[str, Any]
) -> None:
    refusal = refusal_of(task, arguments)
    assert len(refusal) < 1000
    # A schema says nothing of half characters, which no text may hold.
    if not any(0xD800 <= ord(character) < 0xE000 for character in str(arguments.get("trigger"))):
        assert VALIDATORS[task].is_valid(arguments) is not bool(refusal)


@given(task=tasks, change=hostile.changes)
def test_a_changed_message_is_accepted_only_if_all_its_ids_are_valid(task: TaskName, change: Change) -> None:
    arguments = change.of(RIGHT[task])
    if isinstance(arguments, dict) and not refusal_of(task, arguments):
        ids = [arguments[name] for name in RIGHT[task] if name.endswith("_id")]
        assert all(type(number) is int and 0 < number < 2**63 for number in ids)


# The form of the message itself


def assert_in_order(message: dict[str, Any], queue: str) -> dict[str, Any]:
    """Check the parts of a message that Celery and kombu rely on, and return its keyword arguments."""
    headers, properties = message["headers"], message["properties"]
    assert isinstance(headers["task"], str)
    assert isinstance(headers["id"], str)
    assert headers["id"].isascii()
    assert (message["content-type"], message["content-encoding"]) == ("application/json", "utf-8")
    assert properties["delivery_info"] == {"exchange": "", "routing_key": queue}
    assert properties["body_encoding"] == "base64"
    assert len(properties["delivery_tag"]) == 36
    arguments, keywords, _ = json.loads(base64.b64decode(message["body"]))
    assert headers["task"].startswith("celery.") or arguments == []
    assert isinstance(keywords, dict)
    json.dumps(message)
    return dict(keywords)


queues = st.sampled_from([queue.value for queue in QueueName])


@given(raw=st.binary(max_size=300) | hostile.json_values.map(lambda value: json.dumps(value).encode()), queue=queues)
@example(raw=b"[" * 100_000, queue="scans")
@example(raw=b'{"headers": {"task": "wbs.scan_projects", "id": "\\ud800"}}', queue="scans")
def test_an_invalid_message_becomes_a_task_that_fails_with_the_reason(raw: bytes, queue: str) -> None:
    keywords = assert_in_order(message := admitted(queue, raw), queue)
    assert message["headers"]["task"] == REFUSED
    assert keywords["queue"] == queue
    assert 0 < len(keywords["fault"]) < 1000


@given(task=tasks, change=hostile.changes, within=st.sampled_from(["message", "body"]), queue=queues)
def test_a_changed_message_is_a_task_or_a_refusal_and_well_formed(
    task: TaskName, change: Change, within: str, queue: str
) -> None:
    right: list[Any] = [[], RIGHT[task], None]
    raw = (
        envelope(task, change.of(right))
        if within == "body"
        else json.dumps(change.of(json.loads(envelope(task, right))))
    )
    keywords = assert_in_order(message := admitted(queue, raw.encode()), queue)
    if message["headers"]["task"] == REFUSED:
        assert keywords["fault"]


@given(task=tasks, damage=hostile.damages)
def test_a_damaged_message_is_a_task_or_a_refusal(task: TaskName, damage: Damage) -> None:
    raw = damage.of(envelope(task, [[], RIGHT[task], None]).encode())
    assert_in_order(admitted("exports", raw), "exports")


@pytest.mark.parametrize("task", TaskName)
def test_a_valid_message_keeps_its_arguments(task: TaskName) -> None:
    message = admitted("exports", envelope(task, [[], RIGHT[task], None], id="a-task-id").encode())
    assert assert_in_order(message, "exports") == RIGHT[task]
    assert (message["headers"]["task"], message["headers"]["id"]) == (task.value, "a-task-id")
    assert message["headers"]["kwargsrepr"] == repr(RIGHT[task])


@pytest.mark.parametrize(
    ("theirs", "carried"),
    [
        ({"correlation_id": "portal-4711"}, "portal-4711"),
        ({"correlation_id": "portal-4711", "root_id": "the-first"}, "portal-4711"),
        ({"root_id": "the-first"}, "the-first"),
        ({}, "a-task-id"),
        # An invalid correlation id is no reason to refuse the work.
        ({"correlation_id": "x" * 201}, "a-task-id"),
        ({"correlation_id": "two\nlines"}, "a-task-id"),
        ({"correlation_id": {"a": 1}}, "a-task-id"),
        ({"correlation_id": None}, "a-task-id"),
    ],
)
def test_a_message_has_the_correlation_id_of_its_request(theirs: dict[str, Any], carried: str) -> None:
    message = admitted(
        "exports", envelope(TaskName.EXPORT, [[], RIGHT[TaskName.EXPORT], None], id="a-task-id", **theirs).encode()
    )
    assert_in_order(message, "exports")
    assert (message["headers"]["task"], message["headers"]["id"]) == (TaskName.EXPORT.value, "a-task-id")
    assert message["properties"]["correlation_id"] == carried


@pytest.mark.parametrize(("name", "raw"), known_faults().items())
def test_known_faults_are_refused_under_their_id_or_accepted_as_meant(name: str, raw: bytes) -> None:
    """A harmless fault is accepted as it was meant; any other is refused under the sender's id, and no value is repeated."""
    message = admitted("upkeep", raw)
    keywords = assert_in_order(message, "upkeep")
    assert (message["headers"]["task"] == REFUSED) is not name.startswith("harmless: ")
    if b'"id": "known"' in raw and len(raw) < broker.MAX_BYTES:
        assert message["headers"]["id"] == "known"
    assert "sesame" not in json.dumps(keywords)


def test_only_callbacks_of_a_task_are_kept() -> None:
    follows = {"task": "portal.tell", "args": [1], "kwargs": {}, "options": {"queue": "portal"}, "subtask_type": None}
    options = {"callbacks": [follows], "errbacks": None, "chain": None, "chord": None, "another": 1}
    message = admitted("exports", envelope(TaskName.EXPORT, [[], RIGHT[TaskName.EXPORT], options]).encode())
    _, _, kept = json.loads(base64.b64decode(message["body"]))
    assert kept == {"callbacks": [follows], "errbacks": None, "chain": None, "chord": None}
    assert set(message["headers"]) <= set(broker.Headers.model_fields) | {"lang", "argsrepr", "kwargsrepr"}


def test_two_messages_with_one_delivery_tag_get_different_tags() -> None:
    raw = envelope(TaskName.EXPORT, [[], RIGHT[TaskName.EXPORT], None], id="same").encode()
    first_tag, second_tag = (admitted("exports", raw)["properties"]["delivery_tag"] for _ in range(2))
    assert first_tag != second_tag
