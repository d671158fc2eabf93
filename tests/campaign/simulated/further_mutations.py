"""The safeguards against the situations of `situations.py`, each taken out: the campaign must notice these, too."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tests.campaign.simulated.rig
import worker.clients.procore.api
import worker.connections
import worker.domain.retainage
import worker.engine.remote_failures
import worker.sync.late_origin_ids
from config.schedule import beat_schedule
from tests.campaign.simulated.notes import NotedTokens
from worker.clients.fields import UnreadableRow, read_rows
from worker.clients.http import Answer
from worker.clients.netsuite.api import NetSuiteApi
from worker.clients.procore.errors import error_of, rate_limit_wait
from worker.domain.errors import Misconfigured, SyncError, Transient, UnexpectedAnswer
from worker.domain.links import Entity, Wanted
from worker.domain.retainage import RetainedBefore
from worker.domain.scopes import Remote
from worker.domain.wbs_codes import Project
from worker.domain.work import Lane
from worker.engine.dispatch import Dispatch
from worker.reconcile.comparison_failures import Failures
from worker.store.decisions import Decisions
from worker.store.runtime import Runtime
from worker.store.scripts import SOURCES
from worker.sync.bill_writer import BillWriter
from worker.sync.item_writer import ItemWriter
from worker.sync.projects import ListedProjects, Projects

Put = Callable[[Any, str, Any], None]


def _link_name(put: Put) -> None:
    """A link to a payee or a project is trusted even if the linked record has another name."""
    put(Wanted, "fits", lambda *_: True)


def _link_inactive(put: Put) -> None:
    """An inactive linked record is skipped, and another record with its name is used."""
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
    """A late origin id is written without comparing the invoice with its bill."""
    put(worker.sync.late_origin_ids, "billed_digest", lambda _: _Anything())


def _outage_wait(put: Put) -> None:
    """An outage of Procore pauses work for as long as the rate-limit header says."""

    def waits(answer: Answer) -> SyncError | None:
        error = error_of(answer)
        if isinstance(error, Transient) and answer.status in (502, 503, 504):
            error.retry_after = rate_limit_wait(answer)
        return error

    put(worker.clients.procore.api, "error_of", waits)


def _scope(put: Put) -> None:
    """A missing permission for one kind of record pauses all of NetSuite."""

    def of_all(send: Callable[..., Answer]) -> Callable[..., Answer]:
        def sent(self: NetSuiteApi, *args: Any, **options: Any) -> Answer:
            try:
                return send(self, *args, **options)
            except Misconfigured as refusal:
                raise Misconfigured(
                    str(refusal), cause=refusal.cause, facts=refusal.facts, scope=Remote.NETSUITE
                ) from refusal

        return sent

    for name in ("get", "create", "change", "query"):
        put(NetSuiteApi, name, of_all(getattr(NetSuiteApi, name)))


def _expiry(put: Put) -> None:
    """Beat's message that dispatches waiting work expires by the clock of another machine."""

    def expiring(settings: Any) -> dict[str, dict[str, Any]]:
        entries = beat_schedule(settings)
        return entries | {"resume": entries["resume"] | {"options": {"expires": 10.0}}}

    put(tests.campaign.simulated.rig, "beat_schedule", expiring)


def without(put: Put, part: str, *scripts: str, instead: str = "") -> None:
    """A part of some scripts of the store (by name) is gone."""
    for script in scripts:
        assert part in SOURCES[script], f"{script} has no such part any more: {part}"
        put(SOURCES, script, SOURCES[script].replace(part, instead))


def _renewal(put: Put) -> None:
    """The claim of long work expires while its worker is still working on it."""
    without(put, "redis.call('ZADD', dispatched, now + tonumber(lease), key_of_work)\n", "lanes/renew")


def _inactive_projects(put: Put) -> None:
    """Invoices of inactive projects are not listed."""
    relist, with_invoices = Projects.relist, Projects.with_invoices

    def listed(self: Projects) -> ListedProjects:
        new = relist(self)
        new.with_invoices = list(new.to_scan)
        return new

    def active(self: Projects, projects: Sequence[Project]) -> list[Project]:
        return [one for one in with_invoices(self, projects) if one.active]

    put(Projects, "relist", listed)
    put(Projects, "with_invoices", active)


