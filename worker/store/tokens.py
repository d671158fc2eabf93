"""Access tokens, shared by all workers: minted once, renewed early by one of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from worker.domain.errors import Transient
from worker.store.connection import Redis, seconds

RENEW_AT = 0.8
"""Share of a token's life after which one worker fetches the next, while the others go on with the old one."""
MINT_SECONDS = 30
"""How long one worker may take for it before another tries."""

_FORGET = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and its lifetime in seconds, as the token service gave them."""

    value: str
    lifetime: float

    def __repr__(self) -> str:
        return f"AccessToken(lifetime={self.lifetime})"


class Tokens:
    """The token of one remote. It stands in Redis, which therefore holds a secret: protect it like one."""

    def __init__(self, client: Redis, prefix: str, remote: str, mint: Callable[[], AccessToken]) -> None:
        self._client = client
        self._key = f"{prefix}token:{remote}"
        self._mint = mint
        self._forget = client.register_script(_FORGET)
        self._local: tuple[str, float] = ("", 0.0)
        self._guard = threading.Lock()

    def get(self) -> str:
        """A token that is good for a while. Raises what `mint` raises, or Transient while another worker is minting."""
        with self._guard:
            value, fresh_until = self._local
            if time.monotonic() < fresh_until:
                return value
            return self._shared()

    def renew(self) -> None:
        """Log in now, whatever token there is. Raises what `mint` raises."""
        with self._guard:
            self._keep(self._mint())

    def forget(self, value: str) -> None:
        """The remote refused this token: nobody uses it again."""
        with self._guard:
            self._local = ("", 0.0)
            stored = self._client.get(self._key)
            if stored and json.loads(str(stored))["value"] == value:
                self._forget(keys=[self._key], args=[stored])

    def _shared(self) -> str:
        for _ in range(100):
            value, fresh = self._stored()
            if fresh:
                return value
            if self._client.set(f"{self._key}:minting", 1, nx=True, ex=MINT_SECONDS):
                return self._minted()
            if value:
                return value
            time.sleep(0.1)
        raise Transient("another worker is still logging in", retry_after=2.0)

    def _stored(self) -> tuple[str, bool]:
        """The token that Redis holds ("" for none), and whether it need not be renewed yet; remembered if so."""
        stored = self._client.get(self._key)
        if not stored:
            return "", False
        fields = json.loads(str(stored))
        fresh_for = fields["renew_at"] - seconds(self._client)
        if fresh_for > 0:
            self._local = (fields["value"], time.monotonic() + fresh_for)
        return str(fields["value"]), fresh_for > 0

    def _minted(self) -> str:
        try:
            # Another worker may have got one between our look and our turn.
            value, fresh = self._stored()
            if fresh:
                return value
            return self._keep(self._mint())
        finally:
            self._client.delete(f"{self._key}:minting")

    def _keep(self, token: AccessToken) -> str:
        renew_at = seconds(self._client) + token.lifetime * RENEW_AT
        text = json.dumps({"value": token.value, "renew_at": renew_at})
        # It leaves Redis a little before it ends, so that nobody starts a request with a dying one.
        self._client.set(self._key, text, ex=max(1, int(token.lifetime * 0.98)))
        self._local = (token.value, time.monotonic() + token.lifetime * RENEW_AT)
        return token.value
