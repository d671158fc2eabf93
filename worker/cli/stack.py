"""Everything that runs on one machine, as `up` and `demo` start it: the server, two workers, beat and Flower."""

from __future__ import annotations

import contextlib
import fcntl
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
from worker.embedded import EmbeddedServer, free_port
from worker.log_files import limit_size
from worker.private_files import keep_private
from worker.store.connection import connect_briefly
from worker.store.ledger import Ledger
from worker.supervisor import Supervisor

FLOWER_USER = "wbs-sync"
PASSWORD_FILE = "flower-password"  # noqa: S105 - the name of a file
"""In DATA_DIR: the password of Flower where FLOWER_BASIC_AUTH gives none, so that it is the same after each start."""


@dataclass(slots=True)
class Stack:
    """What was started. `server` is None when REDIS_URL names one that is not ours; `lock`: on the data directory, for as long as it runs."""

    lock: IO[str]
    server: EmbeddedServer | None
    supervisor: Supervisor
    flower_url: str
    flower_login: str
    key_prefix: str

    @property
    def report_url(self) -> str:
        """Where Flower serves the report."""
        return self.flower_url + REPORT_PATH

    @classmethod
    def prepare(cls, settings: Settings) -> Stack:
        """Start the server if there is none, and make the processes ready to start; the address goes into this environment too. Raises
        Fault where another `up` runs for DATA_DIR, or where a port is taken.
        """
        keep_private(settings.data_dir)
        lock = _own(settings.data_dir)
        try:
            flower_url, login = flower_access(settings)
            require_free(settings.flower_address, int(os.environ["FLOWER_PORT"]), "FLOWER_ADDRESS and FLOWER_PORT")
            if settings.webhook_authorization:
                require_free(settings.webhook_address, settings.webhook_port, "WEBHOOK_ADDRESS and WEBHOOK_PORT")
            server = None if settings.redis_url else EmbeddedServer.start(settings.data_dir)
        except BaseException:
            lock.close()
            raise
        redis_url = server.url if server else settings.redis_url.get_secret_value() if settings.redis_url else ""
        os.environ["REDIS_URL"] = redis_url
        supervisor = Supervisor(
            processes(
                data_dir=settings.data_dir,
                webhooks=settings.webhook_authorization is not None,
            ),
            env=os.environ,
            log_dir=settings.data_dir / "logs",
        )
        return cls(lock, server, supervisor, flower_url, login, settings.redis_key_prefix)

    def keep_server(self) -> None:
        """Start the embedded server again if it died; its data come back from its append-only file. Its log is kept small."""
        if self.server:
            self.server.revive()
            limit_size(self.server.log)

    def stop(self) -> None:
        """Beat, Flower and workers first, the server last."""
        self.supervisor.stop()
        if self.server:
            with contextlib.suppress(RedisError):  # it died by itself: then its ledger counts as one that lost a second
                Ledger(connect_briefly(self.server.url), self.key_prefix).server_stops_in_order()
            self.server.stop()
        self.lock.close()


def address_of(host: str, port: int) -> str:
    """The address for people and browsers; one of IPv6 has brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def require_free(host: str, port: int, settings: str) -> None:
    """Raise Fault when nobody can listen there; `settings`: names those that say where."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.socket(family)) as probe:
        # As the servers themselves do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Fault(
                f"Cannot listen on {address_of(host, port)}: {error.strerror}. Another `wbs-sync` may be running; otherwise change {settings}."
            ) from error


def _own(data_dir: Path) -> IO[str]:
    """The lock on a data directory, which the system takes back when its holder dies, however it dies."""
    lock = (data_dir / "up.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Fault(
            f"`wbs-sync up` is running for {data_dir} already. Stop it first, or set another DATA_DIR."
        ) from None
    return lock


def _kept_password(data_dir: Path) -> str:
    """Flower's password of the last start in this data directory, else a new one, which is kept for the owner's eyes only."""
    file = data_dir / PASSWORD_FILE
    with contextlib.suppress(FileNotFoundError):
        if kept := file.read_text().strip():
            file.chmod(0o600)
            return kept
    password = secrets.token_urlsafe(12)
    draft = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(f"{password}\n")
    draft.replace(file)
    return password


def flower_access(settings: Settings) -> tuple[str, str]:
    """Where Flower will be and how to log in; both go into this environment too, for the process that is started with it.

    A password that was made here is shown. That of the settings is not: what is printed may be kept as a log.
    """
    port = settings.flower_port or free_port()
    if settings.flower_basic_auth:
        login = settings.flower_basic_auth.get_secret_value()
        shown = f"{login.partition(':')[0]}, with the password of FLOWER_BASIC_AUTH"
    else:
        login = shown = f"{FLOWER_USER}:{_kept_password(settings.data_dir)}"
    os.environ |= {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": login}
    return address_of(settings.flower_address, port), shown
