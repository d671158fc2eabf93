"""The ledger after Redis was lost, restored from what NetSuite holds: Redis is not the only record of it.

An external id of ours names the code it stands for, so every Item that was made is found again. Items adopted by name are
restored from the copy in DATA_DIR, or found by name at the next scan. An invoice's bill is named by the invoice's origin id in Procore, which the next export of all
reads anyway, and by its external id. What cannot be found again is an intent whose write was under way: therefore the settle
window passes before anything is sent.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from worker.clients.netsuite.client import NetSuite
from worker.domain.errors import NoRoom
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_ids_of, code_of_item, item_external_ids_of
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.work import Lane
from worker.services.adoptions import Adoptions, report_another_item
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.decisions import Decisions
from worker.store.ledger import Ledger
from worker.store.locks import Locks
from worker.store.work import Work

log = logging.getLogger(__name__)

REBUILD = "ledger:rebuild"
LOOK_THROUGH = "ledger:look-through"
LOOK_THROUGH_AFTER_SECONDS = 60.0
"""A server that was started anew is looked through when its workers have noted whatever they had in hand at its start."""
PATIENCE_SECONDS = 5.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How far a rebuild has come. `after`: the internal id of the last Item that it has looked at.

    `items`: Items of ours in NetSuite; `restored`: those of which the ledger did not know; `unusable`: those that are inactive
    or no Other Charge, left to the next scan; `others`: those whose code has another Item by the ledger, each a problem now;
    `bills`: bills of ours; `adopted`: adopted Items that DATA_DIR's copy knows; `queries` it took.
    """

    items: int = 0
    restored: int = 0
    unusable: int = 0
    others: int = 0
    bills: int = 0
    adopted: int = 0
    queries: int = 0
    after: int = 0


