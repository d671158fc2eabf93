"""Every request of both clients under any response: it returns the requested value or raises one of the domain's errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from unittest import mock

import fakeredis
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from requests.structures import CaseInsensitiveDict

from tests.bad_input import strategies as hostile
from tests.bad_input.examples import in_the_suite
from tests.bad_input.strategies import Change
from tests.bad_input.strikes import BODIES, headers, statuses
from tests.kit.container import Redis
from tests.unit.clients.remotes import Scripted
from tests.unit.clients.test_netsuite_wire import FOUND_BILL
from tests.unit.clients.test_procore_wire import INVOICE, PROJECT
from worker.clients import http
from worker.clients.fields import read
from worker.clients.http import Answer
from worker.clients.netsuite import api
from worker.clients.netsuite.api import NetSuiteApi
from worker.clients.netsuite.client import NetSuite
from worker.clients.netsuite.wire import AccountDefaults
from worker.clients.procore import wire as procore_wire
from worker.clients.procore.api import ProcoreAddress, ProcoreApi
from worker.clients.procore.client import Procore
from worker.domain.bills import Bill, BillLine, Document
from worker.domain.errors import (
    AlreadyExists,
    Blocked,
    Misconfigured,
    OutcomeUnknown,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.items import FoundItem, ItemNeed
from worker.store.cache import Cache
from worker.store.gate import Gate, Precedence
from worker.store.limits import RateLimits
from worker.store.locks import LeaseKeeper
from worker.store.tokens import AccessToken, Tokens

Ask = Callable[[Any], Any]
NEED = ItemNeed("pcr-itm-4-17-901", "24-017-01-100.S", "Concrete")
BILL = Bill("pcr-bill-4-417", "33", "700", "A-1", date(2026, 9, 30), "m", (BillLine("5871", Decimal("9.00"), "a"),))
CODE = {"id": 901, "flat_code": "01-100.S", "description": "Concrete"}
ITEM = {
    "id": "5871",
    "itemid": "24-01",
    "externalid": "pcr-itm-4-17-901",
    "itemtype": "OthCharge",
    "subtype": "Purchase",
    "isinactive": "F",
}
THE_INVOICE = read(procore_wire.InvoiceRow, INVOICE).invoice()


def suiteql(*rows: Any) -> Any:
    return {"items": list(rows), "hasMore": False, "count": len(rows), "totalResults": len(rows)}


@dataclass(frozen=True)
class Question:
    """One method of a client, and a response as published."""

    name: str
    ask: Ask
    published: Any

    def __repr__(self) -> str:
        return self.name


PROCORE: tuple[Question, ...] = (
    Question("who_am_i", lambda remote: remote.who_am_i(), {"id": 1, "login": "app"}),
    Question("list_projects", lambda remote: list(remote.list_projects()), [PROJECT]),
    Question("list_budgeted_codes", lambda remote: remote.list_budgeted_codes(17), {"data": [{"id": "1", "wbs_code": CODE}]}),
    Question("is_budgeted", lambda remote: remote.is_budgeted(17, 901), {"data": [{"id": "1", "wbs_code": CODE}]}),
    Question("list_active_codes", lambda remote: remote.list_active_codes(17), [CODE]),
    Question("list_invoices", lambda remote: remote.list_invoices(17, ["approved"]), [{"id": 417, "status": "approved", "origin_id": None, "invoice_number": "A-1"}]),
    Question("get_invoice", lambda remote: remote.get_invoice(17, 417), INVOICE),
    Question("get_vendor", lambda remote: remote.get_vendor(33, 17), {"id": 33, "name": "Acme", "origin_id": "742"}),
    Question("write_origin_id", lambda remote: remote.write_origin_id(THE_INVOICE, "ns-vendorbill-1"), {"id": 417, "origin_id": "ns-vendorbill-1"}),
)  # fmt: skip
PERIOD = {
    "id": "117", "periodname": "May 2026", "firstday": "2026-05-01", "lastday": "2026-05-31", "closed": "F", "aplocked": "F", "alllocked": "F",
}  # fmt: skip
NETSUITE_READS: tuple[Question, ...] = (
    Question("find_items", lambda remote: remote.find_items(external_ids=["x"], names=["n"]), suiteql(ITEM)),
    Question("item", lambda remote: remote.item("5871"), suiteql(ITEM)),
    Question("items", lambda remote: remote.items(["5871"]), suiteql(ITEM)),
    Question("names_of_other_items", lambda remote: list(remote.names_of_other_items()), suiteql({"id": "1", "itemid": "24-01"})),
    Question("items_made_by_us", lambda remote: remote.items_made_by_us("pcr-itm-4-", after=0), suiteql(ITEM)),
    Question("bills_made_by_us", lambda remote: remote.bills_made_by_us("pcr-bill-4-"), suiteql({"id": "1"})),
    Question("item_by_external_id", lambda remote: remote.item_by_external_id("x"), {"id": "5871", "itemId": "24", "externalId": "x", "isInactive": False}),
    Question("item_name_limit", lambda remote: remote.item_name_limit(), {"properties": {"itemId": {"maxLength": 60}}}),
    Question("find_bill_ids", lambda remote: remote.find_bill_ids(external_id="x", vendor_id="33", document_number="A-1", document=Document.BILL), suiteql({"id": "1"})),
    Question("bills_by_external_id", lambda remote: remote.bills_by_external_id(["x"]), suiteql({"id": "1", "type": "VendBill", "externalid": "x", "entity": "33", "tranid": "A-1", "modified": "2026-11-29 10:00:00"})),
    Question("bills_by_id", lambda remote: remote.bills_by_id(["1"]), suiteql({"id": "1", "type": "VendBill", "entity": "33"})),
    Question("bills_of_ours", lambda remote: remote.bills_of_ours("pcr-bill-4-", after=0), suiteql({"id": "1", "type": "VendBill", "externalid": "pcr-bill-4-1", "entity": "33", "tranid": "A-1"})),
    Question("bills_numbered", lambda remote: remote.bills_numbered(["33"], ["A-1"]), suiteql({"id": "1", "type": "VendBill", "externalid": "x", "entity": "33", "tranid": "A-1"})),
    Question("posting_periods", lambda remote: remote.posting_periods(), suiteql(PERIOD)),
    Question("account", lambda remote: remote.account("148"), suiteql({"id": "148", "fullname": "Job Costs", "isinactive": "F"})),
    Question("tax_schedule", lambda remote: remote.tax_schedule("1"), suiteql({"id": "1", "name": "Non-taxable"})),
    Question("entry_name", lambda remote: remote.entry_name("department", "5"), suiteql({"id": "5", "name": "Field"})),
    Question("bill", lambda remote: remote.bill("88123"), FOUND_BILL),
    Question("bill_by_external_id", lambda remote: remote.bill_by_external_id("pcr-bill-4-417"), FOUND_BILL),
    Question("linked_vendors", lambda remote: remote.linked_vendors(internal_id="33", external_id="x"), suiteql({"id": "33", "companyname": "Acme", "isinactive": "F"})),
    Question("vendors_named", lambda remote: remote.vendors_named("Acme"), suiteql({"id": "33", "companyname": "Acme", "isinactive": "F"})),
    Question("linked_jobs", lambda remote: remote.linked_jobs(internal_id="7", external_id="x"), suiteql({"id": "7", "entityid": "24", "isinactive": "F"})),
    Question("jobs_named", lambda remote: remote.jobs_named("24", "Tower"), suiteql({"id": "7", "entityid": "24", "isinactive": "F"})),
)  # fmt: skip
CREATES = (
    Question("create_item", lambda remote: remote.create_item(NEED, before_sending=lambda: None), None),
    Question("create_bill", lambda remote: remote.create_bill(BILL, before_sending=lambda: None), None),
)
BY_HAND = FoundItem("5871", "24-017-01-100.S", None, "OthCharge", "Purchase", inactive=False)
UPDATE = Question("set_item_external_id", lambda remote: remote.set_item_external_id(BY_HAND, "pcr-itm-4-17-901"), None)


@pytest.fixture(autouse=True)
def in_no_time() -> Iterator[None]:
    with mock.patch.object(api, "BACK_OFF_SECONDS", (0.0,)):
        yield


def client_of(question: Question, *answers: Answer) -> Any:
    """Return a client of the question's remote, on an empty Redis, that gets these responses."""
    redis: Redis = fakeredis.FakeRedis(server=fakeredis.FakeServer(), decode_responses=True)
    tokens = Tokens(redis, "t:", "remote", lambda: AccessToken("token-of-ours", 3600))
    transport, cache = Scripted(*answers), Cache(redis, "t:", "td1")
    if question in PROCORE:
        limits = RateLimits(redis, "t:", "procore")
        address = ProcoreAddress("https://api.example", "https://login.example", "app-1", "sesame", 4)
        procore = ProcoreApi(address, transport=transport, tokens=tokens, limits=limits, precedence=Precedence.SCAN)
        return Procore(procore, cache)
    gate = Gate(redis, "t:", LeaseKeeper(), limit=1)
    netsuite = NetSuiteApi(
        "https://td1.example", transport=transport, tokens=tokens, gate=gate, precedence=Precedence.SCAN
    )
    return NetSuite(netsuite, AccountDefaults(item_type="otherChargePurchaseItem"), cache)


