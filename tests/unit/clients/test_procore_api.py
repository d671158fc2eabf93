"""One request to Procore, its login, and lists that are read page by page."""

from __future__ import annotations

import time

import pytest

from tests.unit.clients.procore import ADDRESS, MakeClient
from tests.unit.clients.remotes import Scripted, answer
from tests.unit.clients.test_procore_wire import PROJECT
from worker.clients.http import Answer
from worker.clients.procore import api as api_module
from worker.clients.procore.api import mint_token
from worker.clients.procore.client import PROJECTS_PER_PAGE
from worker.domain.errors import (
    Misconfigured,
    NoRoom,
    SyncError,
    Transient,
    UnexpectedAnswer,
)
from worker.domain.problems import Cause


def test_a_list_is_read_to_the_page_without_a_next_link(procore_of: MakeClient) -> None:
    procore, transport = procore_of(
        answer(200, [PROJECT | {"id": 1}], next_page=True),
        answer(200, [PROJECT | {"id": 2}], next_page=True),
        answer(200, [PROJECT | {"id": 3}], next_page=False),
    )
    assert [project.id for project in procore.list_projects()] == [1, 2, 3]
    assert [sent.params["page"] for sent in transport.sent] == [1, 2, 3]


def test_without_links_a_full_page_means_that_there_may_be_more(procore_of: MakeClient) -> None:
    full = answer(200, [PROJECT | {"id": n} for n in range(1, PROJECTS_PER_PAGE + 1)])
    procore, transport = procore_of(full, answer(200, [PROJECT | {"id": 999}]))
    assert len(list(procore.list_projects())) == PROJECTS_PER_PAGE + 1
    assert len(transport.sent) == 2


def test_without_links_the_total_shows_that_a_page_was_cut_short(procore_of: MakeClient) -> None:
    """Otherwise the invoices after it would never be exported, and nobody would notice."""
    pages = [answer(200, [PROJECT | {"id": n}], Total="2") for n in (1, 2)]
    procore, transport = procore_of(*pages)
    assert [project.id for project in procore.list_projects()] == [1, 2]
    assert len(transport.sent) == 2


def test_an_endpoint_without_paging_is_not_read_forever(procore_of: MakeClient) -> None:
    procore, transport = procore_of(answer(200, [PROJECT | {"id": n} for n in range(1, PROJECTS_PER_PAGE + 1)]))
    assert len(list(procore.list_projects())) == PROJECTS_PER_PAGE
    assert len(transport.sent) == 2


def test_a_list_with_endless_pages_is_not_read_forever(procore_of: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "MAX_PAGES", 4)
    pages = [answer(200, [PROJECT | {"id": n}], next_page=True) for n in range(1, 9)]
    procore, transport = procore_of(*pages)
    with pytest.raises(UnexpectedAnswer, match="Procore's list of Project continues after 4 pages"):
        list(procore.list_projects())
    assert len(transport.sent) == 4


def test_a_refused_token_is_replaced_once(procore_of: MakeClient) -> None:
    procore, transport = procore_of(answer(401), answer(200, [], next_page=False))
    assert list(procore.list_projects()) == []
    assert [sent.headers["Authorization"] for sent in transport.sent] == ["Bearer token-1", "Bearer token-2"]


def test_a_login_that_stays_refused_pauses_the_work(procore_of: MakeClient) -> None:
    procore, transport = procore_of(answer(401, {"errors": "no"}))
    with pytest.raises(Misconfigured) as caught:
        list(procore.list_projects())
    assert caught.value.cause is Cause.PROCORE_LOGIN
    assert len(transport.sent) == 2


def test_after_a_429_no_further_request_is_sent(procore_of: MakeClient) -> None:
    procore, transport = procore_of(answer(429, Retry_After="60"))
    for _ in range(2):
        with pytest.raises(Transient):
            list(procore.list_projects())
    assert len(transport.sent) == 1


def test_the_limits_in_a_response_are_stored(procore_of: MakeClient) -> None:
    reset = str(int(time.time()) + 3000)
    response = answer(
        200, [], next_page=False, X_Rate_Limit_Limit="3600", X_Rate_Limit_Remaining="0", X_Rate_Limit_Reset=reset
    )
    procore, transport = procore_of(response)
    list(procore.list_projects())
    with pytest.raises(Transient):
        list(procore.list_projects())
    assert len(transport.sent) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(400, {"error": "invalid_client"}), Misconfigured),
        (answer(401, {"error": "invalid_client"}), Misconfigured),
        (answer(429), NoRoom),
        (answer(503, "<html>"), Transient),
        (answer(200, "<html>"), Transient),
        (answer(200, {"access_token": "x"}), Transient),
        (answer(200, ["odd"]), Transient),
        (answer(302, Location="https://login.example/sign-in"), Misconfigured),
        (answer(404, "<html>"), Misconfigured),
        (answer(418), Misconfigured),
    ],
)
def test_an_answer_that_is_no_token_says_whether_waiting_helps(given: Answer, expected: type[SyncError]) -> None:
    with pytest.raises(SyncError) as caught:
        mint_token(Scripted(given), ADDRESS)
    assert type(caught.value) is expected
    assert "sesame" not in str(caught.value)


def test_the_login_sends_the_apps_credentials_as_a_form() -> None:
    transport = Scripted(answer(200, {"access_token": "t", "expires_in": 5400}))
    assert mint_token(transport, ADDRESS).lifetime == 5400
    (sent,) = transport.sent
    assert sent.url == "https://login.example/oauth/token"
    assert sent.form == {"grant_type": "client_credentials", "client_id": "app-1", "client_secret": "sesame"}


def test_an_address_does_not_show_its_secret() -> None:
    assert "sesame" not in repr(ADDRESS)
