"""Compares codes with Items: whether every budgeted code has one Item, unchanged, from Procore, NetSuite and the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.findings import Finding, Verified
from worker.domain.identities import CodeKey, is_our_item, item_external_id, same_external_id
from worker.domain.item_drift import CodeToCompare, item_drift
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record
from worker.domain.problems import Cause, FindingKind
from worker.domain.wbs_codes import NamingRule, Project, bare_name
from worker.store.stores import Stores
from worker.sync.items import Items, indexed

ABOUT_A_FOUND_ITEM = frozenset(
    {Cause.ITEM_TYPE_MISMATCH, Cause.ITEM_INACTIVE, Cause.ITEM_BELONGS_TO_OTHER_CODE, Cause.DUPLICATE_ITEM}
)
"""Causes of problems that describe the existing Item."""


class ItemNames:
    """The Items of one project's codes and their names: what the comparison across projects needs to find Items with nearly the same name."""

    def __init__(self, label: str, records: Collection[Record]) -> None:
        self._label = label
        self._codes: list[tuple[str, str, str]] = []
        # The Items of codes in the ledger count as known, also those of codes that are not compared.
        self._known = {record.remote_id for record in records if record.done}

    def note(self, one: CodeToCompare, items: Sequence[FoundItem]) -> None:
        """Add a code and its Items."""
        self._known.update(item.id for item in items)
        names = [item.name for item in items] or [one.name]
        self._codes += [(str(one.key), one.code.flat_code, name) for name in names if name]

    def text(self) -> str:
        """Return the names as JSON, to be stored until all projects are compared."""
        return json.dumps([self._label, self._codes, sorted(self._known)], separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class ItemDrift:
    """Compares the codes of projects with their Items. Reads only."""

    stores: Stores
    remotes: Remotes
    items: Items

    def compare(self, project: Project, problems: Mapping[str, Cause]) -> tuple[Verified, ItemNames]:
        """Return the result for one project's codes, and the names for the comparison across projects. Raises NotFound or NotPermitted if the
        app may not read them.
        """
        rule, records = self.items.naming_rule(), self.stores.ledger.codes(project.id)
        codes, inactive = self._codes(project, rule, records)
        items_of, recorded = self._find_items(codes)
        # A code that is not active needs no Item. It counts all the same, so that a scan and a comparison report the same number of codes.
        verified, found = Verified(codes=len(codes) + inactive, explained=inactive), list[Finding]()
        names = ItemNames(project.label, records.values())
        shared = self._shared(project, codes, records)
        for one in codes:
            items = items_of[one.code.id]
            names.note(one, items)
            if _is_explained(one, items, problems):
                verified.explained += 1
                continue
            about = [*_findings(one, items, recorded.get(one.recorded_id), rule), *shared.pop(one.code.id, ())]
            # The record has changed since it was read, so an attempt is in progress.
            if about and self.stores.ledger.code(one.key) != one.record:
                verified.explained += 1
                continue
            verified.right += all(finding.kind.is_information for finding in about)
            found += about
        found += [finding for findings in shared.values() for finding in findings]
        compared = {one.code.id for one in codes}
        found += self._duplicates(project, {number: one for number, one in records.items() if number not in compared})
        # Every code of a renumbered project has this finding: it is reported once.
        verified.find(*{finding.problem_key: finding for finding in reversed(found)}.values())
        return verified, names

    def near_duplicates(self, names: Iterable[str]) -> list[Finding]:
        """Return findings on Items that wbs-sync did not create and that have nearly the same name as the Item of a code. `names`: the texts of
        all projects. One query for each 1,000 such Items.
        """
        codes: dict[str, tuple[str, str, str, str]] = {}
        known: set[str] = set()
        for text in names:
            label, codes_of_project, item_ids = json.loads(text)
            known.update(item_ids)
            for key, flat_code, name in codes_of_project:
                codes.setdefault(bare_name(name), (label, key, flat_code, name))
        near: dict[str, list[str]] = {}
        for item_id, name in self.remotes.netsuite.names_of_other_items():
            bare = bare_name(name)
            if bare in codes and item_id not in known:
                near.setdefault(bare, []).append(f"{name!r} (id {item_id})")
        return [_near_duplicate(*codes[bare], items) for bare, items in near.items() if bare]

    def _codes(
        self, project: Project, rule: NamingRule, records: Mapping[int, Record]
    ) -> tuple[list[CodeToCompare], int]:
        """Return the budgeted, active codes, which need an Item, and the number of budgeted codes that are not active."""
        budgeted = self.remotes.procore.list_budgeted_codes(project.id)
        active = {code.id for code in self.remotes.procore.list_active_codes(project.id)} if budgeted else set()
        codes = [
            CodeToCompare.of(project, code, self._external_id(project, code.id), rule, records.get(code.id))
            for code in budgeted
            if code.id in active
        ]
        return codes, len(budgeted) - len(codes)

    def _external_id(self, project: Project, wbs_code_id: int) -> str:
        return item_external_id(self.remotes.procore.company_id, project.id, wbs_code_id)

    def _find_items(self, codes: Sequence[CodeToCompare]) -> tuple[dict[int, list[FoundItem]], dict[str, FoundItem]]:
        """Return the Items of each code (by its id), and the Items in the ledger that the queries do not show (by their ids)."""
        found = (
            self.remotes.netsuite.find_items(
                external_ids=[one.external_id for one in codes], names=[one.name for one in codes if one.name]
            )
            if codes
            else []
        )
        by_external_id, by_name = indexed(found)
        codes_of_items = {one.recorded_id: one.code.id for one in codes if one.recorded_id}
        items_of: dict[int, list[FoundItem]] = {}
        for one in codes:
            ours = by_external_id.get(one.external_id.lower(), [])
            # The Item of another code may have this code's name: the texts of the two codes were exchanged.
            named = [
                item
                for item in by_name.get(one.name.casefold(), [])
                if not is_our_item(item.external_id) and codes_of_items.get(item.id, one.code.id) == one.code.id
            ]
            items_of[one.code.id] = [*ours, *(item for item in named if item.name == one.name)] or named
        unseen = [
            one.recorded_id
            for one in codes
            if one.recorded_id and one.recorded_id not in {item.id for item in items_of[one.code.id]}
        ]
        recorded = self.remotes.netsuite.items(unseen)
        for one in codes:
            # It was adopted, so it has no external id of wbs-sync, and the Item, the code or the project was renamed since.
            if not items_of[one.code.id] and one.recorded_id in recorded:
                items_of[one.code.id] = [recorded[one.recorded_id]]
            elif not items_of[one.code.id] and one.recorded_id:
                # A query may not show an Item yet that was just created; the record itself can be read at once.
                made = self.remotes.netsuite.item_by_external_id(one.external_id)
                items_of[one.code.id] = [made] if made else []
        return items_of, recorded

    def _shared(
        self, project: Project, codes: Sequence[CodeToCompare], records: Mapping[int, Record]
    ) -> dict[int, list[Finding]]:
        """Return findings, by code id, for codes whose Item in the ledger belongs to another code, so that amounts of both are posted to it.
        Also for codes that are not budgeted.
        """
        labels = {one.key: one.label for one in codes}
        found = {}
        for number, owner in self.stores.adopted_items.of_others(project.id).items():
            key, record = CodeKey(project.id, number), records.get(number)
            item = f"Item {record.name} (id {record.remote_id})" if record else "Item"
            owner_label = labels.get(owner) or _unread_label(owner)
            text = f"{labels.get(key) or _unread_label(key)}: its {item} belongs to c{owner_label[1:]}."
            found[number] = [Finding(FindingKind.ITEM_SHARED, str(key), text)]
        return found

    def _duplicates(self, project: Project, records: Mapping[int, Record]) -> list[Finding]:
        """Return findings for codes with two Items that are not budgeted (now): such a code may have no Item, but never two."""
        ids = {number: self._external_id(project, number) for number in records}
        found = self.remotes.netsuite.find_items(external_ids=list(ids.values()), names=[]) if ids else []
        by_external_id, _ = indexed(found)
        return [
            _duplicate_finding(
                CodeKey(project.id, number), f"Item {records[number].name} of project {project.label}", items
            )
            for number, external_id in ids.items()
            if len(items := by_external_id.get(external_id.lower(), [])) > 1
        ]


def _is_explained(one: CodeToCompare, items: Sequence[FoundItem], problems: Mapping[str, Cause]) -> bool:
    """Return whether unfinished work or an open problem explains the state of a code that has no Item in the ledger.

    If it has an Item with its external id, only a problem about that Item does. Two Items are never explained, nor is a skip: the code is
    budgeted now.
    """
    if one.recorded_id or len(items) > 1:
        return False
    if one.record is not None and one.record.unfinished:
        return True
    cause = problems.get(str(one.key))
    has_item = any(same_external_id(item.external_id, one.external_id) for item in items)
    return cause in ABOUT_A_FOUND_ITEM if has_item else cause is not None


def _findings(
    one: CodeToCompare, items: Sequence[FoundItem], recorded: FoundItem | None, rule: NamingRule
) -> Iterator[Finding]:
    if len(items) > 1:
        yield _duplicate_finding(one.key, one.label, items, one.code.flat_code)
    elif items:
        yield from item_drift(one, items[0], recorded, rule)
    else:
        was = (
            f"; its former Item {one.record.name} no longer exists in NetSuite"
            if one.record and one.recorded_id
            else ""
        )
        yield one.find(FindingKind.ITEM_MISSING, f" has no Item{was}.")


def _unread_label(key: CodeKey) -> str:
    return f"Code with id {key.wbs_code_id} of the project with id {key.project_id}"


def _duplicate_finding(key: CodeKey, label: str, items: Sequence[FoundItem], about: str = "") -> Finding:
    listed = ", ".join(f"{item.name} (id {item.id})" for item in items)
    return Finding(FindingKind.DUPLICATE_ITEM, str(key), f"{label} has {len(items)} Items: {listed}.", about)


def _near_duplicate(label: str, key: str, flat_code: str, name: str, items: Sequence[str]) -> Finding:
    text = f": NetSuite has another Item with nearly the same name as {name!r}: {', '.join(items)}."
    return Finding(FindingKind.SIMILAR_ITEM_NAME, key, f"Code {flat_code} of project {label}{text}", flat_code)
