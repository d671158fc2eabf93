"""The HTTP transport of both systems. Returns a response or raises an error of the domain, never one of `requests`."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from worker.clients.network import Network, RecordingAdapter, expect_request, has_begun, is_too_late
from worker.context import span
from worker.domain.errors import NoRoom, OutcomeUnknown, SyncError, Transient
from worker.domain.texts import blotted
from worker.store.runtime import REAL, Runtime, certain_difference

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 10.0
LOGIN_TIMEOUT_SECONDS = 30.0
"""A token service responds within a second or not at all, and all requests wait for the token."""
MAX_WAIT_SECONDS = 3600.0
"""Maximum wait for a rate limit, whatever the header says."""
MAX_OUTAGE_WAIT_SECONDS = 120.0
"""Maximum wait in an outage: no header says when it ends."""
MAX_BYTES = 64 * 1024 * 1024
"""Maximum size of a response; a full page of either system has a few hundred kilobytes."""
SECRET_FIELDS = ("client_secret", "client_assertion")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of any status. `sent_secrets`: secrets of the request, which no text may repeat. `received_at`, `asked_at`: when it had
    arrived and when its request was begun, by this machine's clock (unix seconds).
    """

    status: int
    headers: Mapping[str, str]
    text: str
    next_page: bool | None = None
    is_utf8: bool = True
    sent_secrets: tuple[str, ...] = field(default=(), repr=False)
    received_at: float | None = None
    asked_at: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx: both systems use 200, 201, 202 and 204 more freely than documented."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds from the `Retry-After` header, an hour at most; None if it has no number of seconds."""
        return seconds_of(self.headers.get("Retry-After", ""))

    @property
    def outage_wait(self) -> float | None:
        """Seconds from the `Retry-After` header of a response that is no rate limit, two minutes at most; None without one."""
        named = self.retry_after
        return None if named is None else min(named, MAX_OUTAGE_WAIT_SECONDS)

    @property
    def sent_at(self) -> float | None:
        """When the system responded, by its own clock (`Date` header, unix seconds); None if the header is missing or unreadable."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None

    @property
    def clock_ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of the remote's for certain, by the `Date` header, which has whole seconds; None if unknown."""
        if self.sent_at is None or self.received_at is None:
            return None
        most = self.received_at - self.sent_at
        return certain_difference(most if self.asked_at is None else self.asked_at - self.sent_at - 1, most)

    def json(self) -> Any:
        """Return the body, numbers with a point as Decimal. Raises Transient for a body that is not unambiguous JSON: a gateway's page, a
        truncated body, a repeated name.
        """
        try:
            return self._parsed()
        except ValueError as error:
            message = f"the response ({self.status}) is not JSON ({error}): {self.excerpt()[:80]!r}"
            raise Transient(message) from None

    def json_or_none(self) -> Any:
        """Return the body, or None if it is not JSON: for errors, which gateways send as HTML."""
        try:
            return self._parsed()
        except ValueError:
            return None

    def excerpt(self) -> str:
        """Return the beginning of the body on one line; of a gateway's page only its text."""
        text = self.text[:20_000]
        return self.quote(re.sub(r"<[^<>]*>", " ", text) if "<html" in text[:500].lower() else text, most=200)

    def quote(self, text: str, *, most: int = 300) -> str:
        """Return text of a response as it may be shown: on one line, printable, without secrets of the request."""
        text = blotted(text[:100_000], self.sent_secrets)
        return " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 10 * most]).split())[:most]

    def _parsed(self) -> Any:
        if not self.is_utf8:
            raise ValueError("it is not UTF-8")
        try:
            return json.loads(self.text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_object)
        except (RecursionError, ArithmeticError) as error:
            raise ValueError(type(error).__name__) from error


