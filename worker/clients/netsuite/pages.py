"""Where people see a record in NetSuite.

The user interface has the account's own domain, `<account>.app.netsuite.com`, beside `<account>.suitetalk.api.netsuite.com`
(ohelp/section_4834765371, ohelp/section_4697322330). The paths of records are in no help page; they are seen the same in the
public code of many integrations (docs/remotes.md).
"""

from __future__ import annotations

import re

_SUITETALK = re.compile(r"https://([a-z0-9-]+)\.suitetalk\.api\.netsuite\.com", re.IGNORECASE)


class NetSuitePages:
    """Addresses of records by their internal ids; none where NetSuite is not at its usual address, such as a simulated one."""

    def __init__(self, base_url: str) -> None:
        found = _SUITETALK.fullmatch(base_url)
        self._site = f"https://{found.group(1).lower()}.app.netsuite.com" if found else ""

    def item(self, item_id: str) -> str:
        """An Item of any type; "" when there is no address."""
        return self._page(f"/app/common/item/item.nl?id={item_id}")

    def bill(self, bill_id: str, *, credit: bool = False) -> str:
        """A vendor bill or vendor credit; "" when there is no address."""
        return self._page(f"/app/accounting/transactions/{'vendcred' if credit else 'vendbill'}.nl?id={bill_id}")

    def _page(self, path: str) -> str:
        return self._site and self._site + path
