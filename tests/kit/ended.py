"""The result of a command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the one JSON value on its standard output."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        """Return its standard output on one line."""
        return " ".join(self.out.split())
