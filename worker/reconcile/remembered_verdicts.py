"""Verdicts of earlier comparisons that still hold, because the lists of both systems show no change since."""

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
    """Cached results of one project from earlier comparisons. Used only while the lists of both systems show the record unchanged.

    A list shows a change by its time, with a resolution of a second or a minute. So a result is cached only if something else was changed
    later than the record, before it was read: then any later change of the record shows another time.
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
        """Note when invoices and bills were last changed, as just listed."""
        procore, netsuite = ([moment for moment in some if MOMENT.fullmatch(moment)] for some in moments)
        newest = self._verifications.newest
        self._newest = newest("procore", *procore), newest("netsuite", *netsuite)

    def verdict(self, one: InvoiceToCompare) -> Verdict | None:
        """Return the cached verdict that still applies."""
        text = self._known.get(str(one.head.id))
        if text is None:
            return None
        fingerprint, at, kept_verdict = json.loads(text)
        verdict = Verdict.of(kept_verdict)
        same_items = verdict.bill is None or self._item_ids.issuperset(verdict.bill.item_ids)
        is_true = fingerprint == self._bills.fingerprint(one) and same_items and at >= self._since
        return verdict if is_true else None

    def keep(self, one: InvoiceToCompare, verdict: Verdict) -> None:
        """Cache a verdict, if a later change would be visible."""
        if verdict.equal and self._would_show(one):
            text = json.dumps([self._bills.fingerprint(one), self._now, verdict.text()])
            self._verifications.keep_equal(self._unit, str(one.head.id), text)
        elif str(one.head.id) in self._known:
            self._verifications.forget_equal(self._unit, [str(one.head.id)])

    def _would_show(self, one: InvoiceToCompare) -> bool:
        if not (one.withdrawn or one.skipped or bill_id_of_origin(one.head.origin_id)):
            # Only the origin id locks an invoice in Procore.
            return False
        procore = [one.head.updated_at, *(moment.partition(" ")[2] for moment in one.chain)]
        netsuite = [bill.modified for bill in (*one.bills, *one.named)]
        pairs = ((procore, self._newest[0]), (netsuite, self._newest[1]))
        return all(MOMENT.fullmatch(moment) and moment < newest for moments, newest in pairs for moment in moments)
