"""Determines the currency of the books in NetSuite: that of the setting, or else the only base currency in Procore.

If a project has its own currency, Procore reports it as the base currency of its invoices. So if there are several base currencies, at most
one is that of the books, and nothing says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from worker.domain.errors import Blocked
from worker.domain.invoices import Invoice
from worker.domain.policy import Policy
from worker.domain.problems import Cause
from worker.store.stores import Stores


@dataclass(frozen=True, slots=True)
class BooksCurrency:
    """Records the base currencies of invoices while no setting says which one the books have."""

    stores: Stores
    policy: Policy

    @property
    def setting(self) -> str:
        """Return NETSUITE_CURRENCY; "" if it is not set."""
        return self.policy.currency

    def note(self, bases: Iterable[str]) -> None:
        """Record the base currencies of invoices as listed by Procore; "" for an invoice without one."""
        if not self.setting and (named := set(bases) - {""}):
            self.stores.currencies.add(named)

    def seen(self) -> list[str]:
        """Return the recorded base currencies, sorted."""
        return self.stores.currencies.all()

    def require_known(self, invoice: Invoice) -> None:
        """Raise Blocked for an invoice to be billed while Procore has several base currencies and no setting says which one applies. Reads only."""
        if self.setting or not invoice.base_currency:
            return
        seen = sorted({*self.seen(), invoice.base_currency})
        if len(seen) > 1:
            facts = {"currency": invoice.currency, "currencies": ", ".join(seen)}
            raise Blocked(cause=Cause.BASE_CURRENCY_UNKNOWN, facts=invoice.facts | facts)
