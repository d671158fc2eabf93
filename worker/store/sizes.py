"""How large sorted sets are and what stands first in each: all in one command, whose cost does not grow with what is in them."""

from __future__ import annotations

from collections.abc import Sequence

from worker.store.connection import Redis

_SIZES = """
-- KEYS: sorted sets. Returns size, first member, its score, size, ...
local told = {}
for _, key in ipairs(KEYS) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  told[#told + 1] = redis.call('ZCARD', key)
  told[#told + 1] = first[1] or ''
  told[#told + 1] = first[2] or '0'
end
return told
"""


class Sizes:
    """Asks for many sets at once."""

    def __init__(self, client: Redis) -> None:
        self._sizes = client.register_script(_SIZES)

    def __call__(self, keys: Sequence[str]) -> list[tuple[int, str, float]]:
        """Size, first member and its score for each; ("", 0) for an empty one."""
        flat = self._sizes(keys=list(keys))
        return [(int(flat[i]), str(flat[i + 1]), float(flat[i + 2])) for i in range(0, len(flat), 3)]
