"""`wbs-sync simulate`: run the Procore and NetSuite simulators."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from worker.cli.simulators import SimulatorsProcess


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Seed for the simulated data.")
@click.option(
    "--profile", default="demo", show_default=True, help="demo, month, test, or large:PxC (projects x codes)."
)
@click.option("--procore-port", type=click.IntRange(0, 65535), default=0, help="0 = any free port.")
@click.option("--netsuite-port", type=click.IntRange(0, 65535), default=0, help="0 = any free port.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data/simulators"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the settings for connecting to them as one JSON value.")
def simulate(seed: int, profile: str, procore_port: int, netsuite_port: int, data_dir: Path, as_json: bool) -> None:
    """Run simulators of Procore and NetSuite with a realistic company until Ctrl-C.

    The settings for connecting to them are written to simulators.env in the data directory. Faults and latencies are set
    through /_admin on each simulator (docs/simulators.md).
    """
    arguments = ["--seed", str(seed), "--profile", profile, "--data-dir", str(data_dir)]
    arguments += ["--procore-port", str(procore_port), "--netsuite-port", str(netsuite_port)]
    sys.exit(SimulatorsProcess.run([*arguments, *(["--json"] if as_json else [])]))
