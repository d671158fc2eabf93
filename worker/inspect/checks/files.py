"""Checks that no other user of this machine can read or change the files with secrets."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.domain.texts import first_few
from worker.inspect.checks.check import Check, NamedCheck, passed, warning

MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class FileChecks:
    """`paths`: the files to check; they may be missing."""

    paths: Sequence[Path]

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "Secret files", self._private

    def _private(self) -> Check:
        name, readable = "Secret files", [str(path) for path in self.paths if _is_open(path)]
        if not readable:
            return passed(name, "no other user can read .env, the private key or a file in SECRETS_DIR")
        shown = first_few(readable, MAX_NAMED)
        return warning(
            name, f"other users of this machine can read {shown}", f"chmod 600 {' '.join(readable[:MAX_NAMED])}"
        )


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
