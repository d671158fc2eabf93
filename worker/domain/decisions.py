"""Decisions of people about invoices, which neither Procore nor NetSuite has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class DecisionKind(StrEnum):
    """Kinds of decisions. Stable codes and part of the public interface."""

    BILLED_ELSEWHERE = "billed_elsewhere"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision on one invoice. `label`: the invoice's name; `by`: a user; `at`: unix seconds; `bill_id`: NetSuite's internal id of the bill
    or credit, if billed elsewhere.
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
        """The decision as JSON values."""
        return asdict(self) | {"kind": self.kind.value}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the decision from `stored`. Fields added by a newer version are dropped."""
        known = {name: stored[name] for name in ("label", "by", "at", "note", "bill_id") if name in stored}
        return cls(DecisionKind(stored["kind"]), **known)
