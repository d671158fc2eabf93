"""The requests of tests of a Procore client on prepared responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.unit.clients.remotes import Scripted, answer
from worker.clients.procore.api import ProcoreAddress
from worker.clients.procore.client import Procore

ADDRESS = ProcoreAddress("https://api.example", "https://login.example", "app-1", "sesame", 4)
NOT_FOUND = answer(404, {"errors": "Not found"})
CODE: dict[str, Any] = {"id": 901, "flat_code": "01-100.S", "description": "Concrete"}

MakeClient = Callable[..., tuple[Procore, Scripted]]


def paths(transport: Scripted) -> list[str]:
    return [sent.url.removeprefix("https://api.example") for sent in transport.sent]
