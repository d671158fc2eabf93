"""Stops writing when NetSuite changes every created record: generated names or numbers, an added tax, another posting period.

One changed record is an exception with its own problem; the same difference twice in a row is a setting, and the series of records stops
until a user decides.

Writes in progress when the second record is read back still complete. Reads, existing Items and bills, and the other series continue. A series
that refusals have stopped (`series_refusals.py`) waits in the same way, but continues without a user when a record is accepted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause
from worker.domain.series import MAX_IN_A_ROW, Deviation, Series, setting_of
from worker.domain.work import Lane
from worker.store.open_problems import problem_text
from worker.store.series import SeriesState
from worker.store.stores import Stores

log = logging.getLogger(__name__)

PAUSE_SECONDS = 300.0
"""Seconds until work of a stopped series checks again; `problems continue` makes it due immediately."""
AGREED_FOR_SECONDS = 86_400.0
"""Seconds since the last unchanged record after which a record is read back again: settings change."""
LANES = {Series.ITEMS: Lane.ITEMS, Series.BILLS: Lane.EXPORTS}


@dataclass(frozen=True, slots=True)
class SystematicDifferences:
    """Stops a series of records that NetSuite does not keep as they are sent. `file`: digest of the file with NetSuite's fields, "" without one."""

    stores: Stores
    file: str

    def state(self, series: Series) -> SeriesState:
        """Return the state of a series before a record of it is written."""
        return self.stores.series_states.state(series)

    def pause(self, series: Series, key: CodeKey | InvoiceKey, name: str) -> Outcome:
        """Return the outcome of a record whose series is stopped: it waits. It also closes the record's own problem, because the attempt got
        as far as the write, so whatever blocked the record before is resolved, and the wait may be long.
        """
        now = self.stores.now()
        reason, again_at = f"writing {series} is stopped: see problem {series.problem_key}", now + PAUSE_SECONDS
        if self.stores.series_states.take_trial(series, str(key), now=now, next_at=again_at, file=self.file):
            reason, again_at = f"the next attempt shows whether NetSuite accepts {series} now", now
        return Outcome(OutcomeKind.WAITING, name, reason=reason, again_at=again_at, closes=(str(key),))

    def is_due(self, state: SeriesState, at: float) -> bool:
        """Return whether a record written at that time is to be read back, if not every one is."""
        return bool(state.in_a_row) or at - state.agreed_at > AGREED_FOR_SECONDS

    def note(self, series: Series, name: str, found: Mapping[Deviation, str]) -> None:
        """Record the differences between a record that was just created and read back and what was sent; empty if there is none."""
        state = self.stores.series_states.state(series)
        self.accepts(series, state)
        new = {deviation: words for deviation, words in found.items() if deviation not in state.accepted}
        over = [one for one in {*state.in_a_row, *state.accepted} if one not in found]
        at = 0.0 if new else self.stores.now()
        if over or (at and at - state.agreed_at > AGREED_FOR_SECONDS / 2):
            self.stores.series_states.agrees(series, over, at=at)
        for deviation, words in new.items():
            if self.stores.series_states.differs(series, deviation) >= MAX_IN_A_ROW:
                self._stop(series, deviation, name, words)

    def accepts(self, series: Series, state: SeriesState) -> None:
        """Record that NetSuite accepted a record: a series that refusals have stopped continues. `state`: of the series at that time; a series
        without refusals needs no command.
        """
        if state.has_refusals and self.stores.series_states.accept(series):
            log.warning("Writing %s continues: NetSuite accepted a record", series)
            self._make_due_now(series)

    def go_on(self, series: Series) -> bool:
        """Resume a stopped series whose problem a person has just closed: its waiting work is due now. Return False if it is not stopped, or if
        a difference has stopped it since.
        """
        if not self.stores.series_states.resume(series):
            return False
        self._make_due_now(series)
        return True

    def _make_due_now(self, series: Series) -> None:
        self.stores.work.make_due_now(LANES[series], until=self.stores.now() + PAUSE_SECONDS)

    def _stop(self, series: Series, deviation: Deviation, name: str, words: str) -> None:
        facts = {
            "records": series.value,
            "name": name,
            "difference": words,
            "count": str(MAX_IN_A_ROW),
            "setting": setting_of(series, deviation),
        }
        problem = problem_text(Cause.SYSTEMATIC_DIFFERENCE, facts, self.stores.now())
        if self.stores.series_states.stop(series, deviation, problem):
            log.error("Writing %s is stopped: %s", series, words)
