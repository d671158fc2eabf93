"""`wbs-sync report`: write a one-page HTML report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from worker.cli.output import json_option, out, print_json
from worker.cli.session import open_container
from worker.page import render

DEFAULT_FILE = Path("wbs-sync-report.html")


@click.command()
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"File to write.  [default: {DEFAULT_FILE}]",
)
@json_option
def report(file: Path | None, as_json: bool) -> None:
    """Write an HTML file with projects, invoices, problems, runs and NetSuite use. Does not query Procore or NetSuite.

    The file needs no network and no script, and can be sent or printed. With --json, the data is printed as JSON, and a file is
    written only with --out. `wbs-sync up` serves the same page live next to Flower.
    """
    report = open_container().reports.report()
    if as_json:
        print_json(asdict(report))
    if file or not as_json:
        (file or DEFAULT_FILE).write_text(render(report), encoding="utf-8")
    if not as_json:
        out.print(f"Written: {(file or DEFAULT_FILE).absolute()}", soft_wrap=True)
