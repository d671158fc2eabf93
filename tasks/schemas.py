"""The JSON schema of every task's arguments: `python -m tasks.schemas` writes them to docs/messages/, one file per task.

Other apps enqueue by these files, so a task's arguments may only grow by optional ones: whatever would refuse or change a
message that is sent today needs a new task name, and is refused here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.messages import MESSAGES

FOLDER = Path(__file__).parent.parent / "docs" / "messages"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """The schema of each task's keyword arguments, by task name."""
    return {
        task.value: {"$schema": DIALECT} | message.model_json_schema() | {"title": task.value}
        for task, message in MESSAGES.items()
    }


def breaking_changes(published: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What in `now` would refuse, ignore or read differently a message that is right by `published`; one sentence each."""
    before, after = published.get("properties", {}), now.get("properties", {})
    broken = [f"{name} is gone" for name in before if name not in after]
    broken += [
        f"{name} has changed" for name in before if name in after and _meaning(before[name]) != _meaning(after[name])
    ]
    newly_required = set(now.get("required", ())) - set(published.get("required", ()))
    return broken + [f"{name} is newly required" for name in sorted(newly_required)]


def published() -> dict[str, dict[str, Any]]:
    """The schemas as they stand in docs/messages/, by task name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def publish() -> list[str]:
    """Write all schemas, unless one would break what other apps send; the sentences that say so, none when all is well."""
    now = schemas()
    faults = [f"{task} is gone." for task in published() if task not in now]
    for task, before in published().items():
        faults += [
            f"{task}: {change}; give the changed task a new name."
            for change in breaking_changes(before, now.get(task, before))
        ]
    if not faults:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for task, schema in now.items():
            (FOLDER / f"{task}.json").write_text(json.dumps(schema, indent=2, sort_keys=True) + "\n")
    return faults


def _meaning(schema: Any) -> Any:
    """A schema without its words for people, which may be improved at any time."""
    if isinstance(schema, Mapping):
        return {name: _meaning(value) for name, value in schema.items() if name not in ("title", "description")}
    return schema


if __name__ == "__main__":
    told = publish()
    sys.stderr.writelines(f"{fault}\n" for fault in told)
    sys.exit(1 if told else 0)
