"""Celery's options, the queues and the schedule fit together, and fit the times of the work itself."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.schedules import crontab

from config.celery_options import VISIBILITY_TIMEOUT_SECONDS, celery_options
from config.loading import load_settings
from config.names import QUEUE_OF_TASK, QueueName, TaskName
from config.schedule import beat_schedule
from config.settings import Settings
from tests.unit.config.conftest import SetEnvironment
from worker.clients.http import CONNECT_TIMEOUT_SECONDS
from worker.store.lanes import CLAIM_SECONDS
from worker.sync.invoice_items import DEADLINE_SECONDS


@pytest.fixture
def options() -> dict[str, Any]:
    return celery_options(redis_url="redis://:open-sesame@host/0", key_prefix="wbs:")


@pytest.fixture
def settings(set_environment: SetEnvironment) -> Settings:
    set_environment(SCAN_CRON="0 2 * * *", EXPORT_CRON="*/15 6-18 * * 1-5", VERIFY_CRON="0 5 * * 6")
    return load_settings()


@pytest.mark.parametrize("task", TaskName)
def test_every_task_goes_to_one_declared_queue(options: dict[str, Any], task: TaskName) -> None:
    declared = [queue.name for queue in options["task_queues"]]
    assert declared.count(options["task_routes"][task.value]["queue"]) == 1


def test_every_route_names_an_existing_task(options: dict[str, Any]) -> None:
    assert set(options["task_routes"]) == set(QUEUE_OF_TASK) == set(TaskName)


def test_every_queue_has_a_task_and_is_declared(options: dict[str, Any]) -> None:
    assert {queue.name for queue in options["task_queues"]} == set(QUEUE_OF_TASK.values()) == set(QueueName)


def test_a_misspelt_queue_is_refused_and_not_created(options: dict[str, Any]) -> None:
    assert options["task_create_missing_queues"] is False


def test_exports_never_wait_behind_scans() -> None:
    queues = {name: QUEUE_OF_TASK[name] for name in TaskName}
    exports = {queue for name, queue in queues.items() if name.value.startswith("invoices.")}
    scans = {queue for name, queue in queues.items() if name.value.startswith("wbs.")}
    assert exports.isdisjoint(scans)


def test_only_json_is_sent_or_accepted(options: dict[str, Any]) -> None:
    assert options["accept_content"] == options["result_accept_content"] == ["json"]
    assert options["task_serializer"] == options["result_serializer"] == "json"


def test_a_message_goes_to_a_second_worker_when_its_first_must_be_dead(
    options: dict[str, Any], settings: Settings
) -> None:
    """The visibility timeout is longer than any attempt, request and claim of a living worker."""
    timeout = options["broker_transport_options"]["visibility_timeout"]
    assert timeout == VISIBILITY_TIMEOUT_SECONDS
    longest_request = CONNECT_TIMEOUT_SECONDS + max(
        settings.netsuite_read_timeout_seconds, settings.procore_read_timeout_seconds
    )
    assert timeout > 2 * (DEADLINE_SECONDS + longest_request)
    assert timeout > 3 * CLAIM_SECONDS


def test_work_is_begun_no_later_than_others_would_take_it_over() -> None:
    assert DEADLINE_SECONDS < CLAIM_SECONDS


def test_all_keys_on_a_shared_server_begin_with_the_prefix(options: dict[str, Any]) -> None:
    for name in ("broker_transport_options", "result_backend_transport_options"):
        assert options[name]["global_keyprefix"] == "wbs:"


def test_messages_are_acknowledged_when_their_work_has_ended(options: dict[str, Any]) -> None:
    assert options["task_acks_late"] is True
    assert options["worker_cancel_long_running_tasks_on_connection_loss"] is False


ADDRESSES = {
    "one server": "redis://:canary-word@host:6379/0",
    "an ACL user": "redis://wbs:canary-word@host:6379/0",
    "a password that has to be quoted": "redis://wbs:canary%40w%2Ford%23@host/0",
    "TLS": "rediss://wbs:canary-word@host:6380/0?ssl_cert_reqs=required&ssl_ca_certs=%2Fca.pem",
    "an address of version 6": "redis://:canary-word@[::1]:6379/0",
    "one sentinel": "redis+sentinel://:canary-word@one/main/0",
    "sentinels": "redis+sentinel://wbs:canary%40w%2Ford%23@one:1,two:2,[::1]:3/main/2",
    "sentinels with their own login and TLS": "rediss+sentinel://wbs:canary-word@one:1/main/0?sentinel_username=a&sentinel_password=canary-two",
}


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_the_password_is_in_no_address_and_nothing_that_celery_shows(url: str) -> None:
    """Only two settings of Celery have it, and no report prints them."""
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(redis_url=url, key_prefix="wbs:"))
    hidden = {name for name, value in app.conf.items() if "canary" in repr(value)}
    assert hidden == {"broker_password", "redis_password"}
    shown = [
        app.conf.humanize(with_defaults=True, censored=True),
        repr(app.conf.table(with_defaults=True, censored=True)),
        app.bugreport(),
        app.connection().as_uri(),
        repr(app.connection()),
        # What every worker answers when it is asked for its state, without the password that Celery takes out itself.
        repr({name: value for name, value in app.connection().info().items() if name != "password"}),
        app.backend.as_uri(),
        repr(app.backend),
    ]
    assert [text for text in shown if "canary" in text] == []


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES.keys())
def test_broker_and_results_still_log_in_with_name_and_password(url: str) -> None:
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(redis_url=url, key_prefix="wbs:"))
    password = "canary@w/ord#" if "%" in url.partition("@")[0] else "canary-word"
    username = "wbs" if "wbs:" in url else None
    connection = app.connection()
    assert (connection.userid, connection.password) == (username, password)
    assert app.backend.connparams["password"] == password
    assert app.backend.connparams.get("username") == username


# The schedule


def test_every_entry_of_the_schedule_starts_an_existing_task(settings: Settings) -> None:
    entries = beat_schedule(settings)
    assert set(entries) == {"resume", "scan", "export", "verify"}
    assert all(entry["task"] in set(TaskName) for entry in entries.values())


@pytest.mark.parametrize(
    ("crons", "expected"),
    [
        ({}, {"resume"}),
        ({"SCAN_CRON": "0 2 * * *"}, {"resume", "scan"}),
        ({"EXPORT_CRON": "0 3 * * *"}, {"resume", "export"}),
        ({"VERIFY_CRON": "0 5 * * *"}, {"resume", "verify"}),
    ],
)
def test_scans_exports_and_comparisons_are_scheduled_only_with_a_time(
    set_environment: SetEnvironment, crons: dict[str, str], expected: set[str]
) -> None:
    """Without such settings, beat only resumes waiting work."""
    set_environment(**crons)
    assert set(beat_schedule(load_settings())) == expected


def test_the_times_are_those_of_the_settings(settings: Settings) -> None:
    entries = beat_schedule(settings)
    assert entries["scan"]["schedule"] == crontab(minute="0", hour="2")
    assert entries["export"]["schedule"] == crontab(minute="*/15", hour="6-18", day_of_week="1-5")
    assert entries["verify"]["schedule"] == crontab(minute="0", hour="5", day_of_week="6")
    assert (entries["verify"]["task"], entries["verify"].get("kwargs")) == (TaskName.RECONCILE, None)
    assert entries["scan"]["kwargs"] == entries["export"]["kwargs"] == {"trigger": "schedule"}


def test_no_message_of_beat_expires_by_the_clock_of_its_reader(settings: Settings) -> None:
    """The clock of the machine that reads a message may differ from that of the machine that sent it."""
    assert not [name for name, entry in beat_schedule(settings).items() if "expires" in entry.get("options", {})]


def test_a_result_is_kept_for_redis_through_an_outage_of_a_minute(options: dict[str, Any]) -> None:
    """Otherwise a task whose work was done is reported as failed. Celery waits a random part of a span that doubles up to a limit."""
    first, longest = (options[f"result_backend_{name}_sleep_between_retries_ms"] for name in ("base", "max"))
    spans = [min(longest, first * 2**turn) for turn in range(options["result_backend_max_retries"])]
    assert options["result_backend_always_retry"]
    assert sum(spans) / 2 / 1000 >= 60
