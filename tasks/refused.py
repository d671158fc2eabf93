"""The task that replaces an invalid message (worker/runtime/broker.py): the log, its result and Flower show it as a failed task."""

from __future__ import annotations

from typing import Any

from config.names import REFUSED
from tasks.messages import InvalidMessage
from worker.app import app


@app.task(name=REFUSED, lanes=())
def refused(**arguments: Any) -> None:
    """Raise InvalidMessage with the reason, the sender and the queue."""
    texts = {name: str(arguments.get(name) or "")[:500] for name in ("queue", "task", "sender", "fault")}
    about = f"a message for {texts['task']}" if texts["task"] else "a message that is not a task message"
    sender = f" from {texts['sender']}" if texts["sender"] else ""
    raise InvalidMessage(f"{about}{sender} in the queue {texts['queue']}: {texts['fault']}")
