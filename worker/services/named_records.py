"""Which code or invoice a person means: by Procore ids, or as people call it. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, SyncError
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.invoice_heads import InvoiceHead
from worker.domain.problems import describe
from worker.domain.wbs_codes import NamingRule, Project, WbsCode
from worker.services.projects import Projects
from worker.store.ledger import Ledger
from worker.store.projects import ProjectList

T = TypeVar("T")
Heads = Callable[[int], Iterable[InvoiceHead]]
"""Of a project, as Procore lists them: its invoices of the statuses that are exported."""
LARGEST_ID = 2**63 - 1


class NamedRecords:
    """Finds projects, codes and invoices by what people type. Raises NotFound, in words that say what to type instead."""

    def __init__(
        self, *, projects: Projects, listed: ProjectList, ledger: Ledger, name_format: str, heads: Heads
    ) -> None:
        self._projects = projects
        self._listed = listed
        self._ledger = ledger
        self._rule = NamingRule(name_format)
        self._heads = heads

    def project(self, text: str) -> Project:
        """A project by Procore id, number or name, from the list at hand, or from a new one where Procore gives it."""
        projects, _ = asked(self._projects.all)
        all_listed = self._listed.all() if projects is None else projects
        found = [one for one in all_listed if text in (str(one.id), one.number, one.name, one.label)]
        if len(found) > 1:
            ids = ", ".join(f"{one.label} (id {one.id})" for one in found)
            raise NotFound(f"More than one project is called {text}: {ids}. Say the id.")
        if found:
            return found[0]
        if text in map(str, self._ledger.projects()):
            # The app may not see it any more; what is known of it is told all the same.
            return Project(int(text), f"project {text}", None, active=False)
        raise NotFound(f"There is no project with the id, number or name {text} that the app may see.")

    def project_id(self, text: str) -> int:
        """The same as an id, and nobody is asked where the list at hand tells. What can be an id and is no number there is taken for
        one: work on a project that the app may not see tells so by itself.
        """
        listed = [one.id for one in self._listed.all() if text in (one.number, one.name, one.label)]
        if len(listed) == 1:
            return listed[0]
        return int(text) if may_be_id(text) and not listed else self.project(text).id

    def code(self, project: Project, text: str, listed: Iterable[WbsCode]) -> CodeKey:
        """A code by flat code, Item name or Procore id. `listed`: the project's codes as Procore has them, if it could be asked."""
        records = self._ledger.codes(project.id)
        known = {one.id: {one.flat_code, self.item_name(project, one)} for one in listed}
        for number, record in records.items():
            known.setdefault(number, set()).update((record.code, record.name))
        # As people write it before Procore's id: a flat code may be all digits.
        named = [number for number, names in known.items() if text in names] or [
            number for number, names in known.items() if text.casefold() in {name.casefold() for name in names}
        ]
        inside = [
            number for number, record in records.items()
            if project.number and record.name and record.name == self._rule.join(project.number, text)
        ]  # fmt: skip
        numbers = named or inside or [number for number in known if str(number) == text]
        if not numbers:
            raise NotFound(f"Project {project.label} has no code {text}, neither in Procore nor in the ledger.")
        if len(set(numbers)) > 1:
            ids = ", ".join(str(number) for number in sorted(set(numbers)))
            raise NotFound(f"Project {project.label} has more than one code {text}: say one of the ids {ids}.")
        return CodeKey(project.id, numbers[0])

    def item_name(self, project: Project, code: WbsCode | None) -> str:
        """What the code's Item is called; "" where that cannot be known."""
        return self._rule.join(project.number, code.flat_code) if project.number and code else ""

    def invoice(self, text: str, project: str | None) -> InvoiceKey:
        """An invoice by Procore id or by its number; `project` where the ledger does not know it."""
        within = self.project_id(project) if project else None
        if may_be_id(text):
            project_id = within or self._ledger.project_of(int(text))
            if project_id and (within is None or self._ledger.invoice(InvoiceKey(project_id, int(text)))):
                return InvoiceKey(project_id, int(text))
        found = self._numbered(text, self._ledger.projects() if within is None else [within])
        if within and not found and not may_be_id(text):
            found = [InvoiceKey(within, head.id) for head in self._listed_in(within) if head.document_number == text]
        if len(found) > 1:
            ids = ", ".join(str(key.invoice_id) for key in found)
            raise NotFound(f"More than one invoice has the number {text}: say its project, or one of the ids {ids}.")
        if found:
            return found[0]
        if within is None:
            raise NotFound(f"The ledger knows no invoice {text}: name its project with --project.")
        if not may_be_id(text):
            raise NotFound(f"The project has no invoice {text} of the statuses that are exported.")
        return InvoiceKey(within, int(text))

    def _listed_in(self, project_id: int) -> list[InvoiceHead]:
        try:
            return list(self._heads(project_id))
        except (NotFound, NotPermitted) as error:
            raise NotFound(f"Procore shows no invoices of project {project_id} to the app ({error}).") from error

    def _numbered(self, number: str, project_ids: Iterable[int]) -> list[InvoiceKey]:
        """Invoices that the ledger knows by this number."""
        return [
            InvoiceKey(project_id, invoice_id)
            for project_id in project_ids
            for invoice_id, record in self._ledger.invoices(project_id).items()
            if record.name == number
        ]


def may_be_id(text: str) -> bool:
    """Whether this can be an id in Procore."""
    return (
        text.isascii()
        and text.isdecimal()
        and len(text) < 20
        and str(int(text)) == text
        and 1 <= int(text) <= LARGEST_ID
    )


def asked(question: Callable[[], T]) -> tuple[T | None, str | None]:
    """The answer, or in words why there is none."""
    try:
        return question(), None
    except (Blocked, Misconfigured) as error:
        return None, describe(error.cause, error.facts).sentence
    except SyncError as error:
        return None, str(error) or type(error).__name__
