"""NetSuite's client: refused logins and busy slots are waited out, and a write's end is never guessed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.support import Redis
from tests.unit.clients.remotes import Scripted, answer
from tests.unit.clients.test_netsuite_wire import FOUND_BILL
from worker.clients.http import Answer
from worker.clients.netsuite.api import SENT_WITHIN_SECONDS, NetSuiteApi
from worker.clients.netsuite.client import NetSuite
from worker.clients.netsuite.wire import AccountDefaults
from worker.domain.bills import Bill, BillLine
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.items import ItemNeed
from worker.domain.problems import Cause
from worker.store.cache import Cache
from worker.store.gate import Gate, Precedence
from worker.store.leases import LeaseKeeper
from worker.store.runtime import REAL
from worker.store.tokens import AccessToken, Tokens

RECORDS = "https://td1.example/services/rest/record/v1"
NEED = ItemNeed("pcr-itm-4-17-901", "24-017-01-100.S", "Concrete")
BILL = Bill("pcr-bill-4-417", "33", "700", "A-1", date(2026, 9, 30), "m", (BillLine("5871", Decimal("9.00"), "a"),))
ROW: dict[str, Any] = {"itemid": "n", "itemtype": "OthCharge", "subtype": "Purchase", "isinactive": "F"}
MADE = f"{RECORDS}/otherChargePurchaseItem/5871"
NOT_FOUND = answer(404, {"o:errorDetails": [{"o:errorCode": "NONEXISTENT_ID", "detail": "no"}]})

MakeClient = Callable[..., tuple[NetSuite, Scripted]]


@pytest.fixture
def naps() -> list[float]:
    """What the client would have slept."""
    return []


@pytest.fixture
def netsuite_of(client: Redis, naps: list[float]) -> MakeClient:
    def make(
        *answers: Answer | SyncError,
        item_type: str = "otherChargePurchaseItem",
        sleep: Callable[[float], None] = naps.append,
    ) -> tuple[NetSuite, Scripted]:
        minted: list[int] = []

        def mint() -> AccessToken:
            minted.append(1)
            return AccessToken(f"token-{len(minted)}", 3600)

        transport = Scripted(*answers, runtime=replace(REAL, sleep=sleep))
        api = NetSuiteApi(
            "https://td1.example",
            transport=transport,
            tokens=Tokens(client, "t:", "netsuite", mint),
            gate=Gate(client, "t:", LeaseKeeper(), limit=1),
            precedence=Precedence.SCAN,
        )
        return NetSuite(api, AccountDefaults(item_type=item_type), Cache(client, "t:", "td1")), transport

    return make


def nothing() -> None:
    """Before sending: the ledger's note, of no matter here."""


def refused(code: str, detail: str = "no", status: int = 400) -> Answer:
    return answer(status, {"o:errorDetails": [{"o:errorCode": code, "detail": detail}]})


def test_a_created_items_id_is_read_from_its_location(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(204, Location=f"{RECORDS}/otherChargePurchaseItem/5871"))
    assert netsuite.create_item(NEED, before_sending=nothing) == "5871"
    (sent,) = transport.sent
    assert (sent.method, sent.url, sent.writes) == ("POST", f"{RECORDS}/otherChargePurchaseItem", True)
    assert sent.headers["Authorization"] == "Bearer token-1"
    assert sent.headers["X-NetSuite-PropertyNameValidation"] == "Error"


def test_the_time_to_send_a_create_begins_before_its_intent_is_noted(netsuite_of: MakeClient) -> None:
    """A create is given up if noting the intent, or a stall after it, took too long; a read has no such limit."""
    netsuite, transport = netsuite_of(answer(204), answer(200, {"id": "88123"}))
    noted: list[float] = []
    netsuite.create_bill(BILL, before_sending=lambda: noted.append(time.monotonic()))
    create, look_up = transport.sent
    assert create.leaves_by is not None
    assert create.leaves_by <= noted[0] + SENT_WITHIN_SECONDS
    assert look_up.leaves_by is None


