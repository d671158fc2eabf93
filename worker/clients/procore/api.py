"""Procore's REST API: logs in, sends one request within the rate limits, raises the error that its response means, and reads lists page by page."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.clients.fields import RowT, UnreadableRow, read_rows
from worker.clients.http import Answer, Transport
from worker.clients.login import require_admitted, token_of
from worker.clients.procore import wire
from worker.clients.procore.errors import Unauthorized, error_of, message_of
from worker.context import no_response, response_seen
from worker.domain.errors import Misconfigured, NoRoom, SyncError, Transient, UnexpectedAnswer
from worker.domain.problems import Cause
from worker.domain.scopes import Remote
from worker.store.gate import Precedence
from worker.store.limits import RateLimits
from worker.store.tokens import AccessToken, Tokens

log = logging.getLogger(__name__)

MAX_PAGES = 1000
"""Enough for a hundred thousand budget lines of one project. A list with more pages is treated as endless."""


@dataclass(frozen=True, slots=True)
class ProcoreAddress:
    """The addresses of Procore, the app that logs in, and its company."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: str = field(repr=False)
    company_id: int


class ProcoreApi:
    """The REST API of one company, for one precedence at the rate limits."""

    def __init__(
        self,
        address: ProcoreAddress,
        *,
        transport: Transport,
        tokens: Tokens,
        limits: RateLimits,
        precedence: Precedence,
    ) -> None:
        self.company_id = address.company_id
        self._base_url = address.base_url
        self._transport = transport
        self._tokens = tokens
        self._limits = limits
        self._precedence = precedence

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test the credentials. Raises Misconfigured if they are refused."""
        self._tokens.renew()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Answer:
        """GET a path, such as `/rest/v1.0/me`."""
        return self.request("GET", path, params=params)

    def request(self, method: str, path: str, *, params: Mapping[str, Any] | None = None, body: Any = None) -> Answer:
        """Send a request; send it again once if the token is refused."""
        try:
            return self._send(method, path, params, body)
        except Unauthorized:
            pass
        try:
            return self._send(method, path, params, body)
        except Unauthorized as error:
            raise Misconfigured(str(error), cause=Cause.PROCORE_LOGIN, facts={"answer": str(error)}) from error

    def pages(
        self,
        model: type[RowT],
        path: str,
        params: Mapping[str, Any],
        per_page: int,
        unreadable: list[UnreadableRow] | None = None,
    ) -> Iterator[RowT]:
        """Return all rows of a list (https://developers.procore.com/documentation/pagination): the last page has no `next` link.

        Without links, `Total` is the number of rows, since a page may be shorter than requested; without either, a short page is the last.
        Rows that cannot be read are skipped, and added to `unreadable` or else logged. Raises UnexpectedAnswer for a page without any readable row.
        """
        before, read_so_far = "", 0
        for page in range(1, MAX_PAGES + 1):
            answer = self.get(path, {**params, "page": page, "per_page": per_page})
            rows, unread = read_rows(model, wire.rows_of(answer.json()))
            # Not every endpoint has pages: one that repeats its response would otherwise never end.
            if answer.text == before:
                return
            if unread and not rows and unreadable is None:
                raise UnexpectedAnswer(unread[0].complaint)
            for row in unread:
                log.warning("Skipped an unreadable row of %s: %s", path, row.complaint)
            (unreadable if unreadable is not None else []).extend(unread)
            yield from rows
            count = len(rows) + len(unread)
            read_so_far += count
            if not count or not _has_next(answer, read_so_far, is_full=count == per_page):
                return
            before = answer.text
        name = model.__name__.removesuffix("Row")
        raise UnexpectedAnswer(f"Procore's list of {name} continues after {MAX_PAGES} pages")

    def _send(self, method: str, path: str, params: Mapping[str, Any] | None, body: Any) -> Answer:
        token = self._tokens.get()
        self._limits.wait(self._precedence)
        headers = {"Authorization": f"Bearer {token}", "Procore-Company-Id": str(self.company_id)}
        try:
            answer = self._transport.send(method, self._base_url + path, headers=headers, params=params, body=body)
        except Transient:
            no_response(Remote.PROCORE)
            raise
        self._limits.observe(answer.headers, sent_at=answer.sent_at)
        if error := error_of(answer):
            self._record(error, token)
            raise error
        response_seen(Remote.PROCORE)
        return answer

    def _record(self, error: SyncError, token: str) -> None:
        """Record what an error means for later requests."""
        if isinstance(error, Unauthorized):
            self._tokens.forget(token)
        elif isinstance(error, NoRoom):
            self._limits.block(error.retry_after or 10.0)
        elif isinstance(error, Transient):
            no_response(Remote.PROCORE)
        elif not isinstance(error, Misconfigured):
            response_seen(Remote.PROCORE)


def _has_next(answer: Answer, seen: int, *, is_full: bool) -> bool:
    """Return whether a page follows. `seen`: rows so far; `is_full`: whether the page has as many rows as requested."""
    if answer.next_page is not None:
        return answer.next_page
    total = answer.headers.get("Total", "")
    return seen < int(total) if re.fullmatch(r"[0-9]{1,9}", total) else is_full


def mint_token(transport: Transport, address: ProcoreAddress) -> AccessToken:
    """Return a new access token (https://developers.procore.com/documentation/oauth-client-credentials); Procore issues no refresh token.

    Raises Misconfigured if Procore refuses, Transient if it may work later.
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": address.client_id,
        "client_secret": address.client_secret,
    }
    url, identity = f"{address.auth_url}/oauth/token", f"client id {address.client_id}"
    answer = transport.send("POST", url, headers={}, form=form)
    require_admitted(answer, f"{answer.status} {message_of(answer)}", Cause.PROCORE_LOGIN, url=url, identity=identity)
    if error := error_of(answer):
        raise error
    return token_of(answer, "Procore", url=url)
