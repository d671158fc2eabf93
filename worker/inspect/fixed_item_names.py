"""Names of the retainage and tax Items, for plans that users approve."""

from __future__ import annotations

from worker.clients.netsuite.client import NetSuite
from worker.domain.bill_lines import FixedItems
from worker.inspect.named_records import asked
from worker.store.cache import Cache

KEPT_SECONDS = 24 * 3600


class FixedItemNames:
    """Looks them up once a day."""

    def __init__(self, *, netsuite: NetSuite, cache: Cache, fixed: FixedItems) -> None:
        self._netsuite = netsuite
        self._cache = cache
        self._ids = [item_id for item_id in (fixed.retainage, fixed.tax) if item_id]

    def names(self) -> dict[str, str]:
        """Return the names by id, without Items that NetSuite does not return now."""
        return {item_id: name for item_id in self._ids if (name := self._name(item_id))}

    def _name(self, item_id: str) -> str:
        if known := self._cache.get(f"item-name:{item_id}"):
            return str(known)
        item, _ = asked(lambda: self._netsuite.item(item_id))
        if item is None:
            return ""
        self._cache.put(f"item-name:{item_id}", item.name, seconds=KEPT_SECONDS)
        return item.name
