"""One Other Charge Item for each WBS code, exactly once: lock, intent, look, write, record.

Planning looks up to 1,000 codes in one query; making writes one Item. Whatever interrupts it between two lines, the ledger
holds an intent, and an intent whose end is not known is resolved by looking, never by sending again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    NoRoom,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    SeriesStopped,
    SyncError,
    Transient,
)
from worker.domain.identities import CodeKey, is_our_item, item_external_id, same_external_id
from worker.domain.items import ADOPTED_ITEMS, FoundItem, ItemNeed, item_for
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause, describe
from worker.domain.series import Deviation, Series
from worker.domain.story import Happening, What
from worker.domain.wbs_codes import NamingRule, Project, Rivals, WbsCode, clashing_names
from worker.domain.work import Lane, plan_of
from worker.services.attempts import busy
from worker.services.former_items import FormerItems
from worker.services.projects import Projects
from worker.services.systematic_differences import SystematicDifferences
from worker.store.adopted_items import AdoptedItems
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.ledger import FOR_AN_INVOICE, Ledger
from worker.store.locks import Lock, Locks
from worker.store.work import Work

log = logging.getLogger(__name__)

FRESH_SECONDS = 900.0
"""What a plan found out (budgeted, not in NetSuite) is trusted so long; after that a code is looked at anew before the write."""
NO_SUCH_CODE = "no budgeted, active code of a readable project"
LEDGER_IS_YOUNG = "Redis was lost or started anew: what was under way then must have settled first"
MOST_WRITES = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one code: CREATED (would be made), ADOPTED, ALREADY (ours stands), or BLOCKED with its cause."""

    code: WbsCode
    kind: OutcomeKind
    name: str = ""
    item: FoundItem | None = None
    cause: Cause | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class Items:
    """Plans and makes Items."""

    def __init__(
        self,
        client: Redis,
        *,
        procore: Procore,
        netsuite: NetSuite,
        projects: Projects,
        ledger: Ledger,
        adopted: AdoptedItems,
        former: FormerItems,
        locks: Locks,
        work: Work,
        differences: SystematicDifferences,
        name_format: str,
        mark_adopted: bool,
        settle_seconds: float,
    ) -> None:
        self._client = client
        self._procore = procore
        self._netsuite = netsuite
        self._projects = projects
        self._ledger = ledger
        self._adopted_items = adopted
        self._former = former
        self._locks = locks
        self._work = work
        self._differences = differences
        self._name_format = name_format
        self._mark_adopted = mark_adopted
        self._settle = settle_seconds
        self._sorted: tuple[Sequence[Project], NamingRule | None, Rivals] = ((), None, Rivals((), NamingRule("")))

    # Planning: reads only

    def plan(self, project: Project, codes: Sequence[WbsCode]) -> list[Planned]:
        """What would happen to codes of one project that have no Item yet. One look-up for up to 1,000 of them."""
        rule = self.naming_rule()
        clashes = clashing_names(project, codes, self._codes_of_rivals(project, rule), rule)
        named: list[tuple[WbsCode, ItemNeed]] = []
        planned: list[Planned] = []
        for code in codes:
            try:
                named.append((code, self._need(project, code, rule, clashes.get(code.id))))
            except Blocked as error:
                planned.append(Planned(code, OutcomeKind.BLOCKED, cause=error.cause, facts=error.facts))
        return planned + self._without_former(project, rule, self._looked_up(project.id, named))

    def naming_rule(self) -> NamingRule:
        """How Items of this account are named."""
        return NamingRule(self._name_format, self._netsuite.item_name_limit())

    def _need(
        self, project: Project, code: WbsCode, rule: NamingRule, clash: tuple[Project, WbsCode] | None
    ) -> ItemNeed:
        name = rule.item_name(project, code)
        if clash:
            facts = {
                "name": name,
                "project": project.label,
                "code": code.flat_code,
                "other_project": clash[0].label,
                "other_code": clash[1].flat_code,
            }
            raise Blocked(cause=Cause.NAME_NOT_UNIQUE, facts=facts)
        external_id = item_external_id(self._procore.company_id, project.id, code.id)
        return ItemNeed(external_id, name, code.description)

    def _codes_of_rivals(self, project: Project, rule: NamingRule) -> dict[Project, list[WbsCode]]:
        """Budgeted codes of projects whose numbers begin alike; hardly any project has such rivals."""
        codes = {}
        for rival in self._rivals(rule).of(project):
            try:
                codes[rival] = self._procore.list_budgeted_codes(rival.id)
            except (NotFound, NotPermitted):
                # What the app cannot read it will not make Items for, and NetSuite's own look-up still stands in between.
                log.info("Codes of project %s cannot be compared with those of %s", rival.label, project.label)
        return codes

    def _rivals(self, rule: NamingRule) -> Rivals:
        """Those of the list of projects at hand."""
        projects, (sorted_from, sorted_by, rivals) = self._projects.all(), self._sorted
        if projects is not sorted_from or rule != sorted_by:
            rivals = Rivals([one for one in projects if not one.purpose], rule)
            self._sorted = (projects, rule, rivals)
        return rivals

    def _looked_up(self, project_id: int, named: Sequence[tuple[WbsCode, ItemNeed]]) -> list[Planned]:
        if not named:
            return []
        needs = [need for _, need in named]
        found = self._netsuite.find_items(
            external_ids=[need.external_id for need in needs], names=[need.name for need in needs]
        )
        by_id, by_name = _indexed(found)
        adopted, planned = self._adopted(project_id, found), []
        for code, need in named:
            candidates = by_id.get(need.external_id.lower(), []) + by_name.get(need.name.casefold(), [])
            planned.append(_planned(code, need, list(dict.fromkeys(candidates)), adopted))
        return planned

    def _without_former(self, project: Project, rule: NamingRule, planned: Sequence[Planned]) -> list[Planned]:
        """Where the project may have its Items under former names, none is created before a person has answered."""
        missing = {one.code.id: one.code.flat_code for one in planned if one.kind is OutcomeKind.CREATED}
        facts = missing and self._former.question(
            self._netsuite,
            rule,
            project,
            missing,
            looked_up=[one.code.id for one in planned],
            numbers=[one.number for one in self._projects.all() if one.number],
            all_codes=lambda: [code.flat_code for code in self._procore.list_active_codes(project.id)],
        )
        if not facts:
            return list(planned)
        cause = Cause.ITEMS_OF_FORMER_NAME
        return [
            replace(
                one,
                kind=OutcomeKind.BLOCKED,
                cause=cause,
                facts={**facts, "name": one.name, "code": one.code.flat_code},
            )
            if one.code.id in missing
            else one
            for one in planned
        ]

    def _adopted(self, project_id: int, found: Sequence[FoundItem]) -> dict[str, str]:
        """The external ids of the codes that have adopted some of these Items, by the Items' ids: an Item that got its name by hand keeps
        it when its code is renamed, and the next code of that text would take it too.
        """
        without_ours = [item.id for item in found if not is_our_item(item.external_id)]
        codes = self._adopted_items.by(project_id, without_ours)
        return {
            item_id: item_external_id(self._procore.company_id, key.project_id, key.wbs_code_id)
            for item_id, key in codes.items()
        }

    # Noting a plan in the ledger

    def note(
        self, project_id: int, planned: Sequence[Planned], *, for_invoice: bool = False, by: str = ""
    ) -> list[CodeKey]:
        """Record what the plan found, and let the codes to be made wait. Gives those that wait. `by`: who asked; "" for the scan that goes on."""
        if not planned:
            return []
        now = seconds(self._client)
        waiting = {}
        for one in planned:
            key = CodeKey(project_id, one.code.id)
            if one.kind is OutcomeKind.CREATED:
                waiting[one.code.id] = Record(
                    State.WAITING,
                    one.name,
                    at=now,
                    code=one.code.flat_code,
                    description=one.code.description,
                    for_invoice=for_invoice,
                )
            elif one.item:
                ours = one.kind is OutcomeKind.ALREADY
                # Ours, and the ledger knew nothing of it: told, since its record would read as if it was made just now.
                told = Happening(What.FOUND, {"id": one.item.id}) if ours else None
                self._record_found(key, one.item, one.name, ours=ours, at=now, told=told)
            else:
                blocked = Record(
                    State.BLOCKED,
                    one.name,
                    at=now,
                    code=one.code.flat_code,
                    cause=one.cause,
                    facts=one.facts,
                    for_invoice=for_invoice,
                )
                self._ledger.write(key, blocked)
        by = FOR_AN_INVOICE if for_invoice else by
        noted = self._ledger.plan_codes(project_id, waiting, by=by) if waiting else []
        return [CodeKey(project_id, wbs_code_id) for wbs_code_id in noted]

    def writes(self, one: Planned) -> int:
        """How many requests of NetSuite carrying it out takes."""
        marks = self._mark_adopted and one.kind is OutcomeKind.ADOPTED and one.item and one.item.external_id is None
        return int(one.kind is OutcomeKind.CREATED or bool(marks))

    def reads_back(self) -> int:
        """How many requests reading back the next Item that is made takes: one when that is due."""
        return int(self._differences.is_due(self._differences.state(Series.ITEMS), seconds(self._client)))

    def ask_again(self, project_id: int, wbs_code_ids: Collection[int]) -> list[int]:
        """Let blocked and waiting codes be planned anew, as if nothing were known of them but that they wait. Gives those noted;
        what stands, is in doubt or was never noted is left as it is.
        """
        records = self._ledger.codes(project_id, wbs_code_ids)
        asked = {number: _asked_again(record) for number, record in records.items()}
        return self._ledger.plan_codes(project_id, asked, by="a retry") if asked else []

    def old_plans(self, project_id: int) -> dict[int, Record]:
        """Codes that wait with a plan that nobody should trust any more."""
        now = seconds(self._client)
        return {number: record for number, record in self._ledger.codes(project_id).items() if _is_old(record, now)}

    def skip(self, key: CodeKey, record: Record | None) -> Outcome:
        """Nobody needs this code's Item any more."""
        name, at = record.name if record else "", seconds(self._client)
        gone = Record(State.SKIPPED, name, at=at, detail=NO_SUCH_CODE)
        self._ledger.write(key, gone)
        return outcome_of(gone)

    def block(self, key: CodeKey, record: Record, cause: Cause, facts: Mapping[str, str]) -> None:
        """A code that waited cannot be planned now."""
        at, told = seconds(self._client), {"code": record.code, "name": record.name, **facts}
        self._ledger.write(key, replace(record, state=State.BLOCKED, at=at, cause=cause, facts=told))

    # Making one Item

    def make(self, key: CodeKey) -> Outcome:
        """Make (or find) the Item of one code. Raises Transient and Misconfigured when nothing was done."""
        with self._locks.hold(str(key), reads=self._ledger.place(key)) as lock:
            if lock is None:
                return busy(self._client)
            record = self._ledger.read_with(lock)
            if record and record.done:
                return outcome_of(record)
            if record and record.in_doubt:
                return self._resolve(key, record, lock)
            if record is None or record.state is not State.WAITING or _is_old(record, lock.at):
                return self._make_anew(key, record, lock)
            return self._write(key, record, lock)

    def _make_anew(self, key: CodeKey, record: Record | None, lock: Lock) -> Outcome:
        """A code that nobody planned lately (enqueued from outside, blocked before, or a plan grown old): look at it from the start."""
        project = self._projects.get(key.project_id) if self._projects.in_pilot(key.project_id) else None
        for_invoice = bool(record and record.for_invoice)
        code = self._active_code(project, key, for_invoice=for_invoice) if project else None
        if project is None or code is None:
            return self.skip(key, record)
        if record and record.state is State.WAITING:
            # The other codes of its project were planned as long ago. One by one they would cost three requests each.
            self._work.add(Lane.SCANS, [plan_of(key.project_id)])
        self.note(key.project_id, self.plan(project, [code]), for_invoice=for_invoice)
        fresh = self._ledger.code(key)
        return self._write(key, fresh, lock) if fresh and fresh.state is State.WAITING else _outcome_now(fresh)

    def _active_code(self, project: Project, key: CodeKey, *, for_invoice: bool) -> WbsCode | None:
        """The code as Procore has it now; None when it is inactive, or not budgeted and no invoice needs it."""
        if not for_invoice and not (project.active and self._procore.is_budgeted(key.project_id, key.wbs_code_id)):
            return None
        codes = self._procore.list_active_codes(key.project_id)
        return next((code for code in codes if code.id == key.wbs_code_id), None)

    def _write(self, key: CodeKey, record: Record, lock: Lock) -> Outcome:
        """Intent, POST, record. Every way out leaves the ledger saying what is true."""
        if record.attempts >= MOST_WRITES:
            facts = {"name": record.name, "answer": record.detail or "no Item came of it"}
            return self._block(key, record, lock, Blocked(cause=Cause.ITEM_REFUSED, facts=facts))
        if held_back_until := lock.held_back_until(self._settle):
            self._ledger.journal.tell(key, Happening(What.HELD_BACK, again_at=held_back_until))
            return Outcome(OutcomeKind.WAITING, record.name, reason=LEDGER_IS_YOUNG, again_at=held_back_until)
        need, intents = self._need_of(key, record), [record]
        try:
            item_id = self._netsuite.create_item(
                need, before_sending=lambda: intents.append(self._intend(key, record, lock))
            )
        except SeriesStopped:
            return self._paused(key, record, lock, noted=len(intents) > 1)
        except AlreadyExists as error:
            return self._already_exists(key, replace(intents[-1], detail=str(error)), lock)
        except OutcomeUnknown as error:
            return self._resolve(key, self._in_doubt(key, intents[-1], lock, str(error)), lock)
        except Blocked as error:
            return self._block(key, record, lock, error)
        except (Transient, Misconfigured):
            # Certainly not done: the code stands as if this had never been sent, in doubt if an earlier write left it so.
            self._ledger.write(key, replace(record, fence=lock.fence))
            raise
        # The series as it stands after the write: another Item may have been found under another name meanwhile.
        series = self._ledger.write_created(key, Record(State.CREATED, record.name, item_id, at=lock.now()))
        if self._differences.is_due(series, lock.at):
            self._compare(need)
        return Outcome(OutcomeKind.CREATED, record.name, item_id)

    def _paused(self, key: CodeKey, record: Record, lock: Lock, *, noted: bool) -> Outcome:
        """The series of Items is stopped, so the Item waits. `noted`: an intent was, whose request NetSuite had no room for."""
        if noted:
            self._ledger.write(key, replace(record, fence=lock.fence))
        paused = self._differences.pause(Series.ITEMS, key, record.name)
        self._ledger.journal.tell(key, Happening(What.PAUSED, {"why": paused.reason}, paused.again_at or 0))
        return paused

    def _compare(self, need: ItemNeed) -> None:
        """Read back an Item that was just created: does NetSuite keep the names that are sent?"""
        try:
            item = self._netsuite.item_by_external_id(need.external_id)
        except SyncError as error:
            log.info("Item %s is made, but could not be read back: %s", need.name, error)
            return
        if item:
            self._note_name(need, item)

    def _note_name(self, need: ItemNeed, item: FoundItem) -> None:
        """Count an Item that a write of ours just made under another name than was sent, or end the count."""
        words = f"name {item.name!r} instead of {need.name!r}"
        differs = {Deviation.NAME: words} if item.name != need.name else {}
        self._differences.note(Series.ITEMS, need.name, differs)

    def _intend(self, key: CodeKey, record: Record, lock: Lock) -> Record:
        """Note that the write leaves now. Raises NoRoom when the lock or the ledger is not ours to write by any more, SeriesStopped."""
        now = lock.now()
        intent = replace(
            record, state=State.INTENT, at=now, sent_at=now, attempts=record.attempts + 1, fence=lock.fence, detail=""
        )
        if not self._ledger.intend(key, intent, lock):
            raise NoRoom("the lock was lost, or its holder stood still, before the write")
        return intent

    def _already_exists(self, key: CodeKey, intent: Record, lock: Lock) -> Outcome:
        """NetSuite took nothing, because it holds one: find it, whatever its case. Seen by nobody yet, it is looked for again."""
        self._ledger.journal.tell(key, Happening(What.EXISTS, {"answer": intent.detail}))
        need = self._need_of(key, intent)
        try:
            found = self._look(key, need, ignoring_case=True)
        except Blocked as error:
            return self._block(key, intent, lock, error)
        return self._found(key, found, need, lock) if found else self._not_yet(key, intent, lock)

    def _resolve(self, key: CodeKey, record: Record, lock: Lock) -> Outcome:
        """Look for the Item of a write whose end is not known; send again only after the settle time."""
        need, settled = self._need_of(key, record), not lock.until(record.sent_at + self._settle)
        try:
            found = self._look(key, need)
        except Blocked as error:
            if settled:
                return self._block(key, record, lock, error)
            # Another Item is in the way. It is told at once, and ours is looked for all the same: it may still come to stand.
            facts = self._facts(record, error)
            self._ledger.report(str(key), error.cause, facts, at=lock.now())
            return replace(
                self._not_yet(key, record, lock), cause=error.cause, reason=describe(error.cause, facts).sentence
            )
        # Another one of that name is adopted only when ours certainly did not come: it may still, and nobody would look for it any more.
        ours = found is not None and same_external_id(found.external_id, need.external_id)
        if found and ours:
            # The write got no answer, so it was not read back either.
            self._note_name(need, found)
        if found and (settled or ours):
            return self._found(key, found, need, lock)
        return self._write(key, record, lock) if settled else self._not_yet(key, record, lock)

    def _found(self, key: CodeKey, item: FoundItem, need: ItemNeed, lock: Lock) -> Outcome:
        ours = same_external_id(item.external_id, need.external_id)
        told = Happening(What.FOUND if ours else What.ADOPTED, {"id": item.id})
        return self._record_found(key, item, need.name, ours=ours, at=lock.at, told=told)

    def _not_yet(self, key: CodeKey, record: Record, lock: Lock) -> Outcome:
        """It is looked for; nothing is sent before the settle window has passed."""
        reason = record.detail or "an earlier write was interrupted; looking for its Item"
        again_at = record.look_again_at(lock.now(), record.sent_at + self._settle)
        self._ledger.journal.tell(key, Happening(What.LOOKED, {"sent": str(int(record.at))}, again_at))
        return Outcome(OutcomeKind.UNKNOWN, record.name, reason=reason, again_at=again_at)

    def _look(self, key: CodeKey, need: ItemNeed, *, ignoring_case: bool = False) -> FoundItem | None:
        """By external id where it is seen at once, then by either in SuiteQL, which may lag behind."""
        item = self._netsuite.item_by_external_id(need.external_id)
        if item is None:
            found = self._netsuite.find_items(
                external_ids=[need.external_id], names=[need.name], ignoring_case=ignoring_case
            )
            return item_for(need, found, self._adopted(key.project_id, found))
        return item_for(need, [item], {})

    def _in_doubt(self, key: CodeKey, intent: Record, lock: Lock, detail: str) -> Record:
        """The settle time runs from the moment at which the answer was given up."""
        unknown = replace(intent, state=State.UNKNOWN, sent_at=lock.now(), detail=detail)
        self._ledger.write(key, unknown)
        return unknown

    def _block(self, key: CodeKey, record: Record, lock: Lock, error: Blocked) -> Outcome:
        facts = self._facts(record, error)
        blocked = replace(
            record, state=State.BLOCKED, at=lock.at, cause=error.cause, facts=facts, fence=lock.fence, attempts=0
        )
        self._ledger.write(key, blocked)
        return outcome_of(blocked)

    def _facts(self, record: Record, error: Blocked) -> dict[str, str]:
        """Names for the problem's sentence."""
        return {"code": record.code, "name": record.name, **error.facts}

    def _record_found(
        self, key: CodeKey, item: FoundItem, name: str, *, ours: bool, at: float, told: Happening | None = None
    ) -> Outcome:
        """Keep the id of an Item that stands. Its fields are left alone, but for an empty external id where the setting allows."""
        state = State.CREATED if ours else State.ADOPTED
        if not self._ledger.write(key, Record(state, item.name or name, item.id, at=at), told):
            # Another code has adopted it since the look.
            return _outcome_now(self._ledger.code(key))
        if not ours and self._mark_adopted and item.external_id is None:
            # Only now: else the Item of another code could be marked as this one's.
            self._mark(item, item_external_id(self._procore.company_id, key.project_id, key.wbs_code_id), at=at)
        return Outcome(OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, item.name or name, item.id)

    def _mark(self, item: FoundItem, external_id: str, *, at: float) -> None:
        """Whatever NetSuite answers, the Item is adopted: the mark is a convenience. A refusal is one problem for all Items."""
        try:
            self._netsuite.set_item_external_id(item, external_id)
        except (Transient, OutcomeUnknown) as error:
            log.warning("Item %s is adopted, but perhaps without our external id: %s", item.name, error)
        except SyncError as error:
            facts = {"name": item.name, "answer": str(error) or type(error).__name__}
            if self._ledger.report(ADOPTED_ITEMS, Cause.ADOPTED_ITEM_NOT_MARKED, facts, at=at):
                log.warning("%s", describe(Cause.ADOPTED_ITEM_NOT_MARKED, facts).sentence)
        else:
            self._ledger.resolve(ADOPTED_ITEMS)

    def _need_of(self, key: CodeKey, record: Record) -> ItemNeed:
        external_id = item_external_id(self._procore.company_id, key.project_id, key.wbs_code_id)
        return ItemNeed(external_id, record.name, record.description)


