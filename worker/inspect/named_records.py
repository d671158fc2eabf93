"""Finds the code or invoice that a user typed: by Procore id, name or number. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from worker.clients.remotes import Remotes
from worker.domain.errors import Blocked, Misconfigured, NotFound, NotPermitted, SyncError
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.policy import Policy
from worker.domain.problems import describe
from worker.domain.wbs_codes import Project, WbsCode
from worker.store.stores import Stores
from worker.sync.projects import Projects

T = TypeVar("T")
LARGEST_ID = 2**63 - 1
MAX_PROJECTS_SEARCHED = 200
"""Maximum number of projects in which an invoice without a project is looked up in Procore, at one or more requests per project."""


@dataclass(frozen=True, slots=True)
class NamedRecords:
    """Finds projects, codes and invoices by what users type. Raises NotFound, with a message that says what to type instead."""

    stores: Stores
    remotes: Remotes
    policy: Policy
    projects: Projects

    def project(self, text: str) -> Project:
        """Return a project by Procore id, number or name, from the cached list, or from a new one if Procore returns it."""
        projects, _ = try_query(self.projects.all)
        all_listed = self.stores.listed_projects.all() if projects is None else projects
        matches = [one for one in all_listed if text in (str(one.id), one.number, one.name, one.label)]
        if len(matches) > 1:
            ids = ", ".join(f"{one.label} (id {one.id})" for one in matches)
            raise NotFound(f"More than one project is named {text}: {ids}. Pass the id.")
        if matches:
            return matches[0]
        if text in map(str, self.stores.ledger.projects()):
            # The app may no longer see the project, but the ledger still has its records.
            return Project(int(text), f"project {text}", None, active=False)
        raise NotFound(f"There is no project with the id, number or name {text} visible to the app.")

    def project_id(self, text: str) -> int:
        """Return the project's id without a request if the cached list has it. A text that can be an id and is not a number in that list is
        taken as an id: work on a project that the app may not see reports that itself.
        """
        listed = [one.id for one in self.stores.listed_projects.all() if text in (one.number, one.name, one.label)]
        if len(listed) == 1:
            return listed[0]
        return int(text) if may_be_id(text) and not listed else self.project(text).id

    def code(self, project: Project, text: str, listed: Iterable[WbsCode]) -> CodeKey:
        """Return a code by flat code, Item name or Procore id. `listed`: the project's codes in Procore, if they could be read."""
        records = self.stores.ledger.codes(project.id)
        known = {one.id: {one.flat_code, self.item_name(project, one)} for one in listed}
        for number, record in records.items():
            known.setdefault(number, set()).update((record.code, record.name))
        # Names and flat codes take precedence over Procore's ids, because a flat code may consist of digits.
        named = [number for number, names in known.items() if text in names] or [
            number for number, names in known.items() if text.casefold() in {name.casefold() for name in names}
        ]
        inside = [
            number for number, record in records.items()
            if project.number and record.name and record.name == self.policy.naming_rule.join(project.number, text)
        ]  # fmt: skip
        numbers = named or inside or [number for number in known if str(number) == text]
        if not numbers:
            raise NotFound(f"Project {project.label} has no code {text} in Procore or in the ledger.")
        if len(set(numbers)) > 1:
            ids = ", ".join(str(number) for number in sorted(set(numbers)))
            raise NotFound(f"Project {project.label} has more than one code {text}. Pass one of the ids {ids}.")
        return CodeKey(project.id, numbers[0])

    def item_name(self, project: Project, code: WbsCode | None) -> str:
        """Return the name of the code's Item; "" if it is not known."""
        return self.policy.naming_rule.join(project.number, code.flat_code) if project.number and code else ""

    def invoice(self, text: str, project: str | None) -> InvoiceKey:
        """Return an invoice of any status by its number, in any letter case, or by Procore id; `id:417` is always the id.

        The ledger is checked first. An invoice that it does not have is looked up in Procore: in `project`, or in all projects if they are
        few.
        """
        label, within = self.stores.listed_projects.label, self.project_id(project) if project else None
        invoice_id = _id_in(text)
        known_in = self.stores.ledger.project_of(invoice_id) if invoice_id and text.startswith("id:") else None
        known_in = within or known_in
        matches = self._known_invoices(text, invoice_id, [known_in] if known_in else self.stores.ledger.projects())
        not_read: list[int] = []
        if not matches and within and invoice_id:
            # If the project's invoices cannot be listed, the work on this invoice reports it.
            listed, _ = try_query(lambda: self._listed_invoices(text, invoice_id, [within], not_read))
            matches = listed or [InvoiceKey(within, invoice_id)]
        elif not matches:
            searched = [within] if within else self._projects_to_search(text)
            matches = self._listed_invoices(text, invoice_id, searched, not_read)
        if len(matches) > 1:
            ids = ", ".join(f"id:{key.invoice_id} (project {label(key.project_id)})" for key in matches)
            raise NotFound(f"More than one invoice has the number {text}. Pass --project, or one of {ids}.")
        if matches:
            return matches[0]
        where = f"Project {label(within)} has" if within else "Procore's active projects have"
        not_asked = not_read if within else sorted({*not_read, *self.stores.listed_projects.refused()})
        labels = ", ".join(map(label, not_asked))
        unread = f" The invoices of these projects could not be read: {labels}." if labels else ""
        raise NotFound(f"{where} no invoice {text}, in any status.{unread}")

    def _known_invoices(self, number: str, invoice_id: int | None, project_ids: Iterable[int]) -> list[InvoiceKey]:
        """Return the invoices in the ledger with this number or id."""
        names = {
            InvoiceKey(project_id, known_id): record.name
            for project_id in project_ids
            for known_id, record in self.stores.ledger.invoices(project_id).items()
        }
        return _matching(names, number, invoice_id)

    def _listed_invoices(
        self, number: str, invoice_id: int | None, project_ids: Iterable[int], not_read: list[int]
    ) -> list[InvoiceKey]:
        """Return the invoices in Procore with this number or id in these projects. Projects that could not be read are added to `not_read` if
        there are several.
        """
        names: dict[InvoiceKey, str] = {}
        ids = list(project_ids)
        for project_id in ids:
            try:
                heads = self.remotes.procore.list_invoices(project_id, ())
                names |= {InvoiceKey(project_id, head.id): head.document_number for head in heads}
            except (NotFound, NotPermitted) as error:
                if len(ids) == 1:
                    label = self.stores.listed_projects.label(project_id)
                    raise NotFound(
                        f"The invoices of project {label} could not be read from Procore ({error})."
                    ) from error
                not_read.append(project_id)
        return _matching(names, number, invoice_id)

    def _projects_to_search(self, text: str) -> list[int]:
        projects = [project.id for project in self.projects.all() if project.active]
        if len(projects) > MAX_PROJECTS_SEARCHED:
            raise NotFound(
                f"Invoice {text} is not in the ledger yet, and searching {len(projects)} Procore projects would take too many requests. Pass its project "
                "with --project."
            )
        return projects


def _matching(names: Mapping[InvoiceKey, str], number: str, invoice_id: int | None) -> list[InvoiceKey]:
    """Return the invoices with this number, in exactly this spelling if there is one, and the one with this id."""
    folded = number.casefold()
    alike = [key for key, name in names.items() if name.casefold() == folded]
    named = [key for key in alike if names[key] == number] or alike
    return named + [key for key in names if key.invoice_id == invoice_id and key not in named]


def _id_in(text: str) -> int | None:
    """Return the text as a Procore id, if it can be one."""
    digits = text.removeprefix("id:")
    return int(digits) if may_be_id(digits) else None


def may_be_id(text: str) -> bool:
    """Return whether this can be a Procore id."""
    return (
        text.isascii()
        and text.isdecimal()
        and len(text) < 20
        and str(int(text)) == text
        and 1 <= int(text) <= LARGEST_ID
    )


def try_query(query: Callable[[], T]) -> tuple[T | None, str | None]:
    """Return the result, or a sentence on why there is none."""
    try:
        return query(), None
    except (Blocked, Misconfigured) as error:
        return None, describe(error.cause, error.facts).sentence
    except SyncError as error:
        return None, str(error) or type(error).__name__
