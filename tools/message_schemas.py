"""The published JSON schemas of the arguments and results of tasks: docs/messages/ and docs/messages/results/, one file per task.

Other applications rely on these files, so they may only be extended: arguments by optional ones, results by keys and by new values of a list
(`cause`, `outcome`). A change that would refuse or change a message that is sent today, or remove a part of a result that is read today,
needs a new task name, and `publish` refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.names import QUEUE_OF_TASK
from tasks.messages import MESSAGES
from tasks.results import RESULTS

FOLDER = Path(__file__).parents[1] / "docs" / "messages"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
QUEUE = "x-queue"
"""The schema's key for the queue that the task is sent to."""
TEXTS = ("title", "description")
"""Keys with texts for people, which may change at any time."""
PARTS = ("enum", "propertyNames", "additionalProperties")
"""Keys that are compared one by one, so that a result may be extended by them."""

Schema = Mapping[str, Any]


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each task's keyword arguments, by task name."""
    return {
        task.value: {"$schema": DIALECT, QUEUE: QUEUE_OF_TASK[task].value}
        | message.model_json_schema()
        | {"title": task.value}
        for task, message in MESSAGES.items()
    }


def result_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each task's result, by task name, for tasks that have one."""
    generated = {task.value: TypeAdapter(kind).json_schema() for task, kind in RESULTS.items()}
    return {
        task: {"$schema": DIALECT} | _resolved(schema, schema) | {"title": task} for task, schema in generated.items()
    }


def breaking_changes(published: Schema, now: Schema) -> list[str]:
    """Return one sentence for each change in `now` that would refuse, ignore or change a message that is valid by `published`."""
    before, after = published.get("properties", {}), now.get("properties", {})
    broken = ["the queue has changed"] if published.get(QUEUE, now.get(QUEUE)) != now.get(QUEUE) else []
    broken += [f"{name} is removed" for name in before if name not in after]
    broken += [
        f"{name} has changed" for name in before if name in after and _meaning(before[name]) != _meaning(after[name])
    ]
    newly_required = set(now.get("required", ())) - set(published.get("required", ()))
    return broken + [f"{name} is newly required" for name in sorted(newly_required)]


def breaking_result_changes(published: Schema, now: Schema, name: str = "the result") -> list[str]:
    """Return one sentence for each change in `now` that removes a part of a result of `published`. New keys and values remove nothing."""
    before, after = published.get("properties", {}), now.get("properties", {})
    broken = [f"{key} is removed" for key in before if key not in after]
    broken += [
        f"{key} is no longer always present"
        for key in published.get("required", ())
        if key in after and key not in now.get("required", ())
    ]
    lost = [value for value in published.get("enum", ()) if value not in now.get("enum", ())]
    broken += [f"{name} is no longer {value}" for value in lost]
    if _without_parts(published) != _without_parts(now):
        broken.append(f"{name} has changed")
    parts = [(key, before[key], after[key]) for key in before if key in after]
    parts += [
        (f"each {part}", published[keyword], now[keyword])
        for keyword, part in (("propertyNames", "key"), ("additionalProperties", "value"))
        if keyword in published and keyword in now
    ]
    return broken + [change for key, old, new in parts for change in breaking_result_changes(old, new, key)]


def published(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """Return the schemas in docs/messages/ (or in another folder), by task name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((folder or FOLDER).glob("*.json"))}


def publish() -> list[str]:
    """Write all schemas. If a change would break other applications, write nothing, and return one sentence for each such change."""
    results = FOLDER / "results"
    kinds = (
        (FOLDER, "", schemas(), breaking_changes),
        (results, ", its result", result_schemas(), breaking_result_changes),
    )
    breaking = [
        sentence
        for folder, part, now, compare in kinds
        for task, before in published(folder).items()
        for sentence in (
            [f"{task}{part}: {change}; give the changed task a new name." for change in compare(before, now[task])]
            if task in now
            else [f"{task}{part} is removed."]
        )
    ]
    if not breaking:
        for folder, _, now, _ in kinds:
            _write(folder, now)
    return breaking


def _write(folder: Path, by_task: Mapping[str, Schema]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for task, schema in by_task.items():
        (folder / f"{task}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")


def _resolved(schema: Any, root: Schema) -> Any:
    """Return the schema without references, since each file is read separately."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
        return {name: _resolved(value, root) for name, value in schema.items() if name != "$defs"}
    return schema


def _without_parts(schema: Schema) -> dict[str, Any]:
    """Return the schema without texts and keys; of its other parts only whether they exist."""
    ignored = (*TEXTS, "properties", "required")
    return {name: name in PARTS or _meaning(value) for name, value in schema.items() if name not in ignored}


def _meaning(schema: Any) -> Any:
    """Return the schema without its texts for people."""
    if isinstance(schema, Mapping):
        return {name: _meaning(value) for name, value in schema.items() if name not in TEXTS}
    return schema
