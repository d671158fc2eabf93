"""The safeguards against the situations of `situations.py`, each taken out: the campaign must notice these, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tests.campaign.simulated.rig
import worker.clients.netsuite.client
import worker.clients.procore.client
import worker.services.invoice_export
from config.schedule import beat_schedule
from worker.clients.http import Answer
from worker.clients.procore.errors import error_of, rate_limit_wait
from worker.domain.errors import Misconfigured, SyncError, Transient
from worker.domain.links import Entity, Wanted
from worker.domain.scopes import Remote
from worker.store import work_scripts

Put = Callable[[Any, str, Any], None]


def _link_name(put: Put) -> None:
    """A link to a payee or a project is trusted whatever the linked record is called."""
    put(Wanted, "fits", lambda *_: True)


def _link_inactive(put: Put) -> None:
    """An inactive linked record is passed over, and another one of its name is taken."""
    by_link, by_name = Wanted.by_link, Wanted.by_name

    def linked(self: Wanted, records: Sequence[Entity]) -> Entity | None:
        return by_link(self, [one for one in records if not one.inactive])

    def named(self: Wanted, candidates: Sequence[Entity]) -> Entity:
        return by_name(self, [one for one in candidates if not one.inactive])

    put(Wanted, "by_link", linked)
    put(Wanted, "by_name", named)


class _Anything(str):
    """A digest that is the same as every other."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __ne__(self, _: object) -> bool:
        return False

    __hash__ = str.__hash__


def _billed(put: Put) -> None:
    """A late origin id is written without comparing the invoice with what was billed."""
    put(worker.services.invoice_export, "billed_digest", lambda _: _Anything())


def _outage_wait(put: Put) -> None:
    """An outage of Procore is waited for as long as its rate-limit header says."""

    def waits(answer: Answer) -> SyncError | None:
        error = error_of(answer)
        if isinstance(error, Transient) and answer.status in (502, 503, 504):
            error.retry_after = rate_limit_wait(answer)
        return error

    put(worker.clients.procore.client, "error_of", waits)


def _scope(put: Put) -> None:
    """A missing permission for one kind of record pauses all of NetSuite."""

    def all_of_it(_: str, refusal: Misconfigured) -> Misconfigured:
        return Misconfigured(str(refusal), cause=refusal.cause, facts=refusal.facts, scope=Remote.NETSUITE)

    put(worker.clients.netsuite.client, "_not_permitted", all_of_it)


def _expiry(put: Put) -> None:
    """Beat's message that wakes work expires by the clock of another machine."""

    def expiring(settings: Any) -> dict[str, dict[str, Any]]:
        entries = beat_schedule(settings)
        return entries | {"resume": entries["resume"] | {"options": {"expires": 10.0}}}

    put(tests.campaign.simulated.rig, "beat_schedule", expiring)


def _without(put: Put, script: str, line: str, instead: str = "") -> None:
    """One line of a script is gone."""
    text: str = getattr(work_scripts, script)
    assert line in text, f"{script} has no such line any more: {line}"
    put(work_scripts, script, text.replace(line, instead))


def _renewal(put: Put) -> None:
    """The claim of work that takes long ends while its worker is at it."""
    _without(put, "RENEW", "redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])\n")


FURTHER: dict[str, Callable[[Put], None]] = {
    "link-name": _link_name,
    "link-inactive": _link_inactive,
    "billed": _billed,
    "outage-wait": _outage_wait,
    "scope": _scope,
    "expiry": _expiry,
    "renewal": _renewal,
}
