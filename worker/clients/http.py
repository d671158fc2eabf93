"""One HTTP transport for both remotes. Nothing of `requests` leaves it: an answer, or one of the domain's errors."""

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

from worker.clients.connections import RecordingAdapter, expect_request, has_begun, is_too_late
from worker.clients.network import Network
from worker.domain.errors import NoRoom, OutcomeUnknown, SyncError, Transient
from worker.observability.secrecy import blotted
from worker.observability.spans import span
from worker.store.runtime import REAL, Runtime

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 10.0
LOGIN_TIMEOUT_SECONDS = 30.0
"""A token service answers in a second or not at all; everybody who needs the token waits for it."""
LONGEST_WAIT_SECONDS = 3600.0
"""A rate limit that names a longer wait is asked again after this all the same."""
LONGEST_OUTAGE_WAIT_SECONDS = 120.0
"""The same for an outage: nobody knows beforehand when one ends, so whatever the header says it is asked again after this."""
MOST_BYTES = 64 * 1024 * 1024
"""The largest answer that is read; a full page of either remote is a few hundred kilobytes."""
SECRET_FIELDS = ("client_secret", "client_assertion")


@dataclass(frozen=True, slots=True)
class Answer:
    """A response of any status. `sent_secrets`: secrets of the request, which no text may repeat. `received_at`: when it arrived, by this
    machine's clock (unix seconds).
    """

    status: int
    headers: Mapping[str, str]
    text: str
    next_page: bool | None = None
    is_utf8: bool = True
    sent_secrets: tuple[str, ...] = field(default=(), repr=False)
    received_at: float | None = None

    @property
    def ok(self) -> bool:
        """Any 2xx: both remotes use 200, 201, 202 and 204 more freely than their pages say."""
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds by the `Retry-After` header, an hour at most; None when it does not name seconds."""
        return seconds_of(self.headers.get("Retry-After", ""))

    @property
    def outage_wait(self) -> float | None:
        """Seconds by the `Retry-After` header of an answer that is no rate limit, two minutes at most; None without one."""
        named = self.retry_after
        return None if named is None else min(named, LONGEST_OUTAGE_WAIT_SECONDS)

    @property
    def sent_at(self) -> float | None:
        """When the remote answered, by its own clock (`Date` header, unix seconds); None without one that can be read."""
        try:
            return parsedate_to_datetime(self.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None

    @property
    def clock_ahead(self) -> float | None:
        """Seconds that this machine's clock is ahead of the remote's, by the `Date` header, which has whole seconds; None if unknown."""
        return None if self.sent_at is None or self.received_at is None else self.received_at - self.sent_at

    def json(self) -> Any:
        """The body, numbers with a point as Decimal. Raises Transient for what is no JSON of one meaning: a gateway's page, a cut
        body, a name given twice.
        """
        try:
            return self._parsed()
        except ValueError as error:
            words = f"the response ({self.status}) is not JSON ({error}): {self.excerpt()[:80]!r}"
            raise Transient(words) from None

    def json_or_none(self) -> Any:
        """The body, or None for what is no JSON: for reading errors, which gateways answer with HTML."""
        try:
            return self._parsed()
        except ValueError:
            return None

    def excerpt(self) -> str:
        """The beginning of the body on one line, for people; of a gateway's page only its words."""
        text = self.text[:20_000]
        return self.quote(re.sub(r"<[^<>]*>", " ", text) if "<html" in text[:500].lower() else text, most=200)

    def quote(self, text: str, *, most: int = 300) -> str:
        """Words of the remote as they may be told: on one line, printable, without what the request had to keep secret."""
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
    """Sends requests with a timeout on each; one kept-alive session per thread.

    `requests_sent`: how many so far, those for logins left out; to be read by who is alone in its process.
    `clock_ahead`: how many seconds this machine's clock is ahead of the remote's, by the Date header of its last answer.
    """

    def __init__(
        self, *, remote: str, read_timeout: float, network: Network | None = None, runtime: Runtime = REAL
    ) -> None:
        """`network`: by default none of the environment's proxies is used."""
        self.requests_sent = 0
        self.clock_ahead: float | None = None
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
        """Send one request. `body` goes as JSON, `form` form-encoded. `leaves_by`, by this machine's monotonic clock: after that nothing
        is sent any more, however long the name look-up, the connection or a process that stands still may take.

        Raises NoRoom when it was too late to send it, Transient when it certainly did not reach the remote (or only read),
        OutcomeUnknown when a write may have.
        """
        # A login is a form, and its token serves many requests.
        with self._counting:
            self.requests_sent += form is None
        with span(f"{self._remote} {method}", path=_path(url)):
            return self._sent(method, url, headers, params, body, form, writes=writes, leaves_by=leaves_by)

    def _sent(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None,
        body: Any,
        form: Mapping[str, str] | None,
        *,
        writes: bool,
        leaves_by: float | None,
    ) -> Answer:
        began, level = self.runtime.monotonic(), logging.INFO if writes or method == "PATCH" else logging.DEBUG
        expect_request(lambda: leaves_by is not None and self.runtime.monotonic() > leaves_by)
        patience = self._read_timeout if form is None else min(self._read_timeout, LOGIN_TIMEOUT_SECONDS)
        try:
            response = self._session().request(
                method, url, headers=dict(headers), params=params, json=body, data=form,
                timeout=(CONNECT_TIMEOUT_SECONDS, patience), allow_redirects=False, stream=True,
                proxies=self._network.proxies_for(url), verify=self._network.verify,
            )  # fmt: skip
            with response:
                content = b"".join(self._parts(response))
            next_page = "next" in response.links if "Link" in response.headers else None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            self._log(level, method, url, began, answer=type(error).__name__)
            raise self._as_sync_error(error, url, writes=writes, begun=has_begun()) from error
        text, is_utf8 = _decoded(content)
        sent_secrets, now = _secrets_in(headers, form or {}), self.runtime.time()
        answer = Answer(response.status_code, response.headers, text, next_page, is_utf8, sent_secrets, now)
        if answer.clock_ahead is not None:
            self.clock_ahead = answer.clock_ahead
        # Procore's name for the request, which its support asks for (docs/remotes.md).
        theirs = answer.quote(answer.headers.get("x-request-id", ""), most=64)
        self._log(level, method, url, began, answer=str(answer.status), request_id=theirs)
        return answer

    def _log(self, level: int, method: str, url: str, began: float, *, answer: str, request_id: str = "") -> None:
        """One line for each request; without what stands behind a ?, and without any header or body of ours."""
        if not log.isEnabledFor(level):
            return
        path, took = _path(url), self.runtime.monotonic() - began
        told = {"remote": self._remote, "method": method, "path": path, "answer": answer, "seconds": round(took, 3)}
        facts = told | ({"request_id": request_id} if request_id else {})
        log.log(level, "%s %s %s: %s in %.3f s", self._remote, method, path, answer, took, extra={"facts": facts})

    def _parts(self, response: requests.Response) -> Iterator[bytes]:
        """The body as it comes. The session's timeout is one between two bytes: here a body that only drips has an end too."""
        until, length = self.runtime.monotonic() + self._read_timeout, 0
        while part := response.raw.read1(65_536, decode_content=True):
            length += len(part)
            if length > MOST_BYTES or self.runtime.monotonic() > until:
                raise requests.exceptions.ContentDecodingError("too long")
            yield part

    def _as_sync_error(self, error: Exception, url: str, *, writes: bool, begun: bool) -> SyncError:
        """Transient, naming the host, where no byte of the request left; else a write may have been done. Nothing of the error but its
        class and known failures is repeated: its text may hold an address with credentials in it.
        """
        words = f"no response: {type(error).__name__}"
        if not begun and is_too_late():
            return NoRoom(
                "this process was suspended for too long before the request; nothing was sent", retry_after=1.0
            )
        if not begun:
            return Transient(f"nothing was sent to {_host(url)}: {_why_unreachable(error)}", down=self._remote)
        return OutcomeUnknown(words) if writes else Transient(words)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            # Neither remote's API needs cookies, and one account's must not follow us into another.
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            # The way out is that of the settings, which read the environment; and a .netrc must not replace our Authorization header.
            session.trust_env = False
            for scheme in ("https://", "http://"):
                session.mount(scheme, RecordingAdapter())
            # Even where it follows none, requests reads the whole body of a redirect and trips over an odd Location.
            session.get_redirect_target = _nowhere  # type: ignore[assignment, method-assign]
            self._local.session = session
        return session


