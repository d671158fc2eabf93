"""Decisions of people about invoices: one hash, and a copy in DATA_DIR that survives a lost Redis.

Neither Procore nor NetSuite has these decisions. Each machine that runs workers keeps a copy, and so does the machine on which the command
was run. A rebuild of the ledger restores the decisions from the copy before anything is written. A machine with another copy adds its
decisions when it first sees the new ledger, while writes still wait for the settle window. A decision is lost only if every copy is lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worker.domain.decisions import Decision
from worker.domain.identities import InvoiceKey
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.local_file import Copy
from worker.store.runtime import REAL, Runtime

COPIED_EVERY_SECONDS = 60.0


class Decisions:
    """Decisions by invoice, and their copy on this machine."""

    def __init__(self, client: Redis, prefix: str, copy: Copy, *, runtime: Runtime = REAL) -> None:
        self._client = client
        self._place = Keys(prefix).invoice_decisions
        self._copy = copy
        self._runtime = runtime
        self._copied_at = float("-inf")

    def of(self, key: InvoiceKey) -> Decision | None:
        """Return the decision about an invoice; None without one."""
        text = self._client.hget(self._place, str(key))
        return Decision.restored(json.loads(text)) if text else None

    def all(self) -> dict[InvoiceKey, Decision]:
        """Return every decision, in order of the invoices' keys."""
        stored = self._client.hgetall(self._place)
        return {InvoiceKey.parse(key): Decision.restored(json.loads(text)) for key, text in sorted(stored.items())}

    def copied(self) -> tuple[Path, list[InvoiceKey]]:
        """Return the file with this machine's copy, and the invoices whose decision is missing in it or differs."""
        copied = self._copied()
        return self._copy.file, [key for key, decision in self.all().items() if copied.get(str(key)) != decision.stored]

    def note(self, key: InvoiceKey, decision: Decision) -> None:
        """Record a decision about an invoice. It replaces an earlier one."""
        self._client.hset(self._place, str(key), json.dumps(decision.stored, ensure_ascii=False))

    def take_back(self, key: InvoiceKey) -> bool:
        """Delete the decision about an invoice. Return False if there is none."""
        return bool(self._client.hdel(self._place, str(key)))

    def catch_up(self, ledger_opened_at: str) -> None:
        """Before this process uses a ledger that is new to it: if the copy is of an earlier ledger, add its decisions. Then update the copy."""
        if self._copy.read().get("ledger") != ledger_opened_at:
            self.restore()
        self.keep_copy(ledger_opened_at)

    def keep_up(self, ledger_opened_at: str) -> None:
        """Copy new decisions of all machines, at most once a minute."""
        now = self._runtime.monotonic()
        if not ledger_opened_at or now < self._copied_at + COPIED_EVERY_SECONDS:
            return
        if self._copy.read().get("ledger", ledger_opened_at) == ledger_opened_at:
            self.keep_copy(ledger_opened_at)

    def restore(self) -> int:
        """Add the copy's decisions about invoices that have none. Return how many."""
        stored = {key: json.dumps(decision, ensure_ascii=False) for key, decision in self._copied().items()}
        return sum(self._client.hsetnx(self._place, key, text) for key, text in stored.items())

    def keep_copy(self, ledger_opened_at: str) -> None:
        """Copy all decisions of the ledger with this `opened_at` to DATA_DIR, if the copy differs."""
        decisions = {str(key): decision.stored for key, decision in self.all().items()}
        if decisions or self._copy.read():
            self._copy.write({"ledger": ledger_opened_at, "decisions": decisions})
        self._copied_at = self._runtime.monotonic()

    def _copied(self) -> Mapping[str, Any]:
        """Return the copy's decisions as they are stored, by invoice key."""
        kept = self._copy.read().get("decisions")
        return kept if isinstance(kept, dict) else {}
