"""The parts that make "exactly once" true, each taken out: the campaign must notice.

A part is taken out where the product can be given another one, and by no private name: a script in `SOURCES`, a constant, a public function or
method.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import worker.domain.bill_lines
import worker.store.ledger
from tests.campaign.simulated.further_mutations import FURTHER, without
from tests.kit.open_claims import claim_for_everybody
from worker.domain.bill_lines import FixedItems
from worker.domain.errors import AlreadyExists, Blocked
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.engine.adoptions import Adoptions, Restored
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.systematic_differences import SystematicDifferences
from worker.store.scripts import SOURCES
from worker.sync import bill_drafts
from worker.sync.bill_ownership import BillOwnership
from worker.sync.export_ends import ExportEnds
from worker.sync.invoice_items import InvoiceItems
from worker.sync.items import Items
from worker.sync.settled_by_hand import SettledByHand

Put = Callable[[Any, str, Any], None]


def _lock(put: Put) -> None:
    """Every attempt gets each claim and each lock that it requests."""
    put(SOURCES, "lanes/claim", claim_for_everybody())
    held = "if holder and holder ~= token then return {0, now[1], now[2], '', '', store, ''} end\n"
    without(put, held, "locks/acquire")
    put(SOURCES, "locks/renew", "return 1")
    # An intent is recorded without a check of the lock.
    without(put, "if token ~= '' and is_done == '0' then", "ledger/write", instead="if false then")


def _intent(put: Put) -> None:
    """The intent is not recorded before the write."""
    checked = "if token ~= '' and is_done == '0' then"
    without(put, checked, "ledger/write", instead=f"{checked}\n  if true then return {{1}} end")


def _look(put: Put) -> None:
    """Nothing is looked up before the write; NetSuite's response is still read."""
    resolve, make = Items.resolve, ExactlyOnce.make

    def resolved_blindly(self: Items, *args: Any) -> Any:
        netsuite: Any = _NoItems(self.remotes.netsuite)
        return resolve(replace(self, remotes=replace(self.remotes, netsuite=netsuite)), *args)

    def blind(self: ExactlyOnce, candidate: Any, record: Any, lock: Any) -> Any:
        return make(self, _BlindCandidate(candidate), record, lock)

    put(Items, "resolve", resolved_blindly)
    put(ExactlyOnce, "make", blind)


class _Changed:
    """Another object, apart from the methods of the class."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self.original, name)


class _NoItems(_Changed):
    """A NetSuite client that finds no Items."""

    def find_items(self, **_: Any) -> list[Any]:
        return []


class _BlindCandidate(_Changed):
    """Sees nothing, unless NetSuite has said that there is something."""

    def look_up(self, sent: Any, *, exists: bool = False) -> Any:
        return self.original.look_up(sent, exists=True) if exists else None


def _settle(put: Put) -> None:
    """A write without a response is sent again immediately."""
    put(ExactlyOnce, "is_unsettled", lambda *_: False)


def _fence(put: Put) -> None:
    """All three parts of the fence are removed."""
    _fence_ledger(put)
    _fence_intent(put)
    _fence_clock(put)


def _fence_ledger(put: Put) -> None:
    """An earlier holder of the lock may overwrite the record of a later one."""
    without(put, "  if (stored.fence or 0) > tonumber(fence) then return {0} end\n", "ledger/write")


def _fence_intent(put: Put) -> None:
    """An intent is recorded even if another attempt holds the lock."""
    without(put, "  if redis.call('GET', lock) ~= token then return {0} end\n", "ledger/write")


def _fence_clock(put: Put) -> None:
    """A process that paused while it recorded the intent still sends the request."""
    put(worker.store.ledger, "LEAVES_WITHIN_SECONDS", sys.float_info.max)


def _adoption(put: Put) -> None:
    """ "Already exists" is treated like any other failure."""
    make = ExactlyOnce.make

    def refusing(self: ExactlyOnce, candidate: Any, record: Any, lock: Any) -> Any:
        return make(self, _RefusedCandidate(candidate), record, lock)

    put(ExactlyOnce, "make", refusing)


class _RefusedCandidate(_Changed):
    """Is refused if it exists already."""

    def create(self, leaving: Callable[[], None]) -> Any:
        try:
            return self.original.create(leaving)
        except AlreadyExists as error:
            cause = Cause.ITEM_REJECTED if self.original.series is Series.ITEMS else Cause.BILL_REJECTED
            raise Blocked(cause=cause, facts={"name": self.original.name, "answer": str(error)}) from error


def _order(put: Put) -> None:
    """`create_bill` writes a bill with only the lines that have an Item."""
    missing, known, lines = InvoiceItems.missing, InvoiceItems.known, worker.domain.bill_lines.bill_lines

    def none_missing(self: InvoiceItems, invoice: Any) -> list[int]:
        return [] if sys._getframe(1).f_code.co_name == "create_bill" else missing(self, invoice)

    class Anything(dict[int, str]):
        def __contains__(self, _: object) -> bool:
            return True

    def any_known(self: InvoiceItems, invoice: Any) -> dict[int, str]:
        found = known(self, invoice)
        return Anything(found) if sys._getframe(1).f_code.co_name == "draft" else found

    def lines_there(invoice: Any, retained: Any, item_ids: Any, fixed: FixedItems) -> Any:
        there = {line.wbs_code_id: item_ids.get(line.wbs_code_id, fixed.retainage) for line in invoice.lines}
        return lines(invoice, retained, there, fixed)

    put(InvoiceItems, "missing", none_missing)
    put(InvoiceItems, "known", any_known)
    put(bill_drafts, "bill_lines", lines_there)


def _order_first(put: Put) -> None:
    """Only the first of the two checks of the order is removed: the draft still refuses."""
    missing = InvoiceItems.missing

    def none_missing(self: InvoiceItems, invoice: Any) -> list[int]:
        return [] if sys._getframe(1).f_code.co_name == "create_bill" else missing(self, invoice)

    put(InvoiceItems, "missing", none_missing)


def _due(put: Put) -> None:
    """The claimed work of a dead worker is not dispatched again."""
    for name in TAKING:
        head, begins, tail = SOURCES[name].partition("for _, key in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2]")
        _, ends, rest = tail.partition("\n  end\n")
        assert begins
        assert ends
        put(SOURCES, name, head + rest)


def _claim(put: Put) -> None:
    """Long work is dispatched again, and a second worker starts it while the first is still working on it."""
    put(SOURCES, "lanes/claim", claim_for_everybody())
    put(SOURCES, "lanes/renew", "return 0")


def _unbegun(put: Put) -> None:
    """A message that no worker began counts as a worker's death."""
    counted = "else redis.call('HINCRBY', KEYS[9], key, 1) end"
    without(put, counted, *TAKING, instead="else redis.call('HINCRBY', KEYS[3], key, 1) end")


