"""The rehearsal of an upgrade, its way back and the upgrade again: `python -m tests.upgrade [--full] [--old COMMIT] [--old-python PATH]` (docs/upgrade.md)."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kit.site import Site
from tests.upgrade.earlier import FIRST_RELEASE, NoHistory, take_out
from tests.upgrade.rehearsal import SETTLES, Rehearsal

CODES, ALL_CODES = 6, 60
LAST_LINES = 40


def main() -> None:
    """Play the rehearsal, and print what was right after each step; a failure is raised after the last lines of each process."""
    parser = argparse.ArgumentParser(prog="python -m tests.upgrade", description=__doc__)
    parser.add_argument("--full", action="store_true", help=f"{ALL_CODES} codes in each project instead of {CODES}")
    parser.add_argument(
        "--old", default=FIRST_RELEASE, metavar="COMMIT", help="the earlier version; 0.1.0 if not given"
    )
    parser.add_argument(
        "--old-python",
        default=sys.executable,
        metavar="PATH",
        help="the interpreter of the environment that the earlier version runs in; this one if not given",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            earlier = take_out(asked.old, folder / "earlier")
        except NoHistory as why:
            sys.exit(str(why))
        with Site.open(folder, profile="large:1x2", slots=4, env=SETTLES) as site:
            codes = ALL_CODES if asked.full else CODES
            try:
                Rehearsal(site, earlier, codes=codes, python=asked.old_python, say=_say).play()
            except BaseException:
                for program in site.programs:
                    _say("\n".join([program.name, *program.log.splitlines()[-LAST_LINES:]]))
                raise


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
