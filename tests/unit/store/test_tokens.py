"""Tokens: minted by one worker, used by all, renewed before they expire, dropped when refused."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from tests.kit.container import Redis
from tests.kit.waiting import eventually, lasts
from tests.unit.store.conftest import PREFIX
from worker.domain.errors import Misconfigured, Transient
from worker.store.connection import connect, seconds
from worker.store.runtime import REAL, Runtime
from worker.store.tokens import AccessToken, Tokens

KEY = f"{PREFIX}token:netsuite"


class Mint:
    """A token service that numbers its tokens."""

    def __init__(self, *, takes: float = 0.0, lifetime: float = 3600.0) -> None:
        self.given = 0
        self._pause = threading.Event()
        self._takes = takes
        self._lifetime = lifetime

    def __call__(self) -> AccessToken:
        self.given += 1
        self._pause.wait(self._takes)
        return AccessToken(f"token-{self.given}", self._lifetime)


def tokens_of(client: Redis, mint: Mint, runtime: Runtime = REAL) -> Tokens:
    return Tokens(client, PREFIX, "netsuite", mint, runtime=runtime)


def test_a_token_is_minted_once_for_all_workers(client: Redis) -> None:
    mint = Mint()
    first, second = tokens_of(client, mint), tokens_of(client, mint)
    assert [first.get(), first.get(), second.get(), second.get()] == ["token-1"] * 4
    assert mint.given == 1


@pytest.mark.real
def test_many_workers_that_start_at_once_mint_one_token(server: Redis, redis_url: str) -> None:
    mint, together, got = Mint(takes=0.1), threading.Barrier(16, timeout=60), []

    def start(tokens: Tokens) -> None:
        together.wait()
        got.append(tokens.get())

    clients = [connect(redis_url) for _ in range(4)]
    workers = [tokens_of(clients[place % 4], mint) for place in range(16)]
    threads = [threading.Thread(target=start, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for client in clients:
        client.close()
    assert got == ["token-1"] * 16
    assert mint.given == 1


@pytest.mark.real
def test_a_token_minted_while_waiting_for_a_turn_is_used(server: Redis) -> None:
    """No second token is minted."""

    class Overtaken:
        """A connection on which another worker mints between the check for a token and the turn to mint."""

        def __init__(self) -> None:
            self.overtaken = False

        def set(self, name: str, *args: object, **options: object) -> object:
            if name.endswith(":minting") and not self.overtaken:
                self.overtaken = True
                tokens_of(server, mint).get()
            return server.set(name, *args, **options)

        def __getattr__(self, name: str) -> object:
            return getattr(server, name)

    mint = Mint()
    assert tokens_of(Overtaken(), mint).get() == "token-1"
    assert mint.given == 1


def test_a_token_is_renewed_before_it_expires_while_others_still_use_it(client: Redis) -> None:
    client.set(KEY, json.dumps({"value": "old", "renew_at": seconds(client) - 1}))
    client.set(f"{KEY}:minting", 1)
    mint = Mint()
    assert tokens_of(client, mint).get() == "old"
    client.delete(f"{KEY}:minting")
    assert tokens_of(client, mint).get() == "token-1"


def test_the_renewal_comes_at_four_fifths_of_the_lifetime(client: Redis) -> None:
    begun = seconds(client)
    tokens_of(client, Mint(lifetime=1000)).get()
    renew_at = json.loads(client.get(KEY))["renew_at"]
    assert lasts(renew_at, 800, begun=begun, now=seconds(client))
    assert lasts(client.ttl(KEY) + seconds(client), 980, begun=begun, now=seconds(client))


def test_a_worker_renews_the_token_it_remembers(client: Redis) -> None:
    tokens = tokens_of(client, Mint(lifetime=0.1))
    assert tokens.get() == "token-1"
    assert eventually(lambda: tokens.get() != "token-1")


def test_a_refused_token_is_never_used_again(client: Redis) -> None:
    mint = Mint()
    tokens = tokens_of(client, mint)
    tokens.forget(tokens.get())
    assert tokens.get() == "token-2"
    assert tokens_of(client, mint).get() == "token-2"


def test_a_late_refusal_of_an_older_token_leaves_the_newer_one(client: Redis) -> None:
    mint = Mint()
    tokens = tokens_of(client, mint)
    old = tokens.get()
    tokens.forget(old)
    tokens.get()
    tokens.forget(old)
    assert tokens.get() == "token-2"
    assert mint.given == 2


def test_a_failed_login_is_retried_by_the_next_request(client: Redis) -> None:
    mint = Mint()

    def refused() -> AccessToken:
        raise Misconfigured("401")

    with pytest.raises(Misconfigured):
        Tokens(client, PREFIX, "netsuite", refused).get()
    assert tokens_of(client, mint).get() == "token-1"


def test_a_long_wait_for_the_login_of_another_releases_the_thread(client: Redis) -> None:
    sleeps: list[float] = []
    client.set(f"{KEY}:minting", 1)
    with pytest.raises(Transient) as caught:
        tokens_of(client, Mint(), replace(REAL, sleep=sleeps.append)).get()
    assert caught.value.retry_after
    assert 5 <= sum(sleeps) <= 20


def test_a_token_is_never_shown() -> None:
    assert "sesame" not in repr(AccessToken("sesame", 3600))


class Hanging:
    """A token service that accepts the connection and does not respond; `answers` ends the wait of all callers."""

    def __init__(self) -> None:
        self.asked = 0
        self.began, self.gives_up = threading.Event(), threading.Event()

    def __call__(self) -> AccessToken:
        self.asked += 1
        self.began.set()
        assert self.gives_up.wait(120)
        raise Transient("no answer: ReadTimeout")


class WaitedFor:
    """A lock that counts the threads that wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._guard = threading.Lock()
        self.waiting = 0

    def acquire(self, *, blocking: bool = True) -> bool:
        return self._lock.acquire(blocking=blocking)

    def release(self) -> None:
        self._lock.release()

    def __enter__(self) -> bool:
        with self._guard:
            self.waiting += 1
        return self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_threads_that_need_a_token_of_a_hanging_service_share_one_timeout(client: Redis) -> None:
    """Otherwise each would mint after the other: the number of threads times the timeout."""
    mint, errors, locks = Hanging(), [], list[WaitedFor]()

    def lock() -> WaitedFor:
        locks.append(WaitedFor())
        return locks[-1]

    tokens = Tokens(client, PREFIX, "netsuite", mint, runtime=replace(REAL, thread_lock=lock))

    def need() -> None:
        try:
            tokens.get()
        except Transient as error:
            errors.append((str(error), error.down))

    first = threading.Thread(target=need)
    first.start()
    assert mint.began.wait(60)
    other_threads = [threading.Thread(target=need) for _ in range(11)]
    for thread in other_threads:
        thread.start()
    (of_the_renewal,) = locks[1:]
    eventually(lambda: of_the_renewal.waiting == len(other_threads))
    mint.gives_up.set()
    for thread in (first, *other_threads):
        thread.join(60)
    assert errors == [("no answer: ReadTimeout", "netsuite")] * 12
    assert mint.asked == 1


