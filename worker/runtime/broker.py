"""Validates messages of the task queues: an invalid message becomes a task that fails with the reason.

Celery does not validate messages. One without an id, or with a body of two parts, ends the worker that reads it, returns to the queue, and
ends the next worker. Other applications send messages too, in other languages, so messages are validated before Celery sees them, and
rebuilt from the validated parts.
"""

from __future__ import annotations

import base64
import bz2
import json
import lzma
import uuid
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from celery.utils.saferepr import saferepr
from kombu.utils.json import dumps, loads
from pydantic import AliasPath, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, WrapValidator

from config.names import CORRELATION_HEADER, REFUSED, QueueName, TaskName

MAX_BYTES = 1_000_000
"""Four times the longest list of ids that a task accepts."""
UNPACKERS: dict[str, Callable[[], Any]] = {
    "application/x-gzip": zlib.decompressobj,
    "application/x-bz2": bz2.BZ2Decompressor,
    "application/x-lzma": lzma.LZMADecompressor,
}
"""Compression methods by kombu's names."""
MAX_ETA_SECONDS = 300.0
"""A worker keeps a message until its eta without acknowledging it; from 900 seconds on, Redis would redeliver it repeatedly."""
QUEUES = frozenset(queue.value for queue in QueueName)
TASKS = frozenset(task.value for task in TaskName)
MAX_REPR_LENGTH = 1024

Name = Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
Moment = Annotated[datetime, Field(strict=False)]


def _or_none(value: Any, validated: Callable[[Any], str | None]) -> str | None:
    """Return the validated text, or None: an invalid correlation id is no reason to reject the message."""
    try:
        return validated(value)
    except ValidationError:
        return None


class _Part(BaseModel):
    """A part of a message. Unknown fields are dropped from the message that Celery sees."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Headers(_Part):
    """Headers of Celery's protocol version 2."""

    task: Name
    id: Name
    root_id: Name | None = None
    parent_id: Name | None = None
    group: Name | None = None
    group_index: int | None = None
    retries: int = Field(0, ge=0, le=1_000_000)
    replaced_task_nesting: int = Field(0, ge=0, le=1_000_000)
    ignore_result: bool | None = None
    compression: str | None = None
    eta: Moment | None = None
    expires: Moment | None = None
    correlation_id: Annotated[Name | None, WrapValidator(_or_none)] = None
    dispatched: bool | None = None


class _Properties(_Part):
    body_encoding: Literal["base64"]
    reply_to: Name | Literal["", None] = None


class _Message(_Part):
    """A message as it is in the queue."""

    headers: Headers
    properties: _Properties
    content_type: Literal["application/json"] = Field(alias="content-type")
    body: str


class _Signature(_Part):
    """A task that runs after another one."""

    task: Name
    args: list[Any] = Field(default_factory=list)
    keywords: dict[str, Any] = Field(default_factory=dict, validation_alias=AliasPath("kwargs"))
    options: dict[str, Any] = Field(default_factory=dict)


class _Follows(_Part):
    """What runs after the task."""

    callbacks: list[_Signature] | None = None
    errbacks: list[_Signature] | None = None
    chain: list[_Signature] | None = None
    chord: _Signature | None = None


class _Body(_Part):
    """The three parts of a body."""

    arguments: list[Any]
    keyword_arguments: dict[str, Any]
    options: _Follows | None


class _Refused(Exception):
    """A message is invalid; the reason repeats none of its values."""


def admitted(queue: str, raw: bytes) -> dict[str, Any]:
    """Return the message for Celery, or, for an invalid message, that of a task that fails with the reason."""
    try:
        return _validated(queue, raw)
    except Exception as error:  # any error: a queue may contain anything
        return _refusal(queue, raw, _reason(error))