def _again(put: Put) -> None:
    """A request that comes during an attempt is dropped."""
    without(put, "redis.call('SADD'", "lanes/claim", "lanes/add", instead="redis.call('SISMEMBER'")


def _doubt(put: Put) -> None:
    """An attempt that finds the invoice changed does not look up the bill that is in doubt."""
    end = ExportEnds.end

    def blind(self: ExportEnds, key: Any, lock: Any, last: Any) -> Any:
        record = self.stores.ledger.invoice(key)
        if record and record.in_doubt and last.cause is not Cause.BILL_DIFFERS:
            return self.once.look_later(key, replace(record, sent_at=lock.now()), lock)
        return end(self, key, lock, last)

    put(ExportEnds, "end", blind)


def _rebuild(put: Put) -> None:
    """A worker that finds no ledger creates an empty one and continues."""

    def open_at_once(self: Recovery, _opened_at: str | None = None) -> None:
        if not self.stores.ledger.state.is_open():
            self.stores.ledger.state.open(since=0)

    put(Recovery, "ensure_ledger", open_at_once)


def _restart(put: Put) -> None:
    """A restart of the store is not detected."""
    without(put, "state[1] = now[1]", "locks/acquire", instead="state[1] = state[1]")


def _number_claim(put: Put) -> None:
    """No invoice claims its vendor's document number, or the bill that it adopts."""
    put(BillOwnership, "claim_number", lambda *_: None)
    put(BillOwnership, "claim_bill", lambda *_: None)


def _identity(put: Put) -> None:
    """A different store is not recognized as different."""
    without(put, "if known ~= '' and known ~= id then", "locks/acquire", "store/meet", instead="if false then")


def _settled_by_hand(put: Put) -> None:
    """A bill that a person entered for a refused invoice is not looked up."""
    put(SettledByHand, "bill_of", lambda *_: None)


def _series_stop(put: Put) -> None:
    """Differences between the sent and the created record are not counted, so nothing stops the series."""
    put(SystematicDifferences, "note", lambda *_: None)


def _adoption_copy(put: Put) -> None:
    """The copy of adopted Items in DATA_DIR is not restored."""
    put(Adoptions, "restore", lambda _self: Restored(0, whole=True))


TAKING = ("lanes/take", "lanes_and_runs/close", "lanes_and_runs/spawn")
"""The scripts that move work from waiting to in progress."""
MUTATIONS: dict[str, Callable[[Put], None]] = {
    "lock": _lock,
    "intent": _intent,
    "look": _look,
    "settle": _settle,
    "fence": _fence,
    "fence-ledger": _fence_ledger,
    "fence-intent": _fence_intent,
    "fence-clock": _fence_clock,
    "adoption": _adoption,
    "order": _order,
    "order-first": _order_first,
    "due": _due,
    "claim": _claim,
    "unbegun": _unbegun,
    "again": _again,
    "doubt": _doubt,
    "rebuild": _rebuild,
    "restart": _restart,
    "number-claim": _number_claim,
    "series-stop": _series_stop,
    "settled-by-hand": _settled_by_hand,
    "identity": _identity,
    "adoption-copy": _adoption_copy,
    **FURTHER,
}


@contextmanager
def mutated(names: Sequence[str]) -> Iterator[None]:
    """The product without these parts."""
    with ExitStack() as stack:

        def put(place: Any, part: str, thing: Any) -> None:
            is_table = isinstance(place, dict)
            stack.enter_context(
                mock.patch.dict(place, {part: thing}) if is_table else mock.patch.object(place, part, thing)
            )

        for name in names:
            MUTATIONS[name](put)
        yield
