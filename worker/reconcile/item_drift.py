"""Compares codes with Items: whether every budgeted code has one Item, unchanged, from Procore, NetSuite and the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.findings import Finding, FindingKind, Verified
from worker.domain.identities import CodeKey, is_our_item, item_external_id, same_external_id
from worker.domain.item_drift import CodeToCompare, item_drift
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record
from worker.domain.problems import Cause
from worker.domain.wbs_codes import NamingRule, Project, bare_name
from worker.store.stores import Stores
from worker.sync.items import Items

ABOUT_A_FOUND_ITEM = frozenset(
    {Cause.ITEM_OF_OTHER_TYPE, Cause.ITEM_INACTIVE, Cause.ITEM_OF_OTHER_CODE, Cause.ITEM_DOUBLED}
)
"""Causes whose problem shows the Item in NetSuite to the user."""


class ItemNames:
    """The Item names of one project, for finding other Items with nearly the same name, and the Items that belong to a code."""

    def __init__(self, label: str, records: Collection[Record]) -> None:
        self._label = label
        self._codes: list[tuple[str, str, str]] = []
        # Items of codes by the ledger are nobody else's, whether the codes are compared or not.
        self._known = {record.remote_id for record in records if record.done}

    def note(self, one: CodeToCompare, items: Sequence[FoundItem]) -> None:
        """Add a code and its Items."""
        self._known.update(item.id for item in items)
        names = [item.name for item in items] or [one.name]
        self._codes += [(str(one.key), one.code.flat_code, name) for name in names if name]

    def text(self) -> str:
        """Return the names as JSON, to be stored until all projects are compared."""
        return json.dumps([self._label, self._codes, sorted(self._known)], separators=(",", ":"))


class AllItemNames:
    """The Item names of all projects."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._codes: dict[str, tuple[str, str, str, str]] = {}
        self._known: set[str] = set()
        for text in texts:
            label, codes, known = json.loads(text)
            self._known.update(known)
            for key, flat_code, name in codes:
                self._codes.setdefault(bare_name(name), (label, key, flat_code, name))

    def findings(self, others: Iterable[tuple[str, str]]) -> list[Finding]:
        """Return findings on Items (id and name) of others with nearly the same name as the Item of a code."""
        near: dict[str, list[str]] = {}
        for item_id, name in others:
            bare = bare_name(name)
            if bare in self._codes and item_id not in self._known:
                near.setdefault(bare, []).append(f"{name!r} (id {item_id})")
        return [_near_duplicate(*self._codes[bare], alike) for bare, alike in near.items() if bare]


