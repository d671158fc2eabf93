"""Which records a subsidiary may use, in an account whose setting `subsidiaries` has a list of them (OneWorld).

The text of a refusal was seen in real accounts: "Invalid entity reference key 712 for subsidiary 3." (also for account, location, department,
class and currency: fylein/fyle-netsuite-api).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from simulators.netsuite.accounts import Listed
from simulators.netsuite.bodies import Body
from simulators.netsuite.field_types import BODY, FieldType, custom_types, standard_type
from simulators.netsuite.records import Bill, Item
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.wire import NetSuiteError, invalid_value


def not_available(field: str, record_id: str, subsidiary: str, path: str) -> NetSuiteError:
    """Return the refusal of a record that the subsidiary may not use. `field`: the property in lower case."""
    return NetSuiteError(
        f"Error while accessing a resource. Invalid {field} reference key {record_id} for subsidiary {subsidiary}.",
        path=path,
    )


def serves(state: NetSuiteState, owners: Iterable[str], include_children: bool, subsidiary: str) -> bool:
    """Return whether a record of the subsidiaries `owners` is available in `subsidiary`: includeChildren shares it with those below them."""
    own = set(owners)
    return subsidiary in own or (include_children and not own.isdisjoint(_ancestors(state, subsidiary)))


def item_serves(state: NetSuiteState, item: Item, subsidiary: str) -> bool:
    """Return whether an Item can be on a bill of the subsidiary (ohelp/section_N276948)."""
    return serves(state, item.subsidiaries, item.fields.get("includeChildren") is True, subsidiary)


def check_bill(state: NetSuiteState, bill: Bill) -> None:
    """Refuse a bill with an Item, a project, an account or a classification that its subsidiary may not use.

    The vendor is checked first, with the head. For a project, public code has "Invalid customer reference key N for entity E"
    (fylein/fyle-netsuite-api); that E is the vendor of a bill is inferred.
    """
    here = bill.subsidiary
    _check_lists(state, bill.record_type, BODY, bill.fields, [here], "")
    for place, line in enumerate(bill.lines):
        path = f"item.items[{place}]."
        item = state.items.get(line.item)
        if item is not None and not item_serves(state, item, here):
            raise not_available("item", line.item, here, f"{path}item")
        _check_project(state, bill, line.customer, state.settings.project_field, path)
        _check_lists(state, bill.record_type, "item", line.fields, [here], path)
    for place, expense in enumerate(bill.expenses):
        path = f"expense.items[{place}]."
        _check_project(state, bill, expense.customer, "customer", path)
        fields = {**expense.fields, "account": {"id": expense.account}}
        _check_lists(state, bill.record_type, "expense", fields, [here], path)


def check_item(state: NetSuiteState, item: Item) -> None:
    """Refuse an Item whose accounts or classifications do not fit all its subsidiaries (ohelp/section_N276948)."""
    fields = {**item.fields, "expenseAccount": {"id": item.expense_account}}
    _check_lists(state, item.record_type, BODY, fields, item.subsidiaries, "")


def _check_project(state: NetSuiteState, bill: Bill, project: str | None, field: str, path: str) -> None:
    job = state.jobs.get(project) if project else None
    if job is not None and job.subsidiary != bill.subsidiary:
        raise NetSuiteError(
            f"Error while accessing a resource. Invalid {field} reference key {job.id} for entity {bill.entity}.",
            path=f"{path}{field}",
        )


def _check_lists(
    state: NetSuiteState, record_type: str, part: str, fields: Body, subsidiaries: Iterable[str], path: str
) -> None:
    """Refuse a reference to an entry of a list that has subsidiaries, but not all of these."""
    for name, entry in _entries(state, record_type, part, fields):
        for subsidiary in subsidiaries:
            if entry.subsidiaries and not serves(state, entry.subsidiaries, entry.includechildren, subsidiary):
                if state.settings.wrong_subsidiary_is_invalid_value:
                    raise invalid_value(entry.id, name.lower(), f"{path}{name}")
                raise not_available(name.lower(), entry.id, subsidiary, f"{path}{name}")


def _entries(state: NetSuiteState, record_type: str, part: str, fields: Body) -> Iterator[tuple[str, Listed]]:
    custom = custom_types(state.settings, record_type, part)
    for name, value in fields.items():
        known: FieldType | None = custom.get(name) or standard_type(name, part)
        if known is None or not known.list or not isinstance(value, dict):
            continue
        shelf = state.listed(known.list)
        for each in value.get("items", [value]):
            entry = shelf.get(str(each.get("id"))) if shelf is not None else None
            if entry is not None:
                yield name, entry


def _ancestors(state: NetSuiteState, subsidiary: str) -> set[str]:
    parents: dict[str, Any] = {str(each["id"]): each.get("parent") for each in state.settings.subsidiaries}
    above: set[str] = set()
    parent = parents.get(subsidiary)
    while parent is not None and str(parent) not in above:
        above.add(str(parent))
        parent = parents.get(str(parent))
    return above
