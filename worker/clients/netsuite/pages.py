"""Links to records in NetSuite's user interface.

Its domain is `<account>.app.netsuite.com`, that of the API `<account>.suitetalk.api.netsuite.com` (ohelp/section_4834765371,
ohelp/section_4697322330). No help page has the paths of records; the public code of many integrations uses these (docs/remotes.md).
"""

from __future__ import annotations

import re

_SUITETALK = re.compile(r"https://([a-z0-9-]+)\.suitetalk\.api\.netsuite\.com", re.IGNORECASE)


class NetSuitePages:
    """Links to records by their internal ids; none if NetSuite is not at its usual address, such as a simulated one."""

    def __init__(self, base_url: str) -> None:
        match = _SUITETALK.fullmatch(base_url)
        self._site = f"https://{match.group(1).lower()}.app.netsuite.com" if match else ""

    def item(self, item_id: str) -> str:
        """Return the link to an Item of any type; "" if there is none."""
        return self._page(f"/app/common/item/item.nl?id={item_id}")

    def bill(self, bill_id: str, *, credit: bool = False) -> str:
        """Return the link to a vendor bill or vendor credit; "" if there is none."""
        return self._page(f"/app/accounting/transactions/{'vendcred' if credit else 'vendbill'}.nl?id={bill_id}")

    def _page(self, path: str) -> str:
        return self._site and self._site + path
