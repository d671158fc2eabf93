"""Circuit breakers: a remote, or one permission of it, that fails is paused. Work that needs it waits; all other work continues.

Each scope (`worker.domain.scopes`) has a breaker. Failures are counted; a pause begins when they show that the scope itself fails, and the
first work after the pause tests it. Each pause in a row is twice as long as the one before, up to two minutes, or longer if a rate limit asks
for it. Work that succeeds closes the breaker.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from worker.domain.problems import FORMER_CAUSES, Cause
from worker.domain.scopes import Remote, doing, remote_of
from worker.domain.work import Lane
from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.scripts import Script, text, texts

MAX_PAUSE_SECONDS = 120.0
"""Longest pause unless a rate limit asks for a longer one: an outage may end, or a person fix the cause, at any time."""
REMEMBERED_SECONDS = 7 * 86_400
"""Seconds after the last failure of any scope until all breakers are reset."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A scope that has failed and not succeeded since. `since`: its first failure, `ends`: end of its pause (unix seconds, Redis' clock);
    `times`: pauses in a row; `cause`: of its problem; `answer`: the last response; `works`: keys of the first works that failed.
    """

    scope: str
    since: float
    ends: float
    times: int
    cause: str = ""
    answer: str = ""
    works: tuple[str, ...] = ()

    @property
    def remote(self) -> Remote:
        """Return the remote that the scope belongs to."""
        return remote_of(self.scope)

    @property
    def work(self) -> str:
        """Return what waits, as text."""
        return doing(self.scope)


@dataclass(frozen=True, slots=True)
class FailureCount:
    """The state of a scope after a failure. `ends`: of the pause, 0 = no pause; `times`: pauses in a row; `works`: number of different works
    that have failed since the last success; `again`: whether this work had failed before.
    """

    ends: float
    times: int
    works: int
    again: bool


class CircuitBreakers:
    """The circuit breakers, shared by all workers."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._key, self._begun = Keys(prefix).pauses, Keys(prefix).pauses_begun
        self._note = Script(client, "pauses/note_failure", texts)
        self._lift = Script(client, "pauses/lift", text)

    def state(self, lane: Lane) -> tuple[float, list[str]]:
        """Return when a lane's work may continue (unix seconds, Redis' clock; 0 = now), and the failing scopes of its remotes."""
        failing = _of(lane, self._all())
        until = _ends(lane, failing)
        return until if until and until > seconds(self._client) else 0, [one.scope for one in failing]

    def free(self, lanes: Iterable[Lane]) -> list[Lane]:
        """Return the lanes whose work may continue now. One read for all lanes."""
        pauses = self._all()
        now = seconds(self._client) if pauses else 0.0
        return [lane for lane in lanes if _ends(lane, _of(lane, pauses)) <= now]

    def count_failure(self, scope: str, work: str, *, cause: Cause | None = None, answer: str = "") -> FailureCount:
        """Count a failure of work because of a scope. Begins no pause."""
        return self._noted(scope, work, cause, answer, pauses=False, first=0, named=0)

    def pause(
        self,
        scope: str,
        work: str = "-",
        *,
        first: float,
        named: float = 0,
        cause: Cause | None = None,
        answer: str = "",
    ) -> FailureCount:
        """Count a failure, and pause all work that needs the scope. `first`: seconds of a first pause; `named`: minimum seconds."""
        return self._noted(scope, work, cause, answer, pauses=True, first=first, named=named)

    def _noted(
        self, scope: str, work: str, cause: Cause | None, answer: str, *, pauses: bool, first: float, named: float
    ) -> FailureCount:
        args: list[Value] = [scope, work, cause.stored if cause else "", answer, int(pauses), first]
        args += [MAX_PAUSE_SECONDS, named, REMEMBERED_SECONDS, remote_of(scope)]
        ends, times, works, again = self._note(keys=[self._key, self._begun], args=args)
        return FailureCount(float(ends), int(times), int(works), bool(int(again)))

    def pauses(self) -> list[Pause]:
        """Return the scopes that were paused and have not succeeded since, by name: some pauses may have ended already."""
        return [one for one in self._all() if one.times]

    def begun(self) -> dict[Remote, int]:
        """Return how many pauses have begun since this ledger began, by remote."""
        counts = self._client.hgetall(self._begun)
        return {remote: int(counts.get(remote.value, 0)) for remote in Remote}

    def until(self, scope: str) -> float | None:
        """Return when a scope's work may continue (unix seconds, Redis' clock); None if it is not paused."""
        stored = self._client.hget(self._key, scope)
        ends = _pause(scope, stored).ends if stored else 0.0
        return ends if ends > seconds(self._client) else None

    def times(self, scope: str) -> int:
        """Return the number of pauses in a row of a scope; 0 after a success."""
        stored = self._client.hget(self._key, scope)
        return _pause(scope, stored).times if stored else 0

    def is_paused(self, scope: str) -> bool:
        """Return whether a scope is paused now."""
        return self.until(scope) is not None

    def is_in_trouble(self, scope: str) -> bool:
        """Return whether a scope has failed since its last success, with or without a pause."""
        return bool(self._client.hexists(self._key, scope))

    def close(self, scope: str) -> None:
        """Close the breaker of a scope, because work that needs it has succeeded."""
        self._client.hdel(self._key, scope)

    def lift(self, remotes: Collection[Remote]) -> float:
        """End all pauses of some remotes, because a person has fixed the cause. Return when the last one would have ended (unix seconds), 0 for
        none.
        """
        ends = float(self._lift(keys=[self._key], args=list(remotes))) if remotes else 0.0
        return ends if ends > seconds(self._client) else 0

    def _all(self) -> list[Pause]:
        return [_pause(scope, stored) for scope, stored in sorted(self._client.hgetall(self._key).items())]


def _of(lane: Lane, pauses: Iterable[Pause]) -> list[Pause]:
    """Return the pauses of a lane's remotes."""
    return [one for one in pauses if one.remote in lane.remotes]


def _ends(lane: Lane, pauses: Iterable[Pause]) -> float:
    """Return when the last pause that stops a lane ends (unix seconds); 0 if no pause stops it."""
    return max((one.ends for one in pauses if lane.waits_for(one.scope)), default=0.0)


def _pause(scope: str, stored: str) -> Pause:
    fields = json.loads(stored)
    since, ends, times = float(fields["since"]), float(fields["ends"]), int(fields["times"])
    cause = str(FORMER_CAUSES.get(fields["cause"], fields["cause"]))
    return Pause(scope, since, ends, times, cause, fields["answer"], tuple(fields["works"].split()))
