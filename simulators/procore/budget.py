"""WBS codes and their budgets: v1.0 codes and patterns, v2.0 codes and budget lines, budget views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.routing import BaseRoute

from simulators.company.model import BudgetLine, Project, WbsCode
from simulators.procore.answers import FORBIDDEN, NOT_FOUND, Page, Refusal
from simulators.procore.call import Call, endpoint
from simulators.procore.query import PAGING, within
from simulators.procore.shapes import budget_line_v2, budget_view, detail_row, pattern_of, wbs_code, wbs_code_v2
from simulators.procore.state import ProcoreState

MAX_CODES = 2000  # "per_page" advice of the pagination guide for v1
V2_DEFAULT, V2_MAX = 10, 100  # "new-rest-v2-version" guide
CODE_PARAMETERS = frozenset(
    (
        "can_select_divisions",
        "required_segments",
        "filters[status]",
        "filters[updated_at]",
        "scope",
        "query",
        "group_type",
        "group_id",
    )
)


def routes(state: ProcoreState) -> Sequence[BaseRoute]:
    """Return the endpoints of this module."""
    wbs = "/rest/v1.0/projects/{project_id:int}/work_breakdown_structure"
    v2 = "/rest/v2.0/companies/{company_id:int}/projects/{project_id:int}"
    v2_filters = frozenset({"filters[id]", "filters[search]", "filters[scope]"})
    rows = frozenset({"project_id", "budget_row_type"})
    return [
        endpoint(state, f"{wbs}/wbs_codes", list_codes, CODE_PARAMETERS | PAGING),
        endpoint(state, f"{wbs}/patterns", show_pattern),
        endpoint(state, f"{v2}/wbs/codes", list_codes_v2, v2_filters | PAGING),
        endpoint(state, f"{v2}/budget_line_items", list_budget_lines, PAGING | {"filters[wbs_code_id]"}),
        endpoint(state, "/rest/v1.0/budget_views", list_budget_views, PAGING | {"project_id", "sort"}),
        endpoint(state, "/rest/v1.0/budget_views/{view_id:int}/detail_rows", list_detail_rows, PAGING | rows),
    ]


def list_codes(call: Call) -> Page:
    """Return a project's WBS codes ("codes" reference page, v1.0), of all statuses and including divisions unless the query filters them."""
    query, project = call.query, call.project()
    statuses, span = query.texts("filters[status]"), query.span("filters[updated_at]")
    divisions, words = query.flag("can_select_divisions"), query.text("query")
    grouped = _codes_of_group(call, project)
    kept = [
        code
        for code in _scoped(project, query.text("scope"))
        if (statuses is None or code.status in statuses)
        and within(code.updated_at, span)
        and not (divisions is False and code.items[0].is_parent)
        and (words is None or _matches(code, words))
        and (grouped is None or code.id in grouped)
        and _has_segments(code, query.texts("required_segments"))
    ]
    return query.cut(
        kept, lambda code: wbs_code(code, project.pattern), default=100, most=call.state.settings.most_codes
    )


def _scoped(project: Project, scope: str | None) -> list[WbsCode]:
    """Return the codes of a scope: all, since this company has only budget codes and no production quantities."""
    return [] if scope == "production_quantity_code" else list(project.codes.values())


def _matches(code: WbsCode, words: str) -> bool:
    return words.lower() in f"{code.flat_code} {code.description}".lower()


def _has_segments(code: WbsCode, required: list[str] | None) -> bool:
    return required is None or set(required) <= {item.segment.type for item in code.items}


def _codes_of_group(call: Call, project: Project) -> set[int] | None:
    if call.query.text("group_type") != "contract":
        return None
    commitment = call.company.commitments.get(call.query.required("group_id"))
    if commitment is None or commitment.project_id != project.id:
        raise Refusal(404, NOT_FOUND)
    return {code.id for code in commitment.codes()}


def show_pattern(call: Call) -> dict[str, Any]:
    """Return the project's segments in order ("patterns" reference page)."""
    return pattern_of(call.project())


def list_codes_v2(call: Call) -> Page:
    """Return a project's WBS codes in v2.0: ids as text, 10 per page by default, at most 100, no filter by time."""
    query, project = call.query, call.project()
    ids, words = query.integers("filters[id]"), query.text("filters[search]")
    kept = [
        code
        for code in _scoped(project, query.text("filters[scope]"))
        if (ids is None or code.id in ids) and (words is None or _matches(code, words))
    ]
    return query.cut(kept, wbs_code_v2, default=V2_DEFAULT, most=V2_MAX, v2=True)


def list_budget_lines(call: Call) -> Page:
    """Return a project's budget lines ("budget-line-items" reference page, v2.0 BETA); a 404 on an account without them."""
    if not call.state.settings.budget_lines_v2:
        raise Refusal(404, NOT_FOUND)
    query, project, company = call.query, call.project(financials=True), call.company
    if project.budget_lines_refused == 403:
        raise Refusal(403, FORBIDDEN)
    if project.budget_lines_refused:
        raise Refusal(404, NOT_FOUND)
    codes = query.integers("filters[wbs_code_id]")
    if codes is None:
        lines = list(project.budget.values())
    else:
        lines = [project.budget[each] for each in sorted(codes) if each in project.budget]
    return query.cut(
        lines, lambda line: budget_line_v2(line, project, company), default=V2_DEFAULT, most=V2_MAX, v2=True
    )


def list_budget_views(call: Call) -> Page:
    """Return a project's budget views ("budget-views" reference page): the standard one, if there is one."""
    project, base_url = call.project(financials=True), str(call.request.base_url)
    return call.query.cut(
        [project] if project.has_budget_view else [], lambda each: budget_view(each, base_url), default=100
    )


def list_detail_rows(call: Call) -> Page:
    """Return rows of a budget view ("budget-view-detail-rows" reference page); only budgeted ones unless `budget_row_type` says otherwise."""
    query, project, company = call.query, call.project(financials=True), call.company
    if call.number("view_id") != project.budget_view_id:
        raise Refusal(404, NOT_FOUND)
    kind = query.text("budget_row_type") or "budgeted"
    if kind not in ("budgeted", "unbudgeted", "all"):
        raise Refusal(400, {"budget_row_type": ["must be one of budgeted, unbudgeted, all"]})
    rows: list[tuple[WbsCode, BudgetLine | None]] = []
    if kind != "unbudgeted":
        rows += [(line.code, line) for line in list(project.budget.values())]
    if kind != "budgeted":
        rows += [(code, None) for code in _unbudgeted_with_cost(call, project)]
    return query.cut(rows, lambda row: detail_row(*row, project, company), default=100, most=MAX_CODES)


def _unbudgeted_with_cost(call: Call, project: Project) -> list[WbsCode]:
    """Return codes on subcontracts that are not budgeted: a budget shows them in addition to its lines."""
    named = {code.id: code for each in project.commitment_ids for code in call.company.commitments[each].codes()}
    return [code for code in named.values() if code.id not in project.budget]
