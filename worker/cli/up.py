"""`wbs-sync up`: run all processes on one machine under one supervisor."""

from __future__ import annotations

import sys

import click

from config.loading import load_settings
from worker.cli.output import json_option, out, print_fault, print_json
from worker.cli.session import open_container
from worker.cli.stack import Stack, address_of
from worker.runtime.webhooks import PATH


@click.command()
@json_option
def up(as_json: bool) -> None:
    """Run the embedded server (if REDIS_URL is empty), both workers, beat and Flower until Ctrl-C or TERM.

    A process that dies is restarted. Invalid settings stop everything with an error message.
    """
    settings = load_settings()
    stack = Stack.prepare(settings)
    try:
        open_container()
        access = {
            "report": stack.report_url,
            "flower": stack.flower_url,
            "login": stack.flower_login,
            "data_dir": str(settings.data_dir),
        }
        if settings.webhook_authorization:
            access["webhooks"] = address_of(settings.webhook_address, settings.webhook_port) + PATH
        _announce(access, as_json=as_json)
        code = stack.supervisor.run_until_stopped(stack.keep_server)
    finally:
        stack.stop()
    for fault in stack.supervisor.faults:
        print_fault(fault)
    sys.exit(code)


def _announce(access: dict[str, str], *, as_json: bool) -> None:
    """Print the addresses of the report and Flower and the login, to this terminal only, never to a log."""
    if as_json:
        print_json(access)
        sys.stdout.flush()
        return
    out.print(f"Report   {access['report']}  (the same login as Flower)", soft_wrap=True)
    out.print(f"Flower   {access['flower']}  (login {access['login']})", soft_wrap=True)
    if "webhooks" in access:
        out.print(f"Webhooks {access['webhooks']}", soft_wrap=True)
    out.print(f"Data     {access['data_dir']}, logs in {access['data_dir']}/logs", soft_wrap=True)
    out.print("Running. Press Ctrl-C to stop. Work in progress is finished, or continued after the next start.")
