"""Cached verdicts of earlier comparisons, which are valid while the lists of both systems show no change."""

from __future__ import annotations

import json
import re

from worker.domain.identities import bill_id_of_origin
from worker.domain.wbs_codes import Project
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.bill_verdicts import InvoiceToCompare, Verdict
from worker.store.verifications import Verifications, VerificationState

MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z?")
"""Timestamps in a format that sorts as text."""


class RememberedVerdicts:
    """The cached verdicts of one project.

    A list shows a change by its time, with a resolution of a second or a minute. So a verdict is cached only if the remote had already shown
    a later change of another record: any further change of this record then has another time.
    """

    def __init__(
        self, verifications: Verifications, bills: BillDrift, project: Project, state: VerificationState
    ) -> None:
        self._verifications = verifications
        self._bills = bills
        self._unit = str(project.id)
        self._since = state.started_at if state.full else 0.0
        self._known = verifications.equal(self._unit)
        self._item_ids = bills.item_ids(project)
        self._newest = ("", "")
        self._now = state.started_at

    def note_moments(self, moments: tuple[list[str], list[str]]) -> None:
        """Record when invoices and bills were last changed, as the lists of this comparison show it."""
        procore, netsuite = ([moment for moment in some if MOMENT.fullmatch(moment)] for some in moments)
        newest = self._verifications.newest
        self._newest = newest("procore", *procore), newest("netsuite", *netsuite)

    def verdict(self, invoice: InvoiceToCompare) -> Verdict | None:
        """Return the cached verdict on an invoice if it still applies; else None."""
        text = self._known.get(str(invoice.head.id))
        if text is None:
            return None
        fingerprint, at, kept_verdict = json.loads(text)
        verdict = Verdict.of(kept_verdict)
        same_items = verdict.bill is None or self._item_ids.issuperset(verdict.bill.item_ids)
        applies = fingerprint == self._bills.fingerprint(invoice) and same_items and at >= self._since
        return verdict if applies else None

    def keep(self, invoice: InvoiceToCompare, verdict: Verdict) -> None:
        """Cache a verdict if the lists would show a later change; else delete the cached one."""
        if verdict.may_be_cached and self._would_show(invoice):
            text = json.dumps([self._bills.fingerprint(invoice), self._now, verdict.text()])
            self._verifications.keep_equal(self._unit, str(invoice.head.id), text)
        elif str(invoice.head.id) in self._known:
            self._verifications.forget_equal(self._unit, [str(invoice.head.id)])

    def _would_show(self, invoice: InvoiceToCompare) -> bool:
        if not (invoice.withdrawn or invoice.skipped or bill_id_of_origin(invoice.head.origin_id)):
            # Only the origin id locks an invoice in Procore.
            return False
        procore = [invoice.head.updated_at, *(moment.partition(" ")[2] for moment in invoice.chain)]
        netsuite = [bill.modified for bill in (*invoice.bills, *invoice.named)]
        pairs = ((procore, self._newest[0]), (netsuite, self._newest[1]))
        return all(MOMENT.fullmatch(moment) and moment < newest for moments, newest in pairs for moment in moments)
