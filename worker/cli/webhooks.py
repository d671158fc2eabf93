"""`wbs-sync webhooks`: the receiver of Procore's webhooks."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import click

from config.logs import set_up_logging
from config.settings import InvalidSettings
from worker.cli.output import Fault, faults_as_sentences, json_option, out, print_json
from worker.cli.session import open_container
from worker.webhooks import PATH, receive


@click.command()
@json_option
def webhooks(as_json: bool) -> None:
    """Receive Procore's webhooks, until Ctrl-C or TERM: budget changes scan their project, invoices are exported.

    Procore needs a public HTTPS address; a proxy of yours passes it on to this one (docs/webhooks.md).
    """

    with faults_as_sentences():
        container = open_container()
        settings = container.settings
        if settings.webhook_authorization is None:
            raise InvalidSettings(faults=("WEBHOOK_AUTHORIZATION is not set: the receiver never runs without it.",))
        told = {"address": f"http://{settings.webhook_address}:{settings.webhook_port}{PATH}"}
        set_up_logging(level=settings.log_level, style=settings.log_format)
        receiving = receive(
            container.webhooks.take,
            authorization=settings.webhook_authorization.get_secret_value(),
            address=settings.webhook_address,
            port=settings.webhook_port,
            ready=partial(_announce, told, as_json=as_json),
        )
        try:
            asyncio.run(receiving)
        except OSError as error:
            where = f"{settings.webhook_address}:{settings.webhook_port}"
            raise Fault(
                f"{where} cannot be listened on: {error.strerror}. See WEBHOOK_ADDRESS and WEBHOOK_PORT."
            ) from error


def _announce(told: dict[str, str], *, as_json: bool) -> None:
    print_json(told) if as_json else out.print(f"Webhooks {told['address']}", soft_wrap=True)
    sys.stdout.flush()
