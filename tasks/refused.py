"""What stood in a queue and was no task message (worker/runtime/broker.py): in the log, the result and Flower as a task that failed."""

from __future__ import annotations

from typing import Any

from config.names import REFUSED
from tasks.messages import InvalidMessage
from worker.app import app


@app.task(name=REFUSED, lanes=())
def refused(**arguments: Any) -> None:
    """Fail with the fault."""
    told = {name: str(arguments.get(name) or "")[:500] for name in ("queue", "task", "sender", "fault")}
    about = f"a message for {told['task']}" if told["task"] else "a message that is not a task message"
    sender = f" from {told['sender']}" if told["sender"] else ""
    raise InvalidMessage(f"{about}{sender} in the queue {told['queue']}: {told['fault']}")
