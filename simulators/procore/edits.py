"""Edits that people make in Procore while an integration runs: budget, rename, renumber, approve, correct, add.

Every edit sets the record's `updated_at` and updates the indexes. Amounts are dollars, as Decimal, int or text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from simulators.company import Company
from simulators.company.billing import Billed, Invoice, chain
from simulators.company.catalogue import CITIES
from simulators.company.model import BudgetLine, CustomField, Project, Vendor, WbsCode
from simulators.company.subcontracts import percent_of
from simulators.company.world import Work, periods_of
from simulators.procore import custom_fields

Amount = Decimal | int | str


def dollars(amount: Amount) -> Decimal:
    """Return `amount` with two decimal places."""
    return Decimal(amount).quantize(Decimal("0.01"))


class Edits:
    """The company, and the changes to it that a test or /_admin/edit can make."""

    company: Company

    def __init__(self, company: Company) -> None:
        self.load(company)

    def load(self, company: Company) -> None:
        """Make `company` the account's content."""
        self.company = company
        self.invoice_of_origin = {
            invoice.origin_id: invoice.id for invoice in company.invoices.values() if invoice.origin_id is not None
        }

    def now(self) -> dt.datetime:
        """Return the time of an edit."""
        return dt.datetime.now(dt.UTC)

    # ---- reading, for tests --------------------------------------------------------------------------------------

    def project(self, project: int | str) -> Project:
        """Return the project with this id or number. Raises KeyError."""
        if isinstance(project, int):
            return self.company.projects[project]
        return {each.number: each for each in self.company.projects.values()}[project]

    def vendor(self, vendor: int | str) -> Vendor:
        """Return the vendor with this id or name. Raises KeyError."""
        if isinstance(vendor, int):
            return self.company.vendors[vendor]
        return {each.name: each for each in self.company.vendors.values()}[vendor]

    def invoice(self, invoice_id: int) -> Invoice:
        """Return the invoice with this id. Raises KeyError."""
        return self.company.invoices[invoice_id]

    # ---- projects, codes and budgets -----------------------------------------------------------------------------

    def add_project(
        self, number: str | None, codes: Sequence[str] = (), name: str = "New Project", origin_id: str | None = None
    ) -> Project:
        """Add an active, permitted project. Each of `codes` (flat codes such as "03-300.S.B2") gets a budget line."""
        project = self.company.add_project(number, name, CITIES[0], at=self.now())
        project.origin_id = origin_id
        for flat_code in codes:
            self.add_code(project.id, flat_code, budget=10_000)
        return project

    def edit_project(self, project_id: int, **fields: Any) -> Project:
        """Set `name`, `number`, `origin_id`, `active`, `is_demo`, `template`, `permitted`, `tools_disabled`, `budget_lines_refused`,
        `has_budget_view` or `shown` (unusual fields of the JSON).
        """
        project = self.company.projects[project_id]
        _set(
            project,
            fields,
            {"name", "number", "origin_id", "active", "is_demo", "template", "permitted", "tools_disabled"}
            | {"budget_lines_refused", "has_budget_view", "shown"},
        )
        project.updated_at = self.now()
        return project

    def renumber_project(self, project_id: int, number: str | None) -> Project:
        """Change or remove a project's number."""
        return self.edit_project(project_id, number=number)

    def add_code(
        self, project_id: int, flat_code: str, budget: Amount | None = None, description: str | None = None
    ) -> WbsCode:
        """Add a WBS code, budgeted if `budget` is given (also 0)."""
        template = self.company.code_list.parse(flat_code)
        amount = None if budget is None else dollars(budget)
        project = self.company.projects[project_id]
        return self.company.add_code(project, template, amount, at=self.now(), description=description)

    def rename_code(
        self, project_id: int, wbs_code_id: int, flat_code: str | None = None, description: str | None = None
    ) -> WbsCode:
        """Change a code's flat code, its description, or both. Its id is kept."""
        code = self.company.projects[project_id].codes[wbs_code_id]
        if flat_code is not None:
            template = self.company.code_list.parse(flat_code)
            code.items, code.flat_code, code.flat_name = template.items, template.flat_code, template.flat_name
        if description is not None:
            code.own_description = description
        code.updated_at = self.now()
        return code

    def show_code(self, project_id: int, wbs_code_id: int, **shown: Any) -> WbsCode:
        """Set fields of a code's JSON, such as flat_code=None for an incomplete code."""
        code = self.company.projects[project_id].codes[wbs_code_id]
        code.shown = shown
        return code

    def set_code_status(self, project_id: int, wbs_code_id: int, status: str) -> WbsCode:
        """Set a code's status: "active" or "inactive"."""
        code = self.company.projects[project_id].codes[wbs_code_id]
        code.status, code.updated_at = status, self.now()
        return code

    def add_budget_line(self, project_id: int, wbs_code_id: int, amount: Amount = 0) -> BudgetLine:
        """Add a budget line for a code."""
        project = self.company.projects[project_id]
        return self.company.add_budget_line(project, project.codes[wbs_code_id], dollars(amount), at=self.now())

    def unbudget(self, project_id: int, wbs_code_id: int) -> WbsCode:
        """Delete a code's budget line. The code is kept."""
        return self.company.projects[project_id].budget.pop(wbs_code_id).code

    def edit_vendor(self, vendor_id: int, **fields: Any) -> Vendor:
        """Set `name`, `origin_id`, `is_active` or `project_directory_only`."""
        vendor = self.company.vendors[vendor_id]
        _set(vendor, fields, {"name", "origin_id", "is_active", "project_directory_only"})
        vendor.updated_at = self.now()
        return vendor

    # ---- custom fields -------------------------------------------------------------------------------------------

    def define_custom_field(self, label: str, data_type: str = "string", options: Iterable[str] = ()) -> CustomField:
        """Add a custom field to the company: "string", "decimal", "boolean", "lov_entry" or "lov_entries", the last two with `options`."""
        return custom_fields.define(self.company, label, data_type, list(options))

    def set_custom_field(self, record_type: str, record_id: int, field_id: int, value: Any) -> Project | Invoice:
        """Set a custom field of a "project" or an "invoice"; entries of a list by label, None to empty the field. Raises KeyError, ValueError."""
        records: dict[str, Mapping[int, Project | Invoice]] = {
            "project": self.company.projects,
            "invoice": self.company.invoices,
        }
        record = records[record_type][record_id]
        record.custom_fields[field_id] = custom_fields.checked(self.company.custom_fields[field_id], value)
        record.updated_at = self.now()
        return record

    # ---- invoices ------------------------------------------------------------------------------------------------

    def add_invoice(
        self,
        project_id: int,
        vendor: int | str,
        lines: Sequence[tuple[int | str | None, Amount] | Sequence[Any]],
        *,
        status: str = "approved",
        invoice_number: str | None = None,
        billing_date: dt.date | str | None = None,
        retainage_percent: Amount = 10,
    ) -> Invoice:
        """Add the first invoice of a new subcontract, in the open May period. It has one line of work for each (code id or flat code or None,
        amount).

        `vendor`: id or name. A flat code must be one of the project's; see `add_code` for a new one.
        """
        project = self.company.projects[project_id]
        percent = Decimal(retainage_percent)
        amounts = [(self._code(project, code), dollars(amount)) for code, amount in lines]
        works = [Work(code, amount * 4) for code, amount in amounts]
        commitment = self.company.open_subcontract(project, self.vendor(vendor), works, retainage_percent=percent)
        billed = [
            (line, Billed(work=amount, held=percent_of(amount, percent)))
            for line, (_, amount) in zip(commitment.lines, amounts, strict=True)
        ]
        day = dt.date.fromisoformat(billing_date) if isinstance(billing_date, str) else billing_date
        period = next(
            (each for each in periods_of(project) if day and each.start <= day <= each.end), periods_of(project)[4]
        )
        return self.company.bill(
            commitment, period, billed, status=status, invoice_number=invoice_number, billing_date=day, at=self.now()
        )

    def _code(self, project: Project, code: int | str | None) -> WbsCode | None:
        if code is None:
            return None
        return project.codes[code] if isinstance(code, int) else project.code_named(code)

    def set_invoice_status(self, invoice_id: int, status: str) -> Invoice:
        """Set an invoice's status: approve it, return it, ..."""
        return self.edit_invoice(invoice_id, status=status)

    def edit_invoice(self, invoice_id: int, **fields: Any) -> Invoice:
        """Set `status`, `invoice_number`, `billing_date`, `origin_id`, `origin_data`, `tax`, `off_by` (the error of the summary), or `shown`
        and `shown_lines`: unusual fields of the JSON, and of the JSON of each line, such as {"vendor_id": None}.
        """
        invoice = self.company.invoices[invoice_id]
        if isinstance(fields.get("billing_date"), str):
            fields["billing_date"] = dt.date.fromisoformat(fields["billing_date"])
        for name in ("off_by", "tax"):
            if name in fields:
                fields[name] = dollars(fields[name])
        if "origin_id" in fields:
            self.set_origin(invoice, fields.pop("origin_id"))
        allowed = {"status", "invoice_number", "billing_date", "origin_data", "off_by", "tax", "shown", "shown_lines"}
        _set(invoice, fields, allowed)
        invoice.updated_at = self.now()
        return invoice

    def delete_invoice(self, invoice_id: int) -> None:
        """Delete an invoice, with its links from the project and the subcontract. Raises KeyError."""
        invoice = self.company.invoices.pop(invoice_id)
        invoice.commitment.invoice_ids.remove(invoice_id)
        self.company.projects[invoice.project_id].invoice_ids.remove(invoice_id)
        self.set_origin(invoice, None)

    def edit_invoice_line(self, invoice_id: int, line_id: int | None = None, **billed: Any) -> Invoice:
        """Change the amounts of a line (by default the first one): `work`, `materials`, `held`, ... as in `Billed`.

        The summary and all later invoices of the subcontract are recalculated.
        """
        invoice = self.company.invoices[invoice_id]
        line = invoice.lines[0] if line_id is None else invoice.line(line_id)
        _set(line.billed, {name: dollars(amount) for name, amount in billed.items()}, set(Billed.__slots__))
        chain([self.company.invoices[each] for each in invoice.commitment.invoice_ids])
        invoice.updated_at = self.now()
        return invoice

    def set_origin(self, invoice: Invoice, origin_id: str | None) -> None:
        """Set or clear an invoice's origin id, and update the index of origin ids."""
        if invoice.origin_id is not None:
            self.invoice_of_origin.pop(invoice.origin_id, None)
        if origin_id is not None:
            self.invoice_of_origin[origin_id] = invoice.id
        invoice.origin_id = origin_id


def _set(record: object, fields: dict[str, Any], allowed: set[str]) -> None:
    unknown = sorted(set(fields) - allowed)
    if unknown:
        raise ValueError(f"cannot set {', '.join(unknown)}; can set {', '.join(sorted(allowed))}")
    for name, value in fields.items():
        setattr(record, name, value)