def test_a_created_record_without_location_is_looked_up_by_its_external_id(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(204), answer(200, {"id": "88123"}))
    assert netsuite.create_bill(BILL, before_sending=nothing) == "88123"
    assert transport.sent[1].url == f"{RECORDS}/vendorBill/eid:pcr-bill-4-417"


@pytest.mark.parametrize(
    "location",
    [
        "x/5871", f"{RECORDS}/vendorBill/5871", f"{RECORDS}/otherChargePurchaseItem/", f"{MADE}?x=1", f"{MADE}/item", "/", "5871",
        "https://td1.example/services/rest/async/v1/job/17", f"{RECORDS}/otherChargePurchaseItem/eid:pcr", f"{MADE}{'9' * 30}",
        "https://sign-in.example/?next=/otherChargePurchaseItem/../5871\u00b2", "javascript:alert(1)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_location_that_names_no_record_of_that_type_is_not_believed(
    netsuite_of: MakeClient, status: int, location: str
) -> None:
    netsuite, transport = netsuite_of(answer(status, Location=location), answer(200, {"id": "4711"}))
    assert netsuite.create_item(NEED, before_sending=nothing) == "4711"
    assert transport.sent[1].url == f"{RECORDS}/otherChargePurchaseItem/eid:pcr-itm-4-17-901"


@pytest.mark.parametrize("look_up", [NOT_FOUND, answer(500), answer(200, "<html>"), answer(200, {}), answer(200, [])])
def test_a_created_record_whose_id_cannot_be_read_is_in_doubt(netsuite_of: MakeClient, look_up: Answer) -> None:
    """It is not a failure, because NetSuite said that the record was created."""
    netsuite, _ = netsuite_of(answer(204), look_up)
    with pytest.raises(OutcomeUnknown, match="created"):
        netsuite.create_item(NEED, before_sending=nothing)


@pytest.mark.parametrize(
    ("given", "expected", "cause"),
    [
        (refused("DUP_ITEM"), AlreadyExists, None),
        (refused("USER_ERROR", "Please enter value(s) for: Tax Schedule"), Blocked, Cause.ITEM_REFUSED),
        (answer(500), OutcomeUnknown, None),
        (OutcomeUnknown("no answer"), OutcomeUnknown, None),
        (Transient("refused"), Transient, None),
        (answer(403), Misconfigured, Cause.NETSUITE_PERMISSION),
        (answer(404, "<html>"), Blocked, Cause.ITEM_REFUSED),
        (refused("RCRD_DSNT_EXIST", "That record does not exist. subsidiary"), Blocked, Cause.ITEM_REFUSED),
        (refused("NONEXISTENT_ID", "Record type 'x' does not exist.", 404), Blocked, Cause.ITEM_REFUSED),
        (answer(302, Location=MADE), OutcomeUnknown, None),
        (answer(100), OutcomeUnknown, None),
    ],
)
def test_an_item_that_was_not_created_is_not_sent_again(
    netsuite_of: MakeClient, given: Answer | SyncError, expected: type[SyncError], cause: Cause | None
) -> None:
    """The error says what NetSuite's response, or its absence, means."""
    netsuite, transport = netsuite_of(given)
    with pytest.raises(SyncError) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert type(caught.value) is expected
    assert getattr(caught.value, "cause", None) is cause
    assert len(transport.sent) == 1


@pytest.mark.parametrize(
    ("given", "cause"),
    [(refused("CLOSED_TRAN_PRD"), Cause.PERIOD_CLOSED), (refused("USER_ERROR", "Invalid entity"), Cause.BILL_REFUSED)],
)
def test_a_refused_bill_names_the_closed_period_or_netsuites_words(
    netsuite_of: MakeClient, given: Answer, cause: Cause
) -> None:
    with pytest.raises(Blocked) as caught:
        netsuite_of(given)[0].create_bill(BILL, before_sending=nothing)
    assert caught.value.cause is cause
    assert caught.value.facts["answer"]


def test_a_refused_token_is_replaced_and_the_request_sent_again(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(401), answer(204, Location=MADE))
    assert netsuite.create_item(NEED, before_sending=nothing) == "5871"
    assert [sent.headers["Authorization"] for sent in transport.sent] == ["Bearer token-1", "Bearer token-2"]


def test_a_login_that_stays_refused_holds_the_work_after_a_few_tries(
    netsuite_of: MakeClient, naps: list[float]
) -> None:
    netsuite, transport = netsuite_of(answer(401))
    with pytest.raises(Misconfigured) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.cause is Cause.NETSUITE_LOGIN
    assert len(transport.sent) == len(naps) + 1 == 5


def test_too_many_requests_are_waited_out_longer_each_time(netsuite_of: MakeClient, naps: list[float]) -> None:
    netsuite, transport = netsuite_of(answer(429))
    with pytest.raises(Transient) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.retry_after
    assert len(transport.sent) == 5
    assert naps == sorted(naps)


def test_a_wait_that_netsuite_names_is_kept(netsuite_of: MakeClient, naps: list[float]) -> None:
    netsuite, _ = netsuite_of(answer(429, Retry_After="3"), answer(204, Location=MADE))
    netsuite.create_item(NEED, before_sending=nothing)
    assert naps == [3.0]


@pytest.mark.parametrize("after", ["5", "60", "999999999999"])
def test_no_thread_waits_long_because_netsuite_says_so(netsuite_of: MakeClient, naps: list[float], after: str) -> None:
    netsuite, transport = netsuite_of(answer(429, Retry_After=after))
    with pytest.raises(Transient) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.retry_after == min(float(after), 3600)
    assert (len(transport.sent), naps) == (1, [])


def test_no_slot_is_held_while_the_client_waits(netsuite_of: MakeClient, client: Redis) -> None:
    held: list[int] = []
    sleep = lambda _: held.append(client.zcard("t:gate"))  # noqa: E731
    netsuite, _ = netsuite_of(answer(429), answer(204, Location=MADE), sleep=sleep)
    netsuite.create_item(NEED, before_sending=nothing)
    assert held == [0]


@pytest.mark.parametrize("kind", ["item", "bill"])
def test_a_write_is_announced_with_its_slot_each_time_before_it_is_sent(
    netsuite_of: MakeClient, client: Redis, kind: str
) -> None:
    """This holds also after a busy account or a refused token."""
    made = MADE if kind == "item" else f"{RECORDS}/vendorBill/88123"
    netsuite, transport = netsuite_of(answer(429), answer(401), answer(204, Location=made))
    announced: list[tuple[int, int]] = []

    def announce() -> None:
        announced.append((client.zcard("t:gate"), len(transport.sent)))

    if kind == "item":
        netsuite.create_item(NEED, before_sending=announce)
    else:
        netsuite.create_bill(BILL, before_sending=announce)
    assert announced == [(1, 0), (1, 1), (1, 2)]


def test_a_write_that_may_not_be_announced_is_not_sent(netsuite_of: MakeClient, client: Redis) -> None:
    """Its slot is released."""
    netsuite, transport = netsuite_of(answer(204, Location=MADE))

    def refuse() -> None:
        raise Transient("the lock was lost")

    with pytest.raises(Transient, match="the lock was lost"):
        netsuite.create_item(NEED, before_sending=refuse)
    assert transport.sent == []
    assert client.zcard("t:gate") == 0


# Look-ups


def test_all_pages_of_a_query_are_read(netsuite_of: MakeClient) -> None:
    first = answer(200, {"items": [ROW | {"id": str(n)} for n in range(1000)], "hasMore": True})
    netsuite, transport = netsuite_of(first, answer(200, {"items": [ROW | {"id": "1000"}], "hasMore": False}))
    assert len(netsuite.find_items(external_ids=["x"], names=["n"])) == 1001
    assert [sent.params["offset"] for sent in transport.sent] == [0, 1000]
    assert all("ORDER BY id ASC" in sent.body["q"] and sent.headers["Prefer"] == "transient" for sent in transport.sent)


def test_a_thousand_codes_cost_one_query(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": []}))
    many = [f"n{number}" for number in range(1000)]
    netsuite.find_items(external_ids=many, names=many)
    assert len(transport.sent) == 1
    netsuite.find_items(external_ids=[*many, "one more"], names=many)
    assert len(transport.sent) == 3


def test_nothing_asked_costs_nothing(netsuite_of: MakeClient) -> None:
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


def test_a_query_whose_pages_do_not_end_ends(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": [ROW | {"id": "1"}], "hasMore": True}))
    with pytest.raises(UnexpectedAnswer, match="continues after 100000 rows"):
        netsuite.find_items(external_ids=["x"], names=[])
    assert len(transport.sent) == 100


def test_items_of_ours_that_come_again_and_again_are_not_read_for_ever(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"items": [ROW | {"id": str(n)} for n in range(1, 1001)]}))
    with pytest.raises(UnexpectedAnswer, match="repeats itself"):
        netsuite.items_made_by_us("pcr-itm-4-", after=1000)
    assert len(transport.sent) == 1


def test_a_query_has_no_answer_where_there_is_nothing_to_ask(netsuite_of: MakeClient) -> None:
    with pytest.raises(UnexpectedAnswer, match="SuiteQL query with 404"):
        netsuite_of(NOT_FOUND)[0].linked_vendors(internal_id="33", external_id="x")


def test_a_page_of_html_in_place_of_an_answer_is_a_passing_trouble(netsuite_of: MakeClient) -> None:
    with pytest.raises(Transient):
        netsuite_of(answer(200, "<html>maintenance</html>"))[0].find_items(external_ids=["x"], names=[])


def test_items_of_ours_are_asked_for_after_the_last_one(netsuite_of: MakeClient) -> None:
    """A query gives no more than 100,000 rows, so none is paged by offset."""
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


def test_where_there_are_no_items_of_ours_the_first_page_is_the_last(netsuite_of: MakeClient) -> None:
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


def test_no_posting_period_at_all_means_that_the_role_sees_none(netsuite_of: MakeClient) -> None:
    """Every account has posting periods, so an empty list is an error."""
    with pytest.raises(UnexpectedAnswer, match="returned no posting period"):
        netsuite_of(answer(200, {"items": []}))[0].posting_periods()


def test_what_is_not_there_is_none(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(NOT_FOUND)
    assert netsuite.item_by_external_id("x") is None
    assert netsuite.bill("1") is None
    assert netsuite.bill_by_external_id("x") is None


def test_an_unknown_bill_is_none_although_netsuite_says_bad_request(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(refused("USER_ERROR", "Transaction type specified is incorrect."))
    assert netsuite.bill("1") is None


@pytest.mark.parametrize(("item_type", "subtype"), [("otherChargePurchaseItem", "Purchase"), ("otherChargeResaleItem", "Resale")])  # fmt: skip
def test_an_item_found_by_its_external_id_is_of_the_type_it_was_asked_for(
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
def test_another_item_than_the_one_asked_for_is_not_taken_for_it(
    netsuite_of: MakeClient, changes: dict[str, Any]
) -> None:
    record: dict[str, Any] = {"id": "5871", "itemId": "24", "externalId": "x", "isInactive": False}
    record |= changes
    with pytest.raises(UnexpectedAnswer):
        netsuite_of(answer(200, record))[0].item_by_external_id("x")


def test_another_bill_than_the_one_asked_for_is_not_taken_for_it(netsuite_of: MakeClient) -> None:
    netsuite, _ = netsuite_of(answer(200, json.dumps(FOUND_BILL)))
    with pytest.raises(UnexpectedAnswer, match="'88123' instead of '88124'"):
        netsuite.bill("88124")
    with pytest.raises(UnexpectedAnswer, match="'pcr-bill-4-417' instead of 'pcr-bill-4-418'"):
        netsuite.bill_by_external_id("pcr-bill-4-418")
    for found in (netsuite.bill("88123"), netsuite.bill_by_external_id("PCR-bill-4-417")):
        assert found is not None


def test_the_length_of_names_is_the_accounts_and_asked_once_a_day(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(answer(200, {"properties": {"itemId": {"maxLength": 40}}}))
    assert [netsuite.item_name_limit(), netsuite.item_name_limit()] == [40, 40]
    assert len(transport.sent) == 1


@pytest.mark.parametrize("given", [NOT_FOUND, answer(403), answer(200, {}), answer(200, {"properties": {"itemId": {}}}), answer(200, []), *(answer(200, {"properties": {"itemId": {"maxLength": odd}}}) for odd in (0, -1, 3, True, "40", 10**9, None)), answer(200, {"properties": {"itemId": []}}), answer(200, {"properties": []})])  # fmt: skip
def test_where_the_account_does_not_tell_names_may_have_sixty_characters(
    netsuite_of: MakeClient, given: Answer
) -> None:
    assert netsuite_of(given)[0].item_name_limit() == 60


VENDOR = {"id": "33", "entityid": "O-1", "companyname": "O'Brien", "isinactive": "F"}
PERSON = {"id": "34", "entityid": "V34", "isinactive": "F"}


def test_vendors_are_looked_up_by_both_of_their_names_in_every_spelling(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(rows(VENDOR), rows())
    (found,) = netsuite.vendors_named("O'Brien & Sons, Inc.")
    assert (found.id, found.name, found.inactive) == ("33", "O'Brien", False)
    assert "UPPER(companyname) LIKE '%O%BRIEN%SONS%%' OR UPPER(entityid) LIKE" in transport.sent[0].body["q"]


def test_people_among_the_vendors_are_found_by_first_and_last_name(netsuite_of: MakeClient) -> None:
    names = {"id": "34", "firstname": "Ana", "lastname": "Lopez"}
    netsuite, transport = netsuite_of(rows(), rows(names), rows(PERSON), rows(names))
    (found,) = netsuite.vendors_named("Ana Maria Lopez")
    assert (found.name, found.entity_id) == ("Ana Lopez", "V34")
    assert "UPPER(firstname) LIKE '%ANA%' AND UPPER(lastname) LIKE '%LOPEZ%'" in transport.sent[1].body["q"]


def test_an_account_that_hides_the_names_of_people_shows_its_vendors(netsuite_of: MakeClient) -> None:
    """When NetSuite refuses the query for people's names, the vendors that were found are returned."""
    netsuite, _ = netsuite_of(rows(VENDOR, PERSON), answer(400), answer(400))
    assert [one.name for one in netsuite.vendors_named("Ana Lopez")] == ["O'Brien", "V34"]


@pytest.mark.parametrize("name", ["", " ", "&", "..."])
def test_a_name_without_words_is_not_asked_for(netsuite_of: MakeClient, name: str) -> None:
    netsuite, transport = netsuite_of()
    assert netsuite.vendors_named(name) == []
    assert netsuite.jobs_named(name, name) == []
    assert transport.sent == []


def test_a_project_is_looked_up_by_number_and_by_name(netsuite_of: MakeClient) -> None:
    netsuite, transport = netsuite_of(
        rows({"id": "7", "entityid": "24-017", "companyname": "Tower", "isinactive": "T"})
    )
    (found,) = netsuite.jobs_named("24-017", "Tower")
    assert (found.id, found.entity_id, found.inactive) == ("7", "24-017", True)
    assert "UPPER(entityid) LIKE '%24%017%' OR" in transport.sent[0].body["q"]
    assert "UPPER(companyname) LIKE '%TOWER%'" in transport.sent[0].body["q"]


def rows(*found: dict[str, str]) -> Answer:
    return answer(200, {"items": list(found)})
