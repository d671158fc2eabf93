"""A remote that repeats what it was sent: no log, ledger, problem, outcome or command shows any of it.

`tests/real/test_secrets.py` does the same with real processes, Flower and all of Redis.
"""

from __future__ import annotations

import html
import json
import logging
from collections.abc import Iterator
from urllib.parse import quote_plus, unquote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from config.logs import TextLines
from tests.bad_input.desk import SharedParts, WiredInstallation, without_waits
from tests.bad_input.examples import in_the_suite
from tests.bad_input.test_command_line import call
from tests.bad_input.wire import LOGINS, READS, WRITES, Exchange
from worker.local.embedded import EmbeddedServer

pytestmark = pytest.mark.real

SHAPES = ("procore's", "procore's map", "netsuite's", "html", "text", "oauth", "a good answer", "cut", "headers")
statuses = st.sampled_from((200, 201, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[SharedParts]:
    opened = SharedParts.open(tmp_path_factory.mktemp("office"), redis_server.url)
    with without_waits():
        yield opened
    opened.close()


def echoed(exchange: Exchange, shape: str) -> bytes:
    """Return the request in the text of an error: as received, decoded, and encoded once more."""
    sent = exchange.sent.decode()
    raw = f"{dict(exchange.sent_headers)} {sent} {unquote_plus(sent)} {html.escape(unquote_plus(sent))} {quote_plus(sent)}"
    match shape:
        case "procore's":
            return json.dumps({"errors": raw}).encode()
        case "procore's map":
            return json.dumps({"errors": {raw: [raw, {"deep": raw}]}, "message": raw}).encode()
        case "netsuite's":
            return json.dumps({"o:errorDetails": [{"detail": raw, "o:errorCode": raw[:300]}] * 3}).encode()
        case "html":
            return f"<html><title>Error</title><pre>{html.escape(raw)}</pre></html>".encode()
        case "oauth":
            return json.dumps({"error": raw, "error_description": raw}).encode()
        case "a good answer":
            return json.dumps(
                [{"id": raw, "name": raw, "status": raw, "items": raw, "access_token": raw, "expires_in": raw}]
            ).encode()
        case "cut":
            return json.dumps({"access_token": raw, "id": raw}).encode()[:-3]
    return raw.encode()


class Listener(logging.Handler):
    """Collects every line that a worker's log would have, including tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(TextLines("%(name)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def everything_in_redis(installation: WiredInstallation) -> str:
    """Return everything under this example's prefix, except the tokens that workers share."""
    redis, lines = installation.container.redis, []
    for key in redis.scan_iter(f"{installation.prefix}*", count=1000):
        if not key.startswith(f"{installation.prefix}token:"):
            kind = redis.type(key)
            whole = {"string": redis.get, "hash": redis.hgetall, "set": redis.smembers}
            whole["list"] = lambda key: redis.lrange(key, 0, -1)
            read = whole.get(kind, lambda key: redis.zrange(key, 0, -1))
            lines.append(f"{key} {read(key)}")
    return "\n".join(lines)


def secrets_of(installation: WiredInstallation) -> set[str]:
    """Return what must not be shown: the client's secret, all tokens, all assertions, and the beginning of any assertion."""
    secrets = {installation.container.settings.procore_client_secret.get_secret_value(), "eyJ"}
    for exchange in installation.wire.seen:
        secrets.add(exchange.sent_headers.get("Authorization", "").removeprefix("Bearer "))
        if exchange.kind in LOGINS and isinstance(exchange.json, dict):
            secrets.add(str(exchange.json.get("access_token", "")))
    return {secret for secret in secrets if secret}


@in_the_suite(15)
@given(
    kind=st.sampled_from((*READS, *WRITES, *LOGINS)),
    status=statuses,
    shape=st.sampled_from(SHAPES),
    first=st.integers(0, 1),
)
@example(kind="procore token", status=401, shape="oauth", first=0)
@example(kind="netsuite token", status=400, shape="text", first=0)
@example(kind="netsuite token", status=200, shape="cut", first=0)
@example(kind="new bill", status=400, shape="netsuite's", first=0)
@example(kind="invoice", status=404, shape="procore's map", first=0)
def test_what_a_remote_repeats_of_a_request_is_never_shown(
    shared: SharedParts, kind: str, status: int, shape: str, first: int
) -> None:
    installation = WiredInstallation(shared)
    seen = 0

    def echo(exchange: Exchange) -> None:
        nonlocal seen
        if exchange.kind == kind:
            seen += 1
            if seen > first:
                exchange.status, exchange.body = status, echoed(exchange, shape)

    listener = Listener()
    root = logging.getLogger()
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    shown: list[str] = []
    try:
        # The current token was issued before the responses were tracked.
        installation.container.redis.delete(
            *(f"{installation.prefix}token:{remote}" for remote in ("procore", "netsuite"))
        )
        for tokens in (
            installation.container.connections.procore_tokens,
            installation.container.connections.netsuite_tokens,
        ):
            tokens.forget("")
        installation.wire.meddle = echo
        shown += [f"{installation.export(invoice)}" for invoice in installation.invoices]
        installation.scan()
        explain = [
            "explain",
            "--invoice",
            str(installation.invoices[0].id),
            "--project",
            str(installation.invoices[0].project_id),
        ]
        for arguments in (
            ["check"], ["problems"], ["problems", "--json"], ["verify"], ["scan", "--dry-run", "--json"], explain, [*explain, "--json"],
        ):  # fmt: skip
            if arguments == ["verify"] and status == 429:
                continue  # It waits until the limit is reset, up to an hour.
            shown += [f"{part}" for part in call(installation, *arguments)]
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
    shown += [everything_in_redis(installation), *listener.lines]
    text = "\n".join(shown)
    assert [secret for secret in secrets_of(installation) if secret in text] == []


def test_the_search_for_secrets_finds_text_that_is_shown(shared: SharedParts) -> None:
    """The rest of a remote's message is shown: without it, nothing could be fixed."""
    installation = WiredInstallation(shared)

    def refuse(exchange: Exchange) -> None:
        if exchange.kind == "new bill":
            exchange.status = 400
            exchange.body = json.dumps(
                {"o:errorDetails": [{"detail": "the words of a canary", "o:errorCode": "USER_ERROR"}]}
            ).encode()

    installation.wire.meddle = refuse
    assert "the words of a canary" in installation.export(installation.invoices[0]).reason
    assert "the words of a canary" in everything_in_redis(installation)
