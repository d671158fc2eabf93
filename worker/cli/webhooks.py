"""`wbs-sync webhooks`: receive Procore's webhooks."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
from functools import partial

import click

from config.logs import set_up_logging
from config.setting_faults import InvalidSettings
from worker.cli.output import Fault, json_option, print_done
from worker.cli.session import open_container
from worker.cli.stack import address_of
from worker.context import current_correlation
from worker.inspect.liveness import RECEIVES
from worker.runtime import heartbeat
from worker.runtime.webhooks import PATH, THREAD_NAME, open_socket, receive

END_SECONDS = 1.0
"""Seconds that the receiver waits for Redis when it stops."""


@click.command()
@json_option
def webhooks(as_json: bool) -> None:
    """Receive Procore's webhooks until Ctrl-C or TERM. A budget change starts a scan of its project; an invoice is exported.

    Procore requires a public HTTPS address: run a proxy that forwards requests to this address (docs/webhooks.md).
    """
    container = open_container()
    settings = container.settings
    if settings.webhook_authorization is None:
        raise InvalidSettings(faults=("WEBHOOK_AUTHORIZATION is not set; the receiver requires it.",))
    where = (settings.webhook_address, settings.webhook_port)
    try:
        on = open_socket(*where)
    except OSError as error:
        raise Fault(
            f"Cannot listen on {address_of(*where)}: {error.strerror}. See WEBHOOK_ADDRESS and WEBHOOK_PORT."
        ) from error
    set_up_logging(
        level=settings.log_level, style=settings.log_format, correlation_id=current_correlation, rate_limited=True
    )
    access = {"address": address_of(*where) + PATH}
    heartbeat.start(container.stores.presence, f"webhooks@{socket.gethostname()}", RECEIVES)
    receiving = receive(
        container.webhooks.take,
        authorization=settings.webhook_authorization.get_secret_value(),
        on=on,
        ready=partial(_announce, access, as_json=as_json),
        counts=container.stores.webhook_counts,
    )
    try:
        asyncio.run(receiving)
    finally:
        heartbeat.end(wait=END_SECONDS)
    if any(thread.name.startswith(THREAD_NAME) for thread in threading.enumerate()):
        # These threads wait for a Redis that does not respond, and Python would wait for the threads.
        logging.shutdown()
        os._exit(0)


def _announce(access: dict[str, str], *, as_json: bool) -> None:
    print_done(access, f"Webhooks {access['address']}", as_json=as_json)
    sys.stdout.flush()
