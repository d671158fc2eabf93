"""The rules of a kind of record, as the write path uses them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from simulators.netsuite.bodies import Body, NameCheck
from simulators.netsuite.records import Bill, Item, Shelf
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError

W = TypeVar("W", bound=Item | Bill)


class Kind(ABC, Generic[W]):
    """The rules of items, or of bills: how a body becomes a record, and what must be unique."""

    permission: str  # the name of the group in `missing_permissions`

    def __init__(self, state: NetSuiteState, record_type: str) -> None:
        self.state = state
        self.record_type = record_type

    @property
    @abstractmethod
    def shelf(self) -> Shelf[W]:
        """The shelf on which the account keeps records of this kind, by id."""

    @abstractmethod
    def draft(self, body: Body, names: NameCheck) -> W:
        """Return a new record without an id. Raises NetSuiteError if `body` breaks any rule except uniqueness."""

    @abstractmethod
    def changed(self, record: W, body: Body, names: NameCheck, replace: frozenset[str]) -> W:
        """Return a copy of `record` with `body` applied. The sublists in `replace` are replaced, lines are added to all others."""

    @abstractmethod
    def check_unique(self, record: W) -> None:
        """Refuse the record if another one has its name, number or external id."""

    @abstractmethod
    def check_deletable(self, record: W) -> None:
        """Refuse the deletion of a record that others refer to."""

    @abstractmethod
    def missing(self, key: str) -> NetSuiteError:
        """Return the error for a record that does not exist; `key`: the id or external id in the address."""

    @abstractmethod
    def shown(self, record: W, expand: bool) -> dict[str, Any]:
        """Return the response to a GET of the record; with `expand`, complete sublists."""

    @abstractmethod
    def belongs(self, record: W) -> bool:
        """Return whether the record is found under this record type."""

    def check_external_id(self, record: W) -> None:
        """Refuse an external id in use: it is unique within a group of record types, ignoring case (ohelp/section_N3436356)."""
        if record.externalid is None:
            return
        others = self.shelf.find("externalid", record.externalid.casefold())
        if any(other.id != record.id for other in others):
            raise NetSuiteError(
                "Error while accessing a resource. This record already exists.",
                code=self.state.settings.duplicate_external_id_code,
                path="externalId",
            ).with_text(self.state.settings.duplicate_words)
