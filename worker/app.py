"""The Celery app: `celery -A worker.app worker` finds it. Task modules are named by string, so that this module imports no tasks."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType
from typing import Any, NoReturn

from celery import Celery, signals
from celery.platforms import EX_OK
from celery.worker import state
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.celery_options import celery_options
from config.loading import load_settings
from config.logs import set_up_logging
from config.names import TaskName
from config.process_secrets import hold_only_own, process_of
from config.schedule import beat_schedule
from config.setting_faults import BAD_SETTINGS_EXIT_CODE, InvalidSettings
from config.settings import Settings
from worker.base import WorkTask
from worker.context import current_correlation
from worker.runtime import ending, heartbeat, telemetry
from worker.runtime.current import current, use
from worker.runtime.events import Events
from worker.runtime.private_files import keep_private
from worker.runtime.transport import reach_sentinels, use_transport
from worker.store.connection import is_outage

log = logging.getLogger(__name__)

TASK_MODULES = ("tasks.wbs", "tasks.invoices", "tasks.ledger", "tasks.refused")


def settings_or_exit() -> Settings:
    """Return the settings. If they are invalid, print one sentence per fault to standard error and exit."""
    try:
        settings = load_settings()
        if settings.redis_url is None:
            raise InvalidSettings(
                faults=("REDIS_URL is not set; a worker requires it. `wbs-sync up` starts a server itself.",)
            )
    except InvalidSettings as error:
        _exit_with(error)
    keep_private(settings.data_dir)
    return settings


def _exit_with(error: InvalidSettings) -> NoReturn:
    for fault in error.faults:
        sys.stderr.write(f"wbs-sync: {fault}\n")
    sys.exit(BAD_SETTINGS_EXIT_CODE)


def _options() -> dict[str, Any]:
    """Read the settings when the configuration is first needed, not on import: `--help` and tests import without an environment."""
    settings = settings_or_exit()
    reach_sentinels(settings.redis_address)
    return celery_options(redis_url=settings.redis_address, key_prefix=settings.redis_key_prefix) | {
        "beat_schedule": beat_schedule(settings),
        "worker_concurrency": settings.threads,
    }


if kind := process_of(sys.argv):
    hold_only_own(kind)
use_transport()
app = Celery("wbs-sync", task_cls=WorkTask, include=list(TASK_MODULES), events=Events, set_as_current=False)
app.add_defaults(_options)


@signals.setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    settings = settings_or_exit()
    set_up_logging(
        level=settings.log_level, style=settings.log_format, correlation_id=current_correlation, is_outage=is_outage
    )


@signals.worker_init.connect
@signals.worker_process_init.connect
def build_container(**_: Any) -> None:
    """Build the container of this process. Threads share one; each prefork child builds its own, because connections do not survive a fork."""
    # Imported here, because beat and Flower do not need it.
    from worker.container import Container  # noqa: PLC0415

    ending.watch()
    settings = settings_or_exit()
    try:
        telemetry.start(settings)
    except InvalidSettings as error:
        _exit_with(error)
    built = Container(settings, redis_url=settings.redis_address)
    try:
        built.require_own()
        built.stores.identity.meet()
        built.connections.note_certificate_expiry()
    except InvalidSettings as error:
        _exit_with(error)
    except RedisError as error:
        # Redis may start later: Celery and each command of wbs-sync keep trying to connect.
        log.warning("Redis does not respond yet: %s", type(error).__name__)
    use(built)


@signals.worker_ready.connect
def _dispatch_waiting_work(**_: Any) -> None:
    """Dispatch the work that waited while no worker ran, instead of waiting for the next `resume` from beat."""
    current().watch_store()
    try:
        app.send_task(TaskName.RESUME.value, ignore_result=True)
    except OperationalError as error:
        log.warning("Waiting work will be dispatched by the next resume: %s", type(error).__name__)


@signals.worker_ready.connect
def _announce(sender: Any = None, **_: Any) -> None:
    """Announce this worker, which takes work from now on."""
    queues = [str(queue) for queue in app.amqp.queues.consume_from]
    started = heartbeat.start(
        current().stores.presence,
        sender.hostname,
        queues,
        threads=sender.pool.limit,
        settings=current().written_settings,
        announce_more=current().stores.gate.announce,
    )
    current().settings_agreement.join(started.process, started.announce)


@signals.heartbeat_sent.connect
def _send_heartbeat(**_: Any) -> None:
    """Send a heartbeat every two seconds from the loop that also receives messages, so that a worker whose loop hangs stops sending it.

    Pinging a worker over the broker instead costs 58 MB and 0.6 s of CPU each time.
    """
    heartbeat.beat()


@signals.worker_ready.connect
def _install_signal_handlers(**_: Any) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _on_signal)


def _on_signal(number: int, frame: FrameType | None) -> None:
    """Handle TERM instead of Celery's handler, which takes a lock: finish started tasks and take no new ones. A second signal may interrupt
    this one.
    """
    state.should_stop = EX_OK
    ending.begin()
    heartbeat.end()
