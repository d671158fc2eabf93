"""Endpoints of a company: the app's service account, its companies, their projects, vendors and custom fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.company.model import Project, Vendor
from simulators.procore.answers import FORBIDDEN, NOT_FOUND, Page, Refusal
from simulators.procore.call import Call, endpoint
from simulators.procore.custom_fields import shown_definition
from simulators.procore.query import PAGING, Query, within
from simulators.procore.shapes import project_brief, project_full, vendor_full
from simulators.procore.state import ProcoreState

PROJECT_FILTERS = frozenset(
    f"filters[{name}]"
    for name in (
        "by_status",
        "name",
        "project_number",
        "created_at",
        "updated_at",
        "origin_id",
        "id",
        "synced",
        "is_demo",
        "template",
    )
)
VENDOR_FILTERS = frozenset(f"filters[{name}]" for name in ("origin_id", "search", "created_at", "updated_at", "id"))
DEFINITION_FILTERS = frozenset({"filters[with_label]", "filters[id]", "tool_name", "sort"})
IDS_PER_PAGE = 200_000  # "'ids' ... influences 'per_page' value to be strictly 200000" (projects reference page)


def routes(state: ProcoreState) -> Sequence[BaseRoute]:
    """Return the endpoints of this module."""
    project_parameters = PROJECT_FILTERS | PAGING | {"company_id", "view", "sort"}
    vendor_parameters = VENDOR_FILTERS | PAGING | {"company_id", "view", "sort"}
    return [
        endpoint(state, "/rest/v1.0/me", show_me),
        endpoint(state, "/rest/v1.0/companies", list_companies, PAGING),
        endpoint(state, "/rest/v1.1/projects", list_projects, project_parameters),
        endpoint(state, "/rest/v1.0/projects/{project_id:int}", show_project, frozenset({"company_id", "view"})),
        endpoint(state, "/rest/v1.0/vendors", list_vendors, vendor_parameters),
        endpoint(state, "/rest/v1.0/vendors/{vendor_id:int}", show_vendor, PAGING | {"company_id", "view"}),
        endpoint(
            state,
            "/rest/v1.0/projects/{project_id:int}/vendors/{vendor_id:int}",
            show_project_vendor,
            frozenset({"view"}),
        ),
        endpoint(
            state,
            "/rest/v1.1/companies/{company_id:int}/custom_field_definitions",
            list_custom_fields,
            DEFINITION_FILTERS | PAGING,
        ),
    ]


def show_me(call: Call) -> dict[str, Any]:
    """Return the service account of the app ("me" reference page)."""
    return {"id": 90_210, "login": f"{call.state.client_id}@procore.com", "name": "wbs-sync service account"}


def list_companies(call: Call) -> Page:
    """Return the companies on which the app is installed ("companies" reference page)."""
    company = call.company
    shown = {"id": company.company_id, "name": company.name, "is_active": True, "logo_url": None}
    return call.query.cut([shown], dict, default=100)


def list_projects(call: Call) -> Page:
    """Return the active projects of the permitted list, by default 100 and at most 300 per page ("projects" reference page, v1.1)."""
    query, company = call.query, call.company
    call.state.check_company(query.required("company_id"))
    checks = _checks(query)
    kept = [each for each in _candidates(query, company.projects) if all(check(each) for check in checks)]
    if query.text("sort") in ("name", "display_name"):
        kept.sort(key=lambda project: project.name if query.text("sort") == "name" else project.display_name)
    view = query.text("view")
    if view == "ids":
        return Page(kept, len(kept), 1, IDS_PER_PAGE, shown=[project.id for project in kept])
    if view == "compact":
        return query.cut(kept, lambda project: {"id": project.id, "name": project.name}, default=100, most=300)
    return query.cut(kept, lambda project: project_brief(project, company), default=100, most=300)


def _candidates(query: Query, projects: dict[int, Project]) -> list[Project]:
    ids = query.integers("filters[id]")
    if ids is None:
        return list(projects.values())
    return [projects[each] for each in sorted(ids) if each in projects]


def _checks(query: Query) -> list[Callable[[Project], bool]]:
    """Return the tests that a listed project has to pass. Built once for each call, so that a list of ten thousand projects is fast."""
    status = query.text("filters[by_status]") or "Active"
    if status not in ("All", "Active", "Inactive"):
        raise Refusal(400, {"by_status": ["must be one of Active, Inactive, or All"]})
    checks: list[Callable[[Project], bool]] = [lambda project: project.permitted]
    if status != "All":
        checks.append(lambda project: project.active is (status == "Active"))
    if (number := query.text("filters[project_number]")) is not None:
        checks.append(lambda project: project.number == number)
    if (origin := query.text("filters[origin_id]")) is not None:
        checks.append(lambda project: project.origin_id == origin)
    if (name := query.text("filters[name]")) is not None:
        checks.append(lambda project: name.lower() in project.name.lower())
    if (synced := query.flag("filters[synced]")) is not None:
        checks.append(lambda project: (project.origin_id is not None) is synced)
    if (is_demo := query.flag("filters[is_demo]")) is not None:
        checks.append(lambda project: project.is_demo is is_demo)
    if (template := query.flag("filters[template]")) is not None:
        checks.append(lambda project: project.template is template)
    if (created := query.span("filters[created_at]")) is not None:
        checks.append(lambda project: within(project.created_at, created))
    if (updated := query.span("filters[updated_at]")) is not None:
        checks.append(lambda project: within(project.updated_at, updated))
    return checks


def show_project(call: Call) -> dict[str, Any]:
    """Return one project ("projects" reference page, v1.0 show)."""
    call.state.check_company(call.query.required("company_id"))
    return project_full(call.project(), call.company)


def list_vendors(call: Call) -> Page:
    """Return the company directory ("company-vendors" reference page). The default view is extended."""
    query, vendors = call.query, call.company.vendors
    call.state.check_company(query.required("company_id"))
    _check_directory(call)
    ids = query.integers("filters[id]")
    chosen = list(vendors.values()) if ids is None else [vendors[each] for each in sorted(ids) if each in vendors]
    kept = [vendor for vendor in chosen if not vendor.project_directory_only and _vendor_wanted(vendor, query)]
    if query.text("sort") == "name":
        kept.sort(key=lambda vendor: vendor.name)
    return query.cut(kept, lambda vendor: _vendor(vendor, query), default=100)


def _check_directory(call: Call) -> None:
    if call.state.settings.directory_forbidden:
        raise Refusal(403, FORBIDDEN)


def _vendor_wanted(vendor: Vendor, query: Query) -> bool:
    origin, search = query.text("filters[origin_id]"), query.text("filters[search]")
    return (
        (origin is None or origin == vendor.origin_id)
        and (search is None or search.lower() in vendor.name.lower())
        and within(vendor.created_at, query.span("filters[created_at]"))
        and within(vendor.updated_at, query.span("filters[updated_at]"))
    )


def _vendor(vendor: Vendor, query: Query) -> dict[str, Any]:
    return {"id": vendor.id, "name": vendor.name} if query.text("view") == "compact" else vendor_full(vendor)


def show_vendor(call: Call) -> dict[str, Any]:
    """Return one vendor ("company-vendors" reference page, show)."""
    call.state.check_company(call.query.required("company_id"))
    _check_directory(call)
    vendor = call.company.vendors.get(call.number("vendor_id"))
    if vendor is None or vendor.project_directory_only:
        raise Refusal(404, NOT_FOUND)
    return _vendor(vendor, call.query)


def show_project_vendor(call: Call) -> dict[str, Any]:
    """Return one vendor of a project's directory ("project-vendors" reference page, show), which has the vendors with a commitment there."""
    project = call.project()
    vendor = call.company.vendors.get(call.number("vendor_id"))
    contracts = call.company.commitments.values()
    if vendor is None or not any(one.project_id == project.id and one.vendor_id == vendor.id for one in contracts):
        raise Refusal(404, NOT_FOUND)
    return vendor_full(vendor)


def list_custom_fields(call: Call) -> Page:
    """Return the company's custom fields, at most 100 per page ("custom-fields" reference page, v1.1)."""
    query, company = call.query, call.company
    if call.state.settings.definitions_forbidden:
        raise Refusal(403, FORBIDDEN)
    ids, label = query.integers("filters[id]"), (query.text("filters[with_label]") or "").lower()
    kept = [
        each
        for each in company.custom_fields.values()
        if (ids is None or each.id in ids) and label in each.label.lower()
    ]
    return query.cut(kept, lambda definition: shown_definition(definition, company), default=100, most=100)
