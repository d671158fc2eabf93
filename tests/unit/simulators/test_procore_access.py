"""Tokens, headers, request limits, faults and the journal of the simulated Procore."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.unit.simulators.procore_caller import TIMEOUT, Caller, listening_procore

ME = "/rest/v1.0/me"
SURPASSED = "You have surpassed the max number of requests for an hour. Please wait until your limit resets."


@pytest.fixture
def procore() -> Iterator[Caller]:
    with listening_procore() as caller:
        yield caller


def test_a_token_is_given_for_a_form_and_for_json(procore: Caller) -> None:
    answer = procore.log_in()
    assert answer.status_code == 200
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "created_at"}
    assert (answer.json()["expires_in"], answer.json()["created_at"]) == (5400, int(procore.clock.time))
    body = {
        "grant_type": "client_credentials",
        "client_id": procore.state.client_id,
        "client_secret": procore.state.client_secret,
    }
    assert requests.post(f"{procore.url}/oauth/token", json=body, timeout=TIMEOUT).status_code == 200


@pytest.mark.parametrize(
    ("changed", "status"),
    [({"client_secret": "wrong"}, 401), ({"client_id": ""}, 401), ({"grant_type": "password"}, 400)],
)
def test_a_token_is_refused(procore: Caller, changed: dict[str, str], status: int) -> None:
    credentials = {
        "grant_type": "client_credentials",
        "client_id": procore.state.client_id,
        "client_secret": procore.state.client_secret,
    }
    answer = requests.post(f"{procore.url}/oauth/token", data={**credentials, **changed}, timeout=TIMEOUT)
    assert answer.status_code == status


def test_a_token_expires_after_its_lifetime(procore: Caller) -> None:
    procore.state.settings.token_lifetime = 60
    procore.log_in()
    procore.clock.forward(59)
    assert procore.get(ME).status_code == 200
    procore.clock.forward(1)
    answer = procore.get(ME)
    assert (answer.status_code, answer.json()) == (401, {"errors": "The access token is invalid"})


def test_tokens_can_be_revoked_in_the_middle(procore: Caller) -> None:
    procore.admin("edit", {"action": "revoke_tokens"})
    assert procore.get(ME).status_code == 401


def test_the_company_header_is_required_everywhere(procore: Caller) -> None:
    del procore.session.headers["Procore-Company-Id"]
    answer = procore.get(ME)
    assert (answer.status_code, answer.json()) == (400, {"errors": "Missing Procore-Company-Id header!"})
    procore.session.headers["Procore-Company-Id"] = "1"
    answer = procore.get(ME)
    assert (answer.status_code, answer.json()) == (403, {"errors": "App is not connected to this company"})


def test_errors_have_the_shape_of_their_version(procore: Caller) -> None:
    assert procore.get("/rest/v1.0/nothing").json() == {"errors": "Not found"}
    error = procore.get(procore.v2(1, "budget_line_items")).json()["error"]
    assert (error["code"], error["message"]) == ("404", "Not found")


def test_every_response_has_its_own_request_id(procore: Caller) -> None:
    ids = {procore.get(ME).headers["x-request-id"], procore.get("/rest/v1.0/nothing").headers["x-request-id"]}
    assert len(ids) == 2


def test_the_headers_describe_the_limit_that_is_hit_first(procore: Caller) -> None:
    procore.state.settings.hourly_limit, procore.state.settings.spike_limit = 30, 25
    start = int(procore.clock.time)
    headers = procore.get(ME).headers
    assert (headers["X-Rate-Limit-Limit"], headers["X-Rate-Limit-Remaining"]) == ("25", "24")
    assert int(headers["X-Rate-Limit-Reset"]) == start + 11
    for _ in range(10):
        procore.get(ME)
    procore.clock.forward(10)  # a new ten seconds, the same hour
    headers = procore.get(ME).headers
    assert (headers["X-Rate-Limit-Limit"], headers["X-Rate-Limit-Remaining"]) == ("30", "18")
    assert int(headers["X-Rate-Limit-Reset"]) == start + 3601


def test_the_spike_limit_refuses_until_ten_seconds_are_over(procore: Caller) -> None:
    procore.state.settings.spike_limit = 3
    assert [procore.get(ME).status_code for _ in range(4)] == [200, 200, 200, 429]
    procore.clock.forward(10)
    assert procore.get(ME).status_code == 200


def test_the_hourly_limit_counts_errors_too_and_names_no_retry_after(procore: Caller) -> None:
    procore.state.settings.hourly_limit = 2
    assert [procore.get("/rest/v1.0/nothing").status_code for _ in range(3)] == [404, 404, 429]
    answer = procore.get(ME)
    assert answer.text == SURPASSED
    assert "Retry-After" not in answer.headers
    assert answer.headers["X-Rate-Limit-Remaining"] == "0"


def test_a_429_can_be_json_and_carry_retry_after(procore: Caller) -> None:
    settings = procore.state.settings
    settings.spike_limit, settings.retry_after_on_429, settings.json_on_429 = 0, True, True
    answer = procore.get(ME)
    assert (answer.status_code, answer.json()) == (429, {"errors": SURPASSED})
    assert 1 <= int(answer.headers["Retry-After"]) <= 11


def test_tokens_do_not_count_against_the_limits(procore: Caller) -> None:
    procore.state.settings.spike_limit = 1
    assert procore.log_in().status_code == 200
    assert procore.log_in().status_code == 200
    assert procore.get(ME).status_code == 200


def test_parameters_that_no_page_lists_can_be_refused(procore: Caller) -> None:
    assert procore.get("/rest/v1.1/projects", company_id=procore.company_id, status="x").status_code == 200
    procore.state.settings.refuse_unknown_parameters = True
    assert procore.get("/rest/v1.1/projects", company_id=procore.company_id, status="x").status_code == 400
    assert procore.get("/rest/v1.1/projects", company_id=procore.company_id, filters_id__=1).status_code == 200


@pytest.mark.parametrize("kind", ["error_before", "error_after"])
def test_an_error_is_answered_before_or_after_the_work(procore: Caller, kind: str) -> None:
    invoice_id = procore.case("shared_new_code")["invoice_id"]
    procore.state.faults.replace([{"kind": kind, "method": "PATCH", "value": 503, "times": 1}])
    answer = procore.export(invoice_id, origin_id="ns-1")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert procore.state.invoice(invoice_id).origin_id == (None if kind == "error_before" else "ns-1")


def test_a_connection_cut_after_the_work_leaves_the_work_done(procore: Caller) -> None:
    invoice_id = procore.case("shared_new_code")["invoice_id"]
    procore.state.faults.replace([{"kind": "cut_after", "method": "PATCH"}])
    with pytest.raises(requests.ConnectionError):
        procore.export(invoice_id, origin_id="ns-1")
    assert procore.state.invoice(invoice_id).origin_id == "ns-1"


def test_the_journal_names_the_request_the_caller_and_the_record(procore: Caller) -> None:
    invoice = procore.state.invoice(procore.case("shared_new_code")["invoice_id"])
    procore.state.journal.clear()
    procore.export(invoice.id, origin_id="ns-1")
    write, call = procore.state.journal.entries()
    assert (write["write"], write["type"], write["id"], write["external_id"]) == (
        "update",
        "requisition",
        str(invoice.id),
        "ns-1",
    )
    assert (call["method"], call["status"], call["token_subject"]) == ("PATCH", 200, procore.state.client_id)
    assert write["request_id"] == call["request_id"]


def test_a_reset_builds_another_company_and_keeps_the_settings(procore: Caller) -> None:
    procore.state.settings.patch_forbidden = True
    assert procore.admin("reset", {"seed": 5, "profile": "large:3x2"}).status_code == 200
    assert len(procore.state.company.projects) == 3
    assert procore.state.settings.patch_forbidden
    assert procore.get(ME).status_code == 401
