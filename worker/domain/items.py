"""Chooses the Item of a WBS code from the Items found in NetSuite: created by wbs-sync, or to be adopted. Any other match blocks the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.domain.errors import Blocked
from worker.domain.field_kinds import FieldValue
from worker.domain.identities import is_our_item, same_external_id
from worker.domain.problems import Cause
from worker.domain.wbs_codes import same_item_name

OTHER_CHARGE = "OthCharge"
USABLE_SUBTYPES = ("Purchase", "Resale")
"""Other Charge subtypes that a vendor bill accepts; it does not accept `Sale` (docs/remotes.md, items)."""

ADOPTED_ITEMS = "items:adopted"
"""The key of a problem about all adopted Items: NetSuite does not accept our external id on them."""


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An Item in NetSuite; `type` and `subtype` are SuiteQL's values."""

    id: str
    name: str
    external_id: str | None
    type: str
    subtype: str
    inactive: bool
    display_name: str = ""

    @property
    def usable(self) -> bool:
        """Whether a bill may use it: an Other Charge for purchase or resale."""
        return self.type == OTHER_CHARGE and self.subtype in USABLE_SUBTYPES


@dataclass(frozen=True, slots=True)
class ItemNeed:
    """The expected Item of a WBS code. `fields`: further fields to write."""

    external_id: str
    name: str
    description: str
    fields: Mapping[str, FieldValue] = field(default_factory=dict, compare=False)


def item_for(need: ItemNeed, found: Sequence[FoundItem], adopted: Mapping[str, str]) -> FoundItem | None:
    """Return the Item among `found` that the code uses: the one with its external id, whatever its name, else the one with its name; None if
    there is none.

    `adopted`: adopted Items without an external id of ours: the external id of the code that adopted each, by internal id. Raises Blocked
    if the Item cannot be used, or if more than one matches.
    """
    ours = [item for item in found if same_external_id(item.external_id, need.external_id)]
    named = ours or [item for item in found if same_item_name(item.name, need.name)]
    if not named:
        return None
    item = named[0]
    facts = {"name": item.name, "item_id": item.id, "external_id": item.external_id or ""}
    if len(named) > 1:
        ids = ", ".join(sorted(other.id for other in named))
        raise Blocked(cause=Cause.DUPLICATE_ITEM, facts=facts | {"item_ids": ids})
    if not item.usable:
        found_type = f"{item.type} {item.subtype}".strip()
        raise Blocked(cause=Cause.ITEM_TYPE_MISMATCH, facts=facts | {"found_type": found_type})
    if item.inactive:
        raise Blocked(cause=Cause.ITEM_INACTIVE, facts=facts)
    owner = item.external_id if is_our_item(item.external_id) else adopted.get(item.id)
    if owner and not same_external_id(owner, need.external_id):
        raise Blocked(cause=Cause.ITEM_BELONGS_TO_OTHER_CODE, facts=facts | {"external_id": owner})
    return item
