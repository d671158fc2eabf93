"""Runs commands of one version in one process, since a start for each is slow: `python commands.py '[["problems", "--json"], ...]'`.

The version is that of PYTHONPATH. Prints a JSON list of [exit code, standard output, standard error].
"""

from __future__ import annotations

import json
import sys

from click.testing import CliRunner

from worker.cli import wbs_sync


def main() -> None:
    """Run the commands in their order."""
    ended = [CliRunner().invoke(wbs_sync, arguments) for arguments in json.loads(sys.argv[1])]
    sys.stdout.write(json.dumps([[one.exit_code, one.stdout, one.stderr] for one in ended]))


if __name__ == "__main__":
    main()
