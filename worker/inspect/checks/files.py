"""Checks that no other user of this machine can read or change the files with secrets."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.inspect.checks.check import Check, Look, doubt, well

NAMED = 5


@dataclass(frozen=True, slots=True)
class FileChecks:
    """`paths`: the files to check; they may be missing."""

    paths: Sequence[Path]

    def looks(self) -> Iterator[Look]:
        """Return these checks."""
        yield "Secret files", self._private

    def _private(self) -> Check:
        name, open_ones = "Secret files", [str(path) for path in self.paths if _is_open(path)]
        if not open_ones:
            return well(name, "no other user can read .env, the private key or a file in SECRETS_DIR")
        shown = ", ".join(open_ones[:NAMED]) + (f" and {len(open_ones) - NAMED} more" if len(open_ones) > NAMED else "")
        return doubt(name, f"other users of this machine can read {shown}", f"chmod 600 {' '.join(open_ones[:NAMED])}")


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
