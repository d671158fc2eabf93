"""Messages in a queue are processed by priority: 0, the default, goes first."""

from __future__ import annotations

from typing import Any

import kombu
import pytest

from worker.runtime.transport import use_transport

pytestmark = pytest.mark.real


def test_a_persons_message_precedes_earlier_messages_of_a_job(redis_url: str) -> None:
    """A message without a priority has the highest one, however many were sent before it."""
    use_transport()
    begun: list[str] = []
    with kombu.Connection(redis_url, transport_options={"global_keyprefix": "wbs:"}) as connection:
        producer = connection.Producer(serializer="json")
        for task_id, priority in (("job-1", 9), ("job-2", 9), ("middle", 3), ("person", None)):
            properties: dict[str, Any] = {} if priority is None else {"priority": priority}
            headers = {"task": "invoices.export", "id": task_id, "lang": "py"}
            body: list[Any] = [[], {"project_id": 1, "invoice_id": 1}, None]
            producer.publish(body, routing_key="exports", headers=headers, correlation_id=task_id, **properties)

        def begin(body: object, message: kombu.Message) -> None:
            begun.append(message.headers["id"])
            message.ack()

        with connection.Consumer([kombu.Queue("exports")], callbacks=[begin], prefetch_count=1, accept=["json"]):
            while len(begun) < 4:
                connection.drain_events(timeout=60)
    assert begun == ["person", "middle", "job-1", "job-2"]
