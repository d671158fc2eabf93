"""`wbs-sync metrics`: print or write the metrics for Prometheus."""

from __future__ import annotations

from pathlib import Path

import click

from worker.cli.session import open_container


@click.command()
@click.option(
    "--out",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the metrics to this file atomically, such as for the textfile collector of a node exporter.",
)
def metrics(file: Path | None) -> None:
    """Print the business metrics in the Prometheus text format, the same as `up` serves next to Flower at /metrics/business.

    Does not query Procore or NetSuite. Reads about 40 values from Redis, however many codes there are.
    """
    text = open_container().metrics.text()
    if file is None:
        click.echo(text, nl=False)
        return
    # In the same folder, so that the replacement is atomic: a reader sees the old file or the new one.
    written = file.with_name(f"{file.name}.new")
    written.write_text(text, encoding="utf-8")
    # Counts alone, and the node exporter is another user.
    written.chmod(0o644)
    written.replace(file)
