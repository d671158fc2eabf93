"""Admin endpoints of the NetSuite simulator only: its records, its duplicates, and edits as an accountant makes them."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.common.admin import read_object
from simulators.common.app import ADMIN_PREFIX
from simulators.netsuite.state import NetSuiteState


class RecordAdmin:
    """Reads and edits records without NetSuite's rules."""

    def __init__(self, state: NetSuiteState) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """Return one route for each resource and method."""
        return [
            Route(f"{ADMIN_PREFIX}/records", self.records, methods=["GET"]),
            Route(f"{ADMIN_PREFIX}/records", self.edit, methods=["PATCH"]),
            Route(f"{ADMIN_PREFIX}/duplicates", self.duplicates, methods=["GET"]),
        ]

    async def records(self, request: Request) -> Response:
        """GET ?type=vendorBill|vendorCredit|item|vendor|job: all records of a type, with the attributes of the state, amounts as text."""
        state = self._state
        shelves: dict[str, Any] = {
            "vendorBill": [bill for bill in state.bills if bill.record_type == "vendorBill"],
            "vendorCredit": [bill for bill in state.bills if bill.record_type == "vendorCredit"],
            "item": state.items,
            "vendor": state.vendors,
            "job": state.jobs,
        }
        shelf = shelves.get(request.query_params.get("type", ""))
        if shelf is None:
            return JSONResponse({"error": f"type has to be one of {', '.join(shelves)}"}, 400)
        return _as_text({"records": [_record(each) for each in shelf]})

    async def edit(self, request: Request) -> Response:
        """PATCH {"type": "item"|"vendorBill"|"vendorCredit"|"vendor"|"job", "id": "...", "changes": {...}}: edit a record as an accountant does."""
        body = await read_object(request)
        edit: Callable[..., Any] = self._state.edit_item if body.get("type") == "item" else self._state.edit_bill
        if body.get("type") in ("vendor", "job"):
            edit = functools.partial(self._state.edit_entity, body["type"])
        try:
            edited = edit(str(body["id"]), **body["changes"])
        except (KeyError, TypeError) as error:
            return JSONResponse({"error": repr(error)}, 400)
        return _as_text(_record(edited))

    async def duplicates(self, request: Request) -> Response:
        """Respond with everything that should exist only once and exists several times."""
        found = [{"kind": kind, "key": key, "ids": ids} for kind, key, ids in self._state.duplicates()]
        return JSONResponse({"duplicates": found})


def _record(record: Any) -> dict[str, Any]:
    shown = dataclasses.asdict(record)
    return {**shown, "total": record.total} if hasattr(record, "total") else shown


def _as_text(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body, default=_plain), media_type="application/json")


def _plain(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
