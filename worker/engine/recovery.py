"""Restores the ledger from NetSuite after Redis was lost.

A wbs-sync external id contains the code it belongs to, so every created Item is found again. Items adopted by name are restored from the
copy in DATA_DIR, or found by name in the next scan. An invoice's bill is identified by the invoice's origin id in Procore, which the next
export of all invoices reads anyway, and by its external id. An intent whose write was in progress cannot be restored: therefore nothing is
sent until the settle window has passed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from worker.clients.remotes import Remotes
from worker.domain.errors import NoRoom
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_ids_of, code_of_item, item_external_ids_of
from worker.domain.items import FoundItem
from worker.domain.outcomes import Record, State
from worker.domain.work import Lane
from worker.engine.adoptions import Adoptions, report_another_item
from worker.store.stores import Stores

log = logging.getLogger(__name__)

REBUILD = "ledger:rebuild"
LOOK_THROUGH = "ledger:look-through"
LOOK_THROUGH_AFTER_SECONDS = 60.0
"""Seconds after a server restart until interrupted work is checked: by then, workers have recorded what they had in progress."""
REBUILD_TIMEOUT_SECONDS = 5.0
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The progress of a rebuild. `after`: internal id of the last Item checked.

    `items`: Items of wbs-sync in NetSuite; `restored`: those that were missing in the ledger; `unusable`: those that are inactive or not an
    Other Charge, left to the next scan; `others`: those whose code has another Item in the ledger, each with a problem; `bills`: bills of
    wbs-sync; `adopted`: adopted Items in the copy in DATA_DIR; `queries`: number of queries.
    """

    items: int = 0
    restored: int = 0
    unusable: int = 0
    others: int = 0
    bills: int = 0
    adopted: int = 0
    queries: int = 0
    after: int = 0


