"""SuiteQL: the queries that a client needs, the paging rules, and refusals in NetSuite's shape."""

from __future__ import annotations

from typing import Any

import pytest

from simulators.netsuite.app import NetSuiteState
from simulators.netsuite.suiteql import Engine
from simulators.netsuite.suiteql_parser import BadQuery, parse
from tests.unit.simulators.conftest import BILLS, ITEMS, Account, bill_body, item_body, problem, small_books


def ids(state: NetSuiteState, sql: str) -> list[str]:
    return [str(row["id"]) for row in Engine(state).run(sql)]


@pytest.fixture
def state() -> NetSuiteState:
    return NetSuiteState(small_books())


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("itemid IN ('24-017-01-100.L', 'Retainage')", ["5000", "5001"]),
        ("itemid = '24-017-01-100.L' OR externalid IN ('x')", ["5001"]),
        ("UPPER(itemid) = 'RETAINAGE'", ["5000"]),
        ("lower(itemid) in ('retainage', 'put away')", ["5000"]),
        ("itemid = 'retainage'", []),
        ("isinactive = 'T'", ["5003"]),
        (
            "externalid IS NULL AND itemtype = 'OthCharge' AND (isinactive = 'T' OR itemid LIKE '24-099-%')",
            ["5003", "5004"],
        ),
        ("externalid IS NOT NULL", []),
        ("id > 5001 AND NOT_A_COLUMN IS NULL", None),
        ("id > 5001 AND id <= 5003", ["5002", "5003"]),
        ("id = 5002", ["5002"]),
        ("item.id NOT IN (5000, 5001, 5002, 5003)", ["5004"]),
        ("itemtype <> 'OthCharge'", ["5002"]),
        ("itemid NOT LIKE '24-%'", ["5000"]),
    ],
)
def test_a_condition_selects_its_rows(state: NetSuiteState, where: str, expected: list[str] | None) -> None:
    sql = f"SELECT id FROM item WHERE {where} ORDER BY id"
    if expected is None:
        with pytest.raises(BadQuery, match="not_a_column"):
            ids(state, sql)
        return
    assert ids(state, sql) == expected


def test_quotes_are_doubled(state: NetSuiteState) -> None:
    sql = "SELECT id, companyname FROM vendor WHERE companyname = 'O''Brien Concrete'"
    assert Engine(state).run(sql) == [{"id": "742", "companyname": "O'Brien Concrete"}]


def test_order_is_by_number_and_either_way(state: NetSuiteState) -> None:
    state.make_item("late", id="10000")
    assert ids(state, "SELECT id FROM item ORDER BY id DESC")[:2] == ["10000", "5004"]
    assert ids(state, "SELECT id FROM item ORDER BY isinactive, id")[-2:] == ["10000", "5003"]


def test_comparisons_have_case_unless_the_account_is_set_otherwise(state: NetSuiteState) -> None:
    state.edit_item("5001", externalid="pcr-itm-1")
    sql = "SELECT id FROM item WHERE externalid IN ('PCR-ITM-1')"
    assert ids(state, sql) == []
    state.settings.suiteql_case_insensitive = True
    assert ids(state, sql) == ["5001"]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "SELECT",
        "SELECT id",
        "SELECT id FROM nowhere",
        "SELECT colour FROM item",
        "SELECT id FROM item WHERE itemid = 'O'Brien'",
        "SELECT id FROM item WHERE itemid IN ()",
        "SELECT id FROM item WHERE itemid = ",
        "SELECT id FROM item WHERE (itemid = 'a'",
        "SELECT id FROM item; DROP TABLE item",
        "WITH x AS (SELECT id FROM item) SELECT id FROM x",
    ],
)
def test_what_cannot_be_understood_is_an_invalid_parameter(account: Account, sql: str) -> None:
    assert problem(account.query(sql))[:2] == (400, "INVALID_PARAMETER")


def test_an_in_list_has_at_most_a_thousand_values() -> None:
    values = ", ".join(f"'{number}'" for number in range(1000))
    parse(f"SELECT id FROM item WHERE itemid IN ({values})")
    with pytest.raises(BadQuery, match="1001"):
        parse(f"SELECT id FROM item WHERE itemid IN ({values}, 'one more')")


def test_a_thousand_names_are_found_without_looking_at_every_item(
    state: NetSuiteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3000):
        state.make_item(f"N-{number}", externalid=f"e-{number}")

    def refuse(records: object) -> Any:
        raise AssertionError("every record was looked at")

    monkeypatch.setattr(type(state.items), "__iter__", refuse)
    names = ", ".join(f"'N-{number}'" for number in range(0, 3000, 3))
    external = ", ".join(f"'e-{number}'" for number in range(1000))
    rows = Engine(state).run(
        f"SELECT id FROM item WHERE (externalid IN ({external}) OR itemid IN ({names})) AND isinactive = 'F' ORDER BY id"
    )
    assert len(rows) == 1000 + 1000 - 334


