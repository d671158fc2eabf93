"""`wbs-sync metrics`: what Prometheus is told."""

from __future__ import annotations

from pathlib import Path

import click

from worker.cli.output import faults_as_sentences
from worker.cli.session import open_container


@click.command()
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file at once, whole or not at all, such as for a node exporter's textfile collector.",
)
def metrics(file: Path | None) -> None:
    """Print the business facts in Prometheus' text format: the same that `up` serves beside Flower as /metrics/business.

    Asks no remote, and reads some 40 values from Redis, however many codes there are.
    """
    with faults_as_sentences():
        told = open_container().metrics.text()
        if file is None:
            click.echo(told, nl=False)
            return
        # Beside it, so that both are on one disk: then a reader sees the old file or the new one.
        written = file.with_name(f"{file.name}.new")
        written.write_text(told, encoding="utf-8")
        # Counts alone, and the node exporter is another user.
        written.chmod(0o644)
        written.replace(file)
