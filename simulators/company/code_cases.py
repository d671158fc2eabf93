"""The unusual WBS codes, Items and projects. Each is recorded in `Company.cases` under its name, with the ids that it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from simulators.company.accounts import add_item
from simulators.company.cast import Cast
from simulators.company.codes import Template
from simulators.company.model import ZERO, Project, WbsCode
from simulators.company.subcontracts import one_invoice

BUDGET = Decimal("25000.00")


def add_code_cases(cast: Cast, jobs: Iterator[Project]) -> None:
    """Add codes that cannot have an Item as they are, or that have one already. `jobs` yields the project for each."""
    _odd_names(cast, jobs)
    _budget_states(cast, jobs)
    _items_already_there(cast, jobs)


def _note(cast: Cast, case: str, project: Project, code: WbsCode, **more: object) -> None:
    name = f"{project.number}-{code.flat_code}"
    facts = {"project_id": project.id, "wbs_code_id": code.id, "flat_code": code.flat_code, "name": name}
    cast.company.cases[case] = {**facts, **more}


def _odd_names(cast: Cast, jobs: Iterator[Project]) -> None:
    company, codes = cast.company, cast.company.code_list
    wordings: dict[str, tuple[Template, str | None]] = {
        "name_too_long": (
            codes.template("32-900", "S", "EAST-CAMPUS-SITEWORK-AND-LANDSCAPE-EXTENSION-PHASE-TWO"),
            None,
        ),
        "name_with_colon": (codes.template("32-310", "S", "Phase : 2"), None),
        "odd_text": (codes.template("09-910", "S", 'o\'neil  "east" wing'), 'paint  the o\'neil  "east" wing, 2 coats'),
    }
    for case, (template, description) in wordings.items():
        project = next(jobs)
        _note(cast, case, project, company.add_code(project, template, BUDGET, description=description))
    short, long = (next(job for job in cast.jobs if job.number == number) for number in ("24", "24-017"))
    first = company.add_code(short, codes.template("017-01", "S", name="Bridge Abutment"), BUDGET)
    second = company.add_code(long, codes.template("01", "S"), BUDGET)
    pairs = [{"project_id": short.id, "wbs_code_id": first.id}, {"project_id": long.id, "wbs_code_id": second.id}]
    company.cases["same_joined_name"] = {"name": f"24-{first.flat_code}", "codes": pairs}


def _budget_states(cast: Cast, jobs: Iterator[Project]) -> None:
    project = next(jobs)
    _note(cast, "zero_budget_line", project, cast.fresh_code(project, ZERO))
    _note(cast, "unbudgeted_code", project, cast.fresh_code(project))
    _note(cast, "inactive_code", project, cast.fresh_code(project, status="inactive"))
    _note(cast, "inactive_budgeted_code", project, cast.fresh_code(project, BUDGET, status="inactive"))


def _items_already_there(cast: Cast, jobs: Iterator[Project]) -> None:
    books = cast.company.netsuite
    for case in ("item_by_hand", "item_by_hand_other_owner", "item_other_type", "item_inactive"):
        project = next(jobs)
        code = cast.fresh_code(project, BUDGET)
        name = f"{project.number}-{code.flat_code}"
        if case == "item_by_hand":
            item = add_item(books, name, display="Typed in by accounting, do not rename")
        elif case == "item_by_hand_other_owner":
            item = add_item(books, name, externalid="SAGE-ITEM-4471")
        elif case == "item_other_type":
            item = add_item(books, name, record_type="serviceSaleItem", itemtype="Service", subtype="Sale")
        else:
            item = add_item(books, name, inactive=True)
        _note(cast, case, project, code, item_id=item.id)


def add_project_cases(cast: Cast, codes: tuple[int, int]) -> None:
    """Add one project of each unusual kind, with `codes` WBS codes and, where it matters, an approved invoice."""
    cases = cast.company.cases
    null_number = cast.start_job(None, codes)
    not_linked = cast.start_job("25-190", codes, linked=False)
    not_permitted = cast.start_job("25-200", codes)
    not_permitted.permitted = False
    tool_disabled = cast.start_job("25-210", codes)
    tool_disabled.tools_disabled = True
    inactive = cast.start_job("22-300", codes)
    inactive.active = False
    demo = cast.start_job("99-001", codes)
    demo.is_demo = True
    cases["inactive_project"] = {"project_id": inactive.id}
    cases["is_demo"] = {"project_id": demo.id}
    billed = {
        "null_project_number": null_number,
        "project_not_linked": not_linked,
        "project_not_permitted": not_permitted,
        "project_tool_disabled": tool_disabled,
    }
    for case, project in billed.items():
        code = cast.fresh_code(project, BUDGET)
        invoice = one_invoice(cast.company, project, cast.next_vendor(), [(code, Decimal("6200.00"))])
        cases[case] = {"project_id": project.id, "wbs_code_id": code.id, "invoice_id": invoice.id}