def _validated(queue: str, raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise _Refused(f"it has more than {MAX_BYTES} bytes")
    message = _Message.model_validate(json.loads(raw))
    headers, text = message.headers, base64.b64decode(message.body, validate=True)
    if headers.compression:
        text = _unpacked(text, headers.compression)
    parts = loads(text)
    if not isinstance(parts, list) or len(parts) != len(_Body.model_fields):
        raise _Refused("body: it is not a list of arguments, keyword arguments and options")
    body = _Body.model_validate(dict(zip(_Body.model_fields, parts, strict=True)))
    if headers.task not in TASKS and not headers.task.startswith("celery."):
        raise _Refused("there is no task with that name")
    if headers.eta and _is_too_far(headers.eta):
        raise _Refused(f"its eta is more than {MAX_ETA_SECONDS:.0f} seconds in the future: send it when it is due")
    if headers.task in TASKS and body.arguments:
        raise _Refused("arguments must be passed by name, not by position")
    if "self" in body.keyword_arguments:
        raise _Refused("no argument may be named self")
    checked = headers.model_dump(mode="json", exclude={"compression"})
    options = {name: parts[2].get(name) for name in _Follows.model_fields} if body.options else None
    return _message(queue, checked, body.arguments, body.keyword_arguments, options, message.properties.reply_to or "")


def _is_too_far(eta: datetime) -> bool:
    moment = eta if eta.tzinfo else eta.replace(tzinfo=UTC)
    return (moment - datetime.now(UTC)).total_seconds() > MAX_ETA_SECONDS


def _unpacked(packed: bytes, method: str) -> bytes:
    """Return a decompressed body. Compressed data can be a thousandth of its content, so decompression stops at the size allowed in the queue."""
    if method not in UNPACKERS:
        raise _Refused("its compression is unknown")
    text: bytes = UNPACKERS[method]().decompress(packed, MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise _Refused(f"it has more than {MAX_BYTES} bytes uncompressed")
    return text


def _refusal(queue: str, raw: bytes, fault: str) -> dict[str, Any]:
    """Return the message of a failing task under the sender's task id, if it is known, so that a sender waiting for the result gets the reason."""
    task, task_id, origin = (_header(raw, name) for name in ("task", "id", "origin"))
    keywords = {"queue": queue, "task": task, "sender": origin, "fault": fault}
    return _message(queue, {"task": REFUSED, "id": task_id or str(uuid.uuid4())}, [], keywords, None, "")


def _message(
    queue: str, headers: dict[str, Any], arguments: list[Any], keywords: dict[str, Any], options: Any, reply_to: str
) -> dict[str, Any]:
    text = dumps([arguments, keywords, options])
    correlation_id = headers.get(CORRELATION_HEADER) or headers.get("root_id") or headers["id"]
    added = {
        "lang": "py",
        "argsrepr": saferepr(arguments, MAX_REPR_LENGTH),
        "kwargsrepr": saferepr(keywords, MAX_REPR_LENGTH),
        "root_id": headers["id"],
    }
    return {
        "body": base64.b64encode(text.encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": added | {name: value for name, value in headers.items() if value is not None},
        "properties": {
            # Celery passes this value to the task. Celery itself sets it to the task's id, which its results in Redis do not need.
            "correlation_id": correlation_id,
            "reply_to": reply_to,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            # A new tag: two messages with the same tag would be acknowledged as one.
            "delivery_tag": str(uuid.uuid4()),
        },
    }


def _header(raw: bytes, name: str) -> str:
    """Return one header of a message of any form if it is a short printable text, else an empty text."""
    try:
        value = json.loads(raw)["headers"][name] if len(raw) <= MAX_BYTES else ""
        return TypeAdapter(Name).validate_python(value, strict=True)
    except Exception:
        return ""


def _reason(error: Exception) -> str:
    if isinstance(error, _Refused):
        return str(error)
    if not isinstance(error, ValidationError):
        return f"it could not be read ({type(error).__name__})"
    faults = error.errors(include_input=False, include_url=False)[:3]
    return "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'message'}: {fault['msg']}" for fault in faults)
