"""Stops writing when NetSuite refuses two records in a row for a reason of the account: a mandatory field without a value, or a field that the
form does not take. Nothing else would be refused differently, so the other records wait instead of being sent and refused one by one.

Every five minutes one record is sent (`SystematicDifferences.pause`). When NetSuite accepts one, the series continues.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from worker.domain.errors import Blocked
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import Cause, describe
from worker.domain.refusals import OF_ACCOUNT, SHOW_THE_FIELD
from worker.domain.series import MAX_IN_A_ROW, Series
from worker.engine.systematic_differences import LANES, PAUSE_SECONDS
from worker.store.open_problems import problem_text
from worker.store.stores import Stores

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeriesRefusals:
    """Stops a series of records that NetSuite refuses. `file`: digest of the file with NetSuite's fields, "" without one."""

    stores: Stores
    file: str

    def note(self, series: Series, key: CodeKey | InvoiceKey, error: Blocked) -> bool:
        """Count a refused record, of which nothing was created. Return whether its series is stopped because of such refusals: then the record
        waits for the series instead of having a separate problem. `error`: with the facts of its sentence.
        """
        if error.cause not in OF_ACCOUNT:
            return False
        refusal, now = f"{error.cause}:{error.facts['field']}", self.stores.now()
        facts = _facts(series, error)
        problem = problem_text(Cause.SERIES_REFUSED, facts, now)
        count = self.stores.series_states.refuse(
            series, refusal, str(key), problem, trial_at=now + PAUSE_SECONDS, file=self.file
        )
        if not count.stopped:
            return False
        if count.opened:
            log.error("Writing %s is stopped: %s", series, describe(Cause.SERIES_REFUSED, facts).sentence)
        if count.earlier:
            # It waits for the series too, and its own problem closes: after its attempt, which may not have ended yet.
            self.stores.work.request(LANES[series], [count.earlier])
        return True


def _facts(series: Series, error: Blocked) -> dict[str, str]:
    """Return the facts of the problem of a stopped series. `error`: why its newest record was refused."""
    required = error.cause is Cause.FIELD_REQUIRED
    return {
        "records": series.value,
        "record": error.facts["record"],
        "field": error.facts["field"],
        "count": str(MAX_IN_A_ROW),
        "remedy": f"To send a value, set {error.facts['line']}." if required else SHOW_THE_FIELD,
        "answer": error.facts["answer"],
    }
