"""One HTTP transport for both remotes. Nothing of `requests` leaves it: an answer, or one of the domain's errors."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from worker.domain.errors import OutcomeUnknown, SyncError, Transient

CONNECT_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: never an exception, whatever the status."""

    status: int
    headers: Mapping[str, str]
    text: str
    next_page: bool | None = None

    @property
    def ok(self) -> bool:
        """Any 2xx: both remotes use 200, 201, 202 and 204 more freely than their pages say."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body, numbers with a point as Decimal. Raises Transient for what is no JSON: a gateway's page, a cut body."""
        try:
            return json.loads(self.text, parse_float=Decimal)
        except ValueError as error:
            raise Transient(f"the answer ({self.status}) is not JSON: {self.text[:80]!r}") from error

    def json_or_none(self) -> Any:
        """The body, or None for what is no JSON: for reading errors, which gateways answer with HTML."""
        try:
            return json.loads(self.text, parse_float=Decimal)
        except ValueError:
            return None

    def excerpt(self) -> str:
        """The beginning of the body on one line, for people; of a gateway's page only its words."""
        text = re.sub(r"<[^>]*>", " ", self.text) if "<html" in self.text[:500].lower() else self.text
        return " ".join(text.split())[:200]


class Transport:
    """Sends requests with a timeout on each; one kept-alive session per thread."""

    def __init__(self, *, remote: str, read_timeout: float) -> None:
        self._remote = remote
        self._timeout = (CONNECT_TIMEOUT_SECONDS, read_timeout)
        self._local = threading.local()

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        form: Mapping[str, str] | None = None,
        writes: bool = False,
    ) -> Answer:
        """Send one request. `body` goes as JSON, `form` form-encoded.

        Raises Transient when it certainly did not reach the remote (or only read), OutcomeUnknown when a write may have.
        """
        try:
            response = self._session().request(
                method, url, headers=dict(headers), params=params, json=body, data=form,
                timeout=self._timeout, allow_redirects=False,
            )  # fmt: skip
        except requests.RequestException as error:
            raise self._as_sync_error(error, writes=writes) from error
        next_page = "next" in response.links if "Link" in response.headers else None
        return Answer(response.status_code, response.headers, response.text, next_page)

    def _as_sync_error(self, error: requests.RequestException, *, writes: bool) -> SyncError:
        """The error's class name is all that is told: its text may hold an address with credentials in it."""
        words = f"no answer: {type(error).__name__}"
        if _never_sent(error):
            return Transient(words, down=self._remote)
        return OutcomeUnknown(words) if writes else Transient(words)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # Neither remote's API needs cookies, and one account's must not follow us into another.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            # The environment's proxies are wanted, but a .netrc must not replace our Authorization header.
            session.auth = _keep_headers
            self._local.session = session
        return session


def _keep_headers(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
