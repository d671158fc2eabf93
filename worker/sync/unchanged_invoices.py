"""Finds listed invoices that a run of all need not read, because the list shows no change since they were read.

An invoice of another integration is recognized by its origin id in the list. One that is blocked, or has nothing to bill, is read again if
the list shows another version of it, if its blocker is gone as far as the ledger knows, if a user requested it, or after some hours in any
case: changes in NetSuite show nowhere else.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.invoices import NOTHING_BILLED, InvoiceHead
from worker.domain.outcomes import Record, State
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.store.last_reads import LastRead
from worker.store.open_problems import OpenProblem
from worker.store.stores import Stores

FIRST_AGAIN_SECONDS = 3 * 3600.0
LONGEST_AGAIN_SECONDS = 12 * 3600.0
"""An unchanged invoice is read again after one to two times this long, doubling from the minimum to the maximum: with a run every ten minutes,
fewer than a tenth of them in each.
"""
TRUSTED_AFTER = 2
"""Reads of a version before it is left out. Times of change have whole seconds: an edit in the second of the first reading of the list shows
in a later read, and no clocks have to be compared.
"""
APART_SECONDS = 2.0
"""Seconds within which two reads count as one."""
OF_THE_ATTEMPT = frozenset(
    {Cause.RETRIES_EXHAUSTED, Cause.UNEXPECTED, Cause.REMOTE_DOWN, Cause.NETSUITE_PERMISSION, Cause.PROCORE_PERMISSION}
)
"""Problems that say nothing about the invoice: it is retried with every run."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A project's invoices without a bill: those to read, and how many others are blocked or skipped as before."""

    to_read: Sequence[InvoiceHead]
    blocked: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class UnchangedInvoices:
    """Leaves out of a run the invoices that need not be read."""

    stores: Stores
    policy: Policy

    def ask_for_all(self) -> None:
        """Make the next run read everything without a bill, except invoices of another integration."""
        self.stores.last_reads.ask_for_all(at=self.stores.now())

    def select(self, project_id: int, heads: Sequence[InvoiceHead], known: Mapping[int, Record]) -> Selection:
        """Return a project's invoices without a bill that have to be read now, and record them as read. `known`: their records."""
        now = self.stores.now()
        problems = self.stores.ledger.problems_of([InvoiceKey(project_id, head.id) for head in heads])
        claimed = [head for head in heads if self._is_claimed(head, known.get(head.id), problems)]
        self._note_claimed(project_id, [head for head in claimed if head.id not in known], at=now)
        others = [head for head in heads if head not in claimed]
        last = self.stores.last_reads.of(project_id) if others else {}
        freed = self._freed(project_id, [problems[head.id] for head in others if head.id in problems], last)
        blocked, skipped, to_read = 0, len(claimed), []
        for head in others:
            record, problem, read = known.get(head.id), problems.get(head.id), last.get(head.id)
            if read is None or head.id in freed or not self._is_unchanged(head, read, now):
                to_read.append(head)
            elif _is_blocked(record, problem):
                blocked += 1
            elif record and record.state is State.SKIPPED and record.detail == NOTHING_BILLED:
                skipped += 1
            else:
                to_read.append(head)
        self._note_reads(project_id, to_read, last, listed={head.id for head in others}, at=now)
        return Selection(to_read, blocked, skipped)

    def found_unblocked(self, record: Record, project_id: int) -> None:
        """Note that the blocker of this record's invoice is gone; others may have waited for the same."""
        if record.state is State.BLOCKED and (blocker := _blocker(project_id, record.cause, record.facts)):
            self.stores.last_reads.unblocked(blocker, at=self.stores.now())

    def _is_claimed(self, head: InvoiceHead, record: Record | None, problems: Mapping[int, OpenProblem]) -> bool:
        """Return whether it is an invoice of another integration, and the ledger has it as such or can record it now."""
        if not head.claimed or head.id in problems:
            return False
        return record is None or (record.state is State.SKIPPED and record.detail == head.claimed)

    def _note_claimed(self, project_id: int, heads: Sequence[InvoiceHead], *, at: float) -> None:
        self.stores.ledger.restore(
            {
                InvoiceKey(project_id, head.id): Record(
                    State.SKIPPED,
                    head.label,
                    at=at,
                    detail=head.claimed,
                    facts=head.facts,
                    payment_due=head.base_due,
                )
                for head in heads
            }
        )

    def _is_unchanged(self, head: InvoiceHead, read: LastRead, now: float) -> bool:
        # Without the time of its last change nothing is known of it.
        known = bool(head.updated_at) and read.shown == self._shown(head) and read.times >= TRUSTED_AFTER
        return known and read.at > self.stores.last_reads.asked_for_all_at() and now < read.again_at

    def _freed(self, project_id: int, problems: Iterable[OpenProblem], last: Mapping[int, LastRead]) -> set[int]:
        """Return invoices whose blocker is gone: codes that are no longer blocked, or a link that another invoice found."""
        blockers: dict[int, str] = {}
        codes: dict[int, list[int]] = {}
        for one in problems:
            invoice_id = InvoiceKey.parse(one.key).invoice_id
            cause = one.problem.cause
            if cause is Cause.BLOCKED_CODES:
                codes[invoice_id] = [int(code) for code in one.facts.get("code_ids", "").split(",") if code]
            elif blocker := _blocker(project_id, cause, one.facts):
                blockers[invoice_id] = blocker
        gone_at = self.stores.last_reads.unblocked_at(set(blockers.values()))
        freed = {
            invoice_id
            for invoice_id, blocker in blockers.items()
            if invoice_id in last and gone_at.get(blocker, 0) >= last[invoice_id].at
        }
        wanted = sorted({code for some in codes.values() for code in some})
        open_codes = self.stores.ledger.problems_of([CodeKey(project_id, code) for code in wanted])
        return freed | {invoice_id for invoice_id, some in codes.items() if not some or set(some) - set(open_codes)}

    def _note_reads(
        self,
        project_id: int,
        heads: Sequence[InvoiceHead],
        last: Mapping[int, LastRead],
        *,
        listed: Collection[int],
        at: float,
    ) -> None:
        reads = {}
        for head in heads:
            shown, before = self._shown(head), last.get(head.id)
            is_same = before is not None and before.shown == shown
            times = before.times + (at - before.at >= APART_SECONDS) if before and is_same else 1
            reads[head.id] = LastRead(shown, at, at + read_again_after(head.id, times), times)
        gone = [invoice_id for invoice_id in last if invoice_id not in listed]
        if reads or gone:
            self.stores.last_reads.note(project_id, reads, drop=gone)

    def _shown(self, head: InvoiceHead) -> str:
        words = "|".join(
            (head.updated_at, head.status, head.origin_id or "", head.document_number, str(head.vendor_id))
        )
        # Other settings may bill what was blocked: then everything counts as changed.
        return f"{self.policy.billing_digest} {hashlib.sha256(words.encode()).hexdigest()[:16]}"


def read_again_after(invoice_id: int, times: int) -> float:
    """Return the seconds until an unchanged invoice is read again: spread by its id, so that those of one run do not come due together."""
    step = min(FIRST_AGAIN_SECONDS * 2.0 ** max(0, times - TRUSTED_AFTER), LONGEST_AGAIN_SECONDS)
    return step * (1 + zlib.crc32(f"{invoice_id}:{times}".encode()) / 2**32)


def _is_blocked(record: Record | None, problem: OpenProblem | None) -> bool:
    """Return whether a user has to act on it. Without an open problem there is no such request: then it is retried."""
    if problem is None or problem.problem.cause in OF_THE_ATTEMPT:
        return False
    return record is None or record.state is State.BLOCKED or record.write_back_due


def _blocker(project_id: int, cause: Cause | None, facts: Mapping[str, str]) -> str:
    """Return a key for what other invoices may be blocked by as well: a vendor's link, or the project's. "" for a cause of one invoice alone."""
    if cause is None:
        return ""
    if cause.value.startswith("vendor_"):
        return f"vendor:{facts.get('vendor', '')}"
    return f"project:{project_id}" if cause.value.startswith(("project_", "netsuite_project_")) else ""
