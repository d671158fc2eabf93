"""Where people see a project in Procore.

The form `https://app.procore.com/webclients/host/companies/{company}/projects/{project}/tools/...` is that of links on Procore's own
support pages; `projecthome` and `invoicing/subcontractor` behind it are seen in public code, and so is the host `us02.procore.com` for
companies and projects whose ids have 15 digits (docs/remotes.md). No form of a page of one invoice or one code was found: so an
invoice's link leads to the subcontractor invoices of its project, and a code's to the project.
"""

from __future__ import annotations

PRODUCTION = "https://api.procore.com"
FIRST_ID_OF_US02 = 10**14
"""The ids seen there have 15 digits, all others fewer than ten."""


class ProcorePages:
    """Addresses of a project's tools; none for a sandbox or a simulated Procore."""

    def __init__(self, base_url: str, company_id: int) -> None:
        host = "us02" if company_id >= FIRST_ID_OF_US02 else "app"
        self._company = f"https://{host}.procore.com/webclients/host/companies/{company_id}"
        self._known = base_url == PRODUCTION

    def project(self, project_id: int) -> str:
        """A project's home; "" when there is no address."""
        return self._tool(project_id, "projecthome")

    def invoices(self, project_id: int) -> str:
        """The subcontractor invoices of a project; "" when there is no address."""
        return self._tool(project_id, "invoicing/subcontractor")

    def _tool(self, project_id: int, tool: str) -> str:
        return f"{self._company}/projects/{project_id}/tools/{tool}" if self._known else ""
