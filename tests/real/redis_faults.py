"""A Redis that responds and refuses: full, its disk full, read-only, a permission missing, no connection free."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis

from tests.kit.waiting import eventually

Admin = Any
"""A `redis.Redis` with its own user. redis-py's types make every answer perhaps awaitable."""

ADMIN = "test-admin"
FAULTS = ("full", "disk full", "read-only", "not permitted", "too many clients")


@contextlib.contextmanager
def refusing(url: str, fault: str) -> Iterator[None]:
    """Let the server at `url` refuse within the block. `fault`: the kind of refusal."""
    owner: Admin
    with redis.Redis.from_url(url) as owner:
        password = urlsplit(url).password or ""
        owner.execute_command("ACL", "SETUSER", ADMIN, "on", f">{password}", "~*", "&*", "+@all")
    with redis.Redis.from_url(url, username=ADMIN) as admin:
        yield from {
            "full": _full,
            "disk full": _disk_full,
            "read-only": _read_only,
            "not permitted": _not_permitted,
            "too many clients": _too_many_clients,
        }[fault](admin)


def _full(admin: Admin) -> Iterator[None]:
    admin.config_set("maxmemory", 1)
    yield
    admin.config_set("maxmemory", 0)


def _disk_full(admin: Admin) -> Iterator[None]:
    """Make its snapshot impossible; it answers with MISCONF, as when the disk of its append-only file is full."""
    file = Path(str(admin.config_get("dir")["dir"])) / str(admin.config_get("dbfilename")["dbfilename"])
    (file / "in the way").mkdir(parents=True)
    admin.config_set("save", "3600 1")
    admin.bgsave()
    eventually(lambda: admin.info("persistence")["rdb_last_bgsave_status"] == "err")
    yield
    admin.config_set("save", "")
    shutil.rmtree(file)


def _read_only(admin: Admin) -> Iterator[None]:
    """Make it a replica of a missing server, as a master that was taken for dead becomes."""
    admin.replicaof("127.0.0.1", 1)
    yield
    admin.replicaof("NO", "ONE")


def _not_permitted(admin: Admin) -> Iterator[None]:
    admin.execute_command("ACL", "SETUSER", "default", "-@write")
    yield
    admin.execute_command("ACL", "SETUSER", "default", "+@all")


def _too_many_clients(admin: Admin) -> Iterator[None]:
    """Cut every connection, and leave none for clients that reconnect."""
    most = admin.config_get("maxclients")["maxclients"]
    admin.config_set("maxclients", 1)
    admin.client_kill_filter(_type="normal", skipme=True)
    yield
    admin.config_set("maxclients", most)
