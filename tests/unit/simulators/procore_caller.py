"""A plain HTTP client for tests of the simulated Procore: it uses no code of the product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from simulators.common.server import RunningServer
from simulators.company import build_company
from simulators.procore.app import ProcoreState, build_app

TIMEOUT = 60


@dataclass
class Clock:
    """A clock that moves only when a test sets it."""

    time: float = 1_780_000_000.0

    def __call__(self) -> float:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Caller:
    """Calls one listening simulator with a valid token; `state` is its live state."""

    state: ProcoreState
    url: str
    clock: Clock
    session: requests.Session = field(default_factory=requests.Session)

    @property
    def company_id(self) -> int:
        return self.state.company.company_id

    def case(self, name: str) -> dict[str, Any]:
        return self.state.company.cases[name]

    def log_in(self) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.state.client_id,
            "client_secret": self.state.client_secret,
        }
        answer = requests.post(f"{self.url}/oauth/token", data=form, timeout=TIMEOUT)
        self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self.session.headers["Procore-Company-Id"] = str(self.company_id)
        return answer

    def get(self, path: str, **params: Any) -> requests.Response:
        """Send a GET; a parameter `filters_id` is sent as filters[id], `filters_id__` as filters[id][]."""
        named = {_parameter(name): value for name, value in params.items()}
        return self.session.get(f"{self.url}{path}", params=named, timeout=TIMEOUT)

    def json(self, path: str, **params: Any) -> Any:
        answer = self.get(path, **params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def patch(self, invoice_id: int, body: dict[str, Any]) -> requests.Response:
        return self.session.patch(f"{self.url}/rest/v1.1/requisitions/{invoice_id}", json=body, timeout=TIMEOUT)

    def export(self, invoice_id: int, **fields: Any) -> requests.Response:
        """Send a PATCH with these `fields` of an invoice, as documented."""
        invoice = self.state.invoice(invoice_id)
        ids = {"project_id": invoice.project_id, "commitment_id": invoice.commitment.id}
        return self.patch(invoice_id, {**ids, "requisition": fields})

    def admin(self, path: str, body: dict[str, Any]) -> requests.Response:
        return requests.post(f"{self.url}/_admin/{path}", json=body, timeout=TIMEOUT)

    def v2(self, project_id: int, rest: str) -> str:
        return f"/rest/v2.0/companies/{self.company_id}/projects/{project_id}/{rest}"


def _parameter(name: str) -> str:
    if not name.startswith("filters_"):
        return name
    bare = name.removeprefix("filters_")
    return f"filters[{bare.removesuffix('__')}]" + ("[]" if bare.endswith("__") else "")


@contextmanager
def listening_procore(profile: str = "test", seed: int = 1, **settings: Any) -> Iterator[Caller]:
    """A simulated Procore that listens, with limits off unless `settings` turn them on, and a caller that has logged in."""
    clock = Clock()
    limits = {"hourly_limit": None, "spike_limit": None}
    state = ProcoreState(build_company(seed, profile), clock=clock, **{**limits, **settings})
    with RunningServer.start(build_app(state)) as server:
        caller = Caller(state, server.url, clock)
        caller.log_in()
        with caller.session:
            yield caller