def _templates(put: Put) -> None:
    """A project template is treated like any other project."""
    put(Projects, "why_left_out", lambda self, project: "" if self.in_pilot(project.id) else "not in PROJECT_IDS")


def _odd_rows(put: Put) -> None:
    """A row that cannot be read makes its whole list unreadable."""

    def all_or_none(model: Any, rows: Any) -> tuple[Sequence[Any], list[UnreadableRow]]:
        good, odd = read_rows(model, rows)
        if odd:
            raise UnexpectedAnswer(odd[0].complaint)
        return good, odd

    put(worker.clients.procore.api, "read_rows", all_or_none)


def _line_links(put: Put) -> None:
    """Retainage is carried over only between lines with the same contract line id."""

    def by_id_alone(invoice: Any, previous: Any) -> RetainedBefore:
        now = {line.contract_line: line for line in invoice.lines}
        before = {line.contract_line: line for line in previous.lines} if previous else {}
        same = now.keys() & before.keys() - {""}
        return RetainedBefore(
            tuple(before[each] for each in same), tuple(now[each] for each in now.keys() - same)
        )  # fmt: skip

    put(worker.domain.retainage, "retained_before", by_id_alone)


def _one_login(put: Put) -> None:
    """Threads that need a token wait for the login of the previous thread, and then log in themselves."""

    class OneAfterTheOther(NotedTokens):
        def __init__(self, *args: Any, runtime: Runtime, **options: Any) -> None:
            super().__init__(*args, runtime=runtime, **options)
            self.turn = runtime.thread_lock()

        def waited_for(self) -> str:
            with self.turn:
                return super().waited_for()

    put(worker.connections, "Tokens", OneAfterTheOther)


def _verify_retry(put: Put) -> None:
    """The first request that fails ends the comparison of both systems."""

    def once(_self: Failures, _state: Any, _name: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except (Transient, Misconfigured) as error:
            raise RuntimeError("the comparison failed") from error

    put(Failures, "attempt", once)


def _upkeep(put: Put) -> None:
    """The remaining work of a comparison is not dispatched again."""
    dispatched = Dispatch.next

    def without_upkeep(self: Dispatch, lanes: Iterable[Lane]) -> dict[str, str]:
        return dispatched(self, [lane for lane in lanes if lane is not Lane.UPKEEP])

    put(Dispatch, "next", without_upkeep)


def _refusals(put: Put) -> None:
    """The first record that is refused because of a missing permission pauses all records of its kind."""
    put(worker.engine.remote_failures, "REFUSALS_BEFORE_PAUSE", 1)


def _compare_found(put: Put) -> None:
    """A bill that is found after a write without a response is not compared with what was sent."""
    put(BillWriter, "compare", lambda *_: None)


def _compare_found_item(put: Put) -> None:
    """An Item that is found after a write without a response is not compared with what was sent."""
    note = ItemWriter.note_name

    def only_answered(self: ItemWriter, need: Any, item: Any) -> None:
        if sys._getframe(1).f_code.co_name != "same":
            note(self, need, item)

    put(ItemWriter, "note_name", only_answered)


def _decisions(put: Put) -> None:
    """An export does not check whether a person excluded the invoice."""
    put(Decisions, "of", lambda *_: None)


def _decision_copy(put: Put) -> None:
    """The copy of people's decisions in DATA_DIR is not restored."""
    put(Decisions, "restore", lambda _self: 0)


FURTHER: dict[str, Callable[[Put], None]] = {
    "link-name": _link_name,
    "link-inactive": _link_inactive,
    "billed": _billed,
    "outage-wait": _outage_wait,
    "scope": _scope,
    "expiry": _expiry,
    "renewal": _renewal,
    "inactive-projects": _inactive_projects,
    "templates": _templates,
    "odd-rows": _odd_rows,
    "line-links": _line_links,
    "one-login": _one_login,
    "verify-retry": _verify_retry,
    "upkeep": _upkeep,
    "refusals": _refusals,
    "compare-found": _compare_found,
    "compare-found-item": _compare_found_item,
    "decisions": _decisions,
    "decision-copy": _decision_copy,
}
