"""What the campaign notes about the product while a schedule is played. All of it is public: the scripts that processes send to the store,
slots and tokens they get, attempts they begin, and records they write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import worker.connections
from tests.campaign.simulated.client import Client, Reach
from tests.campaign.simulated.played import rig
from worker.domain.audit_trail import AuditEvent
from worker.domain.errors import NoRoom
from worker.domain.outcomes import Outcome, Record, State
from worker.domain.problems import Cause
from worker.domain.work import WorkKey
from worker.engine.attempts import Attempts
from worker.store.gate import SLOT_SECONDS, Gate
from worker.store.keys import Keys
from worker.store.ledger import Ledger
from worker.store.locks import Lock
from worker.store.tokens import Tokens

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

Run = Callable[..., Any]
Put = Callable[[Any, str, Any], None]
_slot, _write, _intend, _make_claimed = Gate.slot, Ledger.write, Ledger.intend, Attempts.make_claimed


class NotedClient(Client):
    """A client of the store that notes the scripts on which faults and questions of the campaign depend."""

    def __init__(
        self, rig_: Rig, reach: Reach, wait_for_push: Callable[[Sequence[str], float], tuple[str, str] | None]
    ) -> None:
        super().__init__(rig_.store, reach, wait_for_push)
        self._rig = rig_

    def register_script(self, script: str) -> Run:
        """A script to call with keys and args; its first line is a comment with its name."""
        run = super().register_script(script)
        note = _NOTED_SCRIPTS.get(script.partition("\n")[0].removeprefix("-- "))
        return partial(note, self._rig, run) if note else run


def _takes_lock(rig_: Rig, run: Run, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
    reply = run(keys=keys, args=args)
    if int(reply[0]):
        rig_.scheduler.current.note[keys[0]] = args[0]
    return reply


def _writes_record(rig_: Rig, run: Run, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
    """A write to the ledger; if it is an intent (the lock matters, and the record is not done), faults may strike before and after it."""
    is_done, token = args[3], args[7]
    if is_done or not token:
        return run(keys=keys, args=args)
    name = keys[3].rsplit(":", 1)[1]
    rig_.strikes.comes_to("intending", name)
    reply = run(keys=keys, args=args)
    if int(reply[0]) > 0:
        rig_.scheduler.current.note["intent_at"] = rig_.scheduler.now
        rig_.strikes.comes_to("intended", name)
    return reply


def _ends_work(rig_: Rig, run: Run, *, keys: Sequence[str], args: Sequence[Any]) -> Any:
    # The work is over for this thread, though its message may continue with other work.
    rig_.watch.ends(rig_.scheduler.current.note.get("message"))
    return run(keys=keys, args=args)


_NOTED_SCRIPTS: dict[str, Callable[..., Any]] = {
    "locks/acquire": _takes_lock,
    "ledger/write": _writes_record,
    "lanes/hand_over": _ends_work,
    "lanes_and_runs/close": _ends_work,
    "lanes_and_runs/postpone": _ends_work,
    "lanes_and_runs/spawn": _ends_work,
}


class NotedTokens(Tokens):
    """Tokens that note how long a thread waited for one."""

    def __init__(self, client: Any, prefix: str, remote: str, *args: Any, **options: Any) -> None:
        super().__init__(client, prefix, remote, *args, **options)
        self.remote = remote

    def get(self) -> str:
        asked_at = rig().scheduler.now
        try:
            return self.waited_for()
        finally:
            rig().watch.token_waited(self.remote, rig().scheduler.now - asked_at)

    def waited_for(self) -> str:
        """Return a token, however long this takes."""
        return super().get()


@contextmanager
def _noted_slot(self: Gate, *args: Any, **options: Any) -> Iterator[str]:
    schedule, current = rig(), rig().scheduler.current
    asked_at = schedule.scheduler.now
    with ExitStack() as stack:
        try:
            token = stack.enter_context(_slot(self, *args, **options))
        except NoRoom:
            schedule.troubles.refused_slots.setdefault(current.process.name, []).append(schedule.scheduler.now)
            raise
        # It may have been handed over some time ago, and the lease runs since then; or it ran out before this thread received it.
        slots = schedule.store.data.get(Keys(schedule.settings.redis_key_prefix).slots, {})
        lease_ends = slots.get(token)
        current.note["slot_at"] = lease_ends / 1000 - SLOT_SECONDS if lease_ends else asked_at
        yield token


def _noted_intend(self: Ledger, key: Any, intent: Record, lock: Lock) -> bool:
    leaves = _intend(self, key, intent, lock)
    if leaves:
        rig().scheduler.current.note["checked_at"] = rig().scheduler.now
    return leaves


def _noted_attempt(self: Attempts, key: WorkKey, *args: Any, **options: Any) -> Outcome:
    rig().begun[str(key)] = rig().scheduler.now
    rig().scheduler.current.note["work"] = str(key)
    rig().attempts[str(key)] += 1
    return _make_claimed(self, key, *args, **options)


def _noted_write(self: Ledger, key: Any, record: Record, event: AuditEvent | None = None) -> bool:
    done = _write(self, key, record, event)
    if done and record.state is State.BLOCKED:
        rig().blocked[str(key)] = rig().scheduler.now
    if done and record.state is State.ADOPTED:
        rig().adopted[str(key)] = record.remote_id
        rig().adopted_at.setdefault(str(key), rig().scheduler.now)
    if done and record.cause is Cause.BLOCKED_CODES:
        rig().blocked_codes(key)
    return done


def take(put: Put) -> None:
    """Note all of this from now on. The client of the store notes its scripts wherever a schedule connects it."""
    put(worker.connections, "Tokens", NotedTokens)
    put(Gate, "slot", _noted_slot)
    put(Ledger, "write", _noted_write)
    put(Ledger, "intend", _noted_intend)
    put(Attempts, "make_claimed", _noted_attempt)
