"""NetSuite: one account. The methods are in `items.py`, `bills.py` and `lookups.py`; `api.py` sends each request."""

from __future__ import annotations

from worker.clients.netsuite.bills import BillRequests
from worker.clients.netsuite.items import ItemRequests
from worker.clients.netsuite.lookups import LookUps


class NetSuite(ItemRequests, BillRequests, LookUps):
    """One account, for one precedence at the gate. One object with the methods for all kinds of records, since most services use several."""

    @property
    def subsidiary_id(self) -> str:
        """The subsidiary of new records; "" if the account has none."""
        return self._defaults.subsidiary_id

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test key and certificate. Raises Misconfigured if they are refused."""
        self._api.log_in()
