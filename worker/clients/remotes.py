"""The clients of both remotes as one parameter object."""

from __future__ import annotations

from dataclasses import dataclass

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore


@dataclass(frozen=True, slots=True)
class Remotes:
    """Procore and NetSuite, both with the precedence of the same kind of work."""

    procore: Procore
    netsuite: NetSuite

    @property
    def company_id(self) -> int:
        """Procore's id of the company."""
        return self.procore.company_id
