"""What must not be seen at any time while a schedule is played, though it may be gone at its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from config.names import TaskName
from tests.campaign.simulated.faults import FIRST, Kind
from tests.campaign.simulated.remotes import READ_TIMEOUT, Request
from tests.campaign.simulated.scheduler import Process
from tests.campaign.simulated.workers import Message
from worker.domain.problems import Cause
from worker.engine.settlement import DIED, MAX_DEATHS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

PREFIX = "wbs:"
SEEN_PAUSE, LONGEST_PAUSE = 60.0, 121.0
"""Seconds after which a pause has a reason that people see, and after which it ends unless a rate limit names a longer time."""
RATE_LIMITS = {Kind.PC_429, Kind.NS_429}
REFUSALS = {Kind.FIELD_REFUSED, Kind.SUBSIDIARY_REFUSED, Kind.CREDITS_REFUSED, Kind.EDIT_REFUSED}
"""Refusals of one record, or of one kind of record."""
NETSUITE_DOWN = {Kind.NS_PERMISSION, Kind.NS_401, Kind.NS_MAINTENANCE, Kind.NS_5XX_BEFORE, Kind.NS_5XX_AFTER, Kind.NS_429,
                 Kind.NS_REFUSED, Kind.NS_TIMEOUT, Kind.NS_LOST_AFTER, Kind.NS_LOST_BEFORE, Kind.TOKENS_HANG}  # fmt: skip
LONG_WORK = {TaskName.SCAN_PROJECT, TaskName.EXPORT_PROJECT, TaskName.RECONCILE}
WORKS_BEFORE_PAUSE = 2
"""Different records that are refused before their kind is paused: as decision 25 says, not as the product counts."""
LISTS = ("/budget_line_items", "/detail_rows", "/wbs_codes", "/requisitions")


class Watch:
    """Checks the store with every beat, and gets some events from the workers."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.seen: dict[str, str] = {}
        self._under_way: dict[str, dict[Message, tuple[Process, float]]] = {}
        self._on = bool(rig.kinds - set(FIRST))

    def look(self, now: float) -> None:
        """The store as it is now."""
        if not self._on:
            return
        data = self._rig.store.data
        problems = data.get(f"{PREFIX}problems", {})
        for scope, text in data.get(f"{PREFIX}pauses", {}).items():
            self._pause(scope, json.loads(text), now)
        for key, text in problems.items():
            if f'"{Cause.RETRIES_EXHAUSTED.stored}"' in text and DIED in text and self._rig.attempts[key] < MAX_DEATHS:
                begun = self._rig.attempts[key]
                self._see("deaths", f"{key} is told to have ended its workers, and {begun} had begun it")

    def _pause(self, scope: str, pause: dict[str, Any], now: float) -> None:
        seconds = pause["ends"] - now
        if seconds > LONGEST_PAUSE and not self._rig.kinds & RATE_LIMITS:
            self._see("pause", f"{scope} is paused for {seconds:.0f} s, and no rate limit says so: {pause['answer']}")
        if seconds > SEEN_PAUSE and not (pause["cause"] and pause["answer"]):
            self._see("reason", f"{scope} is paused for {seconds:.0f} s, and nothing says why")
        if scope == "netsuite" and seconds > 0 and self._rig.kinds & REFUSALS and not self._rig.kinds & NETSUITE_DOWN:
            self._see("refusal", f"all of NetSuite is paused ({pause['cause']}) for a refusal of one kind of record")

        if seconds > 0 and scope.endswith(":create") and not self._rig.kinds & NETSUITE_DOWN:
            kind = scope.split(":")[1]
            refused = {one.external_id for one in self._rig.wires.log
                       if (one.is_item if kind == "item" else one.is_bill and one.path.endswith(kind)) and one.reply and one.reply.status in (400, 403)}  # fmt: skip
            if len(refused) < WORKS_BEFORE_PAUSE:
                self._see("one", f"all {kind}s are paused though no two of them were refused: {sorted(refused)}")

    def sends(self, request: Request) -> None:
        """A worker reads a list for long work, of which there is to be one at a time."""
        message = request.thread.note.get("message")
        if not isinstance(message, Message) or message.task not in LONG_WORK or not _reads_a_list(request):
            return
        # One message may continue with other projects: what is done is the work that its thread began last.
        what = f"{message.task} {request.thread.note.get('work', '')}".strip()
        under_way = self._under_way.setdefault(what, {})
        under_way.setdefault(message, (request.thread.process, request.work_began_at))
        # A dead process works on nothing, and one that paused for too long has lost the claim without knowing it.
        at_it = [one for one, (process, since) in under_way.items()
                 if not process.dead and not self._rig.troubles.claim_lost(process.name, since)]  # fmt: skip
        if message in at_it and len(at_it) > 1:
            self._see("twice", f"{what} is done {len(at_it)} times at once")

    def ends(self, message: Message | None) -> None:
        """A worker has ended a message, or the work that it began, and continues with the next."""
        for under_way in self._under_way.values():
            if message:
                under_way.pop(message, None)

    def token_waited(self, remote: str, seconds: float) -> None:
        """A thread has waited so long for an access token: for one login that gets no answer, not for one after the other."""
        now = self._rig.scheduler.now
        if seconds > 1.5 * READ_TIMEOUT[remote] and not self._rig.troubles.any_between(now - seconds, now):
            self._see("token", f"a thread waited {seconds:.0f} s for a token")

    def _see(self, kind: str, told: str) -> None:
        self.seen.setdefault(kind, told)


def _reads_a_list(request: Request) -> bool:
    return request.remote == "procore" and request.method == "GET" and request.path.endswith(LISTS)
