"""Access tokens that all workers share: one worker fetches a token and renews it early.

A token service that hangs or refuses blocks only one thread: the other threads of the process use its result, other processes wait for ten
seconds at most, and a valid token is used until it expires.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from worker.domain.errors import NoRoom, SyncError, Transient
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.runtime import REAL, Runtime, ThreadLock
from worker.store.scripts import Script, flag

log = logging.getLogger(__name__)

RENEW_AT = 0.8
"""Share of a token's lifetime after which one worker fetches a new one; the others still use the old one meanwhile."""
MINT_SECONDS = 60
"""Seconds after which another worker may log in; longer than a login may take (`worker.clients.http`)."""
RENEWAL_PUT_OFF_SECONDS = 30.0
"""Seconds after a failed renewal until the next one, while the old token is valid."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and its lifetime in seconds, as returned by the token service."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"AccessToken(lifetime={self.lifetime})"


@dataclass(frozen=True, slots=True)
class _Known:
    """The token cached in this process. `fresh_until`, `good_until`: monotonic seconds until which it need not be renewed, and is valid."""

    value: str = ""
    fresh_until: float = 0.0
    good_until: float = 0.0


class _Renewal:
    """One renewal in this process. Other threads wait for its result."""

    def __init__(self, lock: ThreadLock) -> None:
        self._lock = lock
        self._lock.acquire()
        self._value = ""
        self._error: Exception | None = None

    def finish(self, value: str = "", error: Exception | None = None) -> None:
        """End the renewal and release the waiting threads."""
        self._value, self._error = value, error
        self._lock.release()

    def wait(self) -> str:
        """Return the token of the renewal. Raises what the renewal raised."""
        with self._lock:
            pass
        if self._error:
            raise copy(self._error)
        if not self._value:
            raise NoRoom("the login was interrupted", retry_after=2.0)
        return self._value


class Tokens:
    """The token of one remote. It is stored in Redis, which therefore contains a secret and has to be protected."""

    def __init__(
        self, client: Redis, prefix: str, remote: str, mint: Callable[[], AccessToken], *, runtime: Runtime = REAL
    ) -> None:
        self._client = client
        self._remote = remote
        self._key, self._minting = Keys(prefix).token(remote), Keys(prefix).minting(remote)
        self._mint = mint
        self._runtime = runtime
        self._forget = Script(client, "values/delete_if_equal", flag)
        self._known = _Known()
        self._guard = runtime.thread_lock()
        self._renewal: _Renewal | None = None

    def get(self) -> str:
        """Return a valid token. Raises the error of `mint` (with the remote marked as down if it did not respond), and NoRoom while another
        worker is logging in.
        """
        known = self._known
        if self._runtime.monotonic() < known.fresh_until:
            return known.value
        with self._guard:
            is_first, renewal = self._renewal is None, self._renewal or _Renewal(self._runtime.thread_lock())
            self._renewal = renewal
        if is_first:
            return self._renew_for_all(renewal)
        # Other threads do not wait for a renewal while the cached token is valid.
        return known.value if self._runtime.monotonic() < known.good_until else renewal.wait()

    def renew(self) -> None:
        """Log in now, even if there is a valid token. Raises the error of `mint`."""
        self._keep(self._mint())

    def forget(self, value: str) -> None:
        """Invalidate a token that the remote refused."""
        self._known = _Known()
        stored = self._client.get(self._key)
        if stored and json.loads(str(stored))["value"] == value:
            self._forget(keys=[self._key], args=[stored])

    def _renew_for_all(self, renewal: _Renewal) -> str:
        """Renew the token for all threads of this process."""
        value, error = "", None
        try:
            value = self._renew_or_share()
        except Exception as raised:
            error = raised
            raise
        finally:
            with self._guard:
                self._renewal = None
            renewal.finish(value, error)
        return value

    def _renew_or_share(self) -> str:
        for _ in range(100):
            value, fresh = self._stored()
            if fresh:
                return value
            if self._client.set(self._minting, 1, nx=True, ex=MINT_SECONDS):
                return self._renewed(value)
            if value:
                return value
            self._runtime.sleep(0.1)
        raise NoRoom("another worker is still logging in", retry_after=2.0)

    def _stored(self) -> tuple[str, bool]:
        """Return the token in Redis ("" for none), and whether it is still fresh. Caches it in this process."""
        stored = self._client.get(self._key)
        if not stored:
            return "", False
        fields, now, here = json.loads(str(stored)), seconds(self._client), self._runtime.monotonic()
        fresh_for = fields["renew_at"] - now
        # An older version recorded no expiry: its token counts as valid while it is fresh.
        good_for = max(fields.get("good_until", fields["renew_at"]) - now, fresh_for)
        self._known = _Known(fields["value"], here + fresh_for, here + good_for)
        return str(fields["value"]), fresh_for > 0

    def _renewed(self, old: str) -> str:
        """Return a new token; if the service returns none, `old` ("" for none)."""
        try:
            # Another worker may have stored one before this one got the right to log in.
            value, fresh = self._stored()
            return value if fresh else self._keep(self._mint())
        except SyncError as error:
            if not old:
                raise _of_remote(error, self._remote) from error
            log.warning("Could not renew the login of %s; retrying: %s", self._remote, error)
            put_off = self._runtime.monotonic() + RENEWAL_PUT_OFF_SECONDS
            known = self._known
            self._known = _Known(old, max(known.fresh_until, min(put_off, known.good_until)), known.good_until)
            return old
        finally:
            self._client.delete(self._minting)

    def _keep(self, token: AccessToken) -> str:
        now, here = seconds(self._client), self._runtime.monotonic()
        # It is deleted from Redis a little before it expires, so that no request starts with an expiring token.
        good_for, fresh_for = token.lifetime * 0.98, token.lifetime * RENEW_AT
        text = json.dumps({"value": token.value, "renew_at": now + fresh_for, "good_until": now + good_for})
        self._client.set(self._key, text, ex=max(1, int(good_for)))
        self._known = _Known(token.value, here + fresh_for, here + good_for)
        return token.value


def _of_remote(error: SyncError, remote: str) -> SyncError:
    """Return the error of a login with the remote marked as down: no response is a failure of the remote, not of the work that needed the
    login.
    """
    if isinstance(error, Transient):
        return type(error)(str(error), retry_after=error.retry_after, down=remote)
    return error
