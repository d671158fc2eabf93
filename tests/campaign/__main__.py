"""The fault campaigns: faults of every kind strike the product, and what they left is asked the same final questions."""

from __future__ import annotations

import argparse
import sys

from tests.campaign import report
from tests.campaign.processes import command as processes
from tests.campaign.processes import full_disk
from tests.campaign.recovery import command as recovery
from tests.campaign.simulated import command as simulated


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    commands = parser.add_subparsers(required=True)
    simulated.add_to(commands)
    processes.add_to(commands)
    full_disk.add_to(commands)
    recovery.add_to(commands)
    report.add_to(commands)
    options = parser.parse_args(arguments)
    return int(options.job(options))


if __name__ == "__main__":
    sys.exit(main())
