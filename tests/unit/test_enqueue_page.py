"""docs/enqueue.md says what the code says: every task with its queue, arguments and result, and the examples as they are run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from config.names import QUEUE_OF_TASK, TaskName
from tools.message_schemas import result_schemas, schemas

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "enqueue.md").read_text()
EXAMPLES = sorted((ROOT / "examples").iterdir())
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in PAGE.splitlines()
    if re.match(r"\| `\w+\.\w+` \|", line)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}


def test_every_task_has_its_row() -> None:
    assert sorted(ROWS) == sorted(task.value for task in TaskName)


@pytest.mark.parametrize("task", TaskName)
def test_a_row_names_the_queue_the_arguments_and_a_result_as_published(task: TaskName) -> None:
    queue, arguments, result = ROWS[task.value]
    assert queue == f"`{QUEUE_OF_TASK[task].value}`"
    assert set(re.findall(r"`([a-z_]+)`", arguments)) == set(schemas()[task.value].get("properties", ()))
    match = re.match(r"`(\{.*?\})`", result)
    assert (match is not None) == (task.value in result_schemas())
    if match:
        closed = {"additionalProperties": False} | result_schemas()[task.value]
        jsonschema.validate(json.loads(match[1]), closed)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_page_shows_an_example_as_it_is(example: Path) -> None:
    language = {".py": "python", ".mjs": "js"}[example.suffix]
    assert f"```{language}\n{example.read_text()}```\n" in PAGE
    assert f"(../examples/{example.name})" in PAGE


def test_every_example_is_run_by_a_test() -> None:
    tests = (ROOT / "tests" / "real" / "test_other_apps.py").read_text()
    assert all(f'EXAMPLES / "{example.name}"' in tests for example in EXAMPLES)
