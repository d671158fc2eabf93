"""Subcontractor invoices as Procore's JSON ("requisitions" reference page, v1.1). Amounts are decimal strings with two places."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from simulators.company import Company
from simulators.company.billing import Invoice, InvoiceLine, Summary
from simulators.company.model import ZERO, WbsCode
from simulators.procore.custom_fields import shown_values
from simulators.procore.settings import ProcoreSettings
from simulators.procore.shapes import Json, iso, money

SIGNER: Json = {"id": 8841, "name": "Dana Whitlock", "login": "dana.whitlock@example.com", "company_name": None}


@dataclass(frozen=True, slots=True)
class InvoicePrinter:
    """Formats invoices of `company`. `settings`: for everything that is not documented."""

    company: Company
    settings: ProcoreSettings

    def show(self, invoice: Invoice, view: str) -> Json:
        """Return the invoice in a view: "default", "action_policy" and "header_only" without lines, "items" with lines, "extended" with
        everything.
        """
        shown = self._header(invoice)
        if view in ("items", "extended"):
            shown["items"] = [
                self._line(line, place, invoice.commitment.id) | invoice.shown_lines
                for place, line in enumerate(invoice.lines, start=1)
            ]
            shown["item_packages"] = _packages(invoice)
        if view == "extended":
            if self.settings.contract_invoicing_method != "simplified":
                shown["summary_text"] = self._summary_text(invoice)
            shown["custom_fields"] = shown_values(self.company, invoice.custom_fields)
            shown["attachments"] = []
        return shown | invoice.shown

    def _header(self, invoice: Invoice) -> Json:
        commitment, method = invoice.commitment, self.settings.contract_invoicing_method
        summary = invoice.summary()
        synced = invoice.origin_id is not None and self.settings.patch_marks_synced
        return {
            "id": invoice.id,
            "previous_requisition_id": invoice.previous_id,
            "project_id": invoice.project_id,
            "billing_date": invoice.billing_date.isoformat(),
            "created_at": iso(invoice.created_at),
            "updated_at": iso(invoice.updated_at),
            "commitment_id": commitment.id,
            "commitment_type": "WorkOrderContract",
            "contract_name": commitment.title,
            "deletable": invoice.origin_id is None and invoice.id == commitment.invoice_ids[-1],
            "final": invoice.final,
            "vendor_name": self.company.vendors[invoice.vendor_id].name,
            "vendor_id": invoice.vendor_id,
            "invoice_number": invoice.invoice_number,
            "invoice_type": _type_of(invoice),
            **({"contract_invoicing_method": method} if method else {}),
            "origin_data": invoice.origin_data,
            "origin_id": invoice.origin_id,
            "payment_date": invoice.payment_date.isoformat() if invoice.payment_date else None,
            "percent_complete": _percent(summary.completed_and_stored, summary.contract_sum),
            "period_id": invoice.period_id,
            "requisition_start": invoice.period_start.isoformat(),
            "requisition_end": invoice.period_end.isoformat(),
            "status": invoice.status,
            "erp_status": self.settings.status_when_synced if synced else "not_in_erp",
            "number": invoice.number,
            "submitted_at": None if invoice.status == "draft" else invoice.created_at.date().isoformat(),
            "total_claimed_amount": money(sum((line.gross for line in invoice.lines), ZERO)),
            "electronic_signature_id": None,
            "move_materials_to_previous_work_completed": invoice.moves_materials
            and self.settings.moved_retainage == "from_previous",
            "summary": _summary(invoice, summary, taxed=self.settings.tax_in_payment_due),
            "payment_summary": self._payment_summary(invoice),
            "created_by": SIGNER,
            "currency_configuration": {
                "currency_iso_code": commitment.currency,
                "currency_exchange_rate": float(commitment.exchange_rate),
                "base_currency_iso_code": "USD",
            },
        }

    def _payment_summary(self, invoice: Invoice) -> Json:
        """Return the payment summary: not in the published schema, but in every live response that was seen."""
        due = invoice.summary().current_payment_due + (invoice.tax if self.settings.tax_in_payment_due else ZERO)
        return {"invoice_paid_in_full": invoice.payment_date is not None, "invoiced_amount_due": money(due)}

    def _summary_text(self, invoice: Invoice) -> Json:
        project, vendor = self.company.projects[invoice.project_id], self.company.vendors[invoice.vendor_id]
        return {
            "project_name": project.name,
            "project_number": project.number,
            "to_general_contractor": self.company.name,
            "requisition_period_start": invoice.period_start.isoformat(),
            "requisition_period_end": invoice.period_end.isoformat(),
            "subcontractor_name": vendor.name,
            "subcontractor_street": None,
            "subcontractor_city": vendor.city,
            "subcontractor_state_code": vendor.state,
            "subcontractor_zip": None,
            "subcontractor_country_code": "US",
            "application_number": invoice.invoice_number,
            "contract_for": invoice.commitment.title,
            "contract_date": invoice.commitment.signed_on.isoformat(),
        }

    def _line(self, line: InvoiceLine, place: int, contract_id: int) -> Json:
        contract, before, now, after = line.contract_line, line.before, line.billed, line.after
        moved_now = now.moved_held if self.settings.moved_retainage == "from_previous" else ZERO
        to_date = self.settings.line_amounts == "to_date"
        gross = after.completed_and_stored if to_date else line.gross
        if self.settings.line_amounts == "scheduled":
            gross = contract.scheduled_value
        unit = contract.unit_price is not None
        by_procore = self.settings.moved_retainage == "from_previous"
        moved_before, moved_by_hand = (now.moved, ZERO) if by_procore else (ZERO, now.moved)
        shown = {
            "id": line.id,
            "item_type": contract.kind,
            "accounting_method": "unit" if unit else "amount",
            "cost_code_id": contract.code.items[0].id if contract.code else None,
            **self._links(line, contract_id),
            "position": place,
            "line_number": str(place),
            "description_of_work": contract.description,
            "comment": None,
            "status": None,
            "gross_amount": money(gross),
            "net_amount": money(gross - (after.retainage if to_date else line.retainage)),
            "wbs_code": _code(contract.code),
            "scheduled_value": money(contract.scheduled_value),
            "work_completed_from_previous_application": money(before.work + moved_before),
            "work_completed_this_period": money(now.work + moved_by_hand),
            "materials_presently_stored": money(now.materials),
            "materials_presently_stored_from_previous_progress": money(before.materials),
            "materials_moved": money(moved_before),
            "materials_retainage_retained_moved": money(moved_now),
            "total_completed_and_stored_to_date": money(after.completed_and_stored),
            "total_completed_and_stored_to_date_percent": _percent(
                after.completed_and_stored, contract.scheduled_value
            ),
            "total_completed_and_stored_to_date_from_previous": money(before.completed_and_stored),
            "work_completed_retainage_from_previous_application": money(before.work_retainage + moved_now),
            "work_completed_retainage_retained_this_period": money(now.held - moved_now),
            "work_completed_retainage_percent_this_period": _percent(now.held - now.moved_held, now.work),
            "work_completed_retainage_released_this_period": money(now.released),
            "materials_stored_retainage_currently_retained": money(now.materials_held),
            "materials_stored_retainage_percent_this_period": _percent(now.materials_held, now.materials),
            "materials_stored_retainage_released_this_period": money(now.materials_released),
            "scheduled_quantity": None if contract.quantity is None else money(contract.quantity),
            "scheduled_unit_price": None if contract.unit_price is None else money(contract.unit_price),
            "work_completed_this_period_quantity": money(now.quantity or ZERO) if unit else None,
            "work_completed_from_previous_application_quantity": money(line.quantity_before) if unit else None,
            "uom": contract.uom or None,
            "taxes": [],
            "subcontractor_claimed_amount": money(line.gross),
        }
        if not self.settings.totals_before:
            del shown["total_completed_and_stored_to_date_from_previous"]
        return shown

    def _links(self, line: InvoiceLine, contract_id: int) -> Json:
        """Return the ids of the contract line and of the line on the previous invoice."""
        contract, previous = line.contract_line, {"previous_progress_id": line.previous_id}
        match self.settings.line_ids:
            case "shared":
                return {"line_item_id": contract_id, "item_type": "contract_detail_item", **previous}
            case "detail":
                return {"detail_line_item_id": contract.id, "item_type": "contract_detail_item", **previous}
            case "none":
                return {"line_item_id": None, "item_type": "contract_detail_item", "previous_progress_id": None}
            case _:
                return {"line_item_id": contract.id, **previous}


def _code(code: WbsCode | None) -> Json | None:
    if code is None:
        return None
    items = [
        {
            "id": item.id,
            "code": item.code,
            "name": item.name,
            "path_ids": [each.id for each in item.path],
            "path_codes": [each.code for each in item.path],
            "segment_type": item.segment.type,
            "segment_id": item.segment.id,
        }
        for item in code.items
    ]
    return {"id": code.id, "flat_code": code.flat_code, "description": code.description, "segment_items": items}


def _percent(part: Decimal, whole: Decimal) -> str:
    return money(part * 100 / whole) if whole else "0.00"


def _summary(invoice: Invoice, summary: Summary, *, taxed: bool) -> Json:
    changes = [line for line in invoice.lines if line.contract_line.kind == "change_order_item"]
    values = [(line.contract_line.scheduled_value, line.previous_id is None) for line in changes]

    def total(positive: bool, only_new: bool | None = None) -> str:
        wanted = (value for value, new in values if (value > 0) is positive and only_new in (None, new))
        return money(sum(wanted, ZERO))

    stored = sum((line.billed.materials for line in invoice.lines), ZERO)
    kept = sum((min(line.billed.materials, line.before.materials - line.billed.moved) for line in invoice.lines), ZERO)
    work = summary.completed_and_stored - stored
    return {
        "original_contract_sum": money(summary.original_contract_sum),
        "net_change_by_change_orders": money(summary.net_change_by_change_orders),
        "contract_sum_to_date": money(summary.contract_sum),
        "total_completed_and_stored_to_date": money(summary.completed_and_stored),
        "completed_work_retainage_amount": money(summary.work_retainage),
        "completed_work_retainage_percent": _percent(summary.work_retainage, work),
        "stored_materials_retainage_amount": money(summary.materials_retainage),
        "stored_materials_retainage_percent": _percent(summary.materials_retainage, stored),
        "total_retainage": money(summary.total_retainage),
        "total_earned_less_retainage": money(summary.earned),
        "less_previous_certificates_for_payment": money(summary.previous_certificates),
        "tax_applicable_to_this_payment": money(invoice.tax),
        "current_payment_due": money(summary.current_payment_due + (invoice.tax if taxed else ZERO)),
        "balance_to_finish_including_retainage": money(summary.contract_sum - summary.earned),
        "formatted_period": f"{invoice.period_start:%m/%d/%y} to {invoice.period_end:%m/%d/%y}",
        "positive_change_order_item_total": total(positive=True),
        "positive_new_change_order_item_total": total(positive=True, only_new=True),
        "positive_previous_change_order_item_total": total(positive=True, only_new=False),
        "negative_change_order_item_total": total(positive=False),
        "negative_new_change_order_item_total": total(positive=False, only_new=True),
        "negative_previous_change_order_item_total": total(positive=False, only_new=False),
        "new_materials": money(stored - kept),
        "stored_materials": money(kept),
    }


def _packages(invoice: Invoice) -> list[Json]:
    commitment = invoice.commitment
    contract: Json = {
        "id": commitment.id,
        "contract_id": commitment.id,
        "change_order_id": None,
        "number": commitment.number,
        "title": commitment.title,
        "status": "approved",
        "position": 1,
    }
    changes = [line for line in invoice.lines if line.contract_line.kind == "change_order_item"]
    return [contract] + [
        {
            "id": line.contract_line.id,
            "contract_id": None,
            "change_order_id": line.contract_line.id,
            "number": f"{place:03d}",
            "title": line.contract_line.description,
            "status": "approved",
            "position": place + 1,
        }
        for place, line in enumerate(changes, start=1)
    ]


def _type_of(invoice: Invoice) -> str:
    """Return the invoice's type: it bills work, releases retainage, or both (newer text of Procore's reference)."""
    releases = any(line.billed.released or line.billed.materials_released for line in invoice.lines)
    works = any(line.gross or line.billed.moved for line in invoice.lines)
    return ("both" if works else "retainage_release") if releases else "progress"