@dataclass(slots=True)
class Recovery:
    """Rebuilds the ledger if there is none, before anything is written. `require_own` raises if the ledger belongs to another company, and
    returns False while it is unowned; `confirmed`: called before recording, when NetSuite has returned an Item of the company in the
    settings.
    """

    stores: Stores
    remotes: Remotes
    adoptions: Adoptions
    require_own: Callable[[], bool]
    confirmed: Callable[[], None]
    _is_owned: bool = field(default=False, init=False)
    _known: str = field(default="", init=False)

    def ensure_ledger(self, opened_at: str | None = None) -> None:
        """Return if there is a ledger; rebuild it if there is none. Raises NoRoom while another worker does.

        `opened_at`: the ledger that existed a moment ago, if the caller knows it (`LedgerState.opened_at`); otherwise it is read.
        """
        opened_at = self.stores.ledger.state.opened_at() if opened_at is None else opened_at
        self._is_owned = (self._is_owned and opened_at == self._known) or self.require_own()
        if not opened_at:
            with self.stores.locks.hold(REBUILD) as lock:
                if lock is None:
                    self._wait_for_another_worker()
                elif not self.stores.ledger.state.is_open():
                    self._restore()
            opened_at = self.stores.ledger.state.opened_at()
        if opened_at != self._known:
            self.adoptions.catch_up(opened_at)
            self.stores.decisions.catch_up(opened_at)
        self._known = opened_at

    def look_through(self) -> int:
        """Once per server restart, queue all unfinished work again and return how many pieces of work.

        Up to a second of writes may be lost while the workers continued: then the ledger has a code in progress that is in no lane.
        """
        server = self.stores.ledger.state.unchecked_server(runs_for=LOOK_THROUGH_AFTER_SECONDS)
        if not server:
            return 0
        with self.stores.locks.hold(LOOK_THROUGH) as lock:
            if lock is None:
                return 0
            found = sum(self._queue_unfinished(project_id) for project_id in self.stores.ledger.projects())
            self.stores.ledger.state.mark_checked(server)
        return found

    def _queue_unfinished(self, project_id: int) -> int:
        codes, invoices = self.stores.ledger.codes(project_id), self.stores.ledger.invoices(project_id)
        codes_left = [str(CodeKey(project_id, number)) for number, record in codes.items() if record.unfinished]
        invoices_left = [
            str(InvoiceKey(project_id, number)) for number, record in invoices.items() if record.unfinished
        ]
        self.stores.work.add(Lane.ITEMS, codes_left)
        self.stores.work.add(Lane.EXPORTS, invoices_left)
        return len(codes_left) + len(invoices_left)

    def rebuild(self, progress: Callable[[int, int], None] = lambda _items, _of: None) -> Rebuilt:
        """Restore what NetSuite has, and open the ledger; waits while a worker does the same.

        Calls `progress(items, of)` after each query. Existing ledger records are kept.
        """
        while True:
            with self.stores.locks.hold(REBUILD) as lock:
                if lock:
                    return self._restore(progress)
            self.stores.runtime.sleep(POLL_SECONDS)

    def _restore(self, progress: Callable[[int, int], None] = lambda _items, _of: None) -> Rebuilt:
        """Read page by page in ascending id order. An interrupted rebuild continues where it stopped: its pages are in the ledger, and nothing
        is written to NetSuite until it is complete.
        """
        so_far = (
            Rebuilt() if self.stores.ledger.state.is_open() else Rebuilt(**self.stores.ledger.state.rebuild_counts())
        )
        while True:
            page = self.remotes.netsuite.items_made_by_us(
                item_external_ids_of(self.remotes.company_id), after=so_far.after
            )
            of = so_far.items + page.in_all
            so_far = self._taken_in(page.items, so_far)
            progress(so_far.items, of)
            if page.last:
                break
        # Before there is a ledger: an invoice that a person excluded must not be billed by the first worker.
        self.stores.decisions.restore()
        bills = self.remotes.netsuite.bills_made_by_us(bill_external_ids_of(self.remotes.company_id))
        adopted = self.adoptions.restore().count
        rebuilt = replace(so_far, bills=bills, adopted=adopted, queries=so_far.queries + 1)
        self._open(rebuilt)
        return rebuilt

    def _taken_in(self, items: Sequence[FoundItem], so_far: Rebuilt) -> Rebuilt:
        at = self.stores.now()
        ours = [(key, item) for item in items if (key := code_of_item(item.external_id))]
        if ours:
            self.confirmed()
        # An Item that cannot be on a bill is not restored: the next scan checks it, and reports what is wrong with it.
        usable = [(key, item) for key, item in ours if item.usable and not item.inactive]
        firsts: dict[CodeKey, FoundItem] = {}
        second_ones = [(key, item) for key, item in usable if firsts.setdefault(key, item) is not item]
        records = {key: Record(State.CREATED, item.name, item.id, at=at) for key, item in firsts.items()}
        restored = self.stores.ledger.restore(records)
        others = second_ones + [(key, firsts[key]) for key in restored.otherwise]
        for key, item in others:
            report_another_item(self.stores, self.remotes, key, item, at=at)
        now = Rebuilt(
            items=so_far.items + len(ours),
            restored=so_far.restored + restored.new,
            unusable=so_far.unusable + len(ours) - len(usable),
            others=so_far.others + len(others),
            queries=so_far.queries + 1,
            after=int(items[-1].id) if items else so_far.after,
        )
        if not self.stores.ledger.state.is_open():
            self.stores.ledger.state.save_rebuild(asdict(now))
        return now

    def _open(self, rebuilt: Rebuilt) -> None:
        if self.stores.ledger.state.is_open():
            return
        # Nothing of ours in NetSuite: a first start, so no intent can have been lost.
        ours = rebuilt.items or rebuilt.bills or rebuilt.adopted
        since = self.stores.now() if ours else 0
        self.stores.ledger.state.open(since=since, adoptions_known=self.adoptions.has_copy())
        if ours:
            log.warning(
                "Rebuilt the missing ledger: %d Items; new Items and bills wait for the settle window",
                rebuilt.items,
            )

    def _wait_for_another_worker(self) -> None:
        """Wait a few seconds for a rebuild by another worker, enough for a first start of two queries. Raises NoRoom if it takes longer."""
        clock = self.stores.runtime.monotonic
        until = clock() + REBUILD_TIMEOUT_SECONDS
        while not self.stores.ledger.state.is_open():
            if clock() > until:
                raise NoRoom("the ledger is being rebuilt", retry_after=2.0)
            self.stores.runtime.sleep(POLL_SECONDS)
