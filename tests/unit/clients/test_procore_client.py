"""Procore's client: all pages, the right token, the shared limits, and two ways to the budget."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.clients.procore import CODE, NOT_FOUND, MakeClient, paths
from tests.unit.clients.remotes import answer
from tests.unit.clients.test_procore_wire import INVOICE, PROJECT
from worker.clients.fields import UnreadableRow, read
from worker.clients.http import Answer
from worker.clients.procore import wire
from worker.clients.procore.client import INVOICES_PER_PAGE, PROJECTS_PER_PAGE, Procore
from worker.domain.errors import (
    Blocked,
    Misconfigured,
    NotFound,
    NotPermitted,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause


def test_all_projects_are_listed_including_inactive_ones(procore_of: MakeClient) -> None:
    procore, transport = procore_of(answer(200, [PROJECT | {"active": False}], next_page=False))
    (project,) = procore.list_projects()
    assert not project.active
    (sent,) = transport.sent
    assert sent.params == {"company_id": 4, "filters[by_status]": "All", "page": 1, "per_page": PROJECTS_PER_PAGE}
    assert sent.headers == {"Authorization": "Bearer token-1", "Procore-Company-Id": "4"}


@pytest.mark.parametrize("given", [answer(403, {"errors": "no"}), NOT_FOUND])
def test_an_app_that_may_not_list_projects_is_not_connected(procore_of: MakeClient, given: Answer) -> None:
    """The cause is the login, whether Procore answers 403 or 404."""
    with pytest.raises(Misconfigured) as caught:
        list(procore_of(given)[0].list_projects())
    assert caught.value.cause is Cause.PROCORE_LOGIN


def test_an_invoice_of_another_project_is_not_found_under_this_one(procore_of: MakeClient) -> None:
    with pytest.raises(NotFound, match="belongs to the project with the id 17"):
        procore_of(answer(200, INVOICE))[0].get_invoice(18, 417)


def test_a_response_with_another_record_is_not_accepted(procore_of: MakeClient) -> None:
    procore, _ = procore_of(answer(200, INVOICE))
    with pytest.raises(UnexpectedAnswer, match="417 instead of 418"):
        procore.get_invoice(17, 418)
    procore, _ = procore_of(answer(200, {"id": 33, "name": "Acme", "origin_id": None}))
    with pytest.raises(UnexpectedAnswer, match="33 instead of 34"):
        procore.get_vendor(34, 17)


def test_a_vendor_not_in_the_company_directory_is_looked_up_in_the_project(procore_of: MakeClient) -> None:
    """The directory of the project may have a vendor that the company's does not."""
    procore, transport = procore_of(NOT_FOUND, answer(200, {"id": 33, "name": "Acme"}))
    vendor = procore.get_vendor(33, 17)
    assert (vendor.name, vendor.origin_id) == ("Acme", None)
    assert paths(transport) == ["/rest/v1.0/vendors/33", "/rest/v1.0/projects/17/vendors/33"]
    with pytest.raises(NotFound):
        procore_of(NOT_FOUND, NOT_FOUND)[0].get_vendor(33, 17)


def test_budgeted_codes_come_from_the_list_of_budget_lines_each_once(procore_of: MakeClient) -> None:
    rows = {"data": [{"wbs_code": CODE}, {"wbs_code": CODE}, {"wbs_code": None}]}
    procore, transport = procore_of(answer(200, rows, next_page=False))
    assert [code.id for code in procore.list_budgeted_codes(17)] == [901]
    assert paths(transport) == ["/rest/v2.0/companies/4/projects/17/budget_line_items"]


VIEWS = answer(200, [{"id": 5}], next_page=False)
ROWS = answer(200, [{"wbs_code_id": 901}, {"wbs_code_id": None}], next_page=False)
CODES = answer(200, [CODE, CODE | {"id": 902}], next_page=False)


def test_without_the_v2_list_the_budget_view_is_read_from_then_on(procore_of: MakeClient) -> None:
    """The missing list is requested once; later calls go to the budget view directly."""
    procore, transport = procore_of(NOT_FOUND, VIEWS, ROWS, CODES, VIEWS, ROWS, CODES)
    assert [code.id for code in procore.list_budgeted_codes(17)] == [901]
    assert [code.id for code in procore.list_budgeted_codes(17)] == [901]
    assert sum("budget_line_items" in path for path in paths(transport)) == 1


