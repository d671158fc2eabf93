"""What both model remotes share: a request on its way, and the journal of what really happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.campaign.simulated.scheduler import VThread

READ_TIMEOUT = {"netsuite": 120.0, "procore": 60.0}
"""How long the product's clients wait for an answer, in seconds."""


@dataclass(slots=True)
class Reply:
    """What a remote answers."""

    status: int
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Request:
    """One request. Times are virtual; `work`: the key of the work that its thread had begun; `told`: the client got an answer that
    settles the matter; `checked_at`: when a create's worker last made sure that the lock is its own.
    """

    remote: str
    method: str
    path: str
    params: Mapping[str, Any]
    headers: Mapping[str, str]
    body: Any
    writes: bool
    thread: VThread
    sent_at: float
    work_began_at: float
    work: str = ""
    intent_at: float | None = None
    checked_at: float | None = None
    slot_at: float = 0.0
    arrived_at: float | None = None
    committed_at: float | None = None
    reply: Reply | None = None
    waiting: bool = True
    told: bool = False
    answered_at: float | None = None
    refused: bool = False
    record_id: str = ""
    external_id: str = ""
    lock_lost: str = ""
    over_cap: bool = False
    kind: str = ""

    @property
    def is_bill(self) -> bool:
        """Whether it makes a bill or a vendor credit."""
        return self.method == "POST" and self.path.endswith(("/vendorBill", "/vendorCredit"))

    @property
    def is_item(self) -> bool:
        """Whether it makes an Item."""
        return self.method == "POST" and self.path.endswith("PurchaseItem")

    @property
    def creates(self) -> bool:
        """Whether it makes a record in NetSuite."""
        return self.is_bill or self.is_item
