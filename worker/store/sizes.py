"""Sizes and first members of sorted sets, in one command whose cost does not grow with the sets."""

from __future__ import annotations

from collections.abc import Sequence

from worker.store.client import Redis
from worker.store.scripts import Script, texts


class Sizes:
    """Reads many sets at once."""

    def __init__(self, client: Redis) -> None:
        self._sizes = Script(client, "sorted_sets/sizes", texts)

    def __call__(self, keys: Sequence[str]) -> list[tuple[int, str, float]]:
        """Return (size, first member, its score) of each set; (0, "", 0) for an empty one."""
        flat = self._sizes(keys=keys)
        return [(int(flat[i]), flat[i + 1], float(flat[i + 2])) for i in range(0, len(flat), 3)]
