"""Which code or invoice a person means: by Procore ids, or as people call it. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import describe
from worker.domain.wbs_codes import NamingRule, Project, WbsCode
from worker.services.projects import Projects
from worker.store.ledger import Ledger
from worker.store.projects import ProjectList

T = TypeVar("T")


class NamedRecords:
    """Finds projects, codes and invoices by what people type. Raises NotFound, in words that say what to type instead."""

    def __init__(self, *, projects: Projects, listed: ProjectList, ledger: Ledger, name_format: str) -> None:
        self._projects = projects
        self._listed = listed
        self._ledger = ledger
        self._rule = NamingRule(name_format)

    def project(self, text: str) -> Project:
        """A project by Procore id or by number, from the list at hand, or from a new one where Procore gives it."""
        projects, _ = asked(self._projects.all)
        all_listed = self._listed.all() if projects is None else projects
        found = [one for one in all_listed if text in (str(one.id), one.number)]
        if len(found) > 1:
            ids = ", ".join(f"{one.label} (id {one.id})" for one in found)
            raise NotFound(f"More than one project is called {text}: {ids}. Say the id.")
        if found:
            return found[0]
        if text in map(str, self._ledger.projects()):
            # The app may not see it any more; what is known of it is told all the same.
            return Project(int(text), f"project {text}", None, active=False)
        raise NotFound(f"There is no project with the id or number {text} that the app may see.")

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

    def invoice(self, invoice_id: int, project: str | None) -> InvoiceKey:
        """An invoice by Procore id; `project` where the ledger does not know it."""
        return InvoiceKey(self.project(project).id if project else self._project_of(invoice_id), invoice_id)

    def _project_of(self, invoice_id: int) -> int:
        project_id = self._ledger.project_of(invoice_id)
        if project_id is None:
            raise NotFound(f"The ledger knows no invoice {invoice_id}: name its project with --project.")
        return project_id


def asked(question: Callable[[], T]) -> tuple[T | None, str | None]:
    """The answer, or in words why there is none."""
    try:
        return question(), None
    except (Blocked, Misconfigured) as error:
        return None, describe(error.cause, error.facts).sentence
    except SyncError as error:
        return None, str(error) or type(error).__name__