def _asked_again(record: Record) -> Record:
    """Nothing is kept of why it was blocked, but that a person was asked about its Item: the question may still be open."""
    cause = record.cause if record.cause is Cause.ITEMS_OF_FORMER_NAME else None
    return Record(State.WAITING, record.name, code=record.code, for_invoice=record.for_invoice, cause=cause)


def _is_old(record: Record, now: float) -> bool:
    return record.state is State.WAITING and now - record.at > FRESH_SECONDS


def _indexed(found: Sequence[FoundItem]) -> tuple[dict[str, list[FoundItem]], dict[str, list[FoundItem]]]:
    by_id: dict[str, list[FoundItem]] = {}
    by_name: dict[str, list[FoundItem]] = {}
    for item in found:
        by_name.setdefault(item.name.casefold(), []).append(item)
        if item.external_id:
            by_id.setdefault(item.external_id.lower(), []).append(item)
    return by_id, by_name


def _planned(code: WbsCode, need: ItemNeed, candidates: Sequence[FoundItem], adopted: Mapping[str, str]) -> Planned:
    try:
        item = item_for(need, candidates, adopted)
    except Blocked as error:
        facts = {"code": code.flat_code, **error.facts}
        return Planned(code, OutcomeKind.BLOCKED, need.name, cause=error.cause, facts=facts)
    if item is None:
        return Planned(code, OutcomeKind.CREATED, need.name)
    ours = same_external_id(item.external_id, need.external_id)
    return Planned(code, OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, need.name, item)


def _outcome_now(record: Record | None) -> Outcome:
    return outcome_of(record) if record else Outcome(OutcomeKind.WAITING, reason="not known yet")
