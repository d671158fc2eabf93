"""The processes that `up` and `demo` start on one machine: the server, two workers, beat and Flower."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from redis.exceptions import RedisError

from config.processes import REPORT_PATH, processes
from config.settings import Settings
from worker.cli.output import Fault
from worker.local.embedded import EmbeddedServer, free_port, try_lock
from worker.local.log_files import limit_size
from worker.local.supervisor import Supervisor
from worker.runtime.private_files import keep_private
from worker.store.connection import connect_briefly
from worker.store.ledger_state import LedgerState

FLOWER_USER = "wbs-sync"
PASSWORD_FILE = "flower-password"  # noqa: S105 - the name of a file
"""File in DATA_DIR with Flower's generated password if FLOWER_BASIC_AUTH is not set, so that it stays the same after a restart."""


@dataclass(slots=True)
class Stack:
    """The started processes. `server`: None if REDIS_URL is set; `lock`: the lock on the data directory, held while the stack runs."""

    lock: IO[str]
    server: EmbeddedServer | None
    supervisor: Supervisor
    flower_url: str
    flower_login: str
    key_prefix: str

    @property
    def report_url(self) -> str:
        """Return the address at which Flower serves the report."""
        return self.flower_url + REPORT_PATH

    @classmethod
    def prepare(cls, settings: Settings) -> Stack:
        """Start the server if REDIS_URL is not set, set its address in the environment, and prepare the processes. Raises Fault if another
        `up` runs for DATA_DIR, or if a port is in use.
        """
        keep_private(settings.data_dir)
        lock = try_lock(settings.data_dir / "up.lock")
        if lock is None:
            raise Fault(
                f"`wbs-sync up` is already running for {settings.data_dir}. Stop it first, or set another DATA_DIR."
            )
        try:
            flower_url, login = flower_access(settings)
            require_free(settings.flower_address, int(os.environ["FLOWER_PORT"]), "FLOWER_ADDRESS and FLOWER_PORT")
            if settings.webhook_authorization:
                require_free(settings.webhook_address, settings.webhook_port, "WEBHOOK_ADDRESS and WEBHOOK_PORT")
            server = None if settings.redis_url else EmbeddedServer.start(settings.data_dir)
        except BaseException:
            lock.close()
            raise
        os.environ["REDIS_URL"] = server.url if server else settings.redis_address
        parts = processes(data_dir=settings.data_dir, webhooks=settings.webhook_authorization is not None)
        supervisor = Supervisor(parts, env=os.environ, log_dir=settings.data_dir / "logs")
        return cls(lock, server, supervisor, flower_url, login, settings.redis_key_prefix)

    def keep_server(self) -> None:
        """Restart the embedded server if it died; it reloads its data from the append-only file. Keeps its log small."""
        if self.server:
            self.server.revive()
            limit_size(self.server.log)

    def stop(self) -> None:
        """Stop beat, Flower and the workers first, then the server."""
        self.supervisor.stop()
        if self.server:
            with contextlib.suppress(
                RedisError
            ):  # it has died: its ledger then counts as one that may have lost a second of data
                LedgerState(connect_briefly(self.server.url), self.key_prefix).mark_clean_stop()
            self.server.stop()
        self.lock.close()


def address_of(host: str, port: int) -> str:
    """Return host and port as a URL writes them; IPv6 addresses get brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def require_free(host: str, port: int, settings: str) -> None:
    """Raise Fault if the address cannot be bound; `settings`: names of the settings with the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        # As the servers themselves do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Fault(
                f"Cannot listen on {address_of(host, port)}: {error.strerror}. Stop the other `wbs-sync` if one is running, or change {settings}."
            ) from error


def _flower_password(data_dir: Path) -> str:
    """Return Flower's password saved in this data directory, or generate one and save it with access for the owner only."""
    file = data_dir / PASSWORD_FILE
    with contextlib.suppress(FileNotFoundError):
        if saved := file.read_text().strip():
            file.chmod(0o600)
            return saved
    password = secrets.token_urlsafe(12)
    draft = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{password}\n")
    draft.replace(file)
    return password


def flower_access(settings: Settings) -> tuple[str, str]:
    """Return Flower's address and login, and set both in the environment for the Flower process.

    A generated password is included. A password from the settings is not: printed output may end up in a log.
    """
    port = settings.flower_port or free_port()
    if settings.flower_basic_auth:
        login = settings.flower_basic_auth.get_secret_value()
        shown = f"{login.partition(':')[0]}, with the password of FLOWER_BASIC_AUTH"
    else:
        login = shown = f"{FLOWER_USER}:{_flower_password(settings.data_dir)}"
    os.environ |= {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": login}
    return address_of(settings.flower_address, port), shown
