"""Which processes are running now: each announces itself every few seconds, and is forgotten soon after it stops doing so.

Nothing else proves that work will be done: a run that is open, or a queue that is short, says nothing about the processes.
All times are Redis', so no two machines' clocks need to agree; how far a process's clock is off is kept with it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from worker.store.connection import Redis

PRESENCE_SECONDS = 7.0
"""A process that has not announced itself for this long is not running. Celery's heartbeat comes every two seconds."""

_ANNOUNCE = """
-- KEYS: presence. ARGV: process, its queues as JSON, its clock (unix seconds), seconds until it is forgotten, its threads
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local off = tonumber(ARGV[3]) - now
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode({until_ = now + tonumber(ARGV[4]), queues = ARGV[2], off = off, threads = ARGV[5]}))
return 1
"""
_PRESENT = """
-- KEYS: presence. Returns process, its queues as JSON, seconds its clock is ahead, its threads, process, ... Forgets those that are gone.
local t = redis.call('TIME')
local now = tonumber(t[1]) + tonumber(t[2]) / 1000000
local found = {}
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local entry = cjson.decode(kept[i + 1])
  if entry.until_ < now then
    redis.call('HDEL', KEYS[1], kept[i])
  else
    found[#found + 1] = kept[i]
    found[#found + 1] = entry.queues
    found[#found + 1] = tostring(entry.off)
    found[#found + 1] = entry.threads or '0'
  end
end
return found
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs now. `queues`: the queues it takes work from, none for beat; `clock_ahead`: seconds, to Redis' clock;
    `threads`: how many tasks it works on at once.
    """

    process: str
    queues: frozenset[str]
    clock_ahead: float
    threads: int


class Presence:
    """The processes of an installation that run now, on all machines."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key = f"{prefix}presence"
        self._announce = client.register_script(_ANNOUNCE)
        self._present = client.register_script(_PRESENT)

    def announce(self, process: str, *, queues: Collection[str], clock: float, threads: int = 0) -> None:
        """Say that a process runs. `process` is unique, such as items@host; `clock`: what its own clock shows, unix seconds."""
        args = [process, json.dumps(sorted(queues)), repr(clock), PRESENCE_SECONDS, threads]
        self._announce(keys=[self._key], args=args)

    def withdraw(self, process: str) -> None:
        """Say that a process ends."""
        self._client.hdel(self._key, process)

    def running(self) -> list[Running]:
        """The processes that run now, by name."""
        answer = self._present(keys=[self._key])
        found = zip(answer[::4], answer[1::4], answer[2::4], answer[3::4], strict=True)
        return sorted(
            (
                Running(name, frozenset(json.loads(queues)), float(off), int(threads))
                for name, queues, off, threads in found
            ),
            key=lambda one: one.process,
        )
