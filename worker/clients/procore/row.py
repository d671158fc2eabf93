"""The base of Procore's models."""

from __future__ import annotations

from typing import ClassVar

from worker.clients.fields import Row


class ProcoreRow(Row):
    """A record of Procore."""

    remote: ClassVar[str] = "Procore"
