"""Kombu's transport with our channel: what becomes of a message while connections are lost."""

from __future__ import annotations

import pytest
from kombu import Connection, Producer, Queue

from worker.transport import use_transport

pytestmark = pytest.mark.real


def test_a_message_is_sent_though_its_channel_was_closed_meanwhile(redis_url: str) -> None:
    """As by another thread of a worker, when Redis cuts all connections."""
    use_transport()
    with Connection(redis_url) as connection:
        producer = Producer(connection)
        producer.channel.close()
        producer.publish({"number": 1}, routing_key="a-queue", retry=True, retry_policy={"max_retries": 1})
        message = Queue("a-queue")(connection.channel()).get(no_ack=True)
        assert message.payload == {"number": 1}
