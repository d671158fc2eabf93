"""`wbs-sync flower`: Flower alone, as every other start of ours has it."""

from __future__ import annotations

import os
import sys

import click

from config.processes import REPORT_PATH, processes
from config.settings import load_settings
from worker.cli.output import faults_as_sentences, json_option, out, print_json
from worker.cli.session import redis_url
from worker.cli.stack import flower_access, require_free


@click.command()
@json_option
def flower(as_json: bool) -> None:
    """Open Flower: read-only, on the loopback, behind a login, with its memory in DATA_DIR; until Ctrl-C or TERM.

    `wbs-sync up` has it beside the workers already. This is for a machine that only looks, or for workers that something else runs.
    """
    with faults_as_sentences():
        settings = load_settings()
        redis_url(settings)
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        url, login = flower_access(settings)
        require_free(settings.flower_address, int(os.environ["FLOWER_PORT"]), "FLOWER_ADDRESS and FLOWER_PORT")
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
