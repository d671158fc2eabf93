"""Which currency the books in NetSuite are in: that of the setting, or else the only base currency that Procore names.

Procore names a project's own currency as the base of its invoices where the project has one. So one of several base currencies is that
of the books at most, and nothing tells which.
"""

from __future__ import annotations

from collections.abc import Iterable

from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice
from worker.domain.problems import Cause
from worker.store.currencies import Currencies


class BooksCurrency:
    """`setting`: NETSUITE_CURRENCY, "" where it is not set."""

    def __init__(self, seen: Currencies, *, setting: str) -> None:
        self._seen = seen
        self.setting = setting

    def note(self, bases: Iterable[str]) -> None:
        """Take in the base currencies of invoices as Procore lists them; "" of one that names none."""
        if not self.setting and (named := set(bases) - {""}):
            self._seen.add(named)

    def seen(self) -> list[str]:
        """The base currencies that were noted, sorted."""
        return self._seen.all()

    def require_known(self, invoice: Invoice) -> None:
        """Raise Blocked for an invoice that would be billed while Procore names several base currencies and no setting says which one counts.
        Reads only.
        """
        if self.setting or not invoice.base_currency:
            return
        seen = sorted({*self.seen(), invoice.base_currency})
        if len(seen) > 1:
            facts = {"currency": invoice.currency, "currencies": ", ".join(seen)}
            raise Blocked(cause=Cause.CURRENCY_NOT_KNOWN, facts=invoice.facts | facts)
