"""What a person says about an invoice: it was billed elsewhere, or it shall not be exported. Kept with a note until it is taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class DecisionKind(StrEnum):
    """Stable codes, part of the public face."""

    BILLED_ELSEWHERE = "billed_elsewhere"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Decision:
    """About one invoice. `label`: what people call the invoice; `by`: a user; `at`: unix seconds; `bill_id`: NetSuite's internal id of the
    bill or credit, for one that was billed elsewhere.
    """

    kind: DecisionKind
    label: str
    by: str
    at: float
    note: str
    bill_id: str = ""

    @property
    def reason(self) -> str:
        """Why the invoice is not exported."""
        what = f"billed elsewhere, NetSuite id {self.bill_id}" if self.bill_id else "not to be exported"
        return f"{what}; decided by {self.by}: {self.note}"

    @property
    def stored(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self) | {"kind": self.kind.value}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """Back from `stored`. What a newer version added is left out."""
        known = {name: stored[name] for name in ("label", "by", "at", "note", "bill_id") if name in stored}
        return cls(DecisionKind(stored["kind"]), **known)
