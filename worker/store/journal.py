"""The journal: the events of one code or invoice, in order, that its record in the ledger does not show.

Each journal is a list of lines. The script that writes a record also adds the event, so that it costs no extra command. A repeated event only
increments the count of the last line. The length of a journal is limited, and it expires some time after its last line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from worker.domain.audit_trail import LONGEST_FACT, STORED_AS, AuditEvent, EventKind, JournalEntry
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.texts import shortened
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, flag

_KINDS = {STORED_AS.get(kind, kind.value): kind for kind in EventKind}


class Journal:
    """Reads journals, and adds events that change no record."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._append = Script(client, "journal/append", flag)

    def add(self, key: CodeKey | InvoiceKey, event: AuditEvent) -> None:
        """Add a line, or increment the count of the last one if it has the same event."""
        self._append(keys=[self._keys.journal(key)], args=event_args(event))

    def of(self, key: CodeKey | InvoiceKey) -> list[JournalEntry]:
        """Return the lines of a journal, oldest first."""
        lines = [json.loads(f"[{line}]") for line in self._client.lrange(self._keys.journal(key), 0, -1)]
        # Without events of a kind that only a newer version knows.
        return [_entry(*line) for line in lines if line[4] in _KINDS]


def event_args(event: AuditEvent | None) -> tuple[str, int]:
    """Return the arguments by which a script adds an event: its JSON without the brackets ("" for no event), and `again_at` in whole unix
    seconds.
    """
    if event is None:
        return "", 0
    facts = {name: shortened(value, LONGEST_FACT) for name, value in event.facts.items() if value}
    code = STORED_AS.get(event.kind, event.kind.value)
    parts = [code, facts] if facts else [code]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return text[1:-1], math.ceil(event.again_at)


def _entry(at: int, until: int, times: int, again_at: int, code: str, *facts: Mapping[str, str]) -> JournalEntry:
    return JournalEntry(at, until, times, AuditEvent(_KINDS[code], facts[0] if facts else {}, again_at))
