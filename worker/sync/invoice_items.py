"""Creates the Items that an invoice needs before its bill can be written, in parallel as the gate allows."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass

from worker.context import in_context
from worker.domain.errors import Blocked
from worker.domain.identities import CodeKey
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project, WbsCode
from worker.domain.work import Claim, Lane, RunKind
from worker.engine.runner import Runner
from worker.store.lanes import CLAIM_SECONDS
from worker.store.stores import Stores
from worker.sync.items import Items, ResolvedCode

DEADLINE_SECONDS = 30.0
"""Seconds after which no further Item is started; the rest is left to the next attempt. Less than the lifetime of a claim."""
BUSY_WAIT_SECONDS = 0.25
SPARE_THREADS = 2
"""More threads than slots, so that no slot is idle while a thread records what it has created."""


@dataclass(frozen=True, slots=True)
class InvoiceItems:
    """The existing and missing Items of an invoice; creates the missing ones. `pool`: threads that create Items."""

    stores: Stores
    items: Items
    runner: Runner
    pool: Executor

    def known(self, invoice: Invoice) -> dict[int, str]:
        """Return the known Item ids by WBS code id."""
        records = self.stores.ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        return {wbs_code_id: record.remote_id for wbs_code_id, record in records.items() if record.done}

    def missing(self, invoice: Invoice) -> list[int]:
        """Return the codes that still need an Item."""
        known = self.known(invoice)
        return [wbs_code_id for wbs_code_id in invoice.wbs_code_ids if wbs_code_id not in known]

    def looked_at_again(self, project_id: int, wbs_code_ids: Collection[int]) -> float:
        """Return when the last of these codes is attempted next (unix seconds); 0 if all are claimed."""
        keys = [str(CodeKey(project_id, wbs_code_id)) for wbs_code_id in wbs_code_ids]
        return self.stores.work.last_due(Lane.ITEMS, keys)

    def resolve(self, project: Project, invoice: Invoice, missing: Collection[int]) -> list[ResolvedCode]:
        """Return what would happen to the invoice's missing codes, without those with an unconfirmed write; reads only."""
        records = self.stores.ledger.codes(invoice.project_id, missing)
        open_codes = [code for code in codes_of(invoice, missing) if not _in_doubt(records.get(code.id))]
        return self.items.resolve(project, open_codes)

    def resolve_missing(self, project: Project, invoice: Invoice) -> list[ResolvedCode]:
        """Look up all missing codes of the invoice in bulk. Reads only."""
        missing = self.missing(invoice)
        return self.resolve(project, invoice, missing) if missing else []

    def note(self, project: Project, invoice: Invoice, resolved: Collection[ResolvedCode]) -> list[int]:
        """Record the result of a look-up, and return the codes whose Items must be created.

        Raises Blocked if some can never be created: then none is created for this invoice.
        """
        to_make = [one for one in resolved if one.kind is OutcomeKind.CREATED]
        self.items.note(project.id, [one for one in resolved if one.kind is not OutcomeKind.CREATED], for_invoice=True)
        self.require_none_blocked(invoice, resolved)
        noted = self.items.note(project.id, to_make, for_invoice=True)
        # What waits in the ledger waits in its lane too: its codes are completed whatever the result of this invoice.
        self.stores.work.add(Lane.ITEMS, [str(key) for key in noted], at=self.stores.now() + CLAIM_SECONDS)
        return self.missing(invoice)

    def require_none_blocked(self, invoice: Invoice, resolved: Collection[ResolvedCode] = ()) -> None:
        """Raise Blocked if a code of the invoice has a problem, by the ledger or by a newer look-up (`resolved`)."""
        records = self.stores.ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        blocked_ids = {code_id for code_id, record in records.items() if record.state is State.BLOCKED}
        # A code that was fixed since is created now: no scan would create it if it has no budget line.
        blocked_ids -= {one.code.id for one in resolved}
        # Another worker has created it since the look-up, or is creating it: it is no longer blocked.
        overtaken = {code_id for code_id, record in records.items() if record.done or record.in_doubt}
        blocked_ids |= {one.code.id for one in resolved if one.kind is OutcomeKind.BLOCKED} - overtaken
        texts = {line.wbs_code_id: line.flat_code for line in invoice.lines}
        blocked = [texts[code_id] for code_id in invoice.wbs_code_ids if code_id in blocked_ids]
        if blocked:
            shown = ", ".join(blocked[:5]) + (f" and {len(blocked) - 5} more" if len(blocked) > 5 else "")
            ids = ",".join(str(code_id) for code_id in invoice.wbs_code_ids if code_id in blocked_ids)
            raise Blocked(cause=Cause.BLOCKED_CODES, facts=invoice.facts | {"codes": shown, "code_ids": ids})

    def make(self, keys: Collection[CodeKey]) -> list[Outcome]:
        """Create these Items, as many in parallel as the pool has threads. Each is a separate piece of work: late ones wait in their lane."""
        until = self.stores.runtime.monotonic() + DEADLINE_SECONDS
        outcomes = list(self.pool.map(in_context(lambda key: self._make_one(key, until)), keys))
        new = sum(outcome.kind in (OutcomeKind.CREATED, OutcomeKind.ADOPTED) for outcome in outcomes)
        self.stores.runs.count(RunKind.EXPORT, "items", new)
        return outcomes

    def _make_one(self, key: CodeKey, until: float) -> Outcome:
        """Create one Item, and retry it when due, if that is soon."""
        clock = self.stores.runtime.monotonic
        outcome = Outcome(OutcomeKind.WAITING, reason="its turn has not come yet")
        while clock() < until:
            outcome = self.runner.run(str(key), lambda _: self.items.make(key), claim=Claim.ASIDE)
            if outcome.kind is not OutcomeKind.WAITING or outcome.again_at is None:
                break
            wait = outcome.again_at - self.stores.now()
            if clock() + wait >= until:
                break
            if made := self._created_elsewhere(key, wait):
                return outcome_of(made)
        return outcome

    def _created_elsewhere(self, key: CodeKey, wait: float) -> Record | None:
        """Return the record of an Item that another worker created within this many seconds."""
        runtime = self.stores.runtime
        until = runtime.monotonic() + wait
        while runtime.monotonic() < until:
            runtime.sleep(min(wait, BUSY_WAIT_SECONDS))
            record = self.stores.ledger.code(key)
            if record and record.done:
                return record
        return None


def codes_of(invoice: Invoice, wbs_code_ids: Collection[int]) -> list[WbsCode]:
    """Return the texts and descriptions of its codes from the invoice's lines."""
    lines = {line.wbs_code_id: line for line in invoice.lines}
    return [
        WbsCode(code_id, line.flat_code, line.code_description, line.segments)
        for code_id in wbs_code_ids
        for line in [lines[code_id]]
    ]


def _in_doubt(record: Record | None) -> bool:
    return record is not None and record.in_doubt
