"""The item and expense lines of a bill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulators.netsuite import bodies
from simulators.netsuite.bodies import Body, NameCheck
from simulators.netsuite.field_types import known_names
from simulators.netsuite.fields import typed
from simulators.netsuite.records import Bill, BillLine, ExpenseLine
from simulators.netsuite.state import NetSuiteState
from simulators.netsuite.subsidiaries import item_serves, not_available
from simulators.netsuite.wire import invalid_value, missing_value, money

_OWN_ITEM_LINE = frozenset({"line", "item", "quantity", "rate", "amount", "description", "customer", "job"})
_OWN_EXPENSE_LINE = frozenset({"line", "account", "amount", "memo", "customer"})
_DESCRIPTION_LENGTH = 4000


def changed_lines(state: NetSuiteState, bill: Bill, body: Body, names: NameCheck, replace: bool) -> list[BillLine]:
    """Return the bill's item lines after applying `body`: lines with a known `line` are updated, all others are added.

    With `replace`, only the lines of `body` are kept (ohelp/section_1545297048).
    """
    kept: dict[int, BillLine] = {line.line: line for line in bill.lines}
    if replace and "item" in body:
        kept = {}
    for element in _elements(state, bill, body, "item", names):
        before = next((line for line in bill.lines if line.line == element.line), None)
        kept[element.line] = _item_line(state, bill, element, before)
    return [kept[line] for line in sorted(kept)]


@dataclass(frozen=True)
class Element:
    """A line as it was sent, its key, and its JSON path."""

    body: Body
    line: int
    path: str


def _elements(state: NetSuiteState, bill: Bill, body: Body, sublist: str, names: NameCheck) -> Iterator[Element]:
    known = known_names(state.settings, bill.record_type, sublist)
    known_lines = [each.line for each in (bill.lines if sublist == "item" else bill.expenses)]
    highest = max(known_lines, default=0)
    for place, sent in enumerate(bodies.lines(body, sublist)):
        path = f"{sublist}.items[{place}]."
        element = typed(state, bill.record_type, sublist, names.keep_known(sent, known, path), path)
        line = bodies.number(element, "line", path)
        if line is None or line not in known_lines:
            highest += 1
            line = Decimal(highest)
        yield Element(element, int(line), path)


def _item_line(state: NetSuiteState, bill: Bill, element: Element, before: BillLine | None) -> BillLine:
    body, path = element.body, element.path
    item_id = bodies.reference(body, "item", path) or (before.item if before else None)
    quantity, rate, amount = _worth(body, path, before)
    fields = {name: value for name, value in body.items() if name not in _OWN_ITEM_LINE}
    return BillLine(
        line=element.line,
        item=_usable_item(state, bill, item_id, f"{path}item"),
        quantity=quantity,
        rate=rate,
        amount=amount,
        description=bodies.text(body, "description", _DESCRIPTION_LENGTH) or (before.description if before else ""),
        customer=_project(state, body, path) or (before.customer if before else None),
        fields={**(before.fields if before else {}), **fields},
    )


def _worth(element: Body, path: str, before: BillLine | None) -> tuple[Decimal, Decimal, Decimal]:
    """Return quantity, rate and amount of a line. An amount that was sent takes precedence over quantity times rate."""
    quantity = bodies.number(element, "quantity", path)
    rate = bodies.number(element, "rate", path)
    amount = bodies.number(element, "amount", path)
    if before is not None and quantity is None and rate is None and amount is None:
        return before.quantity, before.rate, before.amount
    if quantity is None:
        quantity = before.quantity if before else Decimal(1)
    if amount is not None:
        return quantity, amount / quantity if quantity else amount, money(amount)
    if rate is None and before is not None:
        rate = before.rate
    if rate is None:
        raise missing_value("Amount", f"{path}amount")
    return quantity, rate, money(quantity * rate)


def _usable_item(state: NetSuiteState, bill: Bill, item_id: str | None, path: str) -> str:
    if item_id is None:
        raise missing_value("Item", path)
    item = state.items.get(item_id)
    if item is None or item.isinactive:
        raise invalid_value(item_id, "item", path)
    # An item has to be associated with the bill's subsidiary (ohelp/section_N276948).
    if state.settings.one_world and not item_serves(state, item, bill.subsidiary):
        raise not_available("item", item_id, bill.subsidiary, path)
    return item_id


def _project(state: NetSuiteState, element: Body, path: str) -> str | None:
    """Return the project of a line, from the field that this account uses: `customer` or `job`."""
    wanted = state.settings.project_field
    for name in ("customer", "job"):
        given = bodies.reference(element, name, path)
        if given is not None and (name != wanted or state.jobs.get(given) is None):
            raise invalid_value(given, name, f"{path}{name}")
    return bodies.reference(element, wanted, path)


def changed_expenses(
    state: NetSuiteState, bill: Bill, body: Body, names: NameCheck, replace: bool
) -> list[ExpenseLine]:
    """Return the bill's expense lines after applying `body`, by the rules of `changed_lines`; they have only `customer`."""
    kept: dict[int, ExpenseLine] = {line.line: line for line in bill.expenses}
    if replace and "expense" in body:
        kept = {}
    for element in _elements(state, bill, body, "expense", names):
        before = next((line for line in bill.expenses if line.line == element.line), None)
        kept[element.line] = _expense_line(state, element, before)
    return [kept[line] for line in sorted(kept)]


def _expense_line(state: NetSuiteState, element: Element, before: ExpenseLine | None) -> ExpenseLine:
    body, path = element.body, element.path
    account = bodies.reference(body, "account", path) or (before.account if before else None)
    amount = bodies.number(body, "amount", path)
    if amount is None and before is not None:
        amount = before.amount
    if amount is None:
        raise missing_value("Amount", f"{path}amount")
    customer = bodies.reference(body, "customer", path)
    if customer is not None and state.jobs.get(customer) is None:
        raise invalid_value(customer, "customer", f"{path}customer")
    fields = {name: value for name, value in body.items() if name not in _OWN_EXPENSE_LINE}
    return ExpenseLine(
        line=element.line,
        account=bodies.required(account, "Account", f"{path}account"),
        amount=money(amount),
        memo=bodies.text(body, "memo", _DESCRIPTION_LENGTH) or (before.memo if before else ""),
        customer=customer or (before.customer if before else None),
        fields={**(before.fields if before else {}), **fields},
    )
