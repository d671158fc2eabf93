"""Moves task messages between queues with scripts, so that a message is always in its queue or recorded as unacknowledged.

Kombu's transport pops a message first and records it afterwards. Between the two it exists in the worker's memory alone: it is lost if the
worker dies, or if Redis rejects the record (it or its disk is full, it is a replica, or a permission is missing). Here, one script records
the message and then removes it from its queue; if Redis rejects the script, the message stays in the queue. A script cannot block, so a
worker polls: every 10 ms after a message, then less and less often, down to every 50 ms.

The records have kombu's format, so a worker of any version redelivers messages that another one left.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from queue import Empty
from typing import Any, ClassVar

from kombu import transport
from kombu.transport import redis
from kombu.transport.virtual import QoS as LocalQoS
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import NoScriptError, RedisError, ResponseError

from config.redis_address import Login, sentinels_of
from worker.runtime import heartbeat
from worker.runtime.broker import QUEUES, admitted
from worker.store.connection import why
from worker.store.scripts import SOURCES

log = logging.getLogger(__name__)

BUSY_SECONDS, IDLE_SECONDS = 0.01, 0.05
"""Minimum and maximum seconds between two polls: just after a message, and half a second after the last one."""
PAUSES_PER_WAIT = 10
"""Between the two, a poll follows after this fraction of the time since the last message."""
REFUSED_SECONDS = 1.0
"""Seconds that a worker waits after Redis rejected a command."""
REPORTED_EVERY_SECONDS = 60.0
RETURNED_AT_ONCE = 100
TAKE = SOURCES["messages/take"]
TAKE_DIGEST = hashlib.sha1(TAKE.encode(), usedforsecurity=False).hexdigest()
"""Hash of the script, by which Redis finds it once it has its text."""


class QoS(redis.QoS):  # type: ignore[misc]  # kombu is untyped
    """The messages that this worker took and has not acknowledged. What Redis rejects is settled later."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._unsettled: dict[str, bool] = {}

    def append(self, message: Any, delivery_tag: str) -> None:
        """Called by kombu for each message that arrives. `Channel` has already recorded task messages."""
        if delivery_tag in self.channel.taken:
            self.channel.taken.discard(delivery_tag)
            LocalQoS.append(self, message, delivery_tag)
        else:
            super().append(message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Called by kombu when the work of a message is done."""
        self._settle(delivery_tag, requeue=False)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Called by kombu when a message is dropped or, with `requeue`, returned to the end of its queue."""
        self._settle(delivery_tag, requeue=requeue)

    def settle_rest(self) -> None:
        """Retry what Redis rejected."""
        for tag, requeue in list(self._unsettled.items()):
            self._settle(tag, requeue=requeue)
            if tag in self._unsettled:
                return

    def restore_by_tag(self, tag: str, client: Any = None, leftmost: bool = False) -> None:
        """Return one message to its queue, at the front unless `leftmost`. Raises RedisError; then nothing has changed."""
        self._return([tag], "LPUSH" if leftmost else "RPUSH")

    def restore_unacked(self, client: Any = None) -> None:
        """Called by kombu at the end of a connection: return the messages taken. What Redis rejects is redelivered when it is overdue."""
        try:
            self._return(list(self._delivered), "RPUSH")
        except RedisError as error:
            log.warning("Messages in this worker will be redelivered later: %s", why(error))
        self._delivered.clear()

    def restore_visible(self, start: int = 0, num: int = RETURNED_AT_ONCE, interval: int = 0) -> None:
        """Called by kombu every ten seconds: return messages that their worker has not acknowledged in time."""
        try:
            overdue = self.channel.run(
                "messages/overdue", [self.unacked_index_key], [self.visibility_timeout, num or RETURNED_AT_ONCE]
            )
            self._return(overdue or [], "RPUSH")
        except ResponseError as error:
            self.channel.report(error)

    def _settle(self, tag: str, *, requeue: bool) -> None:
        try:
            if requeue:
                self._return([tag], "LPUSH")
            else:
                self.channel.run("messages/acknowledge", [self.unacked_index_key, self.unacked_key], [tag])
        except ResponseError as error:
            self._unsettled[tag] = requeue
            self.channel.report(error)
            return
        self._unsettled.pop(tag, None)
        LocalQoS.ack(self, tag)

    def _return(self, tags: list[Any], push: str) -> None:
        if tags:
            self.channel.run(
                "messages/put_back",
                [self.unacked_index_key, self.unacked_key],
                [self.channel.global_keyprefix, push, *tags],
            )


class TaskQueues:
    """A channel that takes task messages by script. A channel that reads anything else, such as replies of workers, is kombu's own."""

    QoS = QoS

    def __init__(self: Any, *arguments: Any, **options: Any) -> None:
        self.taken: set[str] = set()
        """Tags of messages that are recorded in Redis and not known to `QoS` yet."""
        self._tag = ""  # delivery tag of the poll in progress
        self._next_take = self._came_at = self._report_at = 0.0
        self._redis_knows_take = False
        super().__init__(*arguments, **options)

    def _connparams(self: Any, asynchronous: bool = False) -> Any:
        """Called by kombu to open a connection. If another thread has closed the channel, for example because Redis closed all connections,
        this raises the error of a lost connection, so that the sender reconnects. Kombu alone would raise AttributeError, which loses a
        message being sent, and ends a worker that acknowledges one.
        """
        try:
            return super()._connparams(asynchronous)  # type: ignore[misc]
        except AttributeError:
            if self.connection is not None and self.connection.client is not None:
                raise
            raise LostConnection("the channel is closed") from None

    @property
    def pace(self) -> float:
        """Return the seconds until the next poll."""
        return min(max((time.monotonic() - self._came_at) / PAUSES_PER_WAIT, BUSY_SECONDS), IDLE_SECONDS)

    def run(self: Any, script: str, keys: list[str], arguments: list[Any]) -> Any:
        """Run a script of the store by name on a separate connection. `keys`: without the prefix of all keys."""
        with self.conn_or_acquire() as client:
            return client.eval(SOURCES[script], len(keys), *(self.global_keyprefix + key for key in keys), *arguments)

    def settle_rest(self: Any) -> None:
        """Retry what Redis rejected, after a pause; also while this worker may fetch no more messages."""
        if time.monotonic() >= self._next_take:
            self.qos.settle_rest()

    def report(self, error: Exception) -> None:
        """Log once a minute that Redis rejects commands, and pause polling for a moment."""
        now = time.monotonic()
        self._next_take = now + REFUSED_SECONDS
        if now >= self._report_at:
            self._report_at = now + REPORTED_EVERY_SECONDS
            log.error("No messages are taken until Redis accepts writes again; none are lost. %s", why(error))

    def _brpop_start(self: Any, timeout: float | None = None) -> None:
        """Called by kombu before each wait for events, unless a poll is in progress: poll for the next message if it is due."""
        if not QUEUES.issuperset(self.active_queues):  # a set, or a list in kombu 5.7
            super()._brpop_start(timeout)  # type: ignore[misc]
            return
        wait = self._next_take - time.monotonic()
        if wait > 0 and self.connection.cycle._in_protected_read:
            time.sleep(wait)  # for a caller that blocks, not a worker's event loop
        elif wait > 0:
            return
        self._brpop_sent_at = time.monotonic()  # kombu checks from here on that a response arrives
        queues = self._queue_cycle.consume(len(self.active_queues))
        keys = [self._q_for_pri(queue, step) for step in self.priority_steps for queue in queues]
        names = [queue for _ in self.priority_steps for queue in queues]
        keys_of_script = [self.global_keyprefix + key for key in (self.unacked_index_key, self.unacked_key, *keys)]
        self._in_poll, self._tag = self.client.connection, str(uuid.uuid4())
        # The digest saves 600 bytes in the command that a worker sends most often.
        script = ("EVALSHA", TAKE_DIGEST) if self._redis_knows_take else ("EVAL", TAKE)
        self.client.connection.send_command(*script, len(keys_of_script), *keys_of_script, self._tag, *names)

    def _brpop_read(self: Any, **options: Any) -> bool:
        """Called by kombu when the response is there: deliver the message. Raises queue.Empty without one."""
        tag, self._tag = self._tag, ""
        if not tag:
            return bool(super()._brpop_read(**options))  # type: ignore[misc]
        self._next_take = time.monotonic() + self.pace
        try:
            reply = self.client.parse_response(self.client.connection, "EVAL", **options)
        except self.connection_errors:
            self.client.connection.disconnect()
            raise
        except NoScriptError:
            # The server was replaced or restarted: the next poll sends the script's text.
            self._redis_knows_take, self._next_take = False, 0.0
            raise Empty from None
        except ResponseError as error:
            self.report(error)
            raise Empty from error
        finally:
            self._in_poll = None
        self._redis_knows_take = True
        if not reply:
            raise Empty
        self._next_take, self._came_at = 0.0, time.monotonic()
        queue, raw = reply[0].decode(), reply[1]
        self._queue_cycle.rotate(queue)
        message = admitted(queue, raw)
        message["properties"]["delivery_tag"] = tag
        self.taken.add(tag)
        self.connection._deliver(message, queue)
        return True


class Channel(TaskQueues, redis.Channel):  # type: ignore[misc]
    """A channel to one server."""


class SentinelChannel(TaskQueues, redis.SentinelChannel):  # type: ignore[misc]
    """A channel to the master that sentinels report. `sentinel_kwargs`: how to connect to a sentinel, with its login; `login`: the login of
    the master.

    Kombu would read the former from the transport options, which every worker sends when its state is requested. It would lose the latter
    in every connection, including pooled ones, that switches to the next sentinel after a failure: the addresses contain no login.
    """

    sentinel_kwargs: ClassVar[dict[str, Any] | None] = None
    login: ClassVar[Login] = Login()

    def _connparams(self, asynchronous: bool = False) -> Any:
        """Return the options of a connection, always with the login."""
        options = super()._connparams(asynchronous)
        return {
            **options,
            "username": options["username"] or self.login.username or None,
            "password": options["password"] or self.login.password or None,
        }


class Ticking:
    """A transport whose event loop wakes for the next poll, and which sends heartbeats while a worker without Redis tries to reconnect."""

    def establish_connection(self: Any) -> Any:
        """Called by kombu at each attempt to connect; it takes half a minute if Redis does not respond, and blocks Celery's loop."""
        if threading.current_thread() is threading.main_thread():
            heartbeat.beat()
        return super().establish_connection()  # type: ignore[misc]

    def register_with_event_loop(self: Any, connection: Any, loop: Any) -> None:
        """Called by Celery at each new connection of a worker."""
        super().register_with_event_loop(connection, loop)  # type: ignore[misc]

        def tick() -> None:
            if self.client is None:
                return  # this connection is closed; the next one has its own timer
            channels = [channel for channel in self.cycle._channels if channel.active_queues]
            loop.call_later(min((channel.pace for channel in channels), default=IDLE_SECONDS), tick)
            for channel in channels:
                channel.settle_rest()

        tick()


class Transport(Ticking, redis.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with this channel."""

    Channel = Channel


class SentinelTransport(Ticking, redis.SentinelTransport):  # type: ignore[misc]
    """Kombu's sentinel transport with this channel."""

    Channel = SentinelChannel


def reach_sentinels(redis_url: str) -> None:
    """Set how this process connects to sentinels and to the master that they report: with the logins and TLS of this REDIS_URL."""
    sentinels = sentinels_of(redis_url)
    SentinelChannel.sentinel_kwargs = sentinels.sentinel_options if sentinels else None
    SentinelChannel.login = Login(sentinels.username, sentinels.password) if sentinels else Login()


def use_transport() -> None:
    """Make this process use these transports for every Redis address."""
    transport.TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), f"{__name__}:Transport"))
    transport.TRANSPORT_ALIASES["sentinel"] = f"{__name__}:SentinelTransport"
