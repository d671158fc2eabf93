"""Creates the Items that an invoice needs before its bill can be written, in parallel as the gate allows."""

from __future__ import annotations

import time
from collections.abc import Collection
from concurrent.futures import Executor

from worker.domain.errors import Blocked
from worker.domain.identities import CodeKey
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Outcome, OutcomeKind, Record, State, outcome_of
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project, WbsCode
from worker.domain.work import Claim, Lane, RunKind
from worker.engine.runner import Runner
from worker.observability.correlation import in_context
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.lanes import CLAIM_SECONDS, Lanes
from worker.store.ledger import Ledger
from worker.store.runs import Runs
from worker.sync.items import Items, ResolvedCode

DEADLINE_SECONDS = 30.0
"""Seconds after which no further Item is started; the rest is left to the next attempt. Less than the lifetime of a claim."""
BUSY_WAIT_SECONDS = 0.25


class InvoiceItems:
    """The existing and missing Items of an invoice; creates the missing ones."""

    def __init__(
        self,
        client: Redis,
        *,
        items: Items,
        ledger: Ledger,
        work: Lanes,
        runs: Runs,
        runner: Runner,
        pool: Executor,
    ) -> None:
        self._client = client
        self._items = items
        self._ledger = ledger
        self._work = work
        self._runs = runs
        self._runner = runner
        self._pool = pool

    def known(self, invoice: Invoice) -> dict[int, str]:
        """Return the known Item ids by WBS code id."""
        records = self._ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        return {wbs_code_id: record.remote_id for wbs_code_id, record in records.items() if record.done}

    def missing(self, invoice: Invoice) -> list[int]:
        """Return the codes that still need an Item."""
        known = self.known(invoice)
        return [wbs_code_id for wbs_code_id in invoice.wbs_code_ids if wbs_code_id not in known]

    def looked_at_again(self, project_id: int, wbs_code_ids: Collection[int]) -> float:
        """Return when the last of these codes is attempted next (unix seconds); 0 if all are claimed."""
        keys = [str(CodeKey(project_id, wbs_code_id)) for wbs_code_id in wbs_code_ids]
        return self._work.last_due(Lane.ITEMS, keys)

    def resolve(self, project: Project, invoice: Invoice, missing: Collection[int]) -> list[ResolvedCode]:
        """Return what would happen to the invoice's missing codes, without those with an unconfirmed write; reads only."""
        records = self._ledger.codes(invoice.project_id, missing)
        open_codes = [code for code in codes_of(invoice, missing) if not _in_doubt(records.get(code.id))]
        return self._items.resolve(project, open_codes)

    def resolve_missing(self, project: Project, invoice: Invoice) -> list[ResolvedCode]:
        """Look up all missing codes of the invoice in bulk. Reads only."""
        missing = self.missing(invoice)
        return self.resolve(project, invoice, missing) if missing else []

    def note(self, project: Project, invoice: Invoice, resolved: Collection[ResolvedCode]) -> list[int]:
        """Record the result of a look-up, and return the codes whose Items must be created.

        Raises Blocked if some can never be created: then none is created for this invoice.
        """
        to_make = [one for one in resolved if one.kind is OutcomeKind.CREATED]
        self._items.note(project.id, [one for one in resolved if one.kind is not OutcomeKind.CREATED], for_invoice=True)
        self.require_none_blocked(invoice, resolved)
        noted = self._items.note(project.id, to_make, for_invoice=True)
        # What waits in the ledger waits in its lane too: whatever becomes of this invoice, its codes come to an end.
        self._work.add(Lane.ITEMS, [str(key) for key in noted], at=seconds(self._client) + CLAIM_SECONDS)
        return self.missing(invoice)

    def require_none_blocked(self, invoice: Invoice, resolved: Collection[ResolvedCode] = ()) -> None:
        """Raise Blocked if a code of the invoice has a problem, by the ledger or by a newer look-up (`resolved`)."""
        records = self._ledger.codes(invoice.project_id, invoice.wbs_code_ids)
        blocked_ids = {code_id for code_id, record in records.items() if record.state is State.BLOCKED}
        # What was mended since is made now: no scan would, where the code has no budget line.
        blocked_ids -= {one.code.id for one in resolved}
        # What another worker is making, or has made, since the look: the ledger does not call it blocked any more, nor does anybody else.
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
        until = time.monotonic() + DEADLINE_SECONDS
        outcomes = list(self._pool.map(in_context(lambda key: self._make_one(key, until)), keys))
        new = sum(outcome.kind in (OutcomeKind.CREATED, OutcomeKind.ADOPTED) for outcome in outcomes)
        self._runs.count(RunKind.EXPORT, "items", new)
        return outcomes

    def _make_one(self, key: CodeKey, until: float) -> Outcome:
        """Create one Item, and retry it when due, if that is soon."""
        outcome = Outcome(OutcomeKind.WAITING, reason="its turn has not come yet")
        while time.monotonic() < until:
            outcome = self._runner.run(str(key), lambda _: self._items.make(key), claim=Claim.ASIDE)
            if outcome.kind is not OutcomeKind.WAITING or outcome.again_at is None:
                break
            wait = outcome.again_at - seconds(self._client)
            if time.monotonic() + wait >= until:
                break
            if made := self._made_by_another(key, wait):
                return outcome_of(made)
        return outcome

    def _made_by_another(self, key: CodeKey, wait: float) -> Record | None:
        """Return the record of an Item that another worker created within this many seconds."""
        until = time.monotonic() + wait
        while time.monotonic() < until:
            time.sleep(min(wait, BUSY_WAIT_SECONDS))
            record = self._ledger.code(key)
            if record and record.done:
                return record
        return None


def codes_of(invoice: Invoice, wbs_code_ids: Collection[int]) -> list[WbsCode]:
    """Return the texts and descriptions of its codes from the invoice's lines."""
    lines = {line.wbs_code_id: line for line in invoice.lines}
    return [WbsCode(code_id, lines[code_id].flat_code, lines[code_id].code_description) for code_id in wbs_code_ids]


def _in_doubt(record: Record | None) -> bool:
    return record is not None and record.in_doubt
