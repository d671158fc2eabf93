"""In what the Item of a WBS code differs from what it should be; whether an Item is there at all is asked elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.findings import Finding, FindingKind
from worker.domain.identities import CodeKey, is_our_item, same_external_id
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import ITEM_NAME_LIMIT, NamingRule, Project, WbsCode, same_name


@dataclass(frozen=True, slots=True)
class CodeToCompare:
    """A WBS code, and what is known of its Item: its external id, its name by number and code of today ("" where it can have
    none), and the ledger's record.
    """

    project: Project
    code: WbsCode
    external_id: str
    name: str
    record: Record | None

    @classmethod
    def of(
        cls, project: Project, code: WbsCode, external_id: str, rule: NamingRule, record: Record | None
    ) -> CodeToCompare:
        """With the name by the account's rule."""
        number = (project.number or "").strip()
        name = rule.join(str(project.number), code.flat_code) if number and code.flat_code.strip() else ""
        return cls(project, code, external_id, "" if unwritable(name) else name, record)

    @property
    def key(self) -> CodeKey:
        """The code's key in the ledger."""
        return CodeKey(self.project.id, self.code.id)

    @property
    def recorded_id(self) -> str:
        """Internal id of the Item that the ledger knows, "" when it knows none."""
        return self.record.remote_id if self.record and self.record.done else ""

    @property
    def label(self) -> str:
        """How people call it, at the beginning of a sentence."""
        return f"Code {self.code.flat_code} of project {self.project.label}"

    def find(self, kind: FindingKind, words: str) -> Finding:
        """A finding about this code; `words` go on after its label."""
        return Finding(kind, str(self.key), f"{self.label}{words}", self.code.flat_code)


def item_drift(one: CodeToCompare, item: FoundItem, recorded: FoundItem | None, rule: NamingRule) -> Iterator[Finding]:
    """What is wrong with the one Item that stands for a code. `recorded`: the other Item that the ledger names, if it stands."""
    if not item.usable:
        kind = f"{item.type} {item.subtype}".strip()
        words = f": its Item {item.name} is of type {kind}, not an Other Charge for purchase or resale."
        yield one.find(FindingKind.ITEM_OF_OTHER_TYPE, words)
    if item.inactive:
        yield one.find(FindingKind.ITEM_INACTIVE, f": its Item {item.name} is inactive.")
    if is_our_item(item.external_id) and not same_external_id(item.external_id, one.external_id):
        words = f": its Item {item.name} (id {item.id}) has the external id of another code ({item.external_id})."
        yield one.find(FindingKind.ITEM_SHARED, words)
    if one.recorded_id and one.recorded_id != item.id:
        fate = f"is now named {recorded.name}" if recorded else "no longer exists"
        words = (
            f": the ledger has Item {one.recorded_id}, which {fate}; in NetSuite, its Item is {item.id}, {item.name}."
        )
        yield one.find(FindingKind.ITEM_OTHER_THAN_RECORDED, words)
    yield from _other_name(one, item, rule)
    yield from _other_display_name(one, item)


def _other_name(one: CodeToCompare, item: FoundItem, rule: NamingRule) -> Iterator[Finding]:
    """An Item keeps its name whatever is renamed in Procore; one that follows by hand is as right as one that does not."""
    before = one.record.name if one.record and one.recorded_id == item.id else item.name
    if one.name and same_name(item.name, one.name):
        return
    if before != item.name:
        yield one.find(FindingKind.ITEM_RENAMED, f": its Item {before} was renamed to {item.name} in NetSuite.")
    elif one.name and rule.is_of_code(item.name, one.code.flat_code):
        words = (
            f"Project {one.project.label}: its Items still have names with its former number, such as {item.name}; with the current number, that "
            f"name would be {one.name}."
        )
        yield Finding(FindingKind.PROJECT_RENUMBERED, f"project:{one.project.id}", words)
    elif one.name:
        words = f": its Item is still named {item.name}; with the current code, the name would be {one.name}."
        yield one.find(FindingKind.CODE_RENAMED, words)


def _other_display_name(one: CodeToCompare, item: FoundItem) -> Iterator[Finding]:
    """Only an Item that we made had the code's description as its display name, cut to NetSuite's length."""
    adopted = one.record is not None and one.record.state is State.ADOPTED
    written = one.code.description[:ITEM_NAME_LIMIT].strip()
    ours = same_external_id(item.external_id, one.external_id) and not adopted
    if ours and written and item.display_name.strip() != written:
        words = (
            f": its Item {item.name} has the display name {item.display_name!r}; the code's description is {written!r}."
        )
        yield one.find(FindingKind.DISPLAY_NAME_DRIFTED, words)
