"""Celery's options, each with its reason. Measurements behind them: docs/decisions/0002-celery-options.md and 0040."""

from __future__ import annotations

from typing import Any

from kombu import Queue

from config.names import QUEUE_OF_TASK, QueueName
from config.redis_address import sentinels_of, without_login

VISIBILITY_TIMEOUT_SECONDS = 900
"""Seconds after which an unacknowledged message is delivered again. Longer than any task runs, so only the messages of dead workers are
delivered twice.
"""


def celery_options(*, redis_url: str, key_prefix: str) -> dict[str, Any]:
    """Return all options of the app for one Redis address. The only secret in them is the password, under names that Celery itself hides."""
    sentinels = sentinels_of(redis_url)
    url, login = without_login(redis_url)
    of_sentinels = {"master_name": sentinels.master} if sentinels else {}
    return {
        "broker_url": url,
        "result_backend": url,
        # Separate from the address, which is shown in many places: Celery hides options with PASS in their names wherever it shows options.
        "broker_user": login.username or None,
        "broker_password": login.password or None,
        # TLS for sentinel addresses; a rediss:// address contains its own TLS options.
        **(
            {"broker_use_ssl": sentinels.tls, "redis_backend_use_ssl": sentinels.tls}
            if sentinels and sentinels.tls
            else {}
        ),
        "redis_username": login.username or None,
        "redis_password": login.password or None,
        # JSON only: a pickle in a queue is code execution, and other languages enqueue too.
        "task_serializer": "json",
        "result_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        # A message is acknowledged when its work has ended, so a killed worker's message comes back.
        "task_acks_late": True,
        # A failed task is acknowledged too: the ledger, not the broker, has its work and the time of the next attempt.
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_reject_on_worker_lost": False,
        # More than one: a long task sees from the fetched messages that other tasks are waiting for a thread (worker/runtime/pool.py), and no
        # thread waits for its next message.
        "worker_prefetch_multiplier": 4,
        # Threads, with a bounded shutdown. `-P` on the command line would select another pool.
        "worker_pool": "worker.runtime.pool:TaskPool",
        # Would cut NetSuite writes in flight at every broken connection.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        # Flower shows received, started and finished tasks. Sent events are off: they would cost one more message per task, and work
        # waits in the ledger, rarely in a queue.
        "task_track_started": True,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "result_extended": True,
        # Results can be read for one day. The ledger is the record; results are for people and senders.
        "result_expires": 86_400,
        "result_backend_always_retry": True,
        # Two minutes without Redis, half a second apart on average, so that a task that did its work is not reported as failed.
        "result_backend_max_retries": 240,
        "result_backend_base_sleep_between_retries_ms": 50,
        "result_backend_max_sleep_between_retries_ms": 1000,
        # A typo in a queue's name must fail instead of creating a queue without a worker.
        "task_create_missing_queues": False,
        # Each under its own key: by default all of them would be bound to the key of the default queue.
        "task_queues": [Queue(queue.value, routing_key=queue.value) for queue in QueueName],
        "task_default_queue": QueueName.UPKEEP.value,
        "task_routes": {task.value: {"queue": queue.value} for task, queue in QUEUE_OF_TASK.items()},
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            **of_sentinels,
            "visibility_timeout": VISIBILITY_TIMEOUT_SECONDS,
            "global_keyprefix": key_prefix,
            # No broker command blocks. A worker whose event loop waits this long several times in a row still counts as running.
            "socket_timeout": 10,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        "result_backend_transport_options": {
            **of_sentinels,
            # worker/runtime/transport.py passes these to the broker's channel: every worker shows the broker's options in clear text.
            **({"sentinel_kwargs": sentinels.sentinel_options} if sentinels else {}),
            "global_keyprefix": key_prefix,
            "retry_policy": {"timeout": 5.0},
        },
        "redis_socket_timeout": 30,
        "redis_socket_connect_timeout": 5,
        "redis_socket_keepalive": True,
        "task_publish_retry_policy": {"max_retries": 5, "interval_start": 0.1, "interval_step": 0.5, "interval_max": 3},
        # Stores the last runs in Redis: Celery's own scheduler cannot start with a schedule file that a power loss filled with zeros.
        "beat_scheduler": "worker.runtime.beat:Schedule",
        "beat_max_loop_interval": 2,
        "timezone": "UTC",
        "enable_utc": True,
    }
