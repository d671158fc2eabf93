"""Kombu's transport with our channel: what becomes of a message while connections are lost."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import Mock

import pytest
from kombu import Connection, Consumer, Message, Producer, Queue
from kombu.asynchronous import Hub
from redis import Redis
from redis.exceptions import ConnectionError as LostConnection

from config.names import QueueName
from tests.support import eventually
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


@pytest.mark.parametrize("settle", [Message.ack_log_error, Message.reject_log_error])
def test_a_message_of_a_connection_that_broke_is_settled_without_harm(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, settle: Callable[..., None]
) -> None:
    """As by a task that ends while its worker connects again: an error there would end the worker."""
    use_transport()
    with Connection(redis_url) as connection:
        Producer(connection).publish({"number": 1}, routing_key="a-queue")
        message = Queue("a-queue")(connection.channel()).get()
        # Redis is gone, so the channel cannot be closed to its end.
        monkeypatch.setattr(message.channel, "_close_clients", Mock(side_effect=LostConnection))
        connection.collect()
        settle(message, Mock(), connection.connection_errors)
        assert not message.acknowledged
        monkeypatch.undo()
        message.channel.close()


def test_a_closed_connection_asks_for_no_message_any_more(redis_url: str) -> None:
    """Each outage gives a worker a new connection, and the event loop stays the same."""
    use_transport()
    loop = Hub()
    with Connection(redis_url) as connection:
        connection.transport.register_with_event_loop(connection.connection, loop)
        (tick,) = [due.entry for due in loop.timer.queue if due.entry.fun.__name__ == "tick"]
        loop.timer.clear()
        tick()
        assert len(loop.timer) == 1
        connection.collect()
        loop.timer.clear()
        tick()
        assert len(loop.timer) == 0


def test_a_connection_that_answers_nothing_any_more_is_given_up(redis_url: str) -> None:
    """As behind a firewall that forgot it: no error ever comes of it, and the worker would take no message again."""
    use_transport()
    options = {"health_check_interval": 0.1}
    with Connection(redis_url, transport_options=options) as connection:
        channel = connection.channel()
        Consumer(channel, Queue(QueueName.ITEMS)).consume()
        cycle = connection.transport.cycle
        with Redis.from_url(redis_url) as redis:
            redis.client_pause(3000)
        cycle.on_poll_start()
        waiting = channel._in_poll
        assert waiting
        eventually(lambda: cycle.maybe_check_brpop_health() or not channel._in_poll, 3)
        assert waiting._sock is None
