"""Everything that runs on one machine, as `up` and `demo` start it: the server, two workers, beat and Flower."""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass

from redis.exceptions import RedisError

from config.processes import REPORT_PATH, processes
from config.settings import Settings
from worker.embedded import EmbeddedServer, free_port
from worker.log_files import limit_size
from worker.private_files import keep_private
from worker.store.connection import connect
from worker.store.ledger import Ledger
from worker.supervisor import Supervisor

FLOWER_USER = "wbs-sync"


@dataclass(slots=True)
class Stack:
    """What was started. `server` is None when REDIS_URL names one that is not ours."""

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
        """Start the server if there is none, and make the processes ready to start; the address goes into this environment too."""
        keep_private(settings.data_dir)
        server = None if settings.redis_url else EmbeddedServer.start(settings.data_dir)
        flower_url, login = flower_access(settings)
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
        return cls(server, supervisor, flower_url, login, settings.redis_key_prefix)

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
                Ledger(connect(self.server.url), self.key_prefix).server_stops_in_order()
            self.server.stop()


def flower_access(settings: Settings) -> tuple[str, str]:
    """Where Flower will be and how to log in; both go into this environment too, for the process that is started with it.

    A password that was made just now is told, since nobody knows it yet. That of the settings is not: what is printed may be kept as a log.
    """
    port = settings.flower_port or free_port()
    login = told = f"{FLOWER_USER}:{secrets.token_urlsafe(12)}"
    if settings.flower_basic_auth:
        login = settings.flower_basic_auth.get_secret_value()
        told = f"{login.partition(':')[0]}, with the password of FLOWER_BASIC_AUTH"
    os.environ |= {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": login}
    host = f"[{settings.flower_address}]" if ":" in settings.flower_address else settings.flower_address
    return f"http://{host}:{port}", told