class Recovery:
    """Rebuilds the ledger when there is none, before anything is written. `require_own` raises when the ledger is another company's, and
    gives False while it is nobody's; `confirmed`: called when NetSuite has shown an Item of the company of the settings, before it is recorded.
    """

    def __init__(
        self,
        client: Redis,
        *,
        netsuite: NetSuite,
        company_id: int,
        adoptions: Adoptions,
        decisions: Decisions,
        ledger: Ledger,
        locks: Locks,
        work: Work,
        require_own: Callable[[], bool],
        confirmed: Callable[[], None],
    ) -> None:
        self._client = client
        self._netsuite = netsuite
        self._company_id = company_id
        self._adoptions = adoptions
        self._decisions = decisions
        self._ledger = ledger
        self._locks = locks
        self._work = work
        self._require_own = require_own
        self._owned = False
        self._confirmed = confirmed
        self._known = ""

    def ensure_ledger(self, opened_at: str | None = None) -> None:
        """Return when there is a ledger; rebuild it when there is none. Raises NoRoom while another worker does.

        `opened_at`: which ledger there was a moment ago, where the caller knows (`Ledger.opened_at`); else it is read.
        """
        opened_at = self._ledger.opened_at() if opened_at is None else opened_at
        self._owned = (self._owned and opened_at == self._known) or self._require_own()
        if not opened_at:
            with self._locks.hold(REBUILD) as lock:
                if lock is None:
                    self._wait_for_the_other()
                elif not self._ledger.is_open():
                    self._restore()
            opened_at = self._ledger.opened_at()
        if opened_at != self._known:
            self._adoptions.catch_up(opened_at)
            self._decisions.catch_up(opened_at)
        self._known = opened_at

    def look_through(self) -> int:
        """Once for every server that was started anew: whatever has no end waits again; how many pieces of work.

        Its last second of writes may have been lost, while the workers went on: then the ledger says that a code is being made,
        and no lane holds it any more.
        """
        server = self._ledger.new_server(runs_for=LOOK_THROUGH_AFTER_SECONDS)
        if not server:
            return 0
        with self._locks.hold(LOOK_THROUGH) as lock:
            if lock is None:
                return 0
            found = sum(self._wait_again(project_id) for project_id in self._ledger.projects())
            self._ledger.looked_through(server)
        return found

    def _wait_again(self, project_id: int) -> int:
        codes, invoices = self._ledger.codes(project_id), self._ledger.invoices(project_id)
        lying_codes = [str(CodeKey(project_id, number)) for number, record in codes.items() if record.unfinished]
        lying_invoices = [
            str(InvoiceKey(project_id, number)) for number, record in invoices.items() if record.unfinished
        ]
        self._work.add(Lane.ITEMS, lying_codes)
        self._work.add(Lane.EXPORTS, lying_invoices)
        return len(lying_codes) + len(lying_invoices)

    def rebuild(self, progress: Callable[[int, int], None] = lambda _items, _of: None) -> Rebuilt:
        """Restore what NetSuite knows, and open the ledger; waits while a worker does the same.

        `progress(items, of)` after each query. What the ledger knows is kept.
        """
        while True:
            with self._locks.hold(REBUILD) as lock:
                if lock:
                    return self._restore(progress)
            time.sleep(POLL_SECONDS)

    def _restore(self, progress: Callable[[int, int], None] = lambda _items, _of: None) -> Rebuilt:
        """Page after page, by ascending id. One that was interrupted is gone on with where it was: its pages are in the ledger,
        and while there is none nothing is written to NetSuite.
        """
        so_far = Rebuilt() if self._ledger.is_open() else Rebuilt(**self._ledger.rebuild_so_far())
        while True:
            page = self._netsuite.items_made_by_us(item_external_ids_of(self._company_id), after=so_far.after)
            of = so_far.items + page.in_all
            so_far = self._taken_in(page.items, so_far)
            progress(so_far.items, of)
            if page.last:
                break
        # Before there is a ledger: what a person excluded must not be billed by whoever comes first.
        self._decisions.restore()
        bills = self._netsuite.bills_made_by_us(bill_external_ids_of(self._company_id))
        rebuilt = replace(so_far, bills=bills, adopted=self._adoptions.restore().count, queries=so_far.queries + 1)
        self._open(rebuilt)
        return rebuilt

    def _taken_in(self, items: Sequence[FoundItem], so_far: Rebuilt) -> Rebuilt:
        at = seconds(self._client)
        ours = [(key, item) for item in items if (key := code_of_item(item.external_id))]
        if ours:
            self._confirmed()
        # One that cannot stand on a bill is no Item of its code: the next scan looks at it, and says what is wrong with it.
        usable = [(key, item) for key, item in ours if item.usable and not item.inactive]
        firsts: dict[CodeKey, FoundItem] = {}
        second_ones = [(key, item) for key, item in usable if firsts.setdefault(key, item) is not item]
        records = {key: Record(State.CREATED, item.name, item.id, at=at) for key, item in firsts.items()}
        restored = self._ledger.restore(records)
        others = second_ones + [(key, firsts[key]) for key in restored.otherwise]
        for key, item in others:
            report_another_item(self._ledger, self._netsuite, key, item, at=at)
        now = Rebuilt(
            items=so_far.items + len(ours),
            restored=so_far.restored + restored.new,
            unusable=so_far.unusable + len(ours) - len(usable),
            others=so_far.others + len(others),
            queries=so_far.queries + 1,
            after=int(items[-1].id) if items else so_far.after,
        )
        if not self._ledger.is_open():
            self._ledger.keep_rebuild(asdict(now))
        return now

    def _open(self, rebuilt: Rebuilt) -> None:
        if self._ledger.is_open():
            return
        # Nothing of ours in NetSuite: a first start, so no intent can have been lost.
        ours = rebuilt.items or rebuilt.bills or rebuilt.adopted
        since = seconds(self._client) if ours else 0
        self._ledger.open(since=since, adoptions_known=self._adoptions.has_copy())
        if ours:
            log.warning(
                "Rebuilt the missing ledger: %d Items; new Items and bills wait for the settle window",
                rebuilt.items,
            )

    def _wait_for_the_other(self) -> None:
        """A first start takes two queries, so it is waited for; the rebuild of a large company is not."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._ledger.is_open():
            if time.monotonic() > until:
                raise NoRoom("the ledger is being rebuilt", retry_after=2.0)
            time.sleep(POLL_SECONDS)
