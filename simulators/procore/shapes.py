"""Projects, vendors, WBS codes, budgets, periods and subcontracts as Procore's JSON, with the field names of the reference pages."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from functools import lru_cache
from typing import Any

from simulators.company import Company
from simulators.company.model import (
    BillingPeriod,
    BudgetLine,
    Commitment,
    ContractLine,
    Pattern,
    Project,
    Segment,
    SegmentItem,
    Vendor,
    WbsCode,
)
from simulators.procore.custom_fields import shown_values

Json = dict[str, Any]
LIST_MADE_AT = "2024-01-08T16:00:00Z"  # when the company's segments were set up
USD: Json = {"currency_iso_code": "USD"}


@lru_cache(maxsize=4096)
def iso(moment: dt.datetime) -> str:
    """Return a time in ISO 8601, in UTC to the second, with a Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: Decimal) -> str:
    """Return an amount as a decimal string with two places."""
    return f"{amount:.2f}"


def project_brief(project: Project, company: Company) -> Json:
    """A project in the list ("projects" reference page, normal view)."""
    return {
        "id": project.id,
        "name": project.name,
        "display_name": project.display_name,
        "project_number": project.number,
        "accounting_project_number": None,
        "active": project.active,
        "is_demo": project.is_demo,
        "template": project.template,
        "origin_id": project.origin_id,
        "origin_code": None,
        "origin_data": None,
        "city": project.city,
        "state_code": project.state,
        "country_code": "US",
        "company": {"id": company.company_id, "name": company.name},
        "created_at": iso(project.created_at),
        "updated_at": iso(project.updated_at),
        "custom_fields": shown_values(company, project.custom_fields),
        **project.shown,
    }


def project_full(project: Project, company: Company) -> Json:
    """One project ("projects" reference page, show)."""
    return {**project_brief(project, company), "is_erp_integrated": False}


def vendor_full(vendor: Vendor) -> Json:
    """A company vendor ("company-vendors" reference page, extended view)."""
    return {
        "id": vendor.id,
        "name": vendor.name,
        "company": vendor.name,
        "abbreviated_name": None,
        "legal_name": vendor.name,
        "trade_name": None,
        "business_id": None,
        "is_active": vendor.is_active,
        "origin_id": vendor.origin_id,
        "origin_code": None,
        "origin_data": None,
        "synced_to_erp": vendor.origin_id is not None,
        "address": None,
        "city": vendor.city,
        "state_code": vendor.state,
        "country_code": "US",
        "zip": None,
        "parent": None,
        "created_at": iso(vendor.created_at),
        "updated_at": iso(vendor.updated_at),
    }


def wbs_code(code: WbsCode, pattern: Pattern) -> Json:
    """A WBS code with its segment items ("codes" reference page, v1.0)."""
    return {
        "id": code.id,
        "flat_code": code.flat_code,
        "flat_name": code.flat_name,
        "description": code.description,
        "status": code.status,
        "created_at": iso(code.created_at),
        "updated_at": iso(code.updated_at),
        "segment_items": [_segment_item(item, pattern) for item in code.items],
        "wbs_pattern_id": pattern.id,
        **code.shown,
    }


def _segment_item(item: SegmentItem, pattern: Pattern) -> Json:
    path = item.path
    return {
        "id": item.id,
        "code": item.code,
        "name": item.name,
        "status": "active",
        "in_use": True,
        "is_parent": item.is_parent,
        "parent_id": item.parent.id if item.parent else None,
        "path_ids": [each.id for each in path],
        "path_code": item.code,
        "path_codes": [f"{each.code} - {each.name}" for each in path],
        "path_names": [f"{each.code} - {each.name}" for each in path],
        "created_at": LIST_MADE_AT,
        "updated_at": LIST_MADE_AT,
        "segment": _segment(item.segment, pattern),
    }


def _segment(segment: Segment, pattern: Pattern) -> Json:
    return {
        "id": segment.id,
        "name": segment.name,
        "type": segment.type,
        "position": segment.position,
        "delimiter": segment.delimiter,
        "required": segment.required,
        "structure": segment.structure,
        "wbs_pattern_id": pattern.id,
    }


def pattern_of(project: Project) -> Json:
    """The order of a project's segments ("patterns" reference page)."""
    segments = [
        {
            **_segment(segment, project.pattern),
            "segment_items_count": len(
                {item.id for code in project.codes.values() for item in code.items if item.segment is segment}
            ),
            "project_can_modify_origin_project": True,
            "project_can_delete_origin_company": False,
            "selectable_tiers": True,
            "is_included_in_project_pattern": True,
            "created_at": LIST_MADE_AT,
            "updated_at": LIST_MADE_AT,
        }
        for segment in project.pattern.segments
    ]
    return {
        "id": project.pattern.id,
        "description": None,
        "created_at": LIST_MADE_AT,
        "updated_at": LIST_MADE_AT,
        "is_project_level_ordered": False,
        "segments": segments,
    }


