"""`wbs-sync flower`: Flower alone, as every other start of ours has it."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import closing

import click

from config.processes import REPORT_PATH, processes
from config.settings import Settings, load_settings
from worker.cli.output import Fault, faults_as_sentences, json_option, out, print_json
from worker.cli.session import redis_url
from worker.cli.stack import flower_access


@click.command()
@json_option
def flower(as_json: bool) -> None:
    """Open Flower: read-only, on the loopback, behind a login, with its memory in DATA_DIR; until Ctrl-C or TERM.

    `wbs-sync up` has it beside the workers already. This is for a machine that only looks, or for workers that something else runs.
    """
    with faults_as_sentences():
        settings = load_settings()
        redis_url(settings)
        url, login = flower_access(settings)
        _require_free(settings)
        told = {"flower": url, "report": url + REPORT_PATH, "login": login}
        if as_json:
            print_json(told)
        else:
            out.print(f"Flower   {told['flower']}  (login {told['login']})", soft_wrap=True)
            out.print(f"Report   {told['report']}  (the same login)", soft_wrap=True)
        sys.stdout.flush()
        all_of_them = processes(data_dir=settings.data_dir)
        command = next(process.command for process in all_of_them if process.name == "flower")
        # In place of this process, so that signals reach Flower itself.
        os.execv(command[0], command)  # noqa: S606 - our own command line, without a shell


def _require_free(settings: Settings) -> None:
    """Flower would tell a taken port by a traceback."""
    family = socket.AF_INET6 if ":" in settings.flower_address else socket.AF_INET
    where = (settings.flower_address, int(os.environ["FLOWER_PORT"]))
    with closing(socket.socket(family)) as probe:
        # As Flower's own server does: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError as error:
            raise Fault(
                f"{where[0]}:{where[1]} cannot be listened on: {error.strerror}. If `wbs-sync up` runs, Flower is there already; "
                "otherwise set FLOWER_PORT."
            ) from error