class Transport:
    """Sends each request with a timeout, in one kept-alive session per thread.

    `requests_sent`: requests so far, without logins.
    """

    def __init__(
        self, *, remote: str, read_timeout: float, network: Network | None = None, runtime: Runtime = REAL
    ) -> None:
        """`network`: by default none of the environment's proxies is used."""
        self.requests_sent = 0
        self._dated: Answer | None = None
        self.runtime = runtime
        self._counting = runtime.thread_lock()
        self._remote = remote
        self._read_timeout = read_timeout
        self._network = network or Network()
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
        leaves_by: float | None = None,
    ) -> Answer:
        """Send one request, `body` as JSON or `form` form-encoded. `leaves_by` (seconds of the runtime's monotonic clock): nothing is sent after
        that, however long the name look-up, the connection or a suspended process may take.

        Raises NoRoom if it was too late to send it, Transient if it did not reach the system or was a read, OutcomeUnknown if a write may
        have reached it.
        """
        # A login is a form, and its token serves many requests.
        with self._counting:
            self.requests_sent += form is None
        began, level = self.runtime.monotonic(), logging.INFO if writes or method == "PATCH" else logging.DEBUG
        expect_request(lambda: leaves_by is not None and self.runtime.monotonic() > leaves_by)
        timeout = self._read_timeout if form is None else min(self._read_timeout, LOGIN_TIMEOUT_SECONDS)
        sent_secrets = _secrets_in(headers, form or {})
        with span(f"{self._remote} {method}", path=_path(url)):
            try:
                answer = self._exchange(
                    method, url, timeout, sent_secrets, headers=dict(headers), params=params, json=body, data=form
                )
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                self._log(level, method, url, began, answer=type(error).__name__)
                raise self.sync_error(error, url, writes=writes, begun=has_begun()) from error
            # Procore's name for the request, which its support asks for (docs/remotes.md).
            request_id = answer.quote(answer.headers.get("x-request-id", ""), most=64)
            self._log(level, method, url, began, answer=str(answer.status), request_id=request_id)
        if "Date" in answer.headers:
            # Without its text, which may be long: only `check` asks for the clock.
            self._dated = Answer(
                answer.status, answer.headers, "", received_at=answer.received_at, asked_at=answer.asked_at
            )
        return answer

    @property
    def clock_ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of the other system's for certain, by the last response that names its time; None if unknown."""
        return self._dated.clock_ahead if self._dated else None

    def _exchange(
        self, method: str, url: str, read_timeout: float, sent_secrets: tuple[str, ...], **options: Any
    ) -> Answer:
        """Send a request and read the response. Raises what `requests` and its libraries raise."""
        asked_at = self.runtime.time()
        response = self.session().request(
            method, url, timeout=(CONNECT_TIMEOUT_SECONDS, read_timeout), allow_redirects=False, stream=True,
            proxies=self._network.proxies_for(url), verify=self._network.verify, **options,
        )  # fmt: skip
        with response:
            content = b"".join(self._parts(response))
        text, is_utf8 = decoded(content)
        next_page = "next" in response.links if "Link" in response.headers else None
        now = self.runtime.time()
        return Answer(response.status_code, response.headers, text, next_page, is_utf8, sent_secrets, now, asked_at)

    def _log(self, level: int, method: str, url: str, began: float, *, answer: str, request_id: str = "") -> None:
        """Log one line per request, without the query, headers and body."""
        if not log.isEnabledFor(level):
            return
        path, seconds = _path(url), self.runtime.monotonic() - began
        facts = {"remote": self._remote, "method": method, "path": path, "answer": answer, "seconds": round(seconds, 3)}
        facts |= {"request_id": request_id} if request_id else {}
        log.log(level, "%s %s %s: %s in %.3f s", self._remote, method, path, answer, seconds, extra={"facts": facts})

    def _parts(self, response: requests.Response) -> Iterator[bytes]:
        """Read the body in parts. The session's timeout applies between two bytes; this one ends a body that arrives too slowly."""
        until, length = self.runtime.monotonic() + self._read_timeout, 0
        while part := response.raw.read1(65_536, decode_content=True):
            length += len(part)
            if length > MAX_BYTES or self.runtime.monotonic() > until:
                raise requests.exceptions.ContentDecodingError("too long")
            yield part

    def sync_error(self, error: Exception, url: str, *, writes: bool, begun: bool) -> SyncError:
        """Return Transient, with the host, if no byte of the request left; else a write may have been done. The message repeats only the class
        of the error and known failures, because its text may contain an address with credentials.
        """
        message = f"no response: {type(error).__name__}"
        if not begun and is_too_late():
            return NoRoom(
                "this process was suspended for too long before the request; nothing was sent", retry_after=1.0
            )
        if not begun:
            return Transient(f"nothing was sent to {_host(url)}: {_why_unreachable(error)}", down=self._remote)
        return OutcomeUnknown(message) if writes else Transient(message)

    def session(self) -> requests.Session:
        """Return the kept-alive session of this thread."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # Neither API needs cookies, and those of one account must not be sent to another.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            # Proxies come from the settings, and a .netrc must not replace the Authorization header.
            session.trust_env = False
            for scheme in ("https://", "http://"):
                session.mount(scheme, RecordingAdapter())
            # Even if it follows none, requests reads the whole body of a redirect and fails on a malformed Location.
            session.get_redirect_target = _nowhere  # type: ignore[assignment, method-assign]
            self._local.session = session
        return session


def seconds_of(header: str) -> float | None:
    """Return a header's whole seconds, an hour at most; None for any other value."""
    return min(float(header), MAX_WAIT_SECONDS) if re.fullmatch(r"[0-9]{1,12}", header) else None


def _path(url: str) -> str:
    """Return the path of an address, even of a malformed one, without host and query."""
    return "/" + url.partition("://")[2].partition("?")[0].partition("/")[2]


def _host(url: str) -> str:
    """Return the host of an address without the rest, which may be secret; "the remote" if there is no host."""
    try:
        return urlsplit(url).hostname or "the remote"
    except ValueError:
        return "the remote"


def _why_unreachable(error: Exception) -> str:
    """Return what failed before a request could be sent, and what to check."""
    text = str(error)
    if match := re.search(r"Tunnel connection failed: ([0-9]{3})\b", text):
        return f"the proxy in HTTPS_PROXY refused to connect to it ({match[1]})"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy in HTTPS_PROXY does not respond, or is not an HTTP proxy (ProxyError)"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate is not trusted; if a proxy or a private CA signed it, set REQUESTS_CA_BUNDLE to the CA file (SSLError)"
    if isinstance(error, requests.exceptions.SSLError):
        return "no TLS connection (SSLError)"
    if re.search(r"NameResolutionError|Failed to resolve", text):
        return "there is no host with that name; check the setting with this address and the DNS of this machine (NameResolutionError)"
    return type(error).__name__


def _nowhere(_: requests.Response) -> None:
    return None


def decoded(content: bytes) -> tuple[str, bool]:
    """Return the text, and whether all of it was UTF-8. JSON is UTF-8 whatever the header says: a wrong charset would silently change
    names.
    """
    try:
        return content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return content.decode("utf-8-sig", "replace"), False


def _secrets_in(headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets of a request, except very short ones: redacting them would redact ordinary words."""
    sent = [headers.get("Authorization", "").removeprefix("Bearer "), *(form.get(name, "") for name in SECRET_FIELDS)]
    return tuple(secret for secret in sent if len(secret) > 4)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parsed = dict(pairs)
    if len(parsed) != len(pairs):
        raise ValueError("a name is given twice")
    return parsed
