"""Writes: validation, a wait as long as NetSuite's, and the commit, with the race between validation and commit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic

from starlette.requests import Request

from simulators.common.app import Exchange, exchange_of
from simulators.netsuite.bodies import Body, NameCheck, external_id_of, lines
from simulators.netsuite.kind import Kind, W
from simulators.netsuite.permissions import require
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError


@dataclass(frozen=True)
class WriteRequest:
    """A write request without its body."""

    exchange: Exchange
    names: NameCheck
    replace: frozenset[str]  # sublists that are replaced instead of added to

    @classmethod
    def of(cls, request: Request, state: NetSuiteState) -> WriteRequest:
        """Read the headers and the query of a request."""
        return cls(
            exchange_of(request),
            name_check(request.headers, state),
            frozenset(request.query_params.get("replace", "").split(",")),
        )


def name_check(headers: Mapping[str, str], state: NetSuiteState) -> NameCheck:
    """Return how the request wants unknown property names to be handled; by default Warning."""
    strict = headers.get("X-NetSuite-PropertyNameValidation", "Warning").lower() == "error"
    return NameCheck(strict, state.settings.unknown_property_code, state.settings.custom_fields)


class Writer(Generic[W]):
    """Creates, updates, upserts and deletes records of one kind."""

    def __init__(self, state: NetSuiteState, kind: Kind[W]) -> None:
        self._state = state
        self._kind = kind

    def find(self, key: str) -> W | None:
        """Return the record for the key in an address (an internal id or eid:{external id}), else None."""
        if key.startswith("eid:"):
            same = self._kind.shelf.find("externalid", external_id_of(key[4:]).casefold())
            return next((record for record in same if self._kind.belongs(record)), None)
        if not key.isdecimal():
            raise NetSuiteError(f"Invalid record instance ID '{key}'.", code="INVALID_ID")
        record = self._kind.shelf.get(key)
        return record if record is not None and self._kind.belongs(record) else None

    async def create(self, body: Body, asked: WriteRequest) -> W:
        """Create a record, and return it with its id."""
        require(self._state, self._kind.permission, "create")
        draft = self._kind.draft(body, asked.names)
        windowed = self._state.settings.uniqueness == "window"
        if windowed:
            self._check_unique(draft)
        await self._pause(body, asked)
        with self._state.lock:
            if not windowed:
                self._check_unique(draft)
            draft.id = self._kind.shelf.next_id()
            self._put("create", draft, asked)
        return draft

    async def update(self, key: str, body: Body, asked: WriteRequest) -> W:
        """Apply `body` to the record with `key`, and return it."""
        require(self._state, self._kind.permission, "update")
        found = self.find(key)
        if found is None:
            raise self._kind.missing(key)
        early = self._kind.changed(found, body, asked.names, asked.replace)
        windowed = self._state.settings.uniqueness == "window"
        if windowed:
            self._check_unique(early)
        await self._pause(body, asked)
        with self._state.lock:
            return self._apply(found.id, key, body, asked, check=not windowed)

    async def upsert(self, key: str, body: Body, asked: WriteRequest) -> tuple[W, bool]:
        """Update or create the record with the external id of `key`. Return it, and whether it is new (ohelp/section_156335203191).

        With uniqueness "window", a record that did not exist on arrival is created even if it exists by now, so two concurrent upserts create
        two records. Oracle's help does not exclude that.
        """
        if not key.startswith("eid:"):
            raise NetSuiteError("An upsert needs an external ID: eid:{externalId}.", code="INVALID_ID")
        body = {**body, "externalId": external_id_of(key[4:])}
        if self.find(key) is not None:
            return await self.update(key, body, asked), False
        if self._state.settings.uniqueness == "window":
            return await self.create(body, asked), True
        require(self._state, self._kind.permission, "create")
        draft = self._kind.draft(body, asked.names)
        await self._pause(body, asked)
        with self._state.lock:
            appeared = self.find(key)
            if appeared is not None:
                return self._apply(appeared.id, key, body, asked, check=True), False
            self._check_unique(draft)
            draft.id = self._kind.shelf.next_id()
            self._put("create", draft, asked)
        return draft, True

    async def delete(self, key: str, asked: WriteRequest) -> None:
        """Delete the record with `key`."""
        require(self._state, self._kind.permission, "delete")
        await self._pause({}, asked)
        with self._state.lock:
            record = self.find(key)
            if record is None:
                raise self._kind.missing(key)
            self._kind.check_deletable(record)
            self._kind.shelf.remove(record.id)
            self._state.record_write("delete", record, request_id=asked.exchange.request_id)

    def _apply(self, record_id: str, key: str, body: Body, asked: WriteRequest, *, check: bool) -> W:
        current = self._kind.shelf.get(record_id)
        if current is None:
            raise self._kind.missing(key)
        changed = self._kind.changed(current, body, asked.names, asked.replace)
        if check:
            self._check_unique(changed)
        self._put("update", changed, asked)
        return changed

    def _put(self, write: str, record: W, asked: WriteRequest) -> None:
        self._kind.shelf.put(record)
        self._state.record_write(write, record, request_id=asked.exchange.request_id)
        if asked.names.dropped:
            self._state.journal.add(
                dropped=sorted(set(asked.names.dropped)), id=record.id, request_id=asked.exchange.request_id
            )

    def _check_unique(self, record: W) -> None:
        if self._state.settings.uniqueness != "off":
            self._kind.check_unique(record)

    async def _pause(self, body: Body, asked: WriteRequest) -> None:
        """Wait as long as NetSuite takes between the arrival of a request and its commit.

        The server continues after the client has stopped waiting, so a record can appear after a timeout.
        """
        settings = self._state.settings
        seconds = settings.write_latency
        if settings.line_latency:
            seconds += settings.line_latency * (len(lines(body, "item")) + len(lines(body, "expense")))
        seconds *= spread(self._state)
        if settings.uniqueness == "window":
            seconds += settings.uniqueness_window
        rule = asked.exchange.fault
        if rule is not None and rule.kind == "slow_commit":
            seconds += rule.number(60.0)
        if seconds > 0:
            await asyncio.sleep(seconds)


def spread(state: NetSuiteState) -> float:
    """Return a random factor around 1, within `latency_spread`."""
    width = state.settings.latency_spread
    return 1.0 + state.dice.uniform(-width, width) if width else 1.0
