"""The journal: the events of one code or invoice, in order, that its record in the ledger does not show.

One list of lines for each, appended by the script that writes the record, so that it costs no extra command. A repeated event only increments
the count of the last line. A journal expires some time after its last line, and its length is limited.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.story import LONGEST_FACT, Entry, Happening, What
from worker.domain.texts import shortened
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.scripts import Script, flag

_WORDS = frozenset(what.value for what in What)


class Journal:
    """Reads journals, and adds events between two records."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._append = Script(client, "journal/append", flag)

    def tell(self, key: CodeKey | InvoiceKey, happening: Happening) -> None:
        """Add a line, or increment the count of the last one if it has the same event."""
        self._append(keys=[self._keys.journal(key)], args=words_of(happening))

    def of(self, key: CodeKey | InvoiceKey) -> list[Entry]:
        """Return the lines of a journal, oldest first."""
        lines = [json.loads(f"[{line}]") for line in self._client.lrange(self._keys.journal(key), 0, -1)]
        # An event of a kind that only a newer version knows is left to that version.
        return [_entry(*line) for line in lines if line[4] in _WORDS]


def words_of(happening: Happening | None) -> tuple[str, int]:
    """Return the arguments with which a script appends an event: its JSON without the brackets ("" for none), and `again_at` in whole unix
    seconds.
    """
    if happening is None:
        return "", 0
    facts = {name: shortened(value, LONGEST_FACT) for name, value in happening.facts.items() if value}
    parts = [happening.what.value, facts] if facts else [happening.what.value]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return text[1:-1], math.ceil(happening.again_at)


def _entry(at: int, until: int, times: int, again_at: int, what: str, *facts: Mapping[str, str]) -> Entry:
    return Entry(at, until, times, Happening(What(what), facts[0] if facts else {}, again_at))
