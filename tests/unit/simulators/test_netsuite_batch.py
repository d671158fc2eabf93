"""Batches are asynchronous jobs: each record has its own result, and an idempotency key starts one job only."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.unit.simulators.conftest import ITEMS, Account, item_body, problem

COLLECTION = {"Prefer": "respond-async", "Content-Type": "application/vnd.oracle.resource+json; type=collection"}


def put(account: Account, *records: dict[str, Any], **headers: str) -> requests.Response:
    return account.send("PUT", ITEMS, {"items": list(records)}, headers={**COLLECTION, **headers})


def finished(account: Account, job: str) -> dict[str, Any]:
    for _ in range(2000):
        body: dict[str, Any] = account.send("GET", job).json()
        if body["completed"]:
            return body
    raise AssertionError("the job does not end")


def test_each_record_of_a_batch_has_its_own_result(account: Account) -> None:
    answer = put(account, item_body("one", "i-1"), item_body("Retainage", "i-2"), item_body("three", "i-3"))
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (202, "respond-async")
    job = answer.headers["Location"]
    assert finished(account, job)["progress"] == "failed"
    tasks = account.send("GET", f"{job}/task").json()["items"]
    assert [(each["id"], each["progress"]) for each in tasks] == [
        ("1", "succeeded"),
        ("2", "failed"),
        ("3", "succeeded"),
    ]
    item = account.state.item_by_external_id("i-1")
    assert item is not None
    result = account.send("GET", f"{job}/task/1/result")
    assert (result.status_code, result.headers["Location"]) == (204, f"{account.url}{ITEMS}/{item.id}")
    assert "Uniqueness error" in problem(account.send("GET", f"{job}/task/2/result"))[2]
    assert account.state.item_by_external_id("i-3") is not None


def test_patch_of_a_collection_updates(account: Account) -> None:
    body = {"items": [{"id": "5001", "displayName": "Changed"}, {"externalId": "nobody", "displayName": "x"}]}
    answer = account.send("PATCH", ITEMS, body, headers=COLLECTION)
    job = answer.headers["Location"]
    finished(account, job)
    assert account.state.items_named("24-017-01-100.L")[0].displayname == "Changed"
    assert problem(account.send("GET", f"{job}/task/2/result"))[0] == 404


def test_an_idempotency_key_starts_one_job(account: Account) -> None:
    key = {"X-NetSuite-Idempotency-Key": "5b0c1c0e-3f0e-4a53-9d0f-2f7a1f0f5d11"}
    first = put(account, item_body("one", "i-1"), **key)
    again = put(account, item_body("one", "i-1"), **key)
    assert problem(again)[:2] == (400, "IDEMPOTENCY_ERROR")
    assert again.json()["title"] == "Conflict"
    assert again.headers["Location"] == first.headers["Location"]
    finished(account, first.headers["Location"])
    assert len(account.state.writes("item", "i-1")) == 1


def test_the_key_does_nothing_for_a_synchronous_request(account: Account) -> None:
    headers = {"X-NetSuite-Idempotency-Key": "5b0c1c0e-3f0e-4a53-9d0f-2f7a1f0f5d11"}
    assert account.send("POST", ITEMS, item_body("one"), headers=headers).status_code == 204
    assert account.send("POST", ITEMS, item_body("two"), headers=headers).status_code == 204


def test_a_single_record_may_be_created_by_a_job(account: Account) -> None:
    answer = account.send("POST", ITEMS, item_body("one", "i-1"), headers={"Prefer": "respond-async"})
    assert answer.status_code == 202
    assert finished(account, answer.headers["Location"])["progress"] == "succeeded"
    assert account.state.item_by_external_id("i-1") is not None


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_up_to_a_hundred_records(account: Account, count: int) -> None:
    records = [item_body(f"n-{number}", f"i-{number}") for number in range(count)]
    assert problem(put(account, *records))[:2] == (400, "INVALID_CONTENT")


def test_a_collection_needs_the_prefer_header(account: Account) -> None:
    answer = account.send("PUT", ITEMS, {"items": [item_body("one", "i-1")]})
    assert problem(answer)[:2] == (400, "INVALID_HEADER")
