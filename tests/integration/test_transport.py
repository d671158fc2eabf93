"""Kombu's transport with the product's channel: what happens to a message while connections are lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import redis
from kombu import Connection, Consumer, Message, Producer, Queue
from kombu.asynchronous import Hub
from redis.exceptions import ConnectionError as LostConnection

from config.names import QueueName
from tests.kit.waiting import eventually
from worker.local.embedded import EmbeddedServer
from worker.runtime.transport import BUSY_SECONDS, IDLE_SECONDS, TaskQueues, use_transport

pytestmark = pytest.mark.real


def test_a_message_is_sent_though_its_channel_was_closed_meanwhile(redis_url: str) -> None:
    """Another thread of a worker closes it when Redis cuts all connections."""
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
    """A task may end while its worker connects again: an error there would end the worker."""
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


def test_a_closed_connection_requests_no_message(redis_url: str) -> None:
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


def test_a_connection_that_stopped_responding_is_closed(tmp_path: Path) -> None:
    """A firewall may forget a connection: it never reports an error, and the worker would never get a message again."""
    use_transport()
    # A separate server, since it answers no client until it ends: a pause that ends by itself could end before a slow test had checked.
    with EmbeddedServer.start(tmp_path) as server, Connection(server.url) as connection:
        channel = connection.channel()
        Consumer(channel, Queue(QueueName.ITEMS)).consume()
        cycle = connection.transport.cycle
        with redis.Redis.from_url(server.url) as client:
            client.client_pause(600_000)
        cycle.on_poll_start()
        waiting = channel._in_poll
        assert waiting
        # Not before the connection is open: redis-py would read the same interval, and wait for its own ping before it sends.
        channel.health_check_interval = 0.1
        try:
            eventually(lambda: cycle.maybe_check_brpop_health() or not channel._in_poll)
        finally:
            server.stop()  # otherwise a failing test would wait for it when it closes its connection
        assert waiting._sock is None


def test_a_worker_sends_its_script_only_to_a_server_that_does_not_know_it(redis_url: str) -> None:
    """The text of the script is sent once, and again after the server has lost it."""
    use_transport()
    server: Any
    delivered: list[Any] = []
    with redis.Redis.from_url(redis_url) as server, Connection(redis_url) as connection:
        producer = Producer(connection)

        def take(number: int) -> None:
            producer.publish({"number": number}, routing_key="upkeep")
            connection.drain_events(timeout=60)

        with Consumer(connection, [Queue("upkeep")], on_message=delivered.append):
            server.config_resetstat()
            for number in range(3):
                take(number)
            assert calls(server) == {"eval": 1, "evalsha": 2}
            server.script_flush()
            take(3)
            assert calls(server) == {"eval": 2, "evalsha": 3}, "one that was not known, then the text"
            take(4)
            assert calls(server) == {"eval": 2, "evalsha": 4}
    assert len(delivered) == 5


def test_a_message_is_acknowledged_by_one_command(redis_url: str) -> None:
    use_transport()
    server: Any
    delivered: list[Any] = []
    with redis.Redis.from_url(redis_url) as server, Connection(redis_url) as connection:
        Producer(connection).publish({"number": 1}, routing_key="upkeep")
        with Consumer(connection, [Queue("upkeep")], on_message=delivered.append):
            connection.drain_events(timeout=60)
            assert (server.zcard("unacked_index"), server.hlen("unacked")) == (1, 1)
            server.config_resetstat()
            delivered[0].ack()
            assert calls(server) == {"eval": 1}
            assert server.exists("unacked_index", "unacked", "upkeep") == 0


def test_a_worker_asks_ever_more_rarely_while_no_message_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    class Channel(TaskQueues):
        def __init__(self) -> None:
            self._came_at = 100.0

    def pace(seconds_later: float) -> float:
        monkeypatch.setattr("worker.runtime.transport.time.monotonic", lambda: 100.0 + seconds_later)
        return round(Channel().pace, 4)

    paces = [pace(later) for later in (0, 0.05, 0.2, 0.4, 0.5, 3600)]
    assert paces == [BUSY_SECONDS, BUSY_SECONDS, 0.02, 0.04, IDLE_SECONDS, IDLE_SECONDS]


def calls(server: Any) -> dict[str, int]:
    """Return the scripts that were run since the counters were reset. Raises AssertionError for MULTI or EXEC."""
    counted = {name.removeprefix("cmdstat_"): stats["calls"] for name, stats in server.info("commandstats").items()}
    assert not {"multi", "exec"} & counted.keys()
    return {name: counted[name] for name in ("eval", "evalsha") if name in counted}
