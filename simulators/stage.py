"""Runs both simulators in threads: one company, two remotes, and the environment that a client needs to connect to them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from starlette.types import ASGIApp

from simulators.common.app import Remote
from simulators.common.journal import Entry
from simulators.common.server import Identity, RunningServer
from simulators.common.settings import change_settings
from simulators.common.tls import make_identity
from simulators.company import build_company
from simulators.netsuite.app import NetSuiteState
from simulators.netsuite.app import build_app as netsuite_app
from simulators.netsuite.keys import make_key_file
from simulators.procore.app import ProcoreState
from simulators.procore.app import build_app as procore_app

CERTIFICATE_ID = "simulated-certificate-1"
KEY_FILE = "netsuite-private-key.pem"
ENV_FILE = "simulators.env"


class Stage:
    """Both running simulators. `procore`, `netsuite`: their states, which a test may read directly."""

    def __init__(
        self,
        procore: ProcoreState,
        netsuite: NetSuiteState,
        host: str,
        ports: Mapping[str, int],
        identity: Identity | None = None,
    ) -> None:
        self.procore = procore
        self.netsuite = netsuite
        self.env: dict[str, str] = {}
        self._host = host
        self._apps: dict[str, ASGIApp] = {"procore": procore_app(procore), "netsuite": netsuite_app(netsuite)}
        self._identity = identity
        self._servers = {
            name: RunningServer.start(app, host, ports[name], identity) for name, app in self._apps.items()
        }
        self.urls = {name: server.url for name, server in self._servers.items()}

    @classmethod
    def start(
        cls,
        data_dir: Path | str,
        seed: int = 1,
        profile: str = "test",
        *,
        host: str = "127.0.0.1",
        procore_port: int = 0,
        netsuite_port: int = 0,
        tls: str = "",
        **settings: Any,
    ) -> Stage:
        """Build the company, start both simulators, and write `simulators.env` and the private key into `data_dir`. `tls`: host name for TLS,
        "" = plain HTTP.

        `settings`: set in each simulator that has a setting with this name. Raises ValueError if neither has.
        """
        folder = Path(data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        company = build_company(seed, profile)
        procore, netsuite = ProcoreState(company), NetSuiteState(company.netsuite)
        _apply(settings, procore, netsuite)
        key_file = (folder / KEY_FILE).resolve()
        netsuite.doorkeeper.register(CERTIFICATE_ID, make_key_file(key_file))
        identity = make_identity(folder, tls) if tls else None
        stage = cls(procore, netsuite, host, {"procore": procore_port, "netsuite": netsuite_port}, identity)
        stage.env = stage._environment(key_file)
        _write_env_file(folder / ENV_FILE, stage.env)
        return stage

    def stop(self) -> None:
        """Stop both simulators at the same time."""
        for server in self._servers.values():
            server.ask_to_stop()
        for name in list(self._servers):
            self.take_down(name)

    def take_down(self, remote: str) -> None:
        """Stop one simulator ("procore" or "netsuite"). Connections to it are refused then; its data is kept."""
        server = self._servers.pop(remote, None)
        if server is not None:
            server.stop()

    def bring_up(self, remote: str) -> None:
        """Accept connections to a simulator again, on its previous port."""
        if remote not in self._servers:
            port = int(self.urls[remote].rpartition(":")[2])
            self._servers[remote] = RunningServer.start(self._apps[remote], self._host, port, self._identity)

    def faults(self, remote: str, rules: Iterable[Mapping[str, Any]], seed: int = 1) -> None:
        """Replace a remote's fault rules."""
        self._remote(remote).faults.replace(rules, seed)

    def settings(self, remote: str, **changes: Any) -> None:
        """Change a remote's settings."""
        change_settings(self._remote(remote).settings, changes)

    def journal(self, remote: str, since: int = 0) -> list[Entry]:
        """Return the entries of a simulator's journal above number `since`."""
        return self._remote(remote).journal.entries(since)

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _remote(self, name: str) -> Remote:
        remotes: dict[str, Remote] = {"procore": self.procore, "netsuite": self.netsuite}
        return remotes[name]

    def _environment(self, key_file: Path) -> dict[str, str]:
        books = self.netsuite.books
        return {
            "PROCORE_BASE_URL": self.urls["procore"],
            "PROCORE_AUTH_URL": self.urls["procore"],
            "PROCORE_CLIENT_ID": self.procore.client_id,
            "PROCORE_CLIENT_SECRET": self.procore.client_secret,
            "PROCORE_COMPANY_ID": str(self.procore.company.company_id),
            "NETSUITE_ACCOUNT_ID": books.account_id,
            "NETSUITE_BASE_URL": self.urls["netsuite"],
            "NETSUITE_CLIENT_ID": self.netsuite.doorkeeper.client_id,
            "NETSUITE_CERTIFICATE_ID": CERTIFICATE_ID,
            "NETSUITE_PRIVATE_KEY_FILE": str(key_file),
            "NETSUITE_SUBSIDIARY_ID": books.subsidiary_id,
            "NETSUITE_EXPENSE_ACCOUNT_ID": books.expense_account_id,
            "NETSUITE_TAX_SCHEDULE_ID": books.tax_schedule_id,
            "NETSUITE_RETAINAGE_ITEM_ID": books.retainage_item_id,
            **({"REQUESTS_CA_BUNDLE": str(self._identity.certificate)} if self._identity else {}),
        }


def _apply(settings: Mapping[str, Any], *remotes: Remote) -> None:
    taken: set[str] = set()
    for remote in remotes:
        known = {each.name for each in dataclasses.fields(remote.settings)}
        change_settings(remote.settings, {name: value for name, value in settings.items() if name in known})
        taken |= known
    if unknown := sorted(set(settings) - taken):
        raise ValueError(f"no remote has the setting {', '.join(unknown)}")


def _write_env_file(path: Path, env: Mapping[str, str]) -> None:
    path.unlink(missing_ok=True)
    text = "".join(f"{name}={value}\n" for name, value in env.items())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
