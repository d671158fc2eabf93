"""Comparisons of both systems: the progress of the current one, the counts of the last one, and records that were found equal.

A comparison may take hours at Procore's rate limit, so its progress is stored after each step, and any process can continue it. Its units are
the projects (by id, as text) and the comparisons that are made once for the whole account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from worker.context import new_id
from worker.domain.plans import Requests
from worker.store.client import Redis, Value
from worker.store.connection import seconds
from worker.store.gate import Precedence
from worker.store.keys import Keys
from worker.store.runs import sent_so_far
from worker.store.scripts import Script, flag, text, texts

KEPT_SECONDS = 2 * 86_400
"""Seconds after its last step until the progress of a comparison expires."""
RESULT_KEPT_SECONDS = 3600
STALE_SECONDS = 6 * 3600.0
"""Seconds without a step after which a new comparison begins instead, because the first results may be outdated."""
EQUAL_KEPT_SECONDS = 90 * 86_400


@dataclass(frozen=True, slots=True)
class LastVerification:
    """When the last comparison began and ended (unix seconds, Redis' clock), and its counts by outcome."""

    started_at: float
    ended_at: float
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VerificationState:
    """A comparison in progress, or one that has just ended.

    `projects`: number to compare, None before they are listed; `open_projects`: number left. `waits_until` (unix seconds, 0 = it does not
    wait) and `waits_for`: why it cannot continue now. `outages`: times in a row that a remote did not respond. `requests`: sent so far.
    """

    id: str
    full: bool
    started_at: float
    projects: int | None
    open_projects: int
    waits_until: float
    waits_for: str
    outages: int
    requests: Requests
    ended_at: float

    @property
    def ended(self) -> bool:
        """Return whether it has ended, with a result."""
        return bool(self.ended_at)

    @property
    def projects_done(self) -> int:
        """Return the number of projects that have been compared."""
        return (self.projects or 0) - self.open_projects


class Verifications:
    """The comparison in progress, the last one, and the records that were found equal."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._begin = Script(client, "verifications/begin", texts)
        self._end = Script(client, "values/delete_if_equal", flag)
        self._note_newest = Script(client, "verifications/note_newest", text)

    def begin(self, *, full: bool, replace: bool = False) -> tuple[str, bool]:
        """Begin a comparison, or join the one in progress unless `replace`. Return (id, joined)."""
        stem = self._keys.verification("")
        args: list[Value] = [new_id("verify"), int(full), int(replace), STALE_SECONDS, KEPT_SECONDS]
        args += [stem, Precedence.UPKEEP]
        verification_id, joined = self._begin(keys=[self._keys.verification("current"), self._keys.sent], args=args)
        return verification_id, joined == "1"

    def current(self) -> VerificationState | None:
        """Return the comparison in progress; None without one."""
        verification_id = self._client.get(self._keys.verification("current"))
        return self.state(verification_id) if verification_id else None

    def state(self, verification_id: str) -> VerificationState | None:
        """Return a comparison; None if it is unknown or has expired."""
        fields = self._client.hgetall(self._key(verification_id, "state"))
        # Without this field, a step has written the hash after Redis was emptied.
        if "full" not in fields:
            return None
        sent_before = Requests(int(fields["procore"]), int(fields["netsuite"]))
        projects = fields.get("projects")
        return VerificationState(
            id=verification_id,
            full=fields["full"] == "1",
            started_at=float(fields["started_at"]),
            projects=int(projects) if projects is not None else None,
            open_projects=int(self._client.zcard(self._key(verification_id, "open"))),
            waits_until=float(fields.get("waits_until", 0)),
            waits_for=fields.get("waits_for", ""),
            outages=int(fields.get("outages", 0)),
            requests=sent_so_far(self._client, self._keys, Precedence.UPKEEP) - sent_before,
            ended_at=float(fields.get("ended_at", 0)),
        )

    def open_projects(self, verification_id: str, project_ids: Collection[int]) -> None:
        """Record the projects to compare."""
        if project_ids:
            self._client.zadd(self._key(verification_id, "open"), {str(each): 0 for each in project_ids})
        self._save(verification_id, "open", projects=len(project_ids))

    def due(self, verification_id: str, *, limit: int) -> list[int]:
        """Return open projects that may be compared now, at most `limit`."""
        key, now = self._key(verification_id, "open"), seconds(self._client)
        return [int(unit) for unit in self._client.zrangebyscore(key, "-inf", now, start=0, num=limit)]

    def next_due(self, verification_id: str) -> float | None:
        """Return when the next open project may be compared (unix seconds); None if none is open."""
        key = self._key(verification_id, "open")
        first = self._client.zrangebyscore(key, "-inf", "+inf", start=0, num=1)
        return float(self._client.zscore(key, first[0]) or 0) if first else None

    def postpone(self, verification_id: str, project_id: int, *, at: float) -> None:
        """Postpone an open project until `at` (unix seconds)."""
        self._client.zadd(self._key(verification_id, "open"), {str(project_id): at})
        self._save(verification_id, "open")

    def close(self, verification_id: str, unit: str, result: str) -> None:
        """Record the result of a unit and close it."""
        self._client.hset(self._key(verification_id, "results"), unit, result)
        self._client.zrem(self._key(verification_id, "open"), unit)
        self._client.delete(self._key(verification_id, f"parts:{unit}"))
        self._save(verification_id, "results")

    def results(self, verification_id: str) -> dict[str, str]:
        """Return the results so far, by unit."""
        return dict(self._client.hgetall(self._key(verification_id, "results")))

    def keep_part(self, verification_id: str, unit: str, name: str, part: str) -> None:
        """Record a part of an open unit's result."""
        self._client.hset(self._key(verification_id, f"parts:{unit}"), name, part)
        self._save(verification_id, f"parts:{unit}")

    def parts(self, verification_id: str, unit: str) -> dict[str, str]:
        """Return the parts of an open unit's result so far, by name."""
        return dict(self._client.hgetall(self._key(verification_id, f"parts:{unit}")))

    def keep_names(self, verification_id: str, project_id: int, names: str) -> None:
        """Record what the comparison of all Item names needs of one project."""
        self._client.hset(self._key(verification_id, "names"), str(project_id), names)
        self._save(verification_id, "names")

    def names(self, verification_id: str) -> Iterable[str]:
        """Return what `keep_names` recorded of all projects."""
        return self._client.hgetall(self._key(verification_id, "names")).values()

    def note_listed(self, verification_id: str, invoice_ids: Collection[int]) -> None:
        """Record invoices that Procore has listed."""
        if invoice_ids:
            self._client.hset(self._key(verification_id, "listed"), mapping=dict.fromkeys(map(str, invoice_ids), 1))
            self._save(verification_id, "listed")

    def not_listed(self, verification_id: str, invoice_ids: Collection[int]) -> list[int]:
        """Return which of some invoices Procore has not listed."""
        ids = list(invoice_ids)
        found = self._client.hmget(self._key(verification_id, "listed"), [str(each) for each in ids]) if ids else []
        return [each for each, was_listed in zip(ids, found, strict=True) if not was_listed]

    def failed(self, verification_id: str, name: str) -> int:
        """Count a failure of a unit or record. Return the number of its failures."""
        count = int(self._client.hincrby(self._key(verification_id, "failures"), name, 1))
        self._save(verification_id, "failures")
        return count

    def wait(self, verification_id: str, *, until: float, reason: str, outages: int) -> None:
        """Record that a comparison cannot continue before `until`, and why."""
        self._save(verification_id, waits_until=until, waits_for=reason, outages=outages)

    def resume(self, verification_id: str) -> None:
        """Record that a comparison continues."""
        self._save(verification_id, waits_until=0, waits_for="", outages=0)

    def end(self, state: VerificationState, counts: Mapping[str, int]) -> None:
        """End a comparison and record its counts. Its result is kept for an hour."""
        ended_at = seconds(self._client)
        self._client.delete(self._keys.verification("last"))
        self.note(LastVerification(state.started_at, ended_at, counts))
        if state.full:
            self._client.set(self._keys.verification("last_full"), state.started_at)
        self._save(state.id, ended_at=ended_at)
        for name in ("state", "results"):
            self._client.expire(self._key(state.id, name), RESULT_KEPT_SECONDS)
        self._client.delete(*(self._key(state.id, name) for name in ("open", "names", "listed", "failures")))
        self._end(keys=[self._keys.verification("current")], args=[state.id])

    def note(self, verification: LastVerification) -> None:
        """Record times and counts of the last comparison."""
        times = {"started_at": verification.started_at, "ended_at": verification.ended_at}
        self._client.hset(self._keys.verification("last"), mapping={**times, **verification.counts})

    def last(self) -> LastVerification | None:
        """Return the last comparison; None if there was none with this ledger."""
        fields = self._client.hgetall(self._keys.verification("last"))
        if not fields:
            return None
        started_at, ended_at = float(fields.pop("started_at")), float(fields.pop("ended_at"))
        return LastVerification(started_at, ended_at, {name: int(count) for name, count in fields.items()})

    def last_full(self) -> float | None:
        """Return when the last full comparison began (unix seconds); None without one."""
        at = self._client.get(self._keys.verification("last_full"))
        return float(at) if at else None

    # Records that were found equal

    def equal(self, unit: str) -> dict[str, str]:
        """Return the texts of the records of a unit that were found equal, by record."""
        return dict(self._client.hgetall(self._keys.verification(f"equal:{unit}")))

    def keep_equal(self, unit: str, record: str, text: str) -> None:
        """Record that a record was found equal, with the text that shows whether it still is."""
        self._client.hset(self._keys.verification(f"equal:{unit}"), record, text)
        self._client.expire(self._keys.verification(f"equal:{unit}"), EQUAL_KEPT_SECONDS)

    def forget_equal(self, unit: str, records: Collection[str]) -> None:
        """Delete records that may no longer be equal."""
        if records:
            self._client.hdel(self._keys.verification(f"equal:{unit}"), *records)

    def newest(self, remote: str, *moments: str) -> str:
        """Store the latest of these times of changes in a remote (texts that sort by time), unless a later one is stored. Return the stored
        time, "" if there is none.
        """
        return self._note_newest(keys=[self._keys.verification("newest")], args=[remote, max(moments, default="")])

    def _save(self, verification_id: str, *written: str, **fields: str | float) -> None:
        """Record fields and the time of this step. Extend the expiry of the parts that were `written`."""
        state = self._key(verification_id, "state")
        self._client.hset(state, mapping={**fields, "saved_at": seconds(self._client)})
        for name in ("state", *written):
            self._client.expire(self._key(verification_id, name), KEPT_SECONDS)
        self._client.expire(self._keys.verification("current"), KEPT_SECONDS)

    def _key(self, verification_id: str, name: str) -> str:
        return self._keys.verification_part(verification_id, name)
