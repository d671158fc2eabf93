"""`wbs-sync flower`: run Flower alone, with the same setup as `wbs-sync up`."""

from __future__ import annotations

import os
import sys

import click

from config.loading import load_settings
from config.processes import REPORT_PATH, processes
from worker.cli.output import json_option, out, print_json
from worker.cli.session import redis_url
from worker.cli.stack import flower_access, require_free


@click.command()
@json_option
def flower(as_json: bool) -> None:
    """Run Flower until Ctrl-C or TERM: read-only, on the loopback address, behind a login, with its data in DATA_DIR.

    `wbs-sync up` already runs Flower. Use this command on a machine without workers, or if another supervisor runs the workers.
    """
    settings = load_settings()
    redis_url(settings)
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    url, login = flower_access(settings)
    require_free(settings.flower_address, int(os.environ["FLOWER_PORT"]), "FLOWER_ADDRESS and FLOWER_PORT")
    access = {"flower": url, "report": url + REPORT_PATH, "login": login}
    if as_json:
        print_json(access)
    else:
        out.print(f"Flower   {access['flower']}  (login {access['login']})", soft_wrap=True)
        out.print(f"Report   {access['report']}  (the same login)", soft_wrap=True)
    sys.stdout.flush()
    all_of_them = processes(data_dir=settings.data_dir)
    command = next(process.command for process in all_of_them if process.name == "flower")
    # In place of this process, so that signals reach Flower itself.
    os.execv(command[0], command)  # noqa: S606 - our own command line, without a shell
