"""The JSON schemas of what tasks take and of what they give back: `python -m tasks.schemas` writes them to docs/messages/ and
docs/messages/results/, one file per task.

Other apps are built by these files, so both may only grow. Arguments: by optional ones. Results: by keys, and by words of a list
(`cause`, `outcome`). Whatever would refuse or change a message that is sent today, or take away what is read today, needs a new task
name, and is refused here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from config.names import QUEUE_OF_TASK
from tasks.messages import MESSAGES
from tasks.results import RESULTS

FOLDER = Path(__file__).parent.parent / "docs" / "messages"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
QUEUE = "x-queue"
"""Beside the arguments' schema stands the queue that the task is sent to."""
WORDS = ("title", "description")
"""For people; may be improved at any time."""
PARTS = ("enum", "propertyNames", "additionalProperties")

Schema = Mapping[str, Any]


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each task's keyword arguments, by task name."""
    return {
        task.value: {"$schema": DIALECT, QUEUE: QUEUE_OF_TASK[task].value}
        | message.model_json_schema()
        | {"title": task.value}
        for task, message in MESSAGES.items()
    }


def result_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each task's result, by task name; of the tasks that keep one."""
    made = {task.value: TypeAdapter(kind).json_schema() for task, kind in RESULTS.items()}
    return {task: {"$schema": DIALECT} | _whole(schema, schema) | {"title": task} for task, schema in made.items()}


def breaking_changes(published: Schema, now: Schema) -> list[str]:
    """What in `now` would refuse, ignore or read differently a message that is right by `published`; one sentence each."""
    before, after = published.get("properties", {}), now.get("properties", {})
    broken = ["the queue has changed"] if published.get(QUEUE, now.get(QUEUE)) != now.get(QUEUE) else []
    broken += [f"{name} is gone" for name in before if name not in after]
    broken += [
        f"{name} has changed" for name in before if name in after and _meaning(before[name]) != _meaning(after[name])
    ]
    newly_required = set(now.get("required", ())) - set(published.get("required", ()))
    return broken + [f"{name} is newly required" for name in sorted(newly_required)]


def breaking_result_changes(published: Schema, now: Schema, name: str = "the result") -> list[str]:
    """What in `now` takes away something that is read by `published`; one sentence each. New keys and new words take nothing away."""
    before, after = published.get("properties", {}), now.get("properties", {})
    broken = [f"{key} is gone" for key in before if key not in after]
    broken += [
        f"{key} is not always there any more"
        for key in published.get("required", ())
        if key in after and key not in now.get("required", ())
    ]
    lost = [word for word in published.get("enum", ()) if word not in now.get("enum", ())]
    broken += [f"{name} is never {word} any more" for word in lost]
    if _itself(published) != _itself(now):
        broken.append(f"{name} has changed")
    parts = [(key, before[key], after[key]) for key in before if key in after]
    parts += [
        (f"each {part}", published[keyword], now[keyword])
        for keyword, part in (("propertyNames", "key"), ("additionalProperties", "value"))
        if keyword in published and keyword in now
    ]
    return broken + [told for key, one, other in parts for told in breaking_result_changes(one, other, key)]


def published(folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The schemas as they stand in docs/messages/ (or in its folder of results), by task name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted((folder or FOLDER).glob("*.json"))}


def publish() -> list[str]:
    """Write all schemas, unless one would break other apps; the sentences that say so, none when all is well."""
    results = FOLDER / "results"
    wanted = (
        (FOLDER, "", schemas(), breaking_changes),
        (results, ", its result", result_schemas(), breaking_result_changes),
    )
    faults = [
        fault
        for folder, part, now, compare in wanted
        for task, before in published(folder).items()
        for fault in (
            [f"{task}{part}: {change}; give the changed task a new name." for change in compare(before, now[task])]
            if task in now
            else [f"{task}{part} is gone."]
        )
    ]
    if not faults:
        for folder, _, now, _ in wanted:
            folder.mkdir(parents=True, exist_ok=True)
            for task, schema in now.items():
                (folder / f"{task}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
    return faults


def _whole(schema: Any, root: Schema) -> Any:
    """A schema without references: each file is read by itself."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            return _whole(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
        return {name: _whole(value, root) for name, value in schema.items() if name != "$defs"}
    return schema


def _itself(schema: Schema) -> dict[str, Any]:
    """What a value is; of its parts, which are compared one by one, only which there are. A key may always come to it."""
    left_out = (*WORDS, "properties", "required")
    return {name: name in PARTS or _meaning(value) for name, value in schema.items() if name not in left_out}


def _meaning(schema: Any) -> Any:
    """A schema without its words for people, which may be improved at any time."""
    if isinstance(schema, Mapping):
        return {name: _meaning(value) for name, value in schema.items() if name not in WORDS}
    return schema


if __name__ == "__main__":
    told = publish()
    sys.stderr.writelines(f"{fault}\n" for fault in told)
    sys.exit(1 if told else 0)
