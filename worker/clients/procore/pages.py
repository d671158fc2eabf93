"""Links to projects in Procore's user interface.

Links on Procore's support pages have the form `https://app.procore.com/webclients/host/companies/{company}/projects/{project}/tools/...`.
Public code has `projecthome` and `invoicing/subcontractor` after it, and the host `us02.procore.com` for companies and projects with ids of
15 digits (docs/remotes.md). No form of a page of one invoice or one code was found, so an invoice's link leads to the subcontractor
invoices of its project, and a code's link to the project.
"""

from __future__ import annotations

PRODUCTION = "https://api.procore.com"
FIRST_ID_OF_US02 = 10**14
"""Ids there have 15 digits, all others fewer than ten."""


class ProcorePages:
    """Links to a project's tools; none for a sandbox or a simulated Procore."""

    def __init__(self, base_url: str, company_id: int) -> None:
        host = "us02" if company_id >= FIRST_ID_OF_US02 else "app"
        self._company = f"https://{host}.procore.com/webclients/host/companies/{company_id}"
        self._known = base_url == PRODUCTION

    def project(self, project_id: int) -> str:
        """Return the link to a project's home; "" if there is none."""
        return self._tool(project_id, "projecthome")

    def invoices(self, project_id: int) -> str:
        """Return the link to the subcontractor invoices of a project; "" if there is none."""
        return self._tool(project_id, "invoicing/subcontractor")

    def _tool(self, project_id: int, tool: str) -> str:
        return f"{self._company}/projects/{project_id}/tools/{tool}" if self._known else ""
