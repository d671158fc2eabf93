"""SuiteTalk REST: sends one request with a token and a slot at the gate, and raises the error that its response means.

A write without a response raises OutcomeUnknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from worker.clients.http import Answer, Transport
from worker.clients.netsuite.errors import KnownRefusal, Unauthorized, error_of
from worker.context import no_response, response_seen
from worker.domain.errors import Misconfigured, NoRoom, OutcomeUnknown, SyncError, Transient
from worker.domain.problems import Cause
from worker.domain.scopes import QUERY, Remote, doing, permission, scope_of
from worker.store.gate import Gate, Precedence
from worker.store.tokens import Tokens

BACK_OFF_SECONDS = (0.5, 1.0, 2.0, 4.0)
"""Waits after 429 and 401, each with jitter. After the last one, or if NetSuite names a longer wait, the work itself is scheduled again."""
SENT_WITHIN_SECONDS = 30.0
"""Seconds after the ledger's check within which the first byte of a create must leave. Connecting takes 10 s at most. A process that was
suspended for longer may have lost its lock, so that another one may be writing the same record. The ledger's own limit ends before the
connection is made.
"""
_ACTIONS = {"GET": "view", "POST": "create", "PATCH": "edit", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class _Request:
    """One request. `scope`: the permission that it needs."""

    method: str
    url: str
    scope: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    writes: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class NetSuiteApi:
    """The REST API of one account, for one precedence at the gate. `refusals`: known refusals in the account's own wording."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: Transport,
        tokens: Tokens,
        gate: Gate,
        precedence: Precedence,
        refusals: Sequence[KnownRefusal] = (),
    ) -> None:
        self._records = f"{base_url}/services/rest/record/v1"
        self._suiteql = f"{base_url}/services/rest/query/v1/suiteql"
        self._transport = transport
        self._runtime = transport.runtime
        self._tokens = tokens
        self._gate = gate
        self._precedence = precedence
        self._refusals = refusals

    def log_in(self) -> None:
        """Get a new token even if the current one is valid, to test key and certificate. Raises Misconfigured if they are refused."""
        self._tokens.renew()

    def get(self, path: str, *, params: Mapping[str, Any] | None = None, accept: str = "application/json") -> Answer:
        """GET a record, such as `vendorBill/17`, or a schema."""
        return self._send(self._request("GET", path, params=params, headers={"Accept": accept}))

    def create(self, record_type: str, body: Any, *, before_sending: Callable[[], None]) -> Answer:
        """POST a new record. `before_sending` is called with the slot, just before each request leaves, and prevents it by raising."""
        return self._send(self._request("POST", record_type, body=body, writes=True), before_sending)

    def change(self, method: str, path: str, body: Any = None) -> Answer:
        """PATCH or DELETE a record, such as `vendorBill/17`."""
        return self._send(self._request(method, path, body=body, writes=True))

    def query(self, query: str, *, table: str, offset: int, limit: int) -> Answer:
        """POST a SuiteQL query of a table."""
        return self._send(
            _Request(
                "POST",
                self._suiteql,
                scope_of(Remote.NETSUITE, table, QUERY),
                params={"limit": limit, "offset": offset},
                body={"q": query},
                headers={"Prefer": "transient"},
            )
        )

    def _request(self, method: str, path: str, **options: Any) -> _Request:
        scope = scope_of(Remote.NETSUITE, path.partition("/")[0], _ACTIONS[method])
        return _Request(method, f"{self._records}/{path}", scope, **options)

    def _send(self, request: _Request, before_sending: Callable[[], None] | None = None) -> Answer:
        """Send a request; send it again after 401 or if NetSuite has no room, which both mean that nothing was done."""
        waits = iter(BACK_OFF_SECONDS)
        while True:
            token = self._tokens.get()
            answer = self._send_once(request, token, before_sending)
            refusal = error_of(answer, writes=request.writes, known=self._refusals)
            _track(refusal, request.scope)
            if refusal is None:
                return answer
            if isinstance(refusal, Misconfigured):
                raise _not_permitted(request.scope, refusal)
            if not isinstance(refusal, Unauthorized | NoRoom):
                raise refusal
            if isinstance(refusal, Unauthorized):
                self._tokens.forget(token)
            self._wait_after(refusal, next(waits, None))

    def _send_once(self, request: _Request, token: str, before_sending: Callable[[], None] | None) -> Answer:
        """Wait for a slot, call `before_sending`, send. The time within which a create must leave begins before its intent is recorded."""
        with self._gate.slot(self._precedence):
            leaves_by = None
            if before_sending:
                leaves_by = self._runtime.monotonic() + SENT_WITHIN_SECONDS
                before_sending()
            return self._transmit(request, token, leaves_by)

    def _transmit(self, request: _Request, token: str, leaves_by: float | None) -> Answer:
        headers = {
            "Accept": "application/json",
            # A misspelled property is refused instead of being ignored.
            "X-NetSuite-PropertyNameValidation": "Error",
            "X-NetSuite-PropertyValueValidation": "Error",
            "Authorization": f"Bearer {token}",
        }
        try:
            return self._transport.send(
                request.method,
                request.url,
                headers={**headers, **request.headers},
                params=request.params,
                body=request.body,
                writes=request.writes,
                leaves_by=leaves_by,
            )
        except NoRoom:
            # The request did not leave this process, so this shows nothing about NetSuite.
            raise
        except (Transient, OutcomeUnknown):
            no_response(Remote.NETSUITE)
            raise

    def _wait_after(self, refusal: Unauthorized | NoRoom, wait: float | None) -> None:
        """Wait before the request is sent again. Raises if it is not: no wait is left (None), or NetSuite names a longer one."""
        named = refusal.retry_after or 0.0 if isinstance(refusal, NoRoom) else 0.0
        if wait is not None and named <= BACK_OFF_SECONDS[-1]:
            self._runtime.sleep(named or self._runtime.uniform(wait / 2, wait))
        elif isinstance(refusal, Unauthorized):
            text = str(refusal)
            raise Misconfigured(text, cause=Cause.NETSUITE_LOGIN, facts={"answer": text}) from refusal
        else:
            raise NoRoom(str(refusal), retry_after=max(5.0, named), down=Remote.NETSUITE) from refusal


def _track(refusal: SyncError | None, scope: str) -> None:
    """Record whether NetSuite responded. A refused token or a busy account shows nothing about the permission or the record."""
    if refusal is None:
        response_seen(scope)
    if isinstance(refusal, Unauthorized | NoRoom):
        return
    if isinstance(refusal, OutcomeUnknown | Transient):
        no_response(Remote.NETSUITE)
    else:
        response_seen(Remote.NETSUITE)


def _not_permitted(scope: str, refusal: Misconfigured) -> Misconfigured:
    """Add the permission that is missing to the refusal, by name if it is known."""
    named = permission(scope)
    text = f"{doing(scope)}{f' (permission {named})' if named else ''}. NetSuite's response: {refusal}"
    return Misconfigured(text, cause=refusal.cause, facts={"answer": text}, scope=scope)
