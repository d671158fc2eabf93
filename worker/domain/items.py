"""Whether an Item found in NetSuite is the one a WBS code needs: ours, to be adopted, in the way, or not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.domain.errors import Blocked
from worker.domain.identities import is_our_item, same_external_id
from worker.domain.problems import Cause
from worker.domain.wbs_codes import same_name

OTHER_CHARGE = "OthCharge"
USABLE_SUBTYPES = ("Purchase", "Resale")
"""Other Charge subtypes that may stand on a vendor bill; `Sale` may not (docs/remotes.md, items)."""

ADOPTED_ITEMS = "items:adopted"
"""The key of a problem about all adopted Items: NetSuite does not accept our external id on them."""


@dataclass(frozen=True, slots=True)
class FoundItem:
    """An Item as a look-up shows it; `type` and `subtype` in SuiteQL's words."""

    id: str
    name: str
    external_id: str | None
    type: str
    subtype: str
    inactive: bool
    display_name: str = ""

    @property
    def usable(self) -> bool:
        """Whether it is an Other Charge that a bill may name."""
        return self.type == OTHER_CHARGE and self.subtype in USABLE_SUBTYPES


@dataclass(frozen=True, slots=True)
class ItemNeed:
    """The Item that a WBS code needs."""

    external_id: str
    name: str
    description: str


def item_for(need: ItemNeed, found: Sequence[FoundItem], adopted: Mapping[str, str]) -> FoundItem | None:
    """The one found Item that serves the need: ours by external id, whatever its name is now, else one of that very name.

    `adopted`: of Items without an external id of ours, by internal id, the external id of the code that has adopted them. None when
    there is none. Raises Blocked when what stands there is in the way.
    """
    ours = [item for item in found if same_external_id(item.external_id, need.external_id)]
    named = ours or [item for item in found if same_name(item.name, need.name)]
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