def _near_duplicate(label: str, key: str, flat_code: str, name: str, alike: Sequence[str]) -> Finding:
    words = f": NetSuite has another Item with nearly the same name as {name!r}: {', '.join(alike)}."
    return Finding(FindingKind.ITEM_NEAR_DUPLICATE, key, f"Code {flat_code} of project {label}{words}", flat_code)


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
        standing, recorded = self._looked_up(codes)
        # A code that is not active needs no Item. It counts, as in a scan: whoever compares the two finds the same number of codes.
        verified, found = Verified(codes=len(codes) + inactive, explained=inactive), list[Finding]()
        names = ItemNames(project.label, records.values())
        shared = self._shared(project, codes, records)
        for one in codes:
            items = standing[one.code.id]
            names.note(one, items)
            if _is_explained(one, items, problems):
                verified.explained += 1
                continue
            about = [*_findings(one, items, recorded.get(one.recorded_id), rule), *shared.pop(one.code.id, ())]
            # Whose record changed since it was read is being made just now.
            if about and self.stores.ledger.code(one.key) != one.record:
                verified.explained += 1
                continue
            verified.right += all(finding.kind.mild for finding in about)
            found += about
        found += [finding for findings in shared.values() for finding in findings]
        compared = {one.code.id for one in codes}
        found += self._doubled(project, {number: one for number, one in records.items() if number not in compared})
        # Every code of a renumbered project says so: once is enough.
        verified.find(*{finding.problem_key: finding for finding in reversed(found)}.values())
        return verified, names

    def near_duplicates(self, names: Iterable[str]) -> list[Finding]:
        """Return findings on Items of others with nearly the same name as one of wbs-sync, by the names of all projects. One query per 1,000
        Items of others.
        """
        return AllItemNames(names).findings(self.remotes.netsuite.names_of_other_items())

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

    def _looked_up(self, codes: Sequence[CodeToCompare]) -> tuple[dict[int, list[FoundItem]], dict[str, FoundItem]]:
        """Return the Items of each code (by its id), and those that the ledger has but no look-up shows (by their ids)."""
        found = (
            self.remotes.netsuite.find_items(
                external_ids=[one.external_id for one in codes], names=[one.name for one in codes if one.name]
            )
            if codes
            else []
        )
        by_external_id, by_name = _indexed(found)
        codes_of_items = {one.recorded_id: one.code.id for one in codes if one.recorded_id}
        standing: dict[int, list[FoundItem]] = {}
        for one in codes:
            ours = by_external_id.get(one.external_id.lower(), [])
            # The Item of another code may have this one's name: two codes whose texts were exchanged.
            named = [
                item
                for item in by_name.get(one.name.casefold(), [])
                if not is_our_item(item.external_id) and codes_of_items.get(item.id, one.code.id) == one.code.id
            ]
            standing[one.code.id] = [*ours, *(item for item in named if item.name == one.name)] or named
        unseen = [
            one.recorded_id
            for one in codes
            if one.recorded_id and one.recorded_id not in {item.id for item in standing[one.code.id]}
        ]
        recorded = self.remotes.netsuite.items(unseen)
        for one in codes:
            # Adopted, so without our external id, and since then the Item, the code or the project has another name.
            if not standing[one.code.id] and one.recorded_id in recorded:
                standing[one.code.id] = [recorded[one.recorded_id]]
            elif not standing[one.code.id] and one.recorded_id:
                # A query may not show yet what was made a moment ago; the record itself can be read at once.
                made = self.remotes.netsuite.item_by_external_id(one.external_id)
                standing[one.code.id] = [made] if made else []
        return standing, recorded

    def _shared(
        self, project: Project, codes: Sequence[CodeToCompare], records: Mapping[int, Record]
    ) -> dict[int, list[Finding]]:
        """Return findings for codes (by id), budgeted or not, whose Item in the ledger belongs to another code: amounts of both are posted to
        one Item.
        """
        labels = {one.key: one.label for one in codes}
        found = {}
        for number, owner in self.stores.adopted_items.of_others(project.id).items():
            key, record = CodeKey(project.id, number), records.get(number)
            item = f"Item {record.name} (id {record.remote_id})" if record else "Item"
            owner_label = labels.get(owner) or _by_id(owner)
            words = f"{labels.get(key) or _by_id(key)}: its {item} belongs to c{owner_label[1:]}."
            found[number] = [Finding(FindingKind.ITEM_SHARED, str(key), words)]
        return found

    def _doubled(self, project: Project, records: Mapping[int, Record]) -> list[Finding]:
        """Return findings for codes that only an invoice needed, or that are no longer budgeted: they may have no Item, but not two."""
        ids = {number: self._external_id(project, number) for number in records}
        found = self.remotes.netsuite.find_items(external_ids=list(ids.values()), names=[]) if ids else []
        by_external_id, _ = _indexed(found)
        return [
            _of_two(CodeKey(project.id, number), f"Item {records[number].name} of project {project.label}", items)
            for number, external_id in ids.items()
            if len(items := by_external_id.get(external_id.lower(), [])) > 1
        ]


def _indexed(found: Sequence[FoundItem]) -> tuple[dict[str, list[FoundItem]], dict[str, list[FoundItem]]]:
    by_external_id: dict[str, list[FoundItem]] = {}
    by_name: dict[str, list[FoundItem]] = {}
    for item in found:
        by_name.setdefault(item.name.casefold(), []).append(item)
        if item.external_id:
            by_external_id.setdefault(item.external_id.lower(), []).append(item)
    return by_external_id, by_name


def _is_explained(one: CodeToCompare, items: Sequence[FoundItem], problems: Mapping[str, Cause]) -> bool:
    """Return whether the reason for a missing Item is known. Two Items are never explained, nor is a code that was skipped once and needs an
    Item now.

    A code that has an Item, by the ledger or by its external id, is explained only by a problem about this Item.
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
        yield _of_two(one.key, one.label, items, one.code.flat_code)
    elif items:
        yield from item_drift(one, items[0], recorded, rule)
    else:
        was = (
            f"; its former Item {one.record.name} no longer exists in NetSuite"
            if one.record and one.recorded_id
            else ""
        )
        yield one.find(FindingKind.ITEM_MISSING, f" has no Item{was}.")


def _by_id(key: CodeKey) -> str:
    return f"Code with id {key.wbs_code_id} of the project with id {key.project_id}"


def _of_two(key: CodeKey, label: str, items: Sequence[FoundItem], about: str = "") -> Finding:
    told = ", ".join(f"{item.name} (id {item.id})" for item in items)
    return Finding(FindingKind.ITEM_DOUBLED, str(key), f"{label} has {len(items)} Items: {told}.", about)
