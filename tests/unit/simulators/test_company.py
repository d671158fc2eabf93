"""The generated company: repeatable, of the requested size, with every awkward case findable in it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulators.company import Company, build_company

CASES = {
    "null_project_number",
    "same_joined_name",
    "name_too_long",
    "name_with_colon",
    "odd_text",
    "zero_budget_line",
    "unbudgeted_code",
    "inactive_code",
    "inactive_budgeted_code",
    "item_by_hand",
    "item_by_hand_other_owner",
    "item_other_type",
    "item_inactive",
    "vendor_not_linked",
    "vendor_ambiguous",
    "project_not_linked",
    "project_not_permitted",
    "project_tool_disabled",
    "inactive_project",
    "is_demo",
    "draft_invoice",
    "under_review_invoice",
    "foreign_origin_id",
    "zero_invoice",
    "net_negative_invoice",
    "closed_period_invoice",
    "release_only_invoice",
    "retainage_due_invoice",
    "same_number_other_vendor",
    "same_number_same_vendor_equal",
    "same_number_same_vendor_different",
    "invoice_300_lines",
    "shared_new_code",
    "shared_budgeted_code",
    "unbudgeted_code_invoice",
    "multi_currency_invoice",
    "line_without_wbs_code",
    "invoice_does_not_tie",
}


@pytest.fixture(params=["test", "demo"])
def company(request: pytest.FixtureRequest) -> Company:
    return build_company(1, request.param)


def fingerprint(company: Company) -> list[object]:
    codes = [
        (code.id, code.flat_code, code.status) for each in company.projects.values() for code in each.codes.values()
    ]
    invoices = [(each.id, each.invoice_number, each.summary()) for each in company.invoices.values()]
    return [company.company_id, codes, invoices, company.netsuite, company.cases]


def test_the_same_seed_gives_the_same_company_and_another_seed_another() -> None:
    assert fingerprint(build_company(7, "demo")) == fingerprint(build_company(7, "demo"))
    assert fingerprint(build_company(7, "demo")) != fingerprint(build_company(8, "demo"))


@pytest.mark.parametrize("seed", range(5))
def test_the_demo_is_a_mid_size_contractor(seed: int) -> None:
    company = build_company(seed, "demo")
    ready = [each for each in company.invoices.values() if each.status == "approved" and each.origin_id is None]
    assert len(company.projects) == 24
    assert len(company.vendors) == 45
    assert 1000 <= sum(len(project.budget) for project in company.projects.values()) <= 1200
    assert 95 <= len(company.invoices) <= 125
    assert 55 <= len(ready) <= 70


@pytest.mark.parametrize(("profile", "projects", "codes"), [("large:10000x5", 10_000, 5), ("large:1000x50", 1_000, 50)])
def test_a_large_company_has_the_projects_and_codes_asked_for(profile: str, projects: int, codes: int) -> None:
    company = build_company(1, profile)
    assert len(company.projects) == projects
    assert all(len(project.budget) == codes for project in company.projects.values())
    assert not company.invoices


def test_a_large_company_has_as_many_invoices_as_asked_and_no_name_twice() -> None:
    company = build_company(1, "large:20x700:30")
    names = {f"{each.number}-{code.flat_code}" for each in company.projects.values() for code in each.codes.values()}
    assert len(company.invoices) == 30
    assert len(names) == 20 * 700


@pytest.mark.parametrize(
    "profile",
    ["", "huge", "large:", "large:3", "large:3x", "large:9999x9999", "large:1x1:9999999", f"large:{'9' * 5000}x1"],
)
def test_an_unknown_profile_is_refused(profile: str) -> None:
    with pytest.raises(ValueError, match=r"no profile|would have more than"):
        build_company(1, profile)


def test_every_awkward_case_exists(company: Company) -> None:
    assert set(company.cases) == CASES


def test_most_projects_are_in_no_case() -> None:
    company = build_company(1, "demo")
    awkward = {facts["project_id"] for facts in company.cases.values() if "project_id" in facts}
    awkward |= {pair["project_id"] for pair in company.cases["same_joined_name"]["codes"]}
    assert len(company.projects) - len(awkward) >= 10


def test_awkward_names_are_as_their_cases_say(company: Company) -> None:
    cases = company.cases
    assert len(cases["name_too_long"]["name"]) > 60
    assert " : " in cases["name_with_colon"]["name"]
    odd_name = cases["odd_text"]["name"]
    assert "  " in odd_name
    assert "'" in odd_name
    assert '"' in odd_name
    assert odd_name != odd_name.upper()
    assert len(odd_name) <= 60
    pair = cases["same_joined_name"]["codes"]
    names = [_name(company, each["project_id"], each["wbs_code_id"]) for each in pair]
    assert names[0] == names[1] == cases["same_joined_name"]["name"] == "24-017-01.S"
    assert pair[0]["project_id"] != pair[1]["project_id"]
    assert company.projects[cases["null_project_number"]["project_id"]].number is None


def test_every_other_name_is_unique(company: Company) -> None:
    names = [
        f"{each.number}-{code.flat_code}"
        for each in company.projects.values()
        if each.number
        for code in each.codes.values()
    ]
    assert len(names) - len(set(names)) == 1  # the pair that joins to the same text


def test_existing_items_have_the_names_of_budgeted_codes(company: Company) -> None:
    items = {item.id: item for item in company.netsuite.items}
    expected = {
        "item_by_hand": ("OthCharge", "Purchase", False, None),
        "item_by_hand_other_owner": ("OthCharge", "Purchase", False, "SAGE-ITEM-4471"),
        "item_other_type": ("Service", "Sale", False, None),
        "item_inactive": ("OthCharge", "Purchase", True, None),
    }
    for case, (itemtype, subtype, inactive, externalid) in expected.items():
        facts = company.cases[case]
        item = items[facts["item_id"]]
        assert item.itemid == facts["name"] == _name(company, facts["project_id"], facts["wbs_code_id"])
        assert (item.itemtype, item.subtype, item.isinactive, item.externalid) == (
            itemtype,
            subtype,
            inactive,
            externalid,
        )
        assert facts["wbs_code_id"] in company.projects[facts["project_id"]].budget
    assert items[company.cases["item_by_hand"]["item_id"]].displayname != company.cases["item_by_hand"]["name"]
    assert items[company.netsuite.retainage_item_id].itemid == "Retainage Payable"


def test_budgets_have_the_awkward_states(company: Company) -> None:
    def state(case: str) -> tuple[str, Decimal | None]:
        facts = company.cases[case]
        project = company.projects[facts["project_id"]]
        line = project.budget.get(facts["wbs_code_id"])
        return project.codes[facts["wbs_code_id"]].status, line.amount if line else None

    assert state("zero_budget_line") == ("active", Decimal(0))
    assert state("unbudgeted_code") == ("active", None)
    assert state("inactive_code") == ("inactive", None)
    assert state("inactive_budgeted_code") == ("inactive", Decimal("25000.00"))
    assert state("shared_new_code")[1] is None
    assert state("shared_budgeted_code")[1] is not None
    assert state("unbudgeted_code_invoice")[1] is None


def test_vendors_are_linked_in_every_way(company: Company) -> None:
    books = {vendor.id: vendor for vendor in company.netsuite.vendors}
    counts = {"origin_id": 0, "external_id": 0, "name": 0, "ambiguous": 0, "nothing": 0}
    for vendor in company.vendors.values():
        namesakes = [each for each in books.values() if each.companyname == vendor.name]
        external = [
            each for each in books.values() if each.externalid == f"pcr-vendor-{company.company_id}-{vendor.id}"
        ]
        if vendor.origin_id:
            assert books[vendor.origin_id].companyname == vendor.name
            counts["origin_id"] += 1
        elif external:
            assert not namesakes
            counts["external_id"] += 1
        else:
            counts[{0: "nothing", 1: "name", 2: "ambiguous"}[len(namesakes)]] += 1
    assert counts["nothing"] == 2
    assert counts["ambiguous"] == 1
    assert counts["name"] >= 2
    assert counts["external_id"] >= 1
    assert counts["origin_id"] == max(counts.values())


def test_projects_are_linked_by_origin_id_or_number_or_not_at_all(company: Company) -> None:
    jobs = {job.id: job for job in company.netsuite.jobs}
    numbers = {job.entityid for job in company.netsuite.jobs}
    by_number = [each for each in company.projects.values() if each.origin_id is None and each.number in numbers]
    unlinked = [each.id for each in company.projects.values() if each.origin_id is None and each.number not in numbers]
    assert by_number
    assert unlinked == [company.cases["project_not_linked"]["project_id"]]
    assert all(
        jobs[each.origin_id].entityid == each.number
        for each in company.projects.values()
        if each.origin_id and each.number
    )


def test_the_unlinked_vendor_uses_a_separate_code(company: Company) -> None:
    facts = company.cases["vendor_not_linked"]
    users = [
        invoice.id
        for invoice in company.invoices.values()
        for line in invoice.lines
        if line.contract_line.code and line.contract_line.code.id in facts["wbs_code_ids"]
    ]
    assert users == [facts["invoice_id"]]


def test_the_shared_codes_are_each_needed_by_two_approved_invoices(company: Company) -> None:
    for case in ("shared_new_code", "shared_budgeted_code"):
        invoices = [company.invoices[each] for each in company.cases[case]["invoice_ids"]]
        assert len(invoices) == 2
        assert {invoice.status for invoice in invoices} == {"approved"}
        assert len({invoice.vendor_id for invoice in invoices}) == 2
        codes = {
            line.contract_line.code.id for invoice in invoices for line in invoice.lines if line.contract_line.code
        }
        assert codes == {company.cases[case]["wbs_code_id"]}


@pytest.mark.parametrize(("profile", "distinct"), [("test", 120), ("demo", 300)])
def test_the_long_invoice_has_300_lines(profile: str, distinct: int) -> None:
    company = build_company(1, profile)
    facts = company.cases["invoice_300_lines"]
    assert len(company.invoices[facts["invoice_id"]].lines) == 300
    assert len(set(facts["wbs_code_ids"])) == distinct


def test_awkward_amounts_are_as_their_cases_say(company: Company) -> None:
    def amounts(case: str) -> list[Decimal]:
        invoice = company.invoices[company.cases[case]["invoice_id"]]
        gross = sum((line.gross for line in invoice.lines), Decimal(0))
        held = sum((line.retainage for line in invoice.lines), Decimal(0))
        return [gross, held, invoice.summary().current_payment_due]

    assert amounts("zero_invoice") == [0, 0, 0]
    assert amounts("release_only_invoice") == [0, -3000, 3000]
    assert amounts("retainage_due_invoice") == [3000, -2700, 5700]
    assert amounts("net_negative_invoice")[2] < 0
    gross, held, due = amounts("invoice_does_not_tie")
    assert due - (gross - held) == Decimal("0.01")


def test_document_numbers_are_already_used_in_the_books(company: Company) -> None:
    bills = {bill.id: bill for bill in company.netsuite.bills}
    for case, same_vendor in (
        ("same_number_other_vendor", False),
        ("same_number_same_vendor_equal", True),
        ("same_number_same_vendor_different", True),
    ):
        facts = company.cases[case]
        invoice, bill = company.invoices[facts["invoice_id"]], bills[facts["bill_id"]]
        assert bill.tranid == invoice.invoice_number
        assert bill.externalid is None
        assert (bill.entity == company.vendor_links[invoice.vendor_id]) is same_vendor
        if same_vendor:
            equal = sum(line.amount for line in bill.lines) == invoice.summary().current_payment_due
            assert equal is (case == "same_number_same_vendor_equal")


def test_other_invoices_are_as_their_cases_say(company: Company) -> None:
    invoices = {
        case: company.invoices[facts["invoice_id"]] for case, facts in company.cases.items() if "invoice_id" in facts
    }
    assert invoices["draft_invoice"].status == "draft"
    assert invoices["under_review_invoice"].status == "under_review"
    assert invoices["foreign_origin_id"].origin_id == "sage-991"
    assert invoices["closed_period_invoice"].billing_date < company.netsuite.closed_before
    assert invoices["multi_currency_invoice"].commitment.currency == "CAD"
    assert [line.contract_line.code is None for line in invoices["line_without_wbs_code"].lines] == [False, True]
    approved = set(invoices) - {"draft_invoice", "under_review_invoice"}
    assert {invoices[case].status for case in approved} == {"approved"}


def test_only_the_closed_period_case_is_approved_in_a_closed_month(company: Company) -> None:
    """No other approved invoice without an origin id has a date in a closed month."""
    late = [
        invoice.id
        for invoice in company.invoices.values()
        if invoice.status == "approved"
        and invoice.origin_id is None
        and invoice.billing_date < company.netsuite.closed_before
    ]
    assert late == [company.cases["closed_period_invoice"]["invoice_id"]]


def _name(company: Company, project_id: int, code_id: int) -> str:
    project = company.projects[project_id]
    return f"{project.number}-{project.codes[code_id].flat_code}"
