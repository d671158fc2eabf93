"""Finds differences between the Item of a WBS code and what it should be; whether the Item exists is checked elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from worker.domain.findings import Finding
from worker.domain.identities import CodeKey, is_our_item, same_external_id
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.problems import FindingKind
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import ITEM_NAME_LIMIT, NamingRule, Project, WbsCode, same_item_name


@dataclass(frozen=True, slots=True)
class CodeToCompare:
    """A WBS code and its Item: the external id, the name by the current number and code ("" if it can have none), and the ledger record."""

    project: Project
    code: WbsCode
    external_id: str
    name: str
    record: Record | None

    @classmethod
    def of(
        cls, project: Project, code: WbsCode, external_id: str, rule: NamingRule, record: Record | None
    ) -> CodeToCompare:
        """Return the code with its name by the account's rule."""
        number = (project.number or "").strip()
        name = rule.join(str(project.number), code.flat_code) if number and code.flat_code.strip() else ""
        return cls(project, code, external_id, "" if unwritable(name) else name, record)

    @property
    def key(self) -> CodeKey:
        """The code's ledger key."""
        return CodeKey(self.project.id, self.code.id)

    @property
    def recorded_id(self) -> str:
        """Internal id of the Item in the ledger, "" if there is none."""
        return self.record.remote_id if self.record and self.record.done else ""

    @property
    def label(self) -> str:
        """The code's name for the start of a sentence."""
        return f"Code {self.code.flat_code} of project {self.project.label}"

    def find(self, kind: FindingKind, text: str) -> Finding:
        """Return a finding about this code; `text` follow its label."""
        return Finding(kind, str(self.key), f"{self.label}{text}", self.code.flat_code)


def item_drift(
    compared: CodeToCompare, item: FoundItem, recorded: FoundItem | None, rule: NamingRule
) -> Iterator[Finding]:
    """Yield findings on the Item of a code. `recorded`: the Item that the ledger refers to if that is another one and it exists."""
    if not item.usable:
        kind = f"{item.type} {item.subtype}".strip()
        text = f": its Item {item.name} is of type {kind}, not an Other Charge for purchase or resale."
        yield compared.find(FindingKind.ITEM_TYPE_MISMATCH, text)
    if item.inactive:
        yield compared.find(FindingKind.ITEM_INACTIVE, f": its Item {item.name} is inactive.")
    if is_our_item(item.external_id) and not same_external_id(item.external_id, compared.external_id):
        text = f": its Item {item.name} (id {item.id}) has the external id of another code ({item.external_id})."
        yield compared.find(FindingKind.ITEM_SHARED, text)
    if compared.recorded_id and compared.recorded_id != item.id:
        state = f"is now named {recorded.name}" if recorded else "no longer exists"
        text = f": the ledger has Item {compared.recorded_id}, which {state}; in NetSuite, its Item is {item.id}, {item.name}."
        yield compared.find(FindingKind.ITEM_REPLACED, text)
    yield from _other_name(compared, item, rule)
    yield from _other_display_name(compared, item)


def _other_name(compared: CodeToCompare, item: FoundItem, rule: NamingRule) -> Iterator[Finding]:
    """Yield findings on the name. An Item keeps its name when Procore's is changed; one renamed by hand to match is correct as well."""
    before = compared.record.name if compared.record and compared.recorded_id == item.id else item.name
    if compared.name and same_item_name(item.name, compared.name):
        return
    if before != item.name:
        yield compared.find(FindingKind.ITEM_RENAMED, f": its Item {before} was renamed to {item.name} in NetSuite.")
    elif compared.name and rule.is_of_code(item.name, compared.code.flat_code):
        text = (
            f"Project {compared.project.label}: its Items still have names with its former number, such as {item.name}; with the current number, that "
            f"name would be {compared.name}."
        )
        yield Finding(FindingKind.PROJECT_RENUMBERED, f"project:{compared.project.id}", text)
    elif compared.name:
        text = f": its Item is still named {item.name}; with the current code, the name would be {compared.name}."
        yield compared.find(FindingKind.CODE_RENAMED, text)


def _other_display_name(compared: CodeToCompare, item: FoundItem) -> Iterator[Finding]:
    """Yield a finding on the display name. Only a created Item got the code's description as its display name, shortened to NetSuite's limit."""
    adopted = compared.record is not None and compared.record.state is State.ADOPTED
    written = compared.code.description[:ITEM_NAME_LIMIT].strip()
    ours = same_external_id(item.external_id, compared.external_id) and not adopted
    if ours and written and item.display_name.strip() != written:
        text = (
            f": its Item {item.name} has the display name {item.display_name!r}; the code's description is {written!r}."
        )
        yield compared.find(FindingKind.DISPLAY_NAME_CHANGED, text)
