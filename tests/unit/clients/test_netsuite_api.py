"""One request to NetSuite: refused logins and busy slots are waited out, and the result of a write is never guessed."""

from __future__ import annotations

import time

import pytest

from tests.kit.container import Redis
from tests.unit.clients.netsuite import BILL, MADE, NEED, NOT_FOUND, RECORDS, MakeClient, nothing, refused
from tests.unit.clients.remotes import answer
from worker.clients.http import Answer
from worker.clients.netsuite.api import SENT_WITHIN_SECONDS
from worker.domain.errors import AlreadyExists, Blocked, Misconfigured, OutcomeUnknown, SyncError, Transient
from worker.domain.problems import Cause


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
def test_a_location_that_names_no_record_of_that_type_is_ignored(
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
        (refused("USER_ERROR", "Please enter value(s) for: Tax Schedule"), Blocked, Cause.FIELD_REQUIRED),
        (refused("USER_ERROR", "Items need a colour"), Blocked, Cause.ITEM_REJECTED),
        (answer(500), OutcomeUnknown, None),
        (OutcomeUnknown("no answer"), OutcomeUnknown, None),
        (Transient("refused"), Transient, None),
        (answer(403), Misconfigured, Cause.NETSUITE_PERMISSION),
        (answer(404, "<html>"), Blocked, Cause.ITEM_REJECTED),
        (refused("RCRD_DSNT_EXIST", "That record does not exist. subsidiary"), Blocked, Cause.ITEM_REJECTED),
        (refused("NONEXISTENT_ID", "Record type 'x' does not exist.", 404), Blocked, Cause.ITEM_REJECTED),
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
    [
        (refused("CLOSED_TRAN_PRD"), Cause.PERIOD_CLOSED),
        (refused("USER_ERROR", "Please enter value(s) for: Department"), Cause.FIELD_REQUIRED),
        (refused("USER_ERROR", "Invalid entity"), Cause.BILL_REJECTED),
    ],
)
def test_a_refused_bill_has_its_cause_or_netsuites_message(
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


def test_a_login_that_stays_refused_pauses_the_work_after_a_few_tries(
    netsuite_of: MakeClient, sleeps: list[float]
) -> None:
    netsuite, transport = netsuite_of(answer(401))
    with pytest.raises(Misconfigured) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.cause is Cause.NETSUITE_LOGIN
    assert len(transport.sent) == len(sleeps) + 1 == 5


def test_too_many_requests_are_waited_out_longer_each_time(netsuite_of: MakeClient, sleeps: list[float]) -> None:
    netsuite, transport = netsuite_of(answer(429))
    with pytest.raises(Transient) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.retry_after
    assert len(transport.sent) == 5
    assert sleeps == sorted(sleeps)


def test_a_wait_that_netsuite_names_is_respected(netsuite_of: MakeClient, sleeps: list[float]) -> None:
    netsuite, _ = netsuite_of(answer(429, Retry_After="3"), answer(204, Location=MADE))
    netsuite.create_item(NEED, before_sending=nothing)
    assert sleeps == [3.0]


@pytest.mark.parametrize("after", ["5", "60", "999999999999"])
def test_no_thread_waits_long_because_netsuite_says_so(
    netsuite_of: MakeClient, sleeps: list[float], after: str
) -> None:
    netsuite, transport = netsuite_of(answer(429, Retry_After=after))
    with pytest.raises(Transient) as caught:
        netsuite.create_item(NEED, before_sending=nothing)
    assert caught.value.retry_after == min(float(after), 3600)
    assert (len(transport.sent), sleeps) == (1, [])


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
    """This also applies after a busy account or a refused token."""
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
