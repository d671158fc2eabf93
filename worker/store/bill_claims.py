"""Which invoice has a vendor's document number, and which invoice has adopted a bill that a person entered.

Each belongs to one invoice at a time. NetSuite's list of bills may lag behind a write, and an account may accept equal numbers, so the
claim is recorded here before the intent to write. It never expires; a later invoice may take it over if the earlier one has no such bill
(`sync/bill_ownership.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from worker.domain.identities import InvoiceKey
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.locks import Lock
from worker.store.scripts import Script, flag, text


class BillClaims:
    """The invoice of each claimed number or bill."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._claims = Keys(prefix).bill_claims
        self._take = Script(client, "bill_claims/take", text)
        self._release = Script(client, "bill_claims/release", flag)

    def holder(self, claim: str) -> InvoiceKey | None:
        """Return the invoice that has a claim; None if no invoice has."""
        invoice = self._client.hget(self._claims, claim)
        return InvoiceKey.parse(invoice) if invoice else None

    def take(self, claim: str, key: InvoiceKey) -> InvoiceKey:
        """Claim a number or bill for an invoice unless another one has it. Return the invoice that has it now."""
        return InvoiceKey.parse(self._take(keys=[self._claims], args=[claim, str(key)]))

    def release(self, claim: str, holder: InvoiceKey, lock: Lock) -> bool:
        """Remove the claim of an invoice, under that invoice's lock. Return False if the lock is lost or another invoice has the claim now."""
        return self._release(keys=[self._claims, lock.key], args=[claim, str(holder), lock.token])

    def note(self, claims: Mapping[str, InvoiceKey]) -> None:
        """Record claims that NetSuite or Procore proves; those of other invoices are kept."""
        if not claims:
            return
        with self._client.pipeline(transaction=False) as together:
            for claim, key in claims.items():
                together.hsetnx(self._claims, claim, str(key))
            together.execute()
