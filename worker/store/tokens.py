"""Access tokens, shared by all workers: minted once, renewed early by one of them.

A token service that hangs or refuses costs one thread its time: the others of the process share its answer, other processes wait
ten seconds at most, and a token that is still good is used as long as it is.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass

from worker.domain.errors import NoRoom, SyncError, Transient
from worker.store.client import Redis
from worker.store.connection import seconds
from worker.store.keys import Keys
from worker.store.scripts import Script, flag

log = logging.getLogger(__name__)

RENEW_AT = 0.8
"""Share of a token's life after which one worker fetches the next, while the others go on with the old one."""
MINT_SECONDS = 60
"""How long one worker may take for it before another tries; longer than a login may take (`worker.clients.http`)."""
RENEWAL_PUT_OFF_SECONDS = 30.0
"""After a renewal that failed, so long goes by until the next one, while the old token is good."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and its lifetime in seconds, as the token service gave them."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"AccessToken(lifetime={self.lifetime})"


@dataclass(frozen=True, slots=True)
class _Known:
    """The token that this process remembers; monotonic seconds until which it need not be renewed, and until which it is good."""

    value: str = ""
    fresh_until: float = 0.0
    good_until: float = 0.0


class _Flight:
    """One renewal in this process, and whoever waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()
        self._value = ""
        self._error: Exception | None = None

    def landed(self, value: str = "", error: Exception | None = None) -> None:
        """It has ended: let all go on that wait."""
        self._value, self._error = value, error
        self._lock.release()

    def wait(self) -> str:
        """The token of the renewal. Raises what the renewal raised."""
        with self._lock:
            pass
        if self._error:
            raise copy(self._error)
        if not self._value:
            raise NoRoom("the login was interrupted", retry_after=2.0)
        return self._value


class Tokens:
    """The token of one remote. It stands in Redis, which therefore holds a secret: protect it like one."""

    def __init__(self, client: Redis, prefix: str, remote: str, mint: Callable[[], AccessToken]) -> None:
        self._client = client
        self._remote = remote
        self._key, self._minting = Keys(prefix).token(remote), Keys(prefix).minting(remote)
        self._mint = mint
        self._forget = Script(client, "values/delete_if_equal", flag)
        self._known = _Known()
        self._guard = threading.Lock()
        self._flight: _Flight | None = None

    def get(self) -> str:
        """A token that is good for a while. Raises what `mint` raises, with the remote named as down where it did not answer, and NoRoom
        while another worker is logging in.
        """
        known = self._known
        if time.monotonic() < known.fresh_until:
            return known.value
        with self._guard:
            leads, flight = self._flight is None, self._flight or _Flight()
            self._flight = flight
        if leads:
            return self._led(flight)
        # Nobody waits for a renewal while the token at hand is good.
        return known.value if time.monotonic() < known.good_until else flight.wait()

    def renew(self) -> None:
        """Log in now, whatever token there is. Raises what `mint` raises."""
        self._keep(self._mint())

    def forget(self, value: str) -> None:
        """The remote refused this token: nobody uses it again."""
        self._known = _Known()
        stored = self._client.get(self._key)
        if stored and json.loads(str(stored))["value"] == value:
            self._forget(keys=[self._key], args=[stored])

    def _led(self, flight: _Flight) -> str:
        """Renew for all threads of this process."""
        value, error = "", None
        try:
            value = self._shared()
        except Exception as raised:
            error = raised
            raise
        finally:
            with self._guard:
                self._flight = None
            flight.landed(value, error)
        return value

    def _shared(self) -> str:
        for _ in range(100):
            value, fresh = self._stored()
            if fresh:
                return value
            if self._client.set(self._minting, 1, nx=True, ex=MINT_SECONDS):
                return self._renewed(value)
            if value:
                return value
            time.sleep(0.1)
        raise NoRoom("another worker is still logging in", retry_after=2.0)

    def _stored(self) -> tuple[str, bool]:
        """The token that Redis holds ("" for none), and whether it need not be renewed yet; remembered."""
        stored = self._client.get(self._key)
        if not stored:
            return "", False
        fields, now, here = json.loads(str(stored)), seconds(self._client), time.monotonic()
        fresh_for = fields["renew_at"] - now
        # An older version noted no end: its token is taken for good as long as it is fresh.
        good_for = max(fields.get("good_until", fields["renew_at"]) - now, fresh_for)
        self._known = _Known(fields["value"], here + fresh_for, here + good_for)
        return str(fields["value"]), fresh_for > 0

    def _renewed(self, old: str) -> str:
        """A new token; `old`, if there is one, where the service gives none now."""
        try:
            # Another worker may have got one between our look and our turn.
            value, fresh = self._stored()
            return value if fresh else self._keep(self._mint())
        except SyncError as error:
            if not old:
                raise _of_remote(error, self._remote) from error
            log.warning("Could not renew the login of %s; retrying: %s", self._remote, error)
            put_off = time.monotonic() + RENEWAL_PUT_OFF_SECONDS
            known = self._known
            self._known = _Known(old, max(known.fresh_until, min(put_off, known.good_until)), known.good_until)
            return old
        finally:
            self._client.delete(self._minting)

    def _keep(self, token: AccessToken) -> str:
        now, here = seconds(self._client), time.monotonic()
        # It leaves Redis a little before it ends, so that nobody starts a request with a dying one.
        good_for, fresh_for = token.lifetime * 0.98, token.lifetime * RENEW_AT
        text = json.dumps({"value": token.value, "renew_at": now + fresh_for, "good_until": now + good_for})
        self._client.set(self._key, text, ex=max(1, int(good_for)))
        self._known = _Known(token.value, here + fresh_for, here + good_for)
        return token.value


def _of_remote(error: SyncError, remote: str) -> SyncError:
    """A login that got no answer is trouble of the remote, whatever work needed it."""
    if isinstance(error, Transient):
        return type(error)(str(error), retry_after=error.retry_after, down=remote)
    return error
