"""Which invoice has a vendor's document number, and which invoice has adopted a bill that a person entered.

Each belongs to one invoice at a time. NetSuite's list of bills may lag behind a write, and an account may accept equal numbers, so the
claim is noted here before the intent to write. It never expires; a later invoice may take it over when the earlier one has no such bill
(`services/bill_ownership.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from worker.domain.identities import InvoiceKey
from worker.store.connection import Redis
from worker.store.locks import Lock

_TAKE = """
-- KEYS: claims. ARGV: what is claimed, the invoice that claims it. Returns the invoice that has it now
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 1 then return ARGV[2] end
return redis.call('HGET', KEYS[1], ARGV[1])
"""
_RELEASE = """
-- KEYS: claims, the holder's lock. ARGV: what is claimed, the invoice that has it, the lock's token. Only under the holder's lock:
-- then the holder is not between its claim and its intent.
if redis.call('GET', KEYS[2]) ~= ARGV[3] or redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class BillClaims:
    """One invoice for each claimed number or bill."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._claims = f"{prefix}bill_claims"
        self._take = client.register_script(_TAKE)
        self._release = client.register_script(_RELEASE)

    def holder(self, claim: str) -> InvoiceKey | None:
        """The invoice that has it; None when no invoice has."""
        text = self._client.hget(self._claims, claim)
        return InvoiceKey.parse(text) if text else None

    def take(self, claim: str, key: InvoiceKey) -> InvoiceKey:
        """Claim it for an invoice unless another one has it. Returns the invoice that has it now."""
        return InvoiceKey.parse(str(self._take(keys=[self._claims], args=[claim, str(key)])))

    def release(self, claim: str, holder: InvoiceKey, lock: Lock) -> bool:
        """Take it from the invoice that has it, under that invoice's lock. False when the lock is lost or another one has it now."""
        return bool(self._release(keys=[self._claims, lock.key], args=[claim, str(holder), lock.token]))

    def note(self, claims: Mapping[str, InvoiceKey]) -> None:
        """Note claims that NetSuite or Procore proves; those of other invoices are kept."""
        if not claims:
            return
        with self._client.pipeline(transaction=False) as together:
            for claim, key in claims.items():
                together.hsetnx(self._claims, claim, str(key))
            together.execute()
