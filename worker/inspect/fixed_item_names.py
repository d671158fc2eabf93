"""Names of the retainage and tax Items, for plans that users approve."""

from __future__ import annotations

from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.policy import Policy
from worker.inspect.named_records import try_query
from worker.store.stores import Stores

KEPT_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class FixedItemNames:
    """Looks the Items up in NetSuite once a day."""

    stores: Stores
    remotes: Remotes
    policy: Policy

    def names(self) -> dict[str, str]:
        """Return the names by internal id, without Items that NetSuite does not return."""
        return {item_id: name for item_id in self._ids() if (name := self._name(item_id))}

    def _ids(self) -> list[str]:
        fixed = self.policy.fixed_items
        return [item_id for item_id in (fixed.retainage, fixed.tax) if item_id]

    def _name(self, item_id: str) -> str:
        if cached := self.stores.cache.get(f"item-name:{item_id}"):
            return str(cached)
        item, _ = try_query(lambda: self.remotes.netsuite.item(item_id))
        if item is None:
            return ""
        self.stores.cache.put(f"item-name:{item_id}", item.name, seconds=KEPT_SECONDS)
        return item.name