def seconds_of(header: str) -> float | None:
    """A header's whole seconds, an hour at most; None for anything else that stands there."""
    return min(float(header), LONGEST_WAIT_SECONDS) if re.fullmatch(r"[0-9]{1,12}", header) else None


def _path(url: str) -> str:
    """What may be told of an address, even of one that is none: neither the host nor what stands behind a ?."""
    return "/" + url.partition("://")[2].partition("?")[0].partition("/")[2]


def _host(url: str) -> str:
    """The host of an address, without what else it may hold; "the remote" where it has none."""
    try:
        return urlsplit(url).hostname or "the remote"
    except ValueError:
        return "the remote"


def _why_unreachable(error: Exception) -> str:
    """What failed before a request could be sent, and where to look."""
    text = str(error)
    if found := re.search(r"Tunnel connection failed: ([0-9]{3})\b", text):
        return f"the proxy in HTTPS_PROXY refused to connect to it ({found[1]})"
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


def _decoded(content: bytes) -> tuple[str, bool]:
    """The text, and whether it was UTF-8 throughout. JSON is UTF-8 whatever the header says: a wrong charset would make other
    names of names, and nobody would see it.
    """
    try:
        return content.decode("utf-8-sig"), True
    except UnicodeDecodeError:
        return content.decode("utf-8-sig", "replace"), False


def _secrets_in(headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[str, ...]:
    """Very short ones are left out: to blot them out would blot out ordinary words."""
    sent = [headers.get("Authorization", "").removeprefix("Bearer "), *(form.get(name, "") for name in SECRET_FIELDS)]
    return tuple(secret for secret in sent if len(secret) > 4)


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is given twice")
    return made