def test_rows_after_an_id_are_found_without_looking_at_those_before(
    state: NetSuiteState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client reads more rows than one query returns like this: each page asks for the rows after the last one."""
    made = [state.make_item(f"N-{number}", externalid=f"e-{number}") for number in range(30)]
    state.edit_item(made[20].id, displayname="edited")
    state.items.remove(made[25].id)

    def refuse(records: object) -> Any:
        raise AssertionError("every record was looked at")

    monkeypatch.setattr(type(state.items), "__iter__", refuse)
    page = Engine(state).page(
        f"SELECT id FROM item WHERE externalid LIKE 'e-%' AND id > {made[18].id} ORDER BY id", 0, 4
    )
    assert [row["id"] for row in page.rows] == [made[number].id for number in (19, 20, 21, 22)]
    assert page.total == 10


@pytest.mark.parametrize(
    ("pattern", "fits"), [("e-%", True), ("%-1", True), ("e_1", True), ("e-", False), ("E-%", False)]
)
def test_like_has_two_wildcards_and_compares_case(state: NetSuiteState, pattern: str, fits: bool) -> None:
    item = state.make_item("N-1", externalid="e-1")
    assert (item.id in ids(state, f"SELECT id FROM item WHERE externalid LIKE '{pattern}'")) == fits


def test_the_endpoint_pages_and_insists_on_its_header(account: Account) -> None:
    sql = "SELECT id, itemid, externalid FROM item ORDER BY id"
    assert problem(account.query(sql, prefer="respond-async"))[:2] == (400, "INVALID_PARAMETER")
    for page in ("limit=1001", "limit=0", "limit=2&offset=3", "limit=x"):
        assert problem(account.query(sql, page))[:2] == (400, "INVALID_PARAMETER")
    body = account.query(sql, "limit=2&offset=2").json()
    assert [row["id"] for row in body["items"]] == ["5002", "5003"]
    assert (body["count"], body["offset"], body["totalResults"], body["hasMore"]) == (2, 2, 5, True)
    assert account.query(sql, "limit=2&offset=4").json()["hasMore"] is False
    assert body["items"][0] == {"links": [], "id": "5002", "itemid": "24-017-02-200.S"}  # nulls are left out
    account.state.settings.suiteql_nulls = True
    assert account.rows(sql)[0]["externalid"] is None


def test_bills_are_transactions(account: Account) -> None:
    account.send("POST", BILLS, bill_body("b-1", "INV-1", "10.00"))
    sql = "SELECT id, tranid, externalid, entity, foreigntotal, trandate FROM transaction WHERE type = 'VendBill' AND "
    row = {
        "id": "88001",
        "tranid": "INV-1",
        "externalid": "b-1",
        "entity": "742",
        "foreigntotal": "10.00",
        "trandate": "2026-10-31",
    }
    assert account.rows(sql + "externalid IN ('b-1') ORDER BY id") == [row]
    assert account.rows(sql + "tranid = 'INV-1' AND entity = '742'") == [row]
    account.state.settings.suiteql_bill_sign = -1
    assert account.rows(sql + "entity = 742 ORDER BY id DESC")[0]["foreigntotal"] == "-10.00"


def test_jobs_and_vendors_are_found_by_number(account: Account) -> None:
    assert account.rows("SELECT id, entityid, companyname, externalid FROM job WHERE entityid IN ('24-017')") == [
        {"id": "9120", "entityid": "24-017", "companyname": "Harbor Point", "externalid": "proc-17"}
    ]
    vendors = account.rows("SELECT id, subsidiary, isinactive FROM vendor WHERE externalid = 'proc-9' ORDER BY id")
    assert vendors == [{"id": "742", "subsidiary": "3", "isinactive": "F"}]


def test_queries_may_lag_behind_while_reads_by_external_id_do_not(account: Account) -> None:
    account.state.settings.suiteql_lag = 3600
    account.send("POST", ITEMS, item_body("new", "i-1"))
    assert account.rows("SELECT id FROM item WHERE externalid = 'i-1'") == []
    assert account.send("GET", f"{ITEMS}/eid:i-1").status_code == 200
    account.state.settings.suiteql_lag = 0
    assert len(account.rows("SELECT id FROM item WHERE externalid = 'i-1'")) == 1
