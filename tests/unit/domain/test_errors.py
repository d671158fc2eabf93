"""Errors keep their class, message and facts through pickle and Celery's result backend."""

from __future__ import annotations

import inspect
import pickle

import pytest
from celery import Celery

from config.setting_faults import InvalidSettings
from tasks.messages import InvalidMessage
from worker.domain import errors
from worker.domain.errors import Blocked, Misconfigured, SyncError, Transient
from worker.domain.problems import Cause

KNOWN = sorted(
    (one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, SyncError)),
    key=lambda one: one.__name__,
)
OF_TASKS = [*KNOWN, InvalidSettings, InvalidMessage]
"""What a task may end with: its failure is stored, and a caller with the same code receives it."""


@pytest.mark.parametrize("kind", KNOWN)
def test_every_error_can_be_created_from_its_message_alone(kind: type[SyncError]) -> None:
    assert str(kind("said once")) == "said once"
    assert str(kind()) == ""


@pytest.mark.parametrize("kind", KNOWN)
def test_every_fact_of_an_error_is_keyword_only_and_has_a_default(kind: type[SyncError]) -> None:
    _, message, *facts = inspect.signature(kind.__init__).parameters.values()
    assert message.name == "message"
    assert all(fact.kind is fact.KEYWORD_ONLY and fact.default is not fact.empty for fact in facts)


@pytest.mark.parametrize("kind", OF_TASKS)
def test_every_error_survives_pickle(kind: type[Exception]) -> None:
    back = pickle.loads(pickle.dumps(kind("said once")))
    assert type(back) is kind
    assert str(back) == "said once"


@pytest.mark.parametrize(
    "error",
    [
        Transient("later", retry_after=2.5, down="netsuite"),
        Blocked("no", cause=Cause.PERIOD_CLOSED, facts={"date": "2026-09-30"}),
        Misconfigured("no", cause=Cause.PROCORE_LOGIN, facts={"answer": "401"}),
        InvalidSettings(faults=("PROCORE_COMPANY_ID is that of another company.",)),
    ],
)
def test_the_facts_of_an_error_survive_pickle(error: Exception) -> None:
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize("kind", OF_TASKS)
def test_every_error_survives_celerys_json_results(kind: type[Exception]) -> None:
    backend = Celery("elsewhere", set_as_current=False, broker="memory://", backend="cache+memory://").backend
    back = backend.exception_to_python(backend.prepare_exception(kind("said once"), serializer="json"))
    assert type(back) is kind
    assert str(back) == "said once"


def test_a_blocked_error_keeps_its_own_copy_of_the_facts() -> None:
    facts = {"code": "01"}
    blocked = Blocked(cause=Cause.NAME_TOO_LONG, facts=facts)
    facts["code"] = "02"
    assert blocked.facts == {"code": "01"}
