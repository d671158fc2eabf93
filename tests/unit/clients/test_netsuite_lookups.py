"""Reads from NetSuite: what an undocumented response means, and what is queried."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import probe
import worker
from tests.unit.clients.netsuite import NOT_FOUND, ROW, MakeClient, refused, rows
from tests.unit.clients.remotes import answer
from tests.unit.clients.test_netsuite_wire import FOUND_BILL
from worker.clients.http import Answer
from worker.domain.errors import Transient, UnexpectedAnswer


def test_all_pages_of_a_query_are_read(netsuite_of: MakeClient) -> None:
    first = answer(200, {"items": [ROW | {"id": str(n)} for n in range(1000)], "hasMore": True})
    netsuite, transport = netsuite_of(first, answer(200, {"items": [ROW | {"id": "1000"}], "hasMore": False}))
    assert len(netsuite.find_items(external_ids=["x"], names=["n"])) == 1001
    assert [sent.params["offset"] for sent in transport.sent] == [0, 1000]
    assert all("ORDER BY id ASC" in sent.body["q"] and sent.headers["Prefer"] == "transient" for sent in transport.sent)


def test_every_query_names_its_sort_direction() -> None:
    """An account may return no rows otherwise (docs/remotes.md)."""
    folders = (Path(worker.__file__).parent, Path(probe.__file__).parent)
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in folder.rglob("*.py")]
    orders = [order for text in texts for order in re.findall(r"ORDER BY (\w+ ?\w*)", text)]
    assert len(orders) > 10
    assert [order for order in orders if not order.endswith((" ASC", " DESC"))] == []


def test_a_thousand_codes_cost_one_query(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": []}))
    many = [f"n{number}" for number in range(1000)]
    netsuite.find_items(external_ids=many, names=many)
    assert len(transport.sent) == 1
    netsuite.find_items(external_ids=[*many, "one more"], names=many)
    assert len(transport.sent) == 3


def test_an_empty_query_sends_no_request(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(500))
    assert netsuite.find_items(external_ids=[], names=[]) == []
    assert transport.sent == []


def test_names_are_looked_up_in_other_case_only_when_asked(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": []}))
    netsuite.find_items(external_ids=["x"], names=["01.s"])
    netsuite.find_items(external_ids=["x"], names=["01.s"], ignoring_case=True)
    assert ["UPPER(itemid) IN ('01.S')" in sent.body["q"] for sent in transport.sent] == [False, True]


@pytest.mark.parametrize(
    "body",
    [
        {}, [], "null", '"x"', 7, {"items": None}, {"items": "x"}, {"items": {}}, {"items": [None]}, {"items": ["x"]}, {"items": [[]]},
        {"items": [{}]}, {"items": [ROW]}, {"items": [ROW | {"id": None}]}, {"items": [ROW | {"id": "x"}]},
        {"items": [ROW | {"id": True}]}, {"items": [ROW | {"id": "1", "isinactive": None}]}, {"items": [], "hasMore": "yes"},
    ],
)  # fmt: skip
def test_a_query_response_of_another_shape_is_an_error_and_not_empty(netsuite_of: MakeClient, body: object) -> None:
    """A shape that is not the published one never reads as an empty result."""
    with pytest.raises(UnexpectedAnswer):
        netsuite_of(answer(200, body))[0].find_items(external_ids=["x"], names=[])


def test_a_query_with_endless_pages_is_not_read_forever(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": [ROW | {"id": "1"}], "hasMore": True}))
    with pytest.raises(UnexpectedAnswer, match="continues after 100000 rows"):
        netsuite.find_items(external_ids=["x"], names=[])
    assert len(transport.sent) == 100


def test_a_list_of_items_that_repeats_itself_is_not_read_forever(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": [ROW | {"id": str(n)} for n in range(1, 1001)]}))
    with pytest.raises(UnexpectedAnswer, match="repeats itself"):
        netsuite.items_made_by_us("pcr-itm-4-", after=1000)
    assert len(transport.sent) == 1


def test_a_query_answered_with_404_is_an_error_and_not_empty(netsuite_of: MakeClient) -> None:
    with pytest.raises(UnexpectedAnswer, match="SuiteQL query with 404"):
        netsuite_of(NOT_FOUND)[0].linked_vendors(internal_id="33", external_id="x")


def test_a_page_of_html_instead_of_a_response_is_transient(netsuite_of: MakeClient) -> None:
    with pytest.raises(Transient):
        netsuite_of(answer(200, "<html>maintenance</html>"))[0].find_items(external_ids=["x"], names=[])


def test_our_items_are_queried_by_the_id_of_the_last_one(netsuite_of: MakeClient) -> None:
    """A query returns at most 100,000 rows, so none is paged by offset."""
    full = answer(200, {"items": [ROW | {"id": str(n)} for n in range(1, 1001)], "totalResults": 1001})
    netsuite, transport = netsuite_of(full, answer(200, {"items": [ROW | {"id": "4711"}], "totalResults": 1}))
    first = netsuite.items_made_by_us("pcr-itm-4-", after=0)
    assert (len(first.items), first.in_all, first.last) == (1000, 1001, False)
    second = netsuite.items_made_by_us("pcr-itm-4-", after=int(first.items[-1].id))
    assert (len(second.items), second.in_all, second.last) == (1, 1, True)
    asked, asked_again = (sent.body["q"] for sent in transport.sent)
    assert "externalid LIKE 'pcr-itm-4-%' AND id > 0 ORDER BY id ASC" in asked
    assert "id > 1000 ORDER BY id ASC" in asked_again
    assert all((sent.params["limit"], sent.params["offset"]) == (1000, 0) for sent in transport.sent)


def test_without_items_of_ours_one_page_is_read(netsuite_of: MakeClient) -> None:
    page = netsuite_of(answer(200, {"items": []}))[0].items_made_by_us("pcr-itm-4-", after=0)
    assert (list(page.items), page.in_all, page.last) == ([], 0, True)


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({"items": [{"id": "1"}], "totalResults": 417}, 417),
        ({"items": [{"id": "1"}]}, 1),
        ({"items": [], "totalResults": 0}, 0),
        ({"items": [{"id": "1"}], "totalResults": None}, 1),
    ],
)
def test_bills_of_ours_are_counted_with_one_row(netsuite_of: MakeClient, body: object, count: int) -> None:
    netsuite, transport = netsuite_of(answer(200, body))
    assert netsuite.bills_made_by_us("pcr-bill-4-") == count
    assert transport.sent[0].params["limit"] == 1


@pytest.mark.parametrize("body", [{"items": [], "totalResults": 3}, {"items": [], "hasMore": True}])
def test_rows_that_netsuite_counts_and_does_not_show_are_no_empty_answer(
    netsuite_of: MakeClient, body: dict[str, Any]
) -> None:
    with pytest.raises(
        UnexpectedAnswer, match="counts rows of the table item in its SuiteQL response but returns none"
    ):
        netsuite_of(answer(200, body))[0].find_items(external_ids=["x"], names=["x"])


def test_a_list_without_posting_periods_means_a_missing_permission(netsuite_of: MakeClient) -> None:
    """Every account has posting periods, so an empty list is an error."""
    with pytest.raises(UnexpectedAnswer, match="returned no posting period"):
        netsuite_of(answer(200, {"items": []}))[0].posting_periods()


def test_a_missing_record_is_none(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(NOT_FOUND)
    assert netsuite.item_by_external_id("x") is None
    assert netsuite.bill("1") is None
    assert netsuite.bill_by_external_id("x") is None


def test_an_unknown_bill_is_none_although_netsuite_says_bad_request(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(refused("USER_ERROR", "Transaction type specified is incorrect."))
    assert netsuite.bill("1") is None


@pytest.mark.parametrize(("item_type", "subtype"), [("otherChargePurchaseItem", "Purchase"), ("otherChargeResaleItem", "Resale")])  # fmt: skip
def test_an_item_found_by_its_external_id_has_the_queried_type(
    netsuite_of: MakeClient, item_type: str, subtype: str
) -> None:
    record = {"id": "5871", "itemId": "24", "externalId": "X", "isInactive": True}
    netsuite, _ = netsuite_of(answer(200, record), item_type=item_type)
    item = netsuite.item_by_external_id("x")
    assert item is not None
    assert (item.id, item.usable, item.inactive, item.subtype) == ("5871", True, True, subtype)


@pytest.mark.parametrize(
    "changes", [{"externalId": "y"}, {"externalId": ""}, {"isInactive": "no"}, {"id": "x"}, {"itemId": ""}]
)
def test_a_response_with_another_item_is_not_accepted(netsuite_of: MakeClient, changes: dict[str, Any]) -> None:
    record: dict[str, Any] = {"id": "5871", "itemId": "24", "externalId": "x", "isInactive": False}
    record |= changes
    with pytest.raises(UnexpectedAnswer):
        netsuite_of(answer(200, record))[0].item_by_external_id("x")


def test_a_response_with_another_bill_is_not_accepted(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(answer(200, json.dumps(FOUND_BILL)))
    with pytest.raises(UnexpectedAnswer, match="'88123' instead of '88124'"):
        netsuite.bill("88124")
    with pytest.raises(UnexpectedAnswer, match="'pcr-bill-4-417' instead of 'pcr-bill-4-418'"):
        netsuite.bill_by_external_id("pcr-bill-4-418")
    for bill in (netsuite.bill("88123"), netsuite.bill_by_external_id("PCR-bill-4-417")):
        assert bill is not None


def test_the_length_of_names_is_the_accounts_and_asked_once_a_day(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"properties": {"itemId": {"maxLength": 40}}}))
    assert [netsuite.item_name_limit(), netsuite.item_name_limit()] == [40, 40]
    assert len(transport.sent) == 1


@pytest.mark.parametrize("given", [NOT_FOUND, answer(403), answer(200, {}), answer(200, {"properties": {"itemId": {}}}), answer(200, []), *(answer(200, {"properties": {"itemId": {"maxLength": odd}}}) for odd in (0, -1, 3, True, "40", 10**9, None)), answer(200, {"properties": {"itemId": []}}), answer(200, {"properties": []})])  # fmt: skip
def test_names_may_have_60_characters_if_the_account_gives_no_limit(netsuite_of: MakeClient, given: Answer) -> None:
    assert netsuite_of(given)[0].item_name_limit() == 60


VENDOR = {"id": "33", "entityid": "O-1", "companyname": "O'Brien", "isinactive": "F"}
PERSON = {"id": "34", "entityid": "V34", "isinactive": "F"}


def test_vendors_are_looked_up_by_both_of_their_names_in_every_spelling(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(rows(VENDOR), rows())
    (vendor,) = netsuite.vendors_named("O'Brien & Sons, Inc.")
    assert (vendor.id, vendor.name, vendor.inactive) == ("33", "O'Brien", False)
    assert "UPPER(companyname) LIKE '%O%BRIEN%SONS%%' OR UPPER(entityid) LIKE" in transport.sent[0].body["q"]


def test_people_among_the_vendors_are_found_by_first_and_last_name(netsuite_of: MakeClient) -> None:
    names = {"id": "34", "firstname": "Ana", "lastname": "Lopez"}
    netsuite, transport = netsuite_of(rows(), rows(names), rows(PERSON), rows(names))
    (vendor,) = netsuite.vendors_named("Ana Maria Lopez")
    assert (vendor.name, vendor.entity_id) == ("Ana Lopez", "V34")
    assert "UPPER(firstname) LIKE '%ANA%' AND UPPER(lastname) LIKE '%LOPEZ%'" in transport.sent[1].body["q"]


def test_an_account_that_hides_the_names_of_people_shows_its_vendors(netsuite_of: MakeClient) -> None:
    """When NetSuite refuses the query for people's names, the vendors that were found are returned."""
    netsuite, _ = netsuite_of(rows(VENDOR, PERSON), answer(400), answer(400))
    assert [one.name for one in netsuite.vendors_named("Ana Lopez")] == ["O'Brien", "V34"]


@pytest.mark.parametrize("name", ["", " ", "&", "..."])
def test_a_name_of_punctuation_only_is_not_looked_up(netsuite_of: MakeClient, name: str) -> None:
    netsuite, transport = netsuite_of()
    assert netsuite.vendors_named(name) == []
    assert netsuite.jobs_named(name, name) == []
    assert transport.sent == []


def test_a_project_is_looked_up_by_number_and_by_name(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(
        rows({"id": "7", "entityid": "24-017", "companyname": "Tower", "isinactive": "T"})
    )
    (job,) = netsuite.jobs_named("24-017", "Tower")
    assert (job.id, job.entity_id, job.inactive) == ("7", "24-017", True)
    assert "UPPER(entityid) LIKE '%24%017%' OR" in transport.sent[0].body["q"]
    assert "UPPER(companyname) LIKE '%TOWER%'" in transport.sent[0].body["q"]
