"""Decisions of people about invoices: one hash, and a copy in DATA_DIR that survives a lost Redis.

Neither Procore nor NetSuite has them. Every machine with running workers keeps the copy, and so does the machine on which the command is
run. A rebuild of the ledger restores the decisions from the copy before anything is written; a machine with another copy adds its own when
it first sees the new ledger, while writes still wait for the settle window. A decision is lost only if every copy is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worker.domain.decisions import Decision
from worker.domain.identities import InvoiceKey
from worker.store import local_file
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime

COPIED_EVERY_SECONDS = 60.0


class Decisions:
    """Decisions by invoice. `owner`: key prefix, company and account of the ledger, under which the copy is stored."""

    def __init__(self, client: Redis, prefix: str, *, owner: str, file: Path, runtime: Runtime = REAL) -> None:
        self._client = client
        self._place = Keys(prefix).invoice_decisions
        self._owner = owner
        self._file = file
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
        kept = self._copy().get("decisions")
        copied: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
        return self._file, [key for key, decision in self.all().items() if copied.get(str(key)) != decision.stored]

    def note(self, key: InvoiceKey, decision: Decision) -> None:
        """Record a decision; it replaces an earlier one."""
        self._client.hset(self._place, str(key), json.dumps(decision.stored, ensure_ascii=False))

    def take_back(self, key: InvoiceKey) -> bool:
        """Delete the decision about an invoice. Return False if there is none."""
        return bool(self._client.hdel(self._place, str(key)))

    def catch_up(self, ledger_opened_at: str) -> None:
        """Add the copy's decisions if they are of an earlier ledger, before this process works with a ledger that is new to it; update the copy."""
        if self._copy().get("ledger") != ledger_opened_at:
            self.restore()
        self.keep_copy(ledger_opened_at)

    def keep_up(self, ledger_opened_at: str) -> None:
        """At intervals, copy new decisions, whatever machine recorded them."""
        now = self._runtime.monotonic()
        if not ledger_opened_at or now < self._copied_at + COPIED_EVERY_SECONDS:
            return
        if self._copy().get("ledger", ledger_opened_at) == ledger_opened_at:
            self.keep_copy(ledger_opened_at)

    def restore(self) -> int:
        """Add the copy's decisions about invoices that have none. Return how many."""
        kept = self._copy().get("decisions")
        copied: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
        return sum(
            self._client.hsetnx(self._place, key, json.dumps(stored, ensure_ascii=False))
            for key, stored in copied.items()
        )

    def keep_copy(self, ledger_opened_at: str) -> None:
        """Copy all decisions of the ledger with this `opened_at` to DATA_DIR, if the copy differs."""
        copy = {
            "ledger": ledger_opened_at,
            "decisions": {str(key): decision.stored for key, decision in self.all().items()},
        }
        kept = local_file.read(self._file)
        if kept.get(self._owner) != copy and (copy["decisions"] or self._owner in kept):
            local_file.write(self._file, {**kept, self._owner: copy})
        self._copied_at = self._runtime.monotonic()

    def _copy(self) -> Mapping[str, Any]:
        kept = local_file.read(self._file).get(self._owner)
        return kept if isinstance(kept, dict) else {}