def outcome_of(question: Question, *answers: Answer) -> SyncError | None:
    """Return the domain's error that a request raised; any other exception fails the test."""
    ended: SyncError | None = None
    try:
        question.ask(client_of(question, *answers))
    except SyncError as error:
        ended = error
    assert len(str(ended)) < 2000
    assert str(ended).isprintable(), ended
    assert "token-of-ours" not in str(ended)
    return ended


def as_answer(body: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """Return a response with these bytes (or this value as JSON) as the transport does."""
    raw = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
    text, is_utf8 = http.decoded(raw)
    named = CaseInsensitiveDict({name: value for name, value in headers if name != "Status"})
    return Answer(status, named, text, None, is_utf8, ("token-of-ours",))


READS = PROCORE + NETSUITE_READS
questions = st.sampled_from(READS)
any_answers: SearchStrategy[Answer] = st.builds(
    as_answer,
    hostile.json_values | st.sampled_from(tuple(BODIES.values())) | st.binary(max_size=60),
    statuses | st.just(200),
    headers,
)


@pytest.mark.parametrize("question", READS)
def test_a_published_response_is_accepted(question: Question) -> None:
    assert outcome_of(question, as_answer(question.published)) is None


@given(question=questions, answers=st.lists(any_answers, min_size=1, max_size=3))
def test_any_response_results_in_a_value_or_an_error_of_the_domain(question: Question, answers: list[Answer]) -> None:
    outcome_of(question, *answers)


@given(question=questions, change=hostile.changes)
@example(question=PROCORE[1], change=Change("replace", 0, {"data": 7}))
@example(question=NETSUITE_READS[8], change=Change("replace", 8, 10**400))
@example(question=NETSUITE_READS[4], change=Change("replace", 3, "5.00\n"))
def test_a_changed_response_is_read_completely_or_refused(question: Question, change: Change) -> None:
    error = outcome_of(question, as_answer(change.of(question.published)))
    assert error is None or isinstance(error, UnexpectedAnswer | Transient | SyncError)


@given(
    question=st.sampled_from(CREATES),
    # After 401 and 429 it is sent again, so the next answer decides.
    status=statuses.filter(lambda status: status not in (401, 429)),
    body=st.sampled_from(tuple(BODIES.values())),
    headers=headers,
    look_up_answer=any_answers,
)
@example(
    question=CREATES[0],
    status=202,
    body=b"",
    headers=(("Location", "/services/rest/async/v1/job/17"),),
    look_up_answer=as_answer({"id": "5"}),
)
@example(question=CREATES[0], status=408, body=BODIES["exists"], headers=(), look_up_answer=as_answer({}))
def test_a_write_was_done_with_an_id_or_refused_or_is_in_doubt(
    question: Question, status: int, body: bytes, headers: tuple[tuple[str, str], ...], look_up_answer: Answer
) -> None:
    """The services rely on this table of outcomes: only a status of 4xx means for certain that nothing was done."""
    client = client_of(question, as_answer(body, status, headers), look_up_answer)
    certainly_not_done = 400 <= status < 500 and status != 408
    try:
        record_id = question.ask(client)
    except OutcomeUnknown:
        assert not certainly_not_done
    except (AlreadyExists, Blocked, Misconfigured):
        assert certainly_not_done
    else:
        assert record_id.isdigit()
        assert 200 <= status < 300


@in_the_suite(50)
@given(answers=st.lists(any_answers, min_size=1, max_size=2))
def test_marking_an_adopted_item_ends_with_an_outcome_services_handle(answers: list[Answer]) -> None:
    error = outcome_of(UPDATE, *answers)
    assert error is None or isinstance(error, Blocked | AlreadyExists | OutcomeUnknown | Transient | Misconfigured)
