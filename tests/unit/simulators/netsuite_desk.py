"""Writes and reads records of a NetSuite account by its rules, without HTTP and login."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from simulators.netsuite.bills import BillKind
from simulators.netsuite.bodies import NameCheck, read_body
from simulators.netsuite.items import ItemKind
from simulators.netsuite.kind import Kind
from simulators.netsuite.records import BILL_TYPES
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError, json_response
from tests.unit.simulators.conftest import bill_body, item_body, small_books


class Desk:
    """One account and its writers."""

    def __init__(self, **settings: Any) -> None:
        self.state = NetSuiteState(small_books(), **settings)

    def kind(self, record_type: str) -> Kind[Any]:
        """Return the rules of a record type."""
        return (BillKind if record_type in BILL_TYPES else ItemKind)(self.state, record_type)

    def create(self, record_type: str, body: dict[str, Any]) -> str:
        """Create a record from the JSON of `body`, and return its id. Raises NetSuiteError."""
        kind = self.kind(record_type)
        draft = kind.draft(read_body(json.dumps(body).encode()), self._names())
        draft.id = kind.shelf.next_id()
        kind.shelf.put(draft)
        return str(draft.id)

    def bill(self, record_type: str = "vendorBill", lines: dict[str, Any] | None = None, **more: Any) -> str:
        """Create a complete bill or credit with two lines and `more`. `lines`: further properties of each line."""
        body = bill_body(None, "", "10.00", "20.00", **more)
        body["item"] = {"items": [{**line, **(lines or {})} for line in body["item"]["items"]]}
        return self.create(record_type, body)

    def item(self, record_type: str = "otherChargePurchaseItem", **more: Any) -> str:
        """Create a complete Item with `more`."""
        return self.create(record_type, item_body("new", **more))

    def change(self, record_type: str, record_id: str, **changes: Any) -> None:
        """Change a record as a PATCH does."""
        kind = self.kind(record_type)
        body = read_body(json.dumps(changes).encode())
        kind.shelf.put(kind.changed(kind.shelf.get(record_id), body, self._names(), frozenset()))

    def read(self, record_type: str, record_id: str, *, expand: bool = True) -> dict[str, Any]:
        """Return the JSON of a GET."""
        kind = self.kind(record_type)
        answer: dict[str, Any] = json.loads(bytes(json_response(kind.shown(kind.shelf.get(record_id), expand)).body))
        return answer

    def first_line(self, bill_id: str) -> dict[str, Any]:
        """Return the first item line of a bill."""
        line: dict[str, Any] = self.read("vendorBill", bill_id)["item"]["items"][0]
        return line

    def edit(self, shelf: str, record_id: str, **changes: Any) -> None:
        """Change attributes of a vendor or job as a person does."""
        records = getattr(self.state, shelf)
        records.put(dataclasses.replace(records.get(record_id), **changes))

    def _names(self) -> NameCheck:
        return NameCheck(True, "USER_ERROR", self.state.settings.custom_fields)


def refusal(call: Any, *args: Any, **keywords: Any) -> tuple[str, str | None]:
    """Return the text of a refusal, without NetSuite's usual first sentence, and its path."""
    with pytest.raises(NetSuiteError) as refused:
        call(*args, **keywords)
    assert refused.value.status == 400
    return refused.value.detail.removeprefix("Error while accessing a resource. "), refused.value.path