def test_a_valid_token_is_used_while_and_after_its_renewal_hangs(client: Redis) -> None:
    """No thread waits for the renewal, and it is not tried again immediately."""
    client.set(KEY, json.dumps({"value": "old", "renew_at": seconds(client) - 1, "good_until": seconds(client) + 600}))
    mint, got = Hanging(), []
    tokens = Tokens(client, PREFIX, "netsuite", mint)
    leader = threading.Thread(target=lambda: got.append(tokens.get()))
    leader.start()
    assert mint.began.wait(60)
    assert tokens.get() == "old", "no thread waits for the renewal"
    mint.gives_up.set()
    leader.join(60)
    assert got == ["old"], "not even the thread that tried"
    assert tokens.get() == "old"
    assert mint.asked == 1, "and it is not tried again at once"


@pytest.mark.parametrize("refusal", [Misconfigured("401"), Transient("503")])
def test_a_refused_renewal_stops_no_work_before_the_token_expires(client: Redis, refusal: Exception) -> None:
    def refused() -> AccessToken:
        raise refusal

    client.set(KEY, json.dumps({"value": "old", "renew_at": seconds(client) - 1, "good_until": seconds(client) + 600}))
    assert Tokens(client, PREFIX, "netsuite", refused).get() == "old"
    client.delete(KEY)
    with pytest.raises(type(refusal)):
        Tokens(client, PREFIX, "netsuite", refused).get()
