"""The journal: what happened to one code or one invoice, in order, as far as its record in the ledger does not say it.

A list of lines for each, appended by the script that writes the record, so that it costs no command of its own. The same thing
again only counts on the last line. Kept for a stated time after the last line, and of a stated length.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.story import LONGEST_FACT, Entry, Happening, What
from worker.domain.texts import shortened
from worker.store.connection import Redis

KEPT_DAYS = 400
"""After the last line: a year's audit, and the month in which it is made."""
MOST_LINES = 60
"""Of one code or invoice; the oldest go first. When it was first seen stands in its record."""

_WORDS = frozenset(what.value for what in What)

# A line: first time, last time, how often, next time or 0, words. A list takes a few hundred bytes, a stream 4,400 from its
# first entry on (docs/decisions/0012-journal.md).
TELL = f"""
local function tell(journal, words, again)
  if words == '' then return end
  local now = redis.call('TIME')[1]
  local first, times, before = string.match(redis.call('LINDEX', journal, -1) or '', '^(%d+),%d+,(%d+),%d+,(.*)$')
  if before == words then
    redis.call('LSET', journal, -1, table.concat({{first, now, times + 1, again, words}}, ','))
  else
    redis.call('RPUSH', journal, table.concat({{now, now, 1, again, words}}, ','))
    redis.call('LTRIM', journal, -{MOST_LINES}, -1)
  end
  redis.call('EXPIRE', journal, {KEPT_DAYS * 86_400})
end
"""
_TELL = (
    TELL
    + """
-- KEYS: journal. ARGV: words, next time
tell(KEYS[1], ARGV[1], ARGV[2])
return 1
"""
)


class Journal:
    """Reads journals, and adds what happens between two records."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._tell = client.register_script(_TELL)

    def tell(self, key: CodeKey | InvoiceKey, happening: Happening) -> None:
        """Add a line, or count the last one up when it says the same."""
        self._tell(keys=[self.place(key)], args=words_of(happening))

    def of(self, key: CodeKey | InvoiceKey) -> list[Entry]:
        """The lines that are kept, in the order in which things happened."""
        lines = [json.loads(f"[{line}]") for line in self._client.lrange(self.place(key), 0, -1)]
        # What a newer version calls by a new word is told by that version alone.
        return [_entry(*line) for line in lines if line[4] in _WORDS]

    def place(self, key: CodeKey | InvoiceKey) -> str:
        """Where in Redis a journal stands."""
        return f"{self.stem}{key}"

    @property
    def stem(self) -> str:
        """What the names of all journals begin with."""
        return f"{self._prefix}journal:"


def words_of(happening: Happening | None) -> tuple[str, int]:
    """What `tell` in a script takes: the words, "" for nothing, and the next time in whole unix seconds."""
    if happening is None:
        return "", 0
    facts = {name: shortened(value, LONGEST_FACT) for name, value in happening.facts.items() if value}
    parts = [happening.what.value, facts] if facts else [happening.what.value]
    text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
    return text[1:-1], math.ceil(happening.again_at)


def _entry(at: int, until: int, times: int, again_at: int, what: str, *facts: Mapping[str, str]) -> Entry:
    return Entry(at, until, times, Happening(What(what), facts[0] if facts else {}, again_at))
