"""The state of a series: refusals in a row stop it, and one record at a time tries again."""

from __future__ import annotations

from tests.kit.container import Redis
from worker.domain.problems import Cause
from worker.domain.series import Deviation, Series
from worker.store.ledger import Ledger
from worker.store.open_problems import Handling, OpenProblem, problem_text
from worker.store.series import REFUSED, RefusalCount, SeriesStates

DEPARTMENT, CLASS = "field_required:Department", "field_required:Class"
FIRST, SECOND, THIRD = "invoice:17:1", "invoice:17:2", "invoice:17:3"
KEY = Series.BILLS.problem_key


def refuse(states: SeriesStates, refusal: str, key: str, *, trial_at: float = 400, at: float = 100) -> RefusalCount:
    """Count a refusal, with a problem that names its reason and its record."""
    facts = {"records": "bills", "record": key, "field": refusal, "count": "2", "remedy": "x", "answer": "x"}
    return states.refuse(Series.BILLS, refusal, key, problem_text(Cause.SERIES_REFUSED, facts, at), trial_at=trial_at)


def stop(states: SeriesStates, deviation: Deviation) -> None:
    facts = {"records": "bills", "name": "N-1", "difference": deviation.value, "count": "2", "setting": "x"}
    states.stop(Series.BILLS, deviation, problem_text(Cause.SYSTEMATIC_DIFFERENCE, facts, 100))


def refused_series(client: Redis) -> SeriesStates:
    """Return the states with bills stopped by two refusals; the next record may try at 400."""
    states = SeriesStates(client, "t:")
    assert refuse(states, DEPARTMENT, FIRST, trial_at=300) == RefusalCount(False, False, "")
    assert refuse(states, DEPARTMENT, SECOND) == RefusalCount(True, True, FIRST)
    return states


def shown(client: Redis) -> tuple[Cause, str, bool] | None:
    """Return the cause of the open problem, the reason that it names, and whether it is ignored."""
    entry = Ledger(client, "t:").problem(KEY)
    return (entry.problem.cause, entry.facts.get("field", ""), entry.ignored is not None) if entry else None


def problem(client: Redis) -> OpenProblem:
    entry = Ledger(client, "t:").problem(KEY)
    assert entry is not None
    return entry


def ignore(client: Redis) -> None:
    assert Handling(client, "t:").ignore(problem(client), by="ana", at=200, note="known")


def close(client: Redis) -> None:
    assert Handling(client, "t:").resume(problem(client), by="ana", at=200, note="tried again")


def test_two_records_with_the_same_refusal_stop_the_series(client: Redis) -> None:
    states = refused_series(client)
    state = states.state(Series.BILLS)
    assert (state.stopped, state.refusal) == (REFUSED, DEPARTMENT)
    assert state.stops(THIRD)
    assert states.state(Series.ITEMS).stopped == "", "the other series continues"
    assert refuse(states, DEPARTMENT, THIRD, trial_at=500) == RefusalCount(True, False, "")
    assert refuse(states, CLASS, THIRD, trial_at=500) == RefusalCount(True, False, "")


def test_different_refusals_and_one_record_alone_stop_nothing(client: Redis) -> None:
    states = SeriesStates(client, "t:")
    for refusal, key in ((DEPARTMENT, FIRST), (CLASS, SECOND), (DEPARTMENT, FIRST), (DEPARTMENT, FIRST)):
        assert not refuse(states, refusal, key).stopped
    assert not states.accept(Series.BILLS)
    assert not refuse(states, DEPARTMENT, SECOND).stopped
    assert shown(client) is None


def test_one_record_at_a_time_tries(client: Redis) -> None:
    states = refused_series(client)
    assert not states.take_trial(Series.BILLS, FIRST, now=399, next_at=699)
    assert states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    assert not states.take_trial(Series.BILLS, SECOND, now=400, next_at=700)
    state = states.state(Series.BILLS)
    assert (state.stops(FIRST), state.stops(SECOND)) == (False, True)
    refuse(states, DEPARTMENT, FIRST)
    assert states.state(Series.BILLS).stops(FIRST), "it was refused again"
    assert not states.take_trial(Series.BILLS, SECOND, now=699, next_at=999)
    assert states.take_trial(Series.BILLS, SECOND, now=700, next_at=1000)


def test_the_record_that_was_refused_last_lets_another_one_try_first(client: Redis) -> None:
    """It may be unlike the others; if no other one waits, it tries again after twice the time."""
    states = refused_series(client)
    assert not states.take_trial(Series.BILLS, SECOND, now=401, next_at=701)
    assert states.take_trial(Series.BILLS, THIRD, now=550, next_at=850)
    refuse(states, DEPARTMENT, THIRD)
    assert not states.take_trial(Series.BILLS, THIRD, now=1149, next_at=1449)
    assert states.take_trial(Series.BILLS, THIRD, now=1150, next_at=1450)