def test_a_project_the_app_may_not_see_is_not_taken_for_a_missing_list(procore_of: MakeClient) -> None:
    """The next call asks for the list again."""
    procore, transport = procore_of(NOT_FOUND)
    for _ in range(2):
        with pytest.raises(NotFound):
            procore.list_budgeted_codes(17)
    assert sum("budget_line_items" in path for path in paths(transport)) == 2


@pytest.mark.parametrize(("listed", "budgeted"), [([{"wbs_code": CODE}], True), ([], False)])
def test_one_code_is_queried_by_its_id(procore_of: MakeClient, listed: list[Any], budgeted: bool) -> None:
    procore, transport = procore_of(answer(200, {"data": listed}, next_page=False))
    assert procore.is_budgeted(17, 901) is budgeted
    assert transport.sent[0].params["filters[wbs_code_id]"] == "901"


@pytest.mark.parametrize(("wbs_code_id", "budgeted"), [(901, True), (902, False)])
def test_without_the_v2_list_one_code_is_looked_up_in_the_budget_view(
    procore_of: MakeClient, wbs_code_id: int, budgeted: bool
) -> None:
    """The view says whether a single code is budgeted."""
    procore, _ = procore_of(NOT_FOUND, VIEWS, ROWS, CODES)
    assert procore.is_budgeted(17, wbs_code_id) is budgeted


FORBIDDEN = answer(403, {"errors": "You do not have permission to access this resource"})


def test_where_that_list_is_forbidden_the_budget_view_is_read(procore_of: MakeClient) -> None:
    procore, _ = procore_of(FORBIDDEN, VIEWS, ROWS, CODES)
    assert [code.id for code in procore.list_budgeted_codes(17)] == [901]


@pytest.mark.parametrize("refused", [FORBIDDEN, NOT_FOUND])
def test_which_way_a_budget_is_read_is_decided_for_each_project(procore_of: MakeClient, refused: Answer) -> None:
    """A project without the list says nothing about the others."""
    lines = answer(200, {"data": [{"wbs_code": CODE}]}, next_page=False)
    procore, transport = procore_of(refused, VIEWS, ROWS, CODES, lines)
    procore.list_budgeted_codes(17)
    procore.list_budgeted_codes(18)
    assert paths(transport)[-1] == "/rest/v2.0/companies/4/projects/18/budget_line_items"


@pytest.mark.parametrize(("refused", "error"), [(FORBIDDEN, NotPermitted), (NOT_FOUND, NotFound)])
def test_a_budget_that_cannot_be_read_is_not_an_empty_budget(
    procore_of: MakeClient, refused: Answer, error: type[SyncError]
) -> None:
    procore, _ = procore_of(refused, answer(200, [], next_page=False))
    with pytest.raises(error, match="; the project has no budget view"):
        procore.list_budgeted_codes(17)


def test_foreign_and_unreadable_budget_lines_are_skipped(procore_of: MakeClient) -> None:
    """A line of another project is ignored, and one that cannot be read is reported."""
    rows = [
        {"wbs_code": CODE, "project_id": "17"},
        {"wbs_code": CODE | {"id": 902}, "project_id": "18"},
        {"wbs_code": CODE | {"id": "?"}, "project_id": "17"},
    ]
    procore, _ = procore_of(answer(200, {"data": rows}, next_page=False))
    unreadable: list[UnreadableRow] = []
    assert [code.id for code in procore.list_budgeted_codes(17, unreadable)] == [901]
    assert [row.complaint for row in unreadable] == [
        "Procore's BudgetLine is not in the documented format: wbs_code.id: '?' is not an id"
    ]


def test_an_unreadable_page_is_an_error_and_no_empty_list(procore_of: MakeClient) -> None:
    procore, _ = procore_of(answer(200, [{"id": "?"}, {}], next_page=False))
    with pytest.raises(UnexpectedAnswer, match="WbsCode is not in the documented format"):
        procore.list_active_codes(17)


def test_one_project_is_found_in_the_list_of_all(procore_of: MakeClient) -> None:
    other_project = PROJECT | {"id": PROJECT["id"] + 1}
    procore, transport = procore_of(
        answer(200, [other_project, PROJECT], next_page=False), answer(200, [], next_page=False)
    )
    project = procore.find_project(PROJECT["id"])
    assert project is not None
    assert project.id == PROJECT["id"]
    assert transport.sent[0].params["filters[id]"] == PROJECT["id"]
    assert procore.find_project(99) is None


