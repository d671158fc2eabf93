"""The Other Charge Items of WBS codes: looked up for up to 1,000 codes with one query, then created one by one.

The look-up resolves each code: its Item is to be created or adopted, exists already, or is blocked with a cause. `item_writer` writes it.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.errors import Blocked, NotFound, NotPermitted
from worker.domain.field_kinds import FieldValue, Place
from worker.domain.identities import CodeKey, item_external_id, same_external_id
from worker.domain.items import FoundItem, ItemNeed, item_for
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.domain.wbs_codes import NameClashes, NamingRule, Project, WbsCode, clashing_names
from worker.domain.work import Lane, resolution_of
from worker.store.ledger import FOR_AN_INVOICE
from worker.store.locks import Lock
from worker.store.stores import Stores
from worker.sync.field_sources import facts_of, is_of_other_file
from worker.sync.former_items import FormerItems
from worker.sync.item_writer import ItemWriter, outcome_now
from worker.sync.projects import Projects

log = logging.getLogger(__name__)

FRESH_SECONDS = 900.0
"""Seconds for which the result of a look-up (budgeted, not in NetSuite) is trusted; after that, a code is looked up again before the write."""
NO_SUCH_CODE = "no budgeted, active code of a readable project"


@dataclass(frozen=True, slots=True)
class ResolvedCode:
    """A code with the result of its look-up: CREATED (to be created), ADOPTED, ALREADY (exists), or BLOCKED with its cause. `fields`: further
    fields of an Item to be created.
    """

    code: WbsCode
    kind: OutcomeKind
    name: str = ""
    item: FoundItem | None = None
    cause: Cause | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(slots=True)
class Items:
    """Looks up and creates the Items of codes."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    projects: Projects
    former: FormerItems
    writer: ItemWriter
    _sorted: tuple[Sequence[Project], NamingRule | None, NameClashes] = field(
        default=((), None, NameClashes((), NamingRule(""))), init=False
    )

    # Look-up: reads only

    def resolve(self, project: Project, codes: Sequence[WbsCode]) -> list[ResolvedCode]:
        """Look up the Items of codes of one project that have none in the ledger, with one query for up to 1,000 codes."""
        rule = self.naming_rule()
        clashes = clashing_names(project, codes, self._codes_of_rivals(project, rule), rule)
        named: list[tuple[WbsCode, ItemNeed]] = []
        resolved: list[ResolvedCode] = []
        for code in codes:
            try:
                named.append((code, self._need(project, code, rule, clashes.get(code.id))))
            except Blocked as error:
                resolved.append(ResolvedCode(code, OutcomeKind.BLOCKED, cause=error.cause, facts=error.facts))
        resolved += self._without_former(project, rule, self._looked_up(project.id, named))
        return self._with_fields(project, resolved) if self._sets_fields else resolved

    def _with_fields(self, project: Project, resolved: Sequence[ResolvedCode]) -> list[ResolvedCode]:
        """Add the further fields of the Items to be created; a field without a value blocks its code."""
        new = [one for one in resolved if one.kind is OutcomeKind.CREATED]
        fields = self.writer.fields.of_items(project, [one.code for one in new])
        filled = {one.code.id: _filled(one, each) for one, each in zip(new, fields, strict=True)}
        return [filled.get(one.code.id, one) for one in resolved]

    def naming_rule(self) -> NamingRule:
        """Return the naming rule of this account."""
        return NamingRule(self.policy.name_format, self.remotes.netsuite.item_name_limit())

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
        external_id = item_external_id(self.remotes.company_id, project.id, code.id)
        return ItemNeed(external_id, name, code.description)

    def _codes_of_rivals(self, project: Project, rule: NamingRule) -> dict[Project, list[WbsCode]]:
        """Return the budgeted codes of projects whose names may conflict; hardly any project has a conflict."""
        codes = {}
        for rival in self._rivals(rule).of(project):
            try:
                codes[rival] = self.remotes.procore.list_budgeted_codes(rival.id)
            except (NotFound, NotPermitted):
                # No Item is created for codes that the app cannot read, and each name is looked up in NetSuite before it is created.
                log.info("Codes of project %s cannot be compared with those of %s", rival.label, project.label)
        return codes

    def _rivals(self, rule: NamingRule) -> NameClashes:
        """Return the conflicting projects, by the cached list of projects."""
        projects, (sorted_from, sorted_by, rivals) = self.projects.all(), self._sorted
        if projects is not sorted_from or rule != sorted_by:
            rivals = NameClashes([one for one in projects if not one.purpose], rule)
            self._sorted = (projects, rule, rivals)
        return rivals

    def _looked_up(self, project_id: int, named: Sequence[tuple[WbsCode, ItemNeed]]) -> list[ResolvedCode]:
        if not named:
            return []
        needs = [need for _, need in named]
        found = self.remotes.netsuite.find_items(
            external_ids=[need.external_id for need in needs], names=[need.name for need in needs]
        )
        by_id, by_name = indexed(found)
        adopted, resolved = self.writer.adopted_by(project_id, found), []
        for code, need in named:
            candidates = by_id.get(need.external_id.lower(), []) + by_name.get(need.name.casefold(), [])
            resolved.append(_resolved_code(code, need, list(dict.fromkeys(candidates)), adopted))
        return resolved

    def _without_former(
        self, project: Project, rule: NamingRule, resolved: Sequence[ResolvedCode]
    ) -> list[ResolvedCode]:
        """If the project may have its Items under former names, block the creation of new ones until the question is answered."""
        missing = {one.code.id: one.code.flat_code for one in resolved if one.kind is OutcomeKind.CREATED}
        facts = missing and self.former.question(
            self.remotes.netsuite,
            rule,
            project,
            missing,
            looked_up=[one.code.id for one in resolved],
            numbers=[one.number for one in self.projects.all() if one.number],
            all_codes=lambda: [code.flat_code for code in self.remotes.procore.list_active_codes(project.id)],
        )
        if not facts:
            return list(resolved)
        cause = Cause.POSSIBLE_FORMER_ITEMS
        return [
            replace(
                one,
                kind=OutcomeKind.BLOCKED,
                cause=cause,
                facts={**facts, "name": one.name, "code": one.code.flat_code},
            )
            if one.code.id in missing
            else one
            for one in resolved
        ]

    # Recording resolved codes in the ledger

    def note(
        self, project_id: int, resolved: Sequence[ResolvedCode], *, for_invoice: bool = False, by: str = ""
    ) -> list[CodeKey]:
        """Record the codes, and queue those to be created. Return the queued ones. `by`: who requested it; "" for the scan in progress."""
        if not resolved:
            return []
        now = self.stores.now()
        waiting = {}
        for one in resolved:
            key = CodeKey(project_id, one.code.id)
            if one.kind is OutcomeKind.CREATED:
                waiting[one.code.id] = Record(
                    State.WAITING,
                    one.name,
                    at=now,
                    code=one.code.flat_code,
                    description=one.code.description,
                    for_invoice=for_invoice,
                    facts=facts_of(one.fields, self.policy.fields) if self._sets_fields else {},
                )
            elif one.item:
                ours = one.kind is OutcomeKind.ALREADY
                # Ours, but not in the ledger: the event says so, because its record looks as if it was created just now.
                event = AuditEvent(EventKind.FOUND, {"id": one.item.id}) if ours else None
                self.writer.record_found(key, one.item, one.name, ours=ours, at=now, event=event)
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
                self.stores.ledger.write(key, blocked)
        by = FOR_AN_INVOICE if for_invoice else by
        noted = self.stores.ledger.add_waiting(project_id, waiting, by=by) if waiting else []
        return [CodeKey(project_id, wbs_code_id) for wbs_code_id in noted]

    def writes(self, one: ResolvedCode) -> int:
        """Return how many NetSuite requests it takes to write the Item of a code."""
        marks = (
            self.policy.marks_adopted and one.kind is OutcomeKind.ADOPTED and one.item and one.item.external_id is None
        )
        return int(one.kind is OutcomeKind.CREATED or bool(marks))

    def reads_back(self) -> int:
        """Return how many requests reading back the next created Item takes: one if that is due."""
        return int(self.writer.read_back_is_due(self.stores.now()))

    def ask_again(self, project_id: int, wbs_code_ids: Collection[int]) -> list[int]:
        """Queue blocked and waiting codes to be looked up again from the start. Return the queued ones; codes that are done, unconfirmed or
        without a record are not changed.
        """
        records = self.stores.ledger.codes(project_id, wbs_code_ids)
        asked = {number: _asked_again(record) for number, record in records.items()}
        return self.stores.ledger.add_waiting(project_id, asked, by="a retry") if asked else []

    def outdated(self, project_id: int) -> dict[int, Record]:
        """Return the waiting codes that were looked up too long ago, or with another file of fields."""
        now = self.stores.now()
        records = self.stores.ledger.codes(project_id)
        return {number: record for number, record in records.items() if self._is_outdated(record, now)}

    def skip(self, key: CodeKey, record: Record | None) -> Record:
        """Record that this code's Item is no longer needed."""
        name, at = record.name if record else "", self.stores.now()
        gone = Record(State.SKIPPED, name, at=at, detail=NO_SUCH_CODE)
        self.stores.ledger.write(key, gone)
        return gone

    def block(self, key: CodeKey, record: Record, cause: Cause, facts: Mapping[str, str]) -> None:
        """Record that a waiting code cannot be looked up now."""
        at, facts = self.stores.now(), {"code": record.code, "name": record.name, **facts}
        self.stores.ledger.write(key, replace(record, state=State.BLOCKED, at=at, cause=cause, facts=facts))

    # Making one Item

    def make(self, key: CodeKey) -> Outcome:
        """Create (or find) the Item of one code. Raises Transient and Misconfigured if nothing was sent."""
        return self.writer.locked(key, lambda record, lock: self._made(key, record, lock))

    def _made(self, key: CodeKey, record: Record | None, lock: Lock) -> Outcome:
        if not _is_ready(record) or self._is_outdated(record, lock.at):
            record = self._resolved_again(key, record)
        return self.writer.make(key, record, lock) if _is_ready(record) else outcome_now(record)

    @property
    def _sets_fields(self) -> bool:
        return Place.ITEM in self.policy.fields.rules

    def _is_outdated(self, record: Record, now: float) -> bool:
        """Return whether a waiting code was looked up too long ago, or with another file of fields."""
        old = record.state is State.WAITING and now - record.at > FRESH_SECONDS
        return old or (bool(record.facts or self._sets_fields) and is_of_other_file(record, self.policy.fields))

    def _resolved_again(self, key: CodeKey, record: Record | None) -> Record | None:
        """Look up a code without a recent look-up (requested by another application, blocked before, or waiting for too long) from the start."""
        project = self.projects.get(key.project_id) if self.projects.in_pilot(key.project_id) else None
        for_invoice = bool(record and record.for_invoice)
        code = self._active_code(project, key, for_invoice=for_invoice) if project else None
        if project is None or code is None:
            return self.skip(key, record)
        if record and record.state is State.WAITING:
            # The other codes of its project were looked up as long ago. One by one, they would need three requests each.
            self.stores.work.add(Lane.SCANS, [resolution_of(key.project_id)])
        self.note(key.project_id, self.resolve(project, [code]), for_invoice=for_invoice)
        return self.stores.ledger.code(key)

    def _active_code(self, project: Project, key: CodeKey, *, for_invoice: bool) -> WbsCode | None:
        """Return the code as it is in Procore now; None if it is inactive, or not budgeted and no invoice needs it."""
        if not for_invoice and not (
            project.active and self.remotes.procore.is_budgeted(key.project_id, key.wbs_code_id)
        ):
            return None
        codes = self.remotes.procore.list_active_codes(key.project_id)
        return next((code for code in codes if code.id == key.wbs_code_id), None)