def test_a_refused_series_that_a_person_continues_has_no_refusals(client: Redis) -> None:
    states = refused_series(client)
    states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    close(client)
    refuse(states, DEPARTMENT, FIRST)
    assert states.resume(Series.BILLS)
    state = states.state(Series.BILLS)
    assert (state.stopped, state.refusal, state.trial, state.accepted) == ("", "", "", frozenset())
    assert shown(client) is None, "the refusal in between opened it again"
    assert client.hgetall("t:series:bills") == {}
    assert not states.take_trial(Series.BILLS, FIRST, now=900, next_at=1200), "only a stopped series needs a trial"
    assert not states.resume(Series.BILLS)


def test_a_series_that_a_difference_stopped_lets_no_record_try(client: Redis) -> None:
    states = refused_series(client)
    states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    stop(states, Deviation.TOTAL)
    assert states.state(Series.BILLS).stops(FIRST)
    assert not states.take_trial(Series.BILLS, FIRST, now=900, next_at=1200)
    assert refuse(states, DEPARTMENT, THIRD) == RefusalCount(False, False, "")
    close(client)
    assert states.resume(Series.BILLS)
    assert states.state(Series.BILLS).accepted == {Deviation.TOTAL}


def test_an_accepted_record_continues_a_series_that_refusals_stopped(client: Redis) -> None:
    states = refused_series(client)
    assert states.accept(Series.BILLS)
    assert client.hgetall("t:series:bills") == {}
    assert shown(client) is None
    assert not states.accept(Series.BILLS)


def test_an_accepted_record_never_accepts_a_difference(client: Redis) -> None:
    states = refused_series(client)
    stop(states, Deviation.TOTAL)
    assert not states.accept(Series.BILLS)
    state = states.state(Series.BILLS)
    assert (state.stopped, state.accepted) == (Deviation.TOTAL, frozenset())
    assert shown(client) == (Cause.SYSTEMATIC_DIFFERENCE, "", False)


def test_a_person_accepts_only_the_difference_that_they_saw(client: Redis) -> None:
    states = refused_series(client)
    close(client)
    stop(states, Deviation.TOTAL)
    assert not states.resume(Series.BILLS), "they saw the refusals"
    close(client)
    stop(states, Deviation.NUMBER)
    assert not states.resume(Series.BILLS), "they saw the total"
    state = states.state(Series.BILLS)
    assert (state.stopped, state.accepted) == (Deviation.NUMBER, frozenset())
    assert shown(client) == (Cause.SYSTEMATIC_DIFFERENCE, "", False)


def test_a_refusal_opens_the_problem_of_a_stopped_series_that_has_none(client: Redis) -> None:
    states = refused_series(client)
    assert shown(client) == (Cause.SERIES_REFUSED, DEPARTMENT, False)
    Ledger(client, "t:").resolve(KEY)
    assert refuse(states, DEPARTMENT, THIRD, at=500) == RefusalCount(True, True, "")
    assert refuse(states, DEPARTMENT, FIRST, at=600) == RefusalCount(True, False, "")
    entry = problem(client)
    assert (entry.since, entry.facts["record"]) == (500, THIRD)


def test_an_accepted_record_closes_a_leftover_problem(client: Redis) -> None:
    """An earlier version reported in a separate step."""
    states = refused_series(client)
    client.hdel("t:series:bills", "stopped")
    assert not states.accept(Series.BILLS)
    assert shown(client) is None


def test_an_ignored_problem_is_shown_again_for_each_new_reason_once(client: Redis) -> None:
    states = refused_series(client)
    ignore(client)
    refuse(states, DEPARTMENT, THIRD)
    assert shown(client) == (Cause.SERIES_REFUSED, DEPARTMENT, True)
    refuse(states, CLASS, FIRST)
    assert shown(client) == (Cause.SERIES_REFUSED, CLASS, False), "this reason is new"
    ignore(client)
    for refusal, key in ((DEPARTMENT, SECOND), (CLASS, THIRD), (DEPARTMENT, FIRST)):
        assert refuse(states, refusal, key, at=900) == RefusalCount(True, False, "")
        assert shown(client) == (Cause.SERIES_REFUSED, refusal, True)
    assert problem(client).since == 100


def test_another_file_of_fields_is_tried_at_once_and_only_once(client: Redis) -> None:
    states = refused_series(client)
    states.refuse(Series.BILLS, DEPARTMENT, SECOND, "", trial_at=400, file="1f3a")
    assert not states.take_trial(Series.BILLS, THIRD, now=110, next_at=410, file="1f3a")
    assert states.take_trial(Series.BILLS, THIRD, now=110, next_at=410, file="77b0")
    assert not states.take_trial(Series.BILLS, FIRST, now=111, next_at=411, file="77b0")
    assert states.take_trial(Series.BILLS, FIRST, now=410, next_at=710, file="77b0")
