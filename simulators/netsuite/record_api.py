"""/services/rest/record/v1: one address per record type and record (ohelp/section_1545141395)."""

from __future__ import annotations

import asyncio
import datetime
import functools
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from simulators.netsuite.accounts import Listed
from simulators.netsuite.auth import LoginEndpoints
from simulators.netsuite.batch import AsyncJobs, wants_async
from simulators.netsuite.bills import BillKind
from simulators.netsuite.bodies import Body, read_body
from simulators.netsuite.entities import shown_job, shown_vendor
from simulators.netsuite.items import ItemKind
from simulators.netsuite.metadata import catalog
from simulators.netsuite.permissions import require
from simulators.netsuite.records import BILL_TYPES, ITEM_TYPES, WRITABLE_ITEM_TYPES, Bill, Item, Shelf
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import RECORD_PATH, NetSuiteError, json_response, location_of, no_content
from simulators.netsuite.writing import Writer, WriteRequest, spread

AnyWriter = Writer[Any]


class RecordEndpoints:
    """Handlers for all record types."""

    def __init__(self, state: NetSuiteState, login: LoginEndpoints, jobs: AsyncJobs) -> None:
        self._state = state
        self._login = login
        self._jobs = jobs
        self._kinds: dict[str, ItemKind | BillKind] = {name: ItemKind(state, name) for name in ITEM_TYPES}
        self._kinds |= {name: BillKind(state, name) for name in BILL_TYPES}

    async def collection(self, request: Request) -> Response:
        """POST creates one record; PATCH and PUT take up to 100 records and respond with a job (ohelp/article_0127092747)."""
        self._login.admit(request)
        record_type = request.path_params["type"]
        writer = self._writer(record_type)
        body = read_body(await request.body())
        if request.method != "POST":
            return self._jobs.start_batch(request, writer, record_type, body)
        asked = WriteRequest.of(request, self._state)
        if wants_async(request):
            return self._jobs.start(request, [lambda: self._create(request, writer, body, asked)])
        return await self._create(request, writer, body, asked)

    async def instance(self, request: Request) -> Response:
        """GET, PATCH, PUT, DELETE of one record by internal id or eid:{external id}."""
        self._login.admit(request)
        record_type, key = request.path_params["type"], request.path_params["key"]
        if request.method == "GET":
            return await self._read(request, record_type, key)
        writer = self._writer(record_type)
        asked = WriteRequest.of(request, self._state)
        if request.method == "DELETE":
            await writer.delete(key, asked)
            return no_content()
        body = read_body(await request.body())
        if request.method == "PATCH":
            await writer.update(key, body, asked)
            return no_content()
        record, created = await writer.upsert(key, body, asked)
        said = created or self._state.settings.location_on_update
        return no_content(location_of(request, record_type, record.id) if said else "")

    async def metadata(self, request: Request) -> Response:
        """GET metadata-catalog/{type}: the record's JSON schema, with the lengths that this account has."""
        self._login.admit(request)
        schema = catalog(request.path_params["type"], self._state.settings)
        if "application/schema+json" not in request.headers.get("Accept", ""):
            address = f"{RECORD_PATH}/metadata-catalog/{request.path_params['type']}"
            return json_response(
                {"name": request.path_params["type"], "links": [{"rel": "canonical", "href": address}]}
            )
        answer = json_response(schema)
        answer.headers["Content-Type"] = "application/schema+json"
        return answer

    async def _create(self, request: Request, writer: AnyWriter, body: Body, asked: WriteRequest) -> Response:
        record = await writer.create(body, asked)
        said = self._state.settings.location_on_create
        return no_content(location_of(request, request.path_params["type"], record.id) if said else "")

    def _writer(self, record_type: str) -> AnyWriter:
        unwritable = record_type in ITEM_TYPES and record_type not in WRITABLE_ITEM_TYPES
        if unwritable or record_type in ("vendor", "job") or self._is_list(record_type.lower()):
            raise NetSuiteError("This simulator only reads this record type.", status=405, code="METHOD_NOT_ALLOWED")
        return Writer(self._state, self._kind(record_type))

    def _kind(self, record_type: str) -> Any:
        kind = self._kinds.get(record_type)
        if kind is None:
            raise NetSuiteError(f"Record type '{record_type}' does not exist.", status=404, code="NONEXISTENT_ID")
        return kind

    async def _read(self, request: Request, record_type: str, key: str) -> Response:
        expand = request.query_params.get("expandSubResources", "").lower() == "true"
        seconds = self._state.settings.read_latency * spread(self._state)
        if seconds > 0:
            await asyncio.sleep(seconds)
        body = self._shown(record_type, key, expand)
        wanted = request.query_params.get("fields")
        if wanted:
            names = {"links", *wanted.split(",")}
            body = {name: value for name, value in body.items() if name in names}
        return json_response(body)

    def _shown(self, record_type: str, key: str, expand: bool) -> Body:
        if record_type == "vendor":
            vendor = functools.partial(shown_vendor, self._state, expand=expand)
            return self._shown_entity(self._state.vendors, key, "vendor", vendor)
        if record_type == "job":
            job = functools.partial(shown_job, self._state, expand=expand)
            return self._shown_entity(self._state.jobs, key, "job", job)
        if self._is_list(record_type.lower()):
            return self._shown_entity(
                self._state.listed(record_type.lower()) or Shelf(), key, record_type, shown_listed
            )
        kind = self._kind(record_type)
        require(self._state, kind.permission, "read")
        record = Writer(self._state, kind).find(key)
        if record is None or (key.startswith("eid:") and self._is_too_new(record)):
            raise kind.missing(key)
        shown: Body = kind.shown(record, expand)
        return shown

    def _is_list(self, name: str) -> bool:
        settings = self._state.settings
        own = {"subsidiary": settings.subsidiaries, "currency": settings.currencies}
        return name in settings.lists or bool(own.get(name))

    def _is_too_new(self, record: Item | Bill) -> bool:
        lag = datetime.timedelta(seconds=self._state.settings.eid_lag)
        return datetime.datetime.now(datetime.UTC) - record.created_at < lag

    def _shown_entity(self, shelf: Shelf[Any], key: str, group: str, shown: Callable[[Any], Body]) -> Body:
        require(self._state, group, "read")
        found = shelf.find("externalid", key[4:].casefold()) if key.startswith("eid:") else [shelf.get(key)]
        if not found or found[0] is None:
            raise NetSuiteError(
                "The record instance does not exist. Provide a valid record instance ID.",
                status=404,
                code="NONEXISTENT_ID",
            )
        return shown(found[0])


def shown_listed(entry: Listed) -> Body:
    """Return an entry of a list: properties that departments, classes, locations and terms have (Oracle's REST API Browser, 2026.1).

    Values of custom lists and segments are in no published table; responses of real accounts link to them by the same address.
    """
    body: Body = {"links": [], "id": entry.id, "name": entry.name, "isInactive": entry.isinactive}
    return {**body, "externalId": entry.externalid} if entry.externalid else body
