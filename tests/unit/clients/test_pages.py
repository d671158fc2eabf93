"""Links for people are built where their form is known, and nowhere else."""

from __future__ import annotations

import pytest

from worker.clients.netsuite.client import NetSuitePages
from worker.clients.procore.client import ProcorePages


@pytest.mark.parametrize(
    ("base_url", "site"),
    [
        ("https://1234567.suitetalk.api.netsuite.com", "https://1234567.app.netsuite.com"),
        ("https://1234567-sb1.suitetalk.api.netsuite.com", "https://1234567-sb1.app.netsuite.com"),
        ("https://TSTDRV12.suitetalk.api.netsuite.com", "https://tstdrv12.app.netsuite.com"),
    ],
)
def test_netsuites_pages_are_derived_from_its_web_services(base_url: str, site: str) -> None:
    pages = NetSuitePages(base_url)
    assert pages.item("5871") == f"{site}/app/common/item/item.nl?id=5871"
    assert pages.bill("90112") == f"{site}/app/accounting/transactions/vendbill.nl?id=90112"


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:8002",
        "https://proxy.example",
        "http://1234567.suitetalk.api.netsuite.com",
        "https://1234567.suitetalk.api.netsuite.com.example",
        "",
    ],
)
def test_a_netsuite_at_any_other_address_has_no_page(base_url: str) -> None:
    assert (NetSuitePages(base_url).item("5871"), NetSuitePages(base_url).bill("90112")) == ("", "")


@pytest.mark.parametrize(
    ("company_id", "project_id", "site"),
    [
        (11733, 1004955, "https://app.procore.com/webclients/host/companies/11733/projects/1004955/tools"),
        (
            562949953443325,
            562949955214671,
            "https://us02.procore.com/webclients/host/companies/562949953443325/projects/562949955214671/tools",
        ),
    ],
)
def test_procores_pages_are_those_of_a_projects_tools(company_id: int, project_id: int, site: str) -> None:
    pages = ProcorePages("https://api.procore.com", company_id)
    assert pages.project(project_id) == f"{site}/projecthome"
    assert pages.invoices(project_id) == f"{site}/invoicing/subcontractor"


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8001", "https://sandbox.procore.com", "https://api-monthly.procore.com"]
)
def test_there_is_no_page_of_a_sandbox_or_a_simulator(base_url: str) -> None:
    pages = ProcorePages(base_url, 11733)
    assert (pages.project(1), pages.invoices(1)) == ("", "")
