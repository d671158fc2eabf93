"""The posting period of a bill: the one the policy asks for, and the one in NetSuite. A bill is never moved without a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from worker.clients.remotes import Remotes
from worker.domain.bills import MEMO_LIMIT, Bill, FoundBill
from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError, UnexpectedAnswer
from worker.domain.policy import Policy
from worker.domain.posting_periods import ClosedPeriod, PostingPeriod, next_open, period_of
from worker.domain.problems import Cause
from worker.store.stores import Stores

REMEMBERED_SECONDS = 600
"""Seconds for which an open period is cached; a closed one is queried each time, because it may have been reopened."""
_CACHED = "posting_periods"
_UNREADABLE = (Blocked, Misconfigured, NotFound, UnexpectedAnswer)


@dataclass(frozen=True, slots=True)
class PostingPeriods:
    """Reads the account's periods and applies the policy of NETSUITE_CLOSED_PERIOD."""

    stores: Stores
    remotes: Remotes
    policy: Policy

    def read_ahead(self) -> None:
        """Read the periods into the cache, so that no request for them is needed between the look-up of a bill and its write. Errors are
        ignored here: the write reads again and reports them.
        """
        self._known()

    def placed(self, bill: Bill) -> Bill:
        """Return the bill, with an explicit posting period if the policy moves or keeps it.

        Raises Blocked: PERIOD_CLOSED if the policy is to block or no later period is open, PERIODS_NOT_READABLE if the policy cannot be
        applied. If periods cannot be read and the policy is to block, NetSuite itself rejects a closed one.
        """
        try:
            periods = self._periods(bill.date)
        except _UNREADABLE as error:
            if self.policy.closed_period is ClosedPeriod.BLOCK:
                return bill
            facts = {"policy": self.policy.closed_period.value, "answer": str(error)}
            raise Blocked(cause=Cause.PERIODS_NOT_READABLE, facts=facts) from error
        own = period_of(periods, bill.date)
        if own is None or own.open:
            return bill
        if self.policy.closed_period is ClosedPeriod.KEEP:
            return replace(bill, posting_period=own)
        later = next_open(periods, bill.date) if self.policy.closed_period is ClosedPeriod.NEXT_OPEN else None
        if later is None:
            raise Blocked(cause=Cause.PERIOD_CLOSED, facts={"period": own.name})
        memo = f"{bill.memo}; of {bill.date}, posted in {later.name} since {own.name} is closed"
        return replace(bill, posting_period=later, memo=memo[:MEMO_LIMIT])

    def elsewhere(self, found: FoundBill) -> str:
        """Return the name of a bill's posting period if it is certainly not that of its date; "" otherwise."""
        own = self._own(found)
        return (found.period_name or f"id {found.period_id}") if own and own.id != found.period_id else ""

    def unwanted(self, found: FoundBill) -> str:
        """Return the name of a bill's posting period if it is not that of its date and the policy does not allow that; "" otherwise."""
        own = self._own(found)
        if self.policy.closed_period is ClosedPeriod.NEXT_OPEN and own:
            actual = next((each for each in self._known() if each.id == found.period_id), None)
            if actual and actual.start > own.start:
                return ""
        return self.elsewhere(found)

    def _own(self, found: FoundBill) -> PostingPeriod | None:
        """Return the period of a bill's date, if NetSuite shows the bill's period and the list of periods."""
        return period_of(self._known(), found.date) if found.date and found.period_id else None

    def _known(self) -> list[PostingPeriod]:
        try:
            return self._remembered()
        except SyncError:
            # An unknown period is no reason to fail: `verify` checks the bill again.
            return []

    def _periods(self, day: date) -> list[PostingPeriod]:
        """Return the cached periods, unless the day's period was closed then."""
        periods = self._remembered()
        own = period_of(periods, day)
        return self._read() if own and not own.open else periods

    def _remembered(self) -> list[PostingPeriod]:
        known = self.stores.cache.get(_CACHED)
        if known is None:
            return self._read()
        if isinstance(known, str):
            raise UnexpectedAnswer(known)
        return [PostingPeriod(**each | _days(each)) for each in known]

    def _read(self) -> list[PostingPeriod]:
        try:
            periods = self.remotes.netsuite.posting_periods()
        except _UNREADABLE as error:
            self.stores.cache.put(_CACHED, str(error), seconds=REMEMBERED_SECONDS)
            raise
        rows = [
            {"id": each.id, "name": each.name, "start": str(each.start), "end": str(each.end), "open": each.open}
            for each in periods
        ]
        self.stores.cache.put(_CACHED, rows, seconds=REMEMBERED_SECONDS)
        return periods


def _days(row: dict[str, Any]) -> dict[str, date]:
    return {name: date.fromisoformat(row[name]) for name in ("start", "end")}
