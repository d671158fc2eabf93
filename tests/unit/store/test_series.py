"""The state of a series: refusals in a row stop it, and one record at a time tries again."""

from __future__ import annotations

from tests.kit.container import Redis
from worker.domain.series import Deviation, Series
from worker.store.series import REFUSED, RefusalCount, SeriesStates

DEPARTMENT, CLASS = "field_required:Department", "field_required:Class"
FIRST, SECOND, THIRD = "invoice:17:1", "invoice:17:2", "invoice:17:3"


def refused_series(client: Redis) -> SeriesStates:
    """Return the states with bills stopped by two refusals; the next record may try at 400."""
    states = SeriesStates(client, "t:")
    assert states.refuse(Series.BILLS, DEPARTMENT, FIRST, trial_at=300) == RefusalCount(False, False, "")
    assert states.refuse(Series.BILLS, DEPARTMENT, SECOND, trial_at=400) == RefusalCount(True, True, FIRST)
    return states


def test_two_records_with_the_same_refusal_stop_the_series(client: Redis) -> None:
    states = refused_series(client)
    state = states.state(Series.BILLS)
    assert (state.stopped, state.refusal) == (REFUSED, DEPARTMENT)
    assert state.stops(THIRD)
    assert states.state(Series.ITEMS).stopped == "", "the other series continues"
    assert states.refuse(Series.BILLS, DEPARTMENT, THIRD, trial_at=500) == RefusalCount(True, False, "")
    assert states.refuse(Series.BILLS, CLASS, THIRD, trial_at=500) == RefusalCount(True, True, "")


def test_different_refusals_and_one_record_alone_stop_nothing(client: Redis) -> None:
    states = SeriesStates(client, "t:")
    for refusal, key in ((DEPARTMENT, FIRST), (CLASS, SECOND), (DEPARTMENT, FIRST), (DEPARTMENT, FIRST)):
        assert not states.refuse(Series.BILLS, refusal, key, trial_at=300).stopped
    states.accept(Series.BILLS)
    assert not states.refuse(Series.BILLS, DEPARTMENT, SECOND, trial_at=300).stopped


def test_one_record_at_a_time_tries(client: Redis) -> None:
    states = refused_series(client)
    assert not states.take_trial(Series.BILLS, FIRST, now=399, next_at=699)
    assert states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    assert not states.take_trial(Series.BILLS, SECOND, now=400, next_at=700)
    state = states.state(Series.BILLS)
    assert (state.stops(FIRST), state.stops(SECOND)) == (False, True)
    states.refuse(Series.BILLS, DEPARTMENT, FIRST, trial_at=0)
    assert states.state(Series.BILLS).stops(FIRST), "it was refused again"
    assert not states.take_trial(Series.BILLS, SECOND, now=699, next_at=999)
    assert states.take_trial(Series.BILLS, SECOND, now=700, next_at=1000)


def test_a_refused_series_that_continues_has_no_refusals(client: Redis) -> None:
    states = refused_series(client)
    states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    assert states.resume(Series.BILLS) == REFUSED
    state = states.state(Series.BILLS)
    assert (state.stopped, state.refusal, state.trial, state.accepted) == ("", "", "", frozenset())
    assert not states.take_trial(Series.BILLS, FIRST, now=900, next_at=1200), "only a stopped series needs a trial"


def test_a_series_that_a_difference_stopped_lets_no_record_try(client: Redis) -> None:
    states = refused_series(client)
    states.take_trial(Series.BILLS, FIRST, now=400, next_at=700)
    states.stop(Series.BILLS, Deviation.TOTAL)
    assert states.state(Series.BILLS).stops(FIRST)
    assert not states.take_trial(Series.BILLS, FIRST, now=900, next_at=1200)
    assert states.refuse(Series.BILLS, DEPARTMENT, THIRD, trial_at=300) == RefusalCount(False, False, "")
    assert states.resume(Series.BILLS) == Deviation.TOTAL
