"""The admin endpoints that every simulator has under /_admin: journal, faults, settings, counters, reset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulators.common.app import ADMIN_PREFIX, Remote
from simulators.common.settings import change_settings, settings_as_json


def admin_app(remote: Remote, extra: Sequence[BaseRoute] = ()) -> Starlette:
    """Return the admin application of `remote`. `extra`: additional routes of this remote, with paths that begin with /_admin."""
    return Starlette(routes=[*AdminEndpoints(remote).routes(), *extra])


class AdminEndpoints:
    """Handlers without authentication: a simulator listens on the loopback only."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def routes(self) -> list[Route]:
        """Return one route for each resource and method."""
        return [
            Route(f"{ADMIN_PREFIX}/health", self.health, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/stats", self.stats, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/journal", self.read_journal, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/journal", self.clear_journal, methods=["DELETE"]),
            Route(f"{ADMIN_PREFIX}/faults", self.read_faults, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/faults", self.set_faults, methods=["POST"]),
            Route(f"{ADMIN_PREFIX}/faults", self.clear_faults, methods=["DELETE"]),
            Route(f"{ADMIN_PREFIX}/settings", self.read_settings, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/settings", self.change_settings, methods=["PATCH"]),
            Route(f"{ADMIN_PREFIX}/reset", self.reset, methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """Respond with the name of the remote, which shows that it runs."""
        return JSONResponse({"ok": True, "remote": self._remote.name})

    async def stats(self, request: Request) -> Response:
        """Respond with the requests in flight, their maximum, the refused requests, and the requests per method and path."""
        return JSONResponse(self._remote.meter.as_json())

    async def read_journal(self, request: Request) -> Response:
        """Respond with the journal's entries above `?since=N`."""
        since = int(request.query_params.get("since", "0"))
        return JSONResponse({"entries": self._remote.journal.entries(since)})

    async def clear_journal(self, request: Request) -> Response:
        """Clear the journal and the counters."""
        self._remote.journal.clear()
        self._remote.meter.reset()
        return JSONResponse({"entries": []})

    async def read_faults(self, request: Request) -> Response:
        """Respond with the current fault rules and how often each was applied."""
        return JSONResponse(self._remote.faults.as_json())

    async def set_faults(self, request: Request) -> Response:
        """Replace all rules by those of the body: {"seed": 1, "rules": [...]}."""
        body = await read_object(request)
        try:
            self._remote.faults.replace(body.get("rules", []), int(body.get("seed", 1)))
        except (TypeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(self._remote.faults.as_json())

    async def clear_faults(self, request: Request) -> Response:
        """Remove all fault rules."""
        self._remote.faults.clear()
        return JSONResponse(self._remote.faults.as_json())

    async def read_settings(self, request: Request) -> Response:
        """Respond with all settings."""
        return JSONResponse(settings_as_json(self._remote.settings))

    async def change_settings(self, request: Request) -> Response:
        """Change the settings in the body: {"latency": 0.5}."""
        try:
            change_settings(self._remote.settings, await read_object(request))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(settings_as_json(self._remote.settings))

    async def reset(self, request: Request) -> Response:
        """Rebuild the data: {"seed": 1, "profile": "demo"}."""
        body = await read_object(request)
        seed, profile = int(body.get("seed", 1)), str(body.get("profile", "demo"))
        try:
            self._remote.reset(seed, profile)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"seed": seed, "profile": profile})


async def read_object(request: Request) -> dict[str, Any]:
    """Return the request's JSON object, {} for an empty body. Numbers with a decimal point become Decimals."""
    body = await request.body()
    value = json.loads(body, parse_float=Decimal) if body else {}
    if not isinstance(value, dict):
        raise TypeError("a JSON object is expected")
    return value
