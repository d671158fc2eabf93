"""Where Procore, NetSuite and the ledger do not agree: found by `verify`, and by a rebuild that comes upon a pair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FindingKind(StrEnum):
    """What does not agree."""

    ITEM_MISSING = "item_missing"
    ITEM_DOUBLED = "item_doubled"
    ITEM_UNUSABLE = "item_unusable"
    ITEM_OTHER_THAN_RECORDED = "item_other_than_recorded"
    ITEM_RENAMED = "item_renamed"
    BILL_MISSING = "bill_missing"
    BILL_DOUBLED = "bill_doubled"
    BILL_DIFFERS = "bill_differs"
    ORIGIN_ID_MISSING = "origin_id_missing"


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement, in words. `key` names the code or invoice."""

    kind: FindingKind
    key: str
    sentence: str

    @property
    def problem_key(self) -> str:
        """Under which it is an open problem, until a later comparison finds it gone."""
        return f"{FINDINGS}{self.kind}:{self.key}"


FINDINGS = "verify:"
"""What the keys of such problems begin with."""