def wbs_code_v2(code: WbsCode) -> Json:
    """A WBS code as v2.0 lists it: ids are text ("codes" reference page, v2.0)."""
    return {
        "id": str(code.id),
        "code": code.flat_code,
        "description": code.description,
        "status": code.status,
        "attribute_1_name": None,
        "attribute_2_name": None,
        "attribute_3_name": None,
    }


def budget_line_v2(line: BudgetLine, project: Project, company: Company) -> Json:
    """A budget line as v2.0 BETA lists it ("budget-line-items" reference page)."""
    return {
        "id": str(line.id),
        "original_budget_amount": money(line.amount),
        "quantity": None,
        "uom": None,
        "unit_cost": None,
        "calculation_strategy": "manual",
        "project_id": str(project.id),
        "company_id": str(company.company_id),
        "created_at": iso(line.created_at),
        "updated_at": iso(line.updated_at),
        "wbs_code": {
            "id": str(line.code.id),
            "flat_code": line.code.flat_code,
            "description": line.code.description,
            **line.code.shown,
        },
        "currency_configuration": USD,
    }


def budget_view(project: Project, base_url: str) -> Json:
    """The one view of a project's budget ("budget-views" reference page)."""
    rows = f"{base_url}rest/v1.0/budget_views/{project.budget_view_id}"
    return {
        "id": project.budget_view_id,
        "name": "Procore Standard Budget",
        "description": None,
        "created_at": iso(project.created_at),
        "created_by": {"id": 1, "name": "Procore", "login": None},
        "updated_at": iso(project.created_at),
        "role": "default",
        "links": {"detail_rows": f"{rows}/detail_rows", "summary_rows": f"{rows}/summary_rows"},
    }


def detail_row(code: WbsCode, line: BudgetLine | None, project: Project, company: Company) -> Json:
    """A row of a budget view ("budget-view-detail-rows" reference page). A code without a budget line has no row id."""
    cost_code, cost_type = code.items[0], code.items[1]
    division = cost_code.path[0]
    return {
        "id": line.id if line else None,
        "deletable": line is not None,
        "company_id": company.company_id,
        "company": company.name,
        "project_id": project.id,
        "project": project.name,
        "wbs_code_id": code.id,
        "biller_id": project.id,
        "biller": project.name,
        "biller_type": "Project",
        "root_cost_code_id": division.id,
        "root_cost_code": f"{division.code} - {division.name}",
        "cost_code_id": cost_code.id,
        "cost_code": f"{cost_code.code} - {cost_code.name}",
        "cost_code_origin_id": None,
        "category_id": cost_type.id,
        "category": cost_type.name,
        "budget_modifications": "0.00",
        "original_budget_amount": money(line.amount) if line else "0.00",
        "budget_forecast": None,
        "currency_configuration": USD,
        "unbudgeted_reason": None if line else "commitment",
    }


def billing_period(period: BillingPeriod, project: Project) -> Json:
    """A billing period ("billing-periods" reference page)."""
    return {
        "id": period.id,
        "project_id": project.id,
        "position": period.position,
        "start_date": period.start.isoformat(),
        "end_date": period.end.isoformat(),
        "due_date": period.due.isoformat(),
        "status": period.status,
        "created_at": iso(project.created_at),
        "updated_at": iso(project.updated_at),
    }


def work_order_contract(commitment: Commitment, project: Project, vendor: Vendor) -> Json:
    """A subcontract ("work-order-contracts" reference page, show)."""
    original = sum((line.scheduled_value for line in commitment.lines if line.kind == "contract_item"), Decimal(0))
    changes = sum((line.scheduled_value for line in commitment.lines if line.kind != "contract_item"), Decimal(0))
    return {
        "id": commitment.id,
        "number": commitment.number,
        "title": commitment.title,
        "status": "Approved",
        "executed": True,
        "accounting_method": commitment.accounting_method,
        "retainage_percent": money(commitment.retainage_percent),
        "approved_change_orders": money(changes),
        "grand_total": money(original),
        "revised_contract": money(original + changes),
        "requisitions_are_enabled": True,
        "contract_date": commitment.signed_on.isoformat(),
        "signed_contract_received_date": commitment.signed_on.isoformat(),
        "origin_id": None,
        "origin_code": None,
        "origin_data": None,
        "vendor": {"id": vendor.id, "company": vendor.name, "origin_id": vendor.origin_id, "origin_data": None},
        "project": {"id": project.id, "name": project.name},
        "line_items": [_contract_line(line) for line in commitment.lines if line.kind == "contract_item"],
        "currency_configuration": {"currency_iso_code": commitment.currency},
        "created_at": iso(project.created_at),
        "updated_at": iso(commitment.updated_at),
    }


def _contract_line(line: ContractLine) -> Json:
    code = line.code
    return {
        "id": line.id,
        "amount": money(line.scheduled_value),
        "wbs_code": {"id": code.id, "flat_code": code.flat_code, "description": code.description} if code else None,
        "description": line.description,
        "extended_type": "manual" if line.unit_price is None else "calculated",
        "position": line.position,
        "quantity": None if line.quantity is None else money(line.quantity),
        "unit_cost": None if line.unit_price is None else money(line.unit_price),
        "uom": line.uom or None,
        "total_amount": money(line.scheduled_value),
    }
