"""Messages as they are in a queue: valid ones, and every kind of invalid one that ended a worker or could end one."""

from __future__ import annotations

import base64
import bz2
import json
import lzma
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from config.names import TaskName

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
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "application/x-gzip": zlib.compress,
    "application/x-bz2": bz2.compress,
    "application/x-lzma": lzma.compress,
}
BOMB = json.dumps([[], {"project_id": 17, "invoice_id": 417, "filler": " " * 2_000_000}, None]).encode()
ARGUMENTS: list[Any] = [[], {"project_id": 17, "invoice_id": 417}, None]


def envelope(task: Any, body: Any, **headers: Any) -> str:
    """Return a message of Celery's protocol 2 as kombu stores it in a list; a `body` of bytes is used unchanged, any other value as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": "known", "root_id": None, "origin": "gen1@portal", **headers},
            "properties": {
                "correlation_id": "known",
                "reply_to": "5f4d",
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": "exports"},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": "5f4d",
            },
        }
    )


def known_faults() -> dict[str, bytes]:
    """Return faulty messages by name. Those whose names begin with `harmless` are accepted as tasks; all others are refused."""
    export = TaskName.EXPORT.value
    right = json.loads(envelope(export, ARGUMENTS))

    def without(*path: str) -> str:
        changed = json.loads(json.dumps(right))
        holder = changed
        for name in path[:-1]:
            holder = holder[name]
        del holder[path[-1]]
        return json.dumps(changed)

    def having(**changes: Any) -> str:
        return json.dumps(right | {name.replace("_", "-"): value for name, value in changes.items()})

    def properties(**changes: Any) -> str:
        return json.dumps(right | {"properties": right["properties"] | changes})

    def body(value: Any) -> str:
        return envelope(export, value)

    def keywords(text: str) -> str:
        return body(f'[[], {{"project_id": {text}, "invoice_id": 417}}, null]'.encode())

    odd_tasks: list[Any] = [7, [1], None, {}, "", "two words", "\x1b[31m"]
    odd_ids: list[Any] = [None, 5, [1], {}, "", "\u202e\x1b[31m\n<b>", "\ud800", "x" * 300]
    faults: dict[str, str | bytes] = {
        "text": "hello",
        "nothing": "",
        "a number": "7",
        "a list": "[]",
        "null": "null",
        "bytes": b"\xff\xfe\x00\x80",
        "an empty object": "{}",
        "nested": "[" * 5000,
        "huge": json.dumps({"headers": {"id": "known"}, "filler": "x" * 2_000_000}),
        "no properties": without("properties"),
        "properties are a list": having(properties=[1]),
        "no headers": without("headers"),
        "headers are null": having(headers=None),
        "headers are a list": having(headers=[1]),
        "headers are a text": having(headers="abc"),
        "no body": without("body"),
        "body is null": having(body=None),
        "body is a number": having(body=5),
        "body is no base64": having(body="!!!"),
        "another encoding of the body": properties(body_encoding="rot13"),
        "garbage in the body": body(b"\xff\x00garbage"),
        "a cut body": body(b'[[], {"project_id": 1'),
        "an empty body": body([]),
        "a body of two": body([[], {}]),
        "a body of four": body([[], {}, None, 1]),
        "a text as body": body("abc"),
        "three texts as body": body(["a", "b", "c"]),
        "a number as body": body(7),
        "null as body": body(None),
        "an object as body": body({"a": 1}),
        "an object of three as body": body({"a": 1, "b": 2, "c": 3}),
        "arguments that are a list": body([[], [1], None]),
        "arguments that are null": body([[], None, None]),
        "arguments that are a text": body([[], "x", None]),
        "positional arguments": body([[17, 417], {}, None]),
        "positional arguments that are null": body([None, {}, None]),
        "positional arguments that are a text": body(["sesame", {}, None]),
        "options that are a text": body([[], {}, "x"]),
        "odd callbacks": body([[], {}, {"callbacks": [1], "errbacks": ["x"], "chain": [{"a": 1}], "chord": 5}]),
        "an argument called self": body([[], {"self": 1, "project_id": 17, "invoice_id": 417}, None]),
        "arguments nested too deep": keywords("[" * 100_000 + "]" * 100_000),
        "a number of ten thousand digits": keywords("9" * 10_000),
        "kombu's own type with an odd value": keywords('{"__type__": "datetime", "__value__": "x"}'),
        "kombu's own type that is none": keywords('{"__type__": "nope", "__value__": []}'),
        "pickle": json.dumps(json.loads(envelope(export, b"\x80\x04K\x01.")) | {"content-type": "application/x-python-serialize"}),
        "yaml": having(content_type="application/x-yaml"),
        "an odd content type": having(content_type="text/nonsense"),
        "a content type that is a number": having(content_type=7),
        "a content type that is null": having(content_type=None),
        "a content type that is a list": having(content_type=[1]),
        "another charset": body("[[], {}, null]".encode("utf-16")),
        "said to be packed": envelope(export, ARGUMENTS, compression="application/x-gzip"),
        "packed in an unknown way": envelope(export, ARGUMENTS, compression="zap"),
        "packed and cut": envelope(export, zlib.compress(json.dumps(ARGUMENTS).encode())[:-8], compression="application/x-gzip"),
        **{f"far larger than it looks, by {way}": envelope(export, pack(BOMB), compression=way) for way, pack in PACKERS.items()},
        **{
            f"harmless: packed by {way}": envelope(export, pack(json.dumps(ARGUMENTS).encode()), compression=way)
            for way, pack in PACKERS.items()
        },
        "an unknown task": envelope("no.such", ARGUMENTS),
        "the refusal itself": envelope("messages.refused", ARGUMENTS),
        **{f"a task called {odd!r}": envelope(odd, ARGUMENTS) for odd in odd_tasks},
        "no task": without("headers", "task"),
        "no id": without("headers", "id"),
        **{
            f"the id {odd!r:.20}": envelope(export, ARGUMENTS, id=odd)
            for odd in odd_ids
        },
        "an odd eta": envelope(export, ARGUMENTS, eta="yesterday"),
        "an eta that is a list": envelope(export, ARGUMENTS, eta=[1]),
        "an eta an hour ahead": envelope(export, ARGUMENTS, eta=(datetime.now(UTC) + timedelta(hours=1)).isoformat()),
        "an eta far ahead": envelope(export, ARGUMENTS, eta="9999-12-31T23:59:59-14:00"),
        "an eta far ahead, without a zone": envelope(export, ARGUMENTS, eta="9999-12-31T23:59:59"),
        "an odd end": envelope(export, ARGUMENTS, expires="x"),
        "retries that are a text": envelope(export, ARGUMENTS, retries="x"),
        "huge retries": envelope(export, ARGUMENTS, retries=10**30),
        "an odd group": envelope(export, ARGUMENTS, group=[1]),
        "an odd root": envelope(export, ARGUMENTS, root_id=[1], parent_id={}),
        "an odd ignore_result": envelope(export, ARGUMENTS, ignore_result="x"),
        "an odd nesting": envelope(export, ARGUMENTS, replaced_task_nesting="x"),
        "an odd reply_to": properties(reply_to=[1]),
        "protocol 1": json.dumps(json.loads(body({"task": export, "id": "a", "args": [], "kwargs": {}})) | {"headers": {}}),
        "half protocol 1": body({"args": [], "kwargs": {}}),
        "harmless: no delivery tag": without("properties", "delivery_tag"),
        "harmless: a delivery tag that is a list": properties(delivery_tag=[1]),
        "harmless: no delivery info": without("properties", "delivery_info"),
        "harmless: delivery info that is a list": properties(delivery_info=[1]),
        "harmless: no correlation id": without("properties", "correlation_id"),
        "harmless: an odd charset": having(content_encoding=5),
        "harmless: odd time limits": envelope(export, ARGUMENTS, timelimit="x"),
        "harmless: odd stamps": envelope(export, ARGUMENTS, stamped_headers=[[1]], stamps=5),
        "harmless: other odd stamps": envelope(export, ARGUMENTS, stamped_headers=5),
        "harmless: odd representations": envelope(export, ARGUMENTS, argsrepr=5, kwargsrepr=[1], shadow=[1], lang=[1], origin=[1]),
        "harmless: an odd priority": properties(priority="x"),
        "harmless: an eta long past": envelope(export, ARGUMENTS, eta="0001-01-01T00:00:00+14:00"),
        "harmless: an end long past": envelope(export, ARGUMENTS, expires="0001-01-01T00:00:00"),
        "harmless: an end far off": envelope(export, ARGUMENTS, expires="9999-12-31T23:59:59-14:00"),
        "harmless: wrong arguments": keywords("NaN"),
        "harmless: half characters as arguments": body([[], {"project_id": "\ud800", "\udfff": 1}, None]),
        "harmless: deep arguments": keywords("[" * 900 + "]" * 900),
    }  # fmt: skip
    return {name: raw if isinstance(raw, bytes) else raw.encode() for name, raw in faults.items()}
