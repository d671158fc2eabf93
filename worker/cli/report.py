"""`wbs-sync report`: where everything stands, as one HTML file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from worker.cli.output import faults_as_sentences, json_option, out, print_json
from worker.cli.session import open_container
from worker.page import render

DEFAULT_FILE = Path("wbs-sync-report.html")


@click.command()
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Where to write it.  [default: {DEFAULT_FILE}]",
)
@json_option
def report(file: Path | None, as_json: bool) -> None:
    """Write one HTML file with projects, invoices, problems, runs and the use of NetSuite. Asks no remote.

    The file needs no network and no script, and can be sent or printed. With --json its data are printed, and a file is only
    written where --out names one. `wbs-sync up` serves the same page live beside Flower.
    """
    with faults_as_sentences():
        told = open_container().reports.report()
        if as_json:
            print_json(asdict(told))
        if file or not as_json:
            (file or DEFAULT_FILE).write_text(render(told), encoding="utf-8")
        if not as_json:
            out.print(f"Written: {(file or DEFAULT_FILE).absolute()}", soft_wrap=True)