def test_an_invoice_is_listed_by_its_id_whatever_else_is_in_its_row(procore_of: MakeClient) -> None:
    """The invoice itself has the rest; only a row without an id is left out, and that is reported."""
    head = {"id": 417, "status": "approved", "origin_id": None, "invoice_number": "A-1", "project_id": 17}
    rows = [
        head | {"status": None},
        head | {"id": 418, "origin_id": []},
        head | {"id": None},
        head | {"id": 419, "project_id": 18},
    ]
    procore, _ = procore_of(answer(200, rows, next_page=False))
    unreadable: list[UnreadableRow] = []
    listed = procore.list_invoices(17, ["approved"], unreadable)
    assert [(one.id, one.status, one.is_readable) for one in listed] == [
        (417, "approved", True),
        (418, "approved", False),
    ]
    assert [row.id for row in unreadable] == [None]


def test_invoices_are_listed_by_each_status(procore_of: MakeClient) -> None:
    head = {"id": 417, "status": "approved", "origin_id": "", "invoice_number": "A-1"}
    procore, transport = procore_of(answer(200, [head], next_page=False), answer(200, [], next_page=False))
    (invoice,) = procore.list_invoices(17, ("approved", "approved_as_noted"))
    assert (invoice.id, invoice.origin_id) == (417, None)
    assert [sent.params["filters[status]"] for sent in transport.sent] == ["approved", "approved_as_noted"]
    assert transport.sent[0].params["per_page"] == INVOICES_PER_PAGE


def test_an_invoice_whose_status_changes_while_listed_is_listed_once(procore_of: MakeClient) -> None:
    """Its last status counts."""
    head = {"id": 417, "status": "approved", "origin_id": None, "invoice_number": "A-1"}
    procore, _ = procore_of(
        *(answer(200, [head | {"status": status}], next_page=False) for status in ("approved", "approved_as_noted"))
    )
    listed = procore.list_invoices(17, ("approved", "approved_as_noted"))
    assert [(each.id, each.status) for each in listed] == [(417, "approved_as_noted")]


@pytest.mark.parametrize("given", [answer(403), NOT_FOUND, answer(422, {"errors": {"origin_id": ["taken"]}})])
def test_a_refused_write_back_has_its_own_cause(procore_of: MakeClient, given: Answer) -> None:
    procore, transport = procore_of(given)
    with pytest.raises(Blocked) as caught:
        procore.write_origin_id(read(wire.InvoiceRow, INVOICE).invoice(), "ns-vendorbill-88123")
    assert caught.value.cause is Cause.WRITE_BACK_REJECTED
    assert caught.value.facts["answer"]
    (sent,) = transport.sent
    assert (sent.method, sent.url) == ("PATCH", "https://api.example/rest/v1.1/requisitions/417")
    assert sent.body["requisition"] == {"origin_id": "ns-vendorbill-88123"}


def write_back(procore: Procore) -> None:
    procore.write_origin_id(read(wire.InvoiceRow, INVOICE).invoice(), "ns-vendorbill-88123")


def test_a_write_back_is_done_when_procore_shows_it(procore_of: MakeClient) -> None:
    write_back(procore_of(answer(200, {"id": 417, "origin_id": "ns-vendorbill-88123"}))[0])


def test_a_write_back_returns_the_invoice_that_procore_has_locked(procore_of: MakeClient) -> None:
    before, shown = read(wire.InvoiceRow, INVOICE).invoice(), INVOICE | {"origin_id": "ns-vendorbill-88123"}
    locked = procore_of(answer(200, shown))[0].write_origin_id(before, "ns-vendorbill-88123")
    assert locked == replace(before, origin_id="ns-vendorbill-88123")
    short = {"id": 417, "origin_id": "ns-vendorbill-88123"}
    assert procore_of(answer(200, short))[0].write_origin_id(before, "ns-vendorbill-88123") is None


@pytest.mark.parametrize(
    "body", [None, "<html>Sign in</html>", "{", {}, [], "text", {"origin_id": None}, {"origin_id": "another"}]
)
def test_a_page_with_status_200_does_not_confirm_a_write_back(procore_of: MakeClient, body: Any) -> None:
    with pytest.raises(Transient, match="does not show that the origin id of invoice ACME-0417 was set"):
        write_back(procore_of(answer(200, body))[0])
