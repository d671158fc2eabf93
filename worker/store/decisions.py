"""People's decisions about invoices: one hash, and a copy in DATA_DIR that outlives a lost Redis.

Neither Procore nor NetSuite shows them. Every machine whose workers run keeps the copy, and so does the machine on which the command is
given. A ledger that is rebuilt takes the decisions from the copy before anything is written; a machine with another copy adds its own
when it meets the new ledger, while writes still wait for the settle window. A decision is lost only where every copy is.
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
    """Decisions by invoice. `owner`: whose ledger this is (key prefix, company and account), under which the copy is kept."""

    def __init__(self, client: Redis, prefix: str, *, owner: str, file: Path, runtime: Runtime = REAL) -> None:
        self._client = client
        self._place = Keys(prefix).invoice_decisions
        self._owner = owner
        self._file = file
        self._runtime = runtime
        self._copied_at = float("-inf")

    def of(self, key: InvoiceKey) -> Decision | None:
        """What a person decided about an invoice."""
        text = self._client.hget(self._place, str(key))
        return Decision.restored(json.loads(text)) if text else None

    def all(self) -> dict[InvoiceKey, Decision]:
        """Every decision, in order of the invoices' keys."""
        stored = self._client.hgetall(self._place)
        return {InvoiceKey.parse(key): Decision.restored(json.loads(text)) for key, text in sorted(stored.items())}

    def copied(self) -> tuple[Path, list[InvoiceKey]]:
        """The file with this machine's copy, and the invoices whose decision it does not hold."""
        kept = self._copy().get("decisions")
        copied: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
        return self._file, [key for key, decision in self.all().items() if copied.get(str(key)) != decision.stored]

    def note(self, key: InvoiceKey, decision: Decision) -> None:
        """Keep a decision, in the place of an earlier one."""
        self._client.hset(self._place, str(key), json.dumps(decision.stored, ensure_ascii=False))

    def take_back(self, key: InvoiceKey) -> bool:
        """Forget the decision about an invoice; False when there is none."""
        return bool(self._client.hdel(self._place, str(key)))

    def catch_up(self, ledger_opened_at: str) -> None:
        """Before this process works with a ledger that is new to it: add what the copy says of the ledger before."""
        if self._copy().get("ledger") != ledger_opened_at:
            self.restore()
        self.keep_copy(ledger_opened_at)

    def keep_up(self, ledger_opened_at: str) -> None:
        """Now and then: copy what was decided since, by whatever machine."""
        now = self._runtime.monotonic()
        if not ledger_opened_at or now < self._copied_at + COPIED_EVERY_SECONDS:
            return
        if self._copy().get("ledger", ledger_opened_at) == ledger_opened_at:
            self.keep_copy(ledger_opened_at)

    def restore(self) -> int:
        """Add the copy's decisions about invoices that have none; how many."""
        kept = self._copy().get("decisions")
        copied: Mapping[str, Any] = kept if isinstance(kept, dict) else {}
        return sum(
            self._client.hsetnx(self._place, key, json.dumps(stored, ensure_ascii=False))
            for key, stored in copied.items()
        )

    def keep_copy(self, ledger_opened_at: str) -> None:
        """Copy all decisions into DATA_DIR, as those of the ledger that was opened then; nothing is written that is there already."""
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