def _filled(one: ResolvedCode, fields: Mapping[str, FieldValue] | Blocked) -> ResolvedCode:
    if isinstance(fields, Blocked):
        facts = {**fields.facts, "name": one.name, "code": one.code.flat_code}
        return replace(one, kind=OutcomeKind.BLOCKED, cause=fields.cause, facts=facts)
    return replace(one, fields=fields)


def _asked_again(record: Record) -> Record:
    """Drop the reason the code was blocked, except that a question about its Item was asked: it may still be open."""
    cause = record.cause if record.cause is Cause.POSSIBLE_FORMER_ITEMS else None
    return Record(State.WAITING, record.name, code=record.code, for_invoice=record.for_invoice, cause=cause)


def _is_ready(record: Record | None) -> TypeGuard[Record]:
    """Return whether its Item can be created, or its unconfirmed write checked, without another look-up of the code."""
    return record is not None and (record.in_doubt or record.state is State.WAITING)


def indexed(found: Sequence[FoundItem]) -> tuple[dict[str, list[FoundItem]], dict[str, list[FoundItem]]]:
    """Return Items by external id in lower case, and by name without letter case."""
    by_id: dict[str, list[FoundItem]] = {}
    by_name: dict[str, list[FoundItem]] = {}
    for item in found:
        by_name.setdefault(item.name.casefold(), []).append(item)
        if item.external_id:
            by_id.setdefault(item.external_id.lower(), []).append(item)
    return by_id, by_name


def _resolved_code(
    code: WbsCode, need: ItemNeed, candidates: Sequence[FoundItem], adopted: Mapping[str, str]
) -> ResolvedCode:
    try:
        item = item_for(need, candidates, adopted)
    except Blocked as error:
        facts = {"code": code.flat_code, **error.facts}
        return ResolvedCode(code, OutcomeKind.BLOCKED, need.name, cause=error.cause, facts=facts)
    if item is None:
        return ResolvedCode(code, OutcomeKind.CREATED, need.name)
    ours = same_external_id(item.external_id, need.external_id)
    return ResolvedCode(code, OutcomeKind.ALREADY if ours else OutcomeKind.ADOPTED, need.name, item)
