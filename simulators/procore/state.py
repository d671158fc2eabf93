"""The state of the simulated Procore: the company, permissions, tokens, limits, settings and the journal."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from simulators.common.app import Exchange
from simulators.common.faults import FaultPlan
from simulators.common.journal import Journal
from simulators.common.meter import Meter
from simulators.common.settings import change_settings
from simulators.company import Company, build_company
from simulators.company.billing import Invoice
from simulators.company.model import Project
from simulators.procore.answers import FORBIDDEN, NOT_CONNECTED, NOT_FOUND, REASONS, Refusal, too_many
from simulators.procore.edits import Edits
from simulators.procore.limits import SURPASSED, RateLimiter
from simulators.procore.settings import ProcoreSettings

CLIENT_ID = "wbs-sync-simulated-app"
CLIENT_SECRET = "simulated-procore-secret"


class ProcoreState(Edits):
    """A Procore account with one installed app. A test may read and edit `company` directly or by the methods of `Edits`.

    `settings`: by name (see `ProcoreSettings`); `clock`: returns unix seconds, for tokens, limits and `updated_at`.
    """

    name = "procore"

    def __init__(self, company: Company, *, clock: Callable[[], float] = time.time, **settings: Any) -> None:
        self.settings = ProcoreSettings()
        change_settings(self.settings, settings)
        self.client_id = CLIENT_ID
        self.client_secret = CLIENT_SECRET
        self.journal = Journal()
        self.faults = FaultPlan()
        self.meter = Meter()
        self.limiter = RateLimiter()
        self.clock = clock
        self._expiries: dict[str, float] = {}
        super().__init__(company)

    # ---- called by the shell --------------------------------------------------------------------------------------

    def takes_slot(self, path: str) -> bool:
        """Return whether a request counts as in flight: every API call, but not a login."""
        return path.startswith("/rest/")

    def refuse(self, exchange: Exchange) -> Response | None:
        """Count the call against both limits. Return a 429 if one of them is exceeded ("rate-limiting" guide). A login does not count: tokens
        come from another host.
        """
        if not self.takes_slot(exchange.path):
            return None
        settings = self.settings
        if self.limiter.admit(self.clock(), settings.hourly_limit, settings.spike_limit, settings.hour_seconds):
            return None
        return self.stamped(self._too_many())

    def error_response(self, status: int) -> Response:
        """Return an error with this status in Procore's format."""
        if status == 429:
            return self.stamped(self._too_many())
        answer = Refusal(status, REASONS.get(status, "Error")).response(v2=False)
        if status == 503 and self.settings.retry_after_on_503:
            answer.headers["Retry-After"] = "1"
        return self.stamped(answer)

    def reset(self, seed: int, profile: str) -> None:
        """Replace the company. Tokens and limits are reset, settings and faults are kept."""
        company = build_company(seed, profile)
        self._expiries.clear()
        self.limiter = RateLimiter()
        self.load(company)

    def stamped(self, answer: Response) -> Response:
        """Return the response with the headers that every API response has."""
        answer.headers["x-request-id"] = str(uuid.uuid4())
        answer.headers.update(self.limiter.headers(self.settings.hourly_limit, self.settings.spike_limit))
        return answer

    def _too_many(self) -> Response:
        answer = too_many(SURPASSED, as_json=self.settings.json_on_429)
        if self.settings.retry_after_on_429:
            reset = self.limiter.headers(self.settings.hourly_limit, self.settings.spike_limit).get(
                "X-Rate-Limit-Reset"
            )
            answer.headers["Retry-After"] = str(max(1, int(reset or 0) - int(self.clock())))
        return answer

    # ---- time and tokens -----------------------------------------------------------------------------------------

    def now(self) -> dt.datetime:
        """Return the time of the clock, in UTC."""
        return dt.datetime.fromtimestamp(self.clock(), dt.UTC)

    def issue_token(self) -> dict[str, Any]:
        """Return a new access token. Earlier tokens are valid until they expire ("oauth-client-credentials" guide)."""
        token = uuid.uuid4().hex
        now = self.clock()
        self._expiries[token] = now + self.settings.token_lifetime
        return {
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.settings.token_lifetime,
            "created_at": int(now),
        }

    def token_is_good(self, token: str) -> bool:
        """Return whether the token was issued here and has not expired."""
        return self._expiries.get(token, 0.0) > self.clock()

    def revoke_tokens(self) -> None:
        """Make every token issued so far invalid."""
        self._expiries.clear()

    # ---- permissions ---------------------------------------------------------------------------------------------

    def check_company(self, company_id: int) -> None:
        """Raise a 403 for a company on which the app is not installed ("troubleshooting" guide)."""
        if company_id != self.company.company_id:
            raise Refusal(403, NOT_CONNECTED)

    def open_project(self, project_id: int, *, financials: bool = False) -> Project:
        """Return a project that the app may see. Raises a 404 (or the status in the settings) if it is not on the permitted list, and a 403
        for a tool that is off.
        """
        project = self.company.projects.get(project_id)
        if project is None:
            raise Refusal(404, NOT_FOUND)
        if not project.permitted:
            status = self.settings.unpermitted_status
            raise Refusal(status, NOT_FOUND if status == 404 else FORBIDDEN)
        if financials and project.tools_disabled:
            raise Refusal(403, FORBIDDEN)
        return project

    def open_invoice(self, project: Project, invoice_id: int) -> Invoice:
        """Return an invoice of this project. Raises a 404 for any other."""
        invoice = self.company.invoices.get(invoice_id)
        if invoice is None or invoice.project_id != project.id:
            raise Refusal(404, NOT_FOUND)
        return invoice
