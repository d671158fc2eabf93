"""NetSuite may change every record that is created: generated names or numbers, an added tax, another period. One such record is an
accident that its own problem reports; the same difference twice in a row is a setting, and the series of records stops for a person.

What is in flight when the second record is read back is still written. Reads, Items and bills that exist already, and the other
series go on.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import Cause
from worker.domain.series import MAX_IN_A_ROW, Deviation, Series, setting_of
from worker.domain.work import Lane
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.ledger import Ledger
from worker.store.series import SeriesState, SeriesStates
from worker.store.work import Work

log = logging.getLogger(__name__)

PAUSE_SECONDS = 300.0
"""How soon work of a stopped series asks again whether it may go on; a person's command makes it due at once."""
AGREED_FOR_SECONDS = 86_400.0
"""A record is read back again when the last one that was as it was sent is older: settings change."""
LANES = {Series.ITEMS: Lane.ITEMS, Series.BILLS: Lane.EXPORTS}


class SystematicDifferences:
    """Stops a series of records that NetSuite does not keep as they are sent."""

    def __init__(self, client: Redis, *, states: SeriesStates, ledger: Ledger, work: Work) -> None:
        self._client = client
        self._states = states
        self._ledger = ledger
        self._work = work

    def state(self, series: Series) -> SeriesState:
        """How a series stands before a record of it is written."""
        return self._states.state(series)

    def pause(self, series: Series, key: CodeKey | InvoiceKey, name: str) -> Outcome:
        """The outcome of a record whose series is stopped: it waits. It also closes the record's own problem, since the attempt got as far
        as the write, so whatever blocked the record before is settled, and the wait may be long.
        """
        reason = f"writing {series} is stopped: see problem {series.problem_key}"
        again_at = seconds(self._client) + PAUSE_SECONDS
        return Outcome(OutcomeKind.WAITING, name, reason=reason, again_at=again_at, closes=(str(key),))

    def is_due(self, state: SeriesState, at: float) -> bool:
        """Whether a record that is written at that time is to be read back, where that is not done with each."""
        return bool(state.in_a_row) or at - state.agreed_at > AGREED_FOR_SECONDS

    def note(self, series: Series, name: str, found: Mapping[Deviation, str]) -> None:
        """A record, just created and read back, differs from what was sent in these, said in words; in nothing: it is as it was sent."""
        state = self._states.state(series)
        new = {deviation: words for deviation, words in found.items() if deviation not in state.accepted}
        over = [one for one in {*state.in_a_row, *state.accepted} if one not in found]
        at = 0.0 if new else seconds(self._client)
        if over or (at and at - state.agreed_at > AGREED_FOR_SECONDS / 2):
            self._states.agrees(series, over, at=at)
        for deviation, words in new.items():
            if self._states.differs(series, deviation) >= MAX_IN_A_ROW:
                self._stop(series, deviation, name, words)

    def go_on(self, series: Series) -> bool:
        """Go on with a stopped series: what waits for it is due now. False when it is not stopped."""
        if self._states.go_on(series) is None:
            return False
        self._ledger.resolve(series.problem_key)
        self._work.hurry(LANES[series], until=seconds(self._client) + PAUSE_SECONDS)
        return True

    def _stop(self, series: Series, deviation: Deviation, name: str, words: str) -> None:
        self._states.stop(series, deviation)
        facts = {
            "records": series.value,
            "name": name,
            "difference": words,
            "count": str(MAX_IN_A_ROW),
            "setting": setting_of(series, deviation),
        }
        if self._ledger.report(series.problem_key, Cause.SYSTEMATIC_DIFFERENCE, facts, at=seconds(self._client)):
            log.error("Writing %s is stopped: %s", series, words)
