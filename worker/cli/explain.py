"""`wbs-sync explain`: the status and history of one code or invoice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import click

from worker.cli.one_record import record_options, require_one_record
from worker.cli.output import clock, json_option, out, print_json, styled, table
from worker.cli.session import open_container
from worker.domain import money

JsonObject = Mapping[str, Any]
FIELDS = ("record", "sentence", "owner", "next_step")
LABELS = {"remote_id": "NetSuite id", "at": "since", "seen": "first seen", "by": "requested by"}


@click.command()
@record_options
@json_option
def explain(project: str | None, code: str | None, invoice: str | None, of_project: str | None, as_json: bool) -> None:
    """Show the status and history of one WBS code (PROJECT CODE) or one invoice (--invoice ID), and why it has no Item or bill yet.

    PROJECT is a Procore id, project number or project name. CODE is a flat code, an Item name or a Procore id. ID is an invoice's Procore id or
    number. Queries both Procore and NetSuite; writes nothing.
    """
    require_one_record(project, code, invoice)
    explanations = open_container().explain
    if invoice is not None:
        explanation = explanations.invoice(invoice, of_project)
    else:
        explanation = explanations.code(str(project), str(code))
    print_json(explanation) if as_json else print_explanation(explanation)


def print_explanation(explanation: JsonObject) -> None:
    """Print an explanation of a code or an invoice."""
    out.print(styled((explanation["title"], "bold")), soft_wrap=True)
    out.print(explanation["explanation"], soft_wrap=True)
    out.print()
    table("History", ("time", "event", "next attempt"), (_step(step) for step in explanation["history"]))
    # A problem that is already in the "Not yet" sentence is not repeated.
    problems = [row for row in explanation["problems"] if row["sentence"] not in explanation["explanation"]]
    if problems:
        columns = ("record", "problem", "owner", "next step", "since")
        table("Open problems", columns, ([*map(row.get, FIELDS), clock(row["since"])] for row in problems))
    if "bill_lines" in explanation:
        _print_bill_lines(explanation)
        _print_bill(explanation["netsuite"], {line["item_id"]: line["item"] for line in explanation["bill_lines"]})
    else:
        _print_items(explanation["netsuite"], explanation["record"] or {})
    table("Procore now", ("", ""), _facts(explanation["procore"]))
    record = explanation["record"] or {}
    table("Ledger record", ("", ""), _facts({name: value for name, value in record.items() if name != "facts"}))


def _step(step: JsonObject) -> tuple[str, str, str]:
    repeated = f" ({step['times']} times, last {clock(step['until'])})" if step["times"] > 1 else ""
    next_attempt = clock(step["next_attempt_at"]) if step["next_attempt_at"] else ""
    return clock(step["at"]), step["sentence"] + repeated, next_attempt


def _print_bill_lines(explanation: JsonObject) -> None:
    if explanation["bill_lines_error"]:
        out.print(f"The bill lines cannot be calculated now: {explanation['bill_lines_error']}", soft_wrap=True)
        return
    rows: list[tuple[str, str, str]] = []
    for line in explanation["bill_lines"]:
        item = f"Item {line['item']}, id {line['item_id']}" if line["item_id"] else "no Item yet"
        rows.append((line["line"], item if line["wbs_code_id"] else "", _amount(line["amount"])))
        rows += ((f"  {_place(term)}{term['label']}", _amount(term["amount"]), "") for term in line["terms"])
    ties = "" if explanation["total"] == explanation["payment_due"] else "does not tie"
    rows += [("Total of lines", ties, _amount(explanation["total"]))]
    rows += [("Payment due in Procore", "", _amount(explanation["payment_due"]))]
    table("Bill lines, calculated from Procore", ("line", "from", "amount"), rows)
    _print_retainage_check(explanation["retainage"])


def _print_retainage_check(retainage: JsonObject) -> None:
    """Print the retainage by Procore's totals to compare with the bill, if Procore has these totals."""
    reported = retainage["reported"]
    if reported is not None:
        comparison = "matches the bill" if retainage["matches"] else f"the bill has {_amount(retainage['billed'])}"
        out.print(
            f"Retainage from Procore's totals (gross amounts - invoiced amount due): {_amount(reported)}, {comparison}."
        )


def _print_bill(netsuite: JsonObject, items: Mapping[str, str]) -> None:
    """Print the bill in NetSuite. `items`: names of the Items on the invoice's lines, by internal id."""
    if netsuite["error"]:
        out.print(f"NetSuite could not be queried: {netsuite['error']}", soft_wrap=True)
    elif netsuite["bill"] is None:
        out.print(f"NetSuite now: no bill for this invoice (no bill has the external id {netsuite['external_id']}).")
    else:
        bill = netsuite["bill"]
        lines = (
            (
                items.get(line["item_id"]) or line["item"] or f"id {line['item_id']}",
                line["description"],
                _amount(line["amount"]),
            )
            for line in bill["lines"]
        )
        period = f", posted in {bill['posting_period']}" if bill["posting_period"] else ""
        title = (
            f"NetSuite now: {bill['document']} {bill['id']}, {bill['document_number']} of {bill['date']}{period}, "
            f"total {_amount(bill['total'])}"
        )
        table(title, ("Item", "description", "amount"), lines)
        if netsuite["differs"]:
            out.print(f"It differs from the invoice as it is now: {netsuite['differs']}.", soft_wrap=True)
        if netsuite["not_compared"]:
            out.print(
                f"It cannot be compared with the invoice as it is now: {netsuite['not_compared']}", soft_wrap=True
            )


def _print_items(netsuite: JsonObject, record: JsonObject) -> None:
    if netsuite["error"]:
        out.print(f"NetSuite could not be queried: {netsuite['error']}", soft_wrap=True)
        return
    items = (
        (item["id"], item["name"], item["external_id"] or "", f"{item['type']} {item['subtype']}", _state(item))
        for item in netsuite["items"]
    )
    table("NetSuite now", ("id", "Item", "external id", "type", "state"), items)
    for item in netsuite["items"]:
        if item["id"] == record.get("remote_id") and item["name"] != record["name"]:
            out.print(
                f"Its name was {record['name']} when it was recorded; it was renamed in NetSuite since.", soft_wrap=True
            )


def _state(item: JsonObject) -> str:
    activity = "inactive" if item["inactive"] else "active"
    return f"{activity}, {'ours' if item['ours'] else 'not created by wbs-sync'}"


def _place(term: JsonObject) -> str:
    """Return the number of the invoice line that a term comes from; "" for a figure of the invoice itself."""
    return f"line {term['position']}: " if term["position"] is not None else ""


def _amount(text: str) -> str:
    return money.text(Decimal(text))


def _facts(facts: JsonObject) -> Iterable[tuple[str, str]]:
    for name, value in facts.items():
        if value is not None and value != "":
            yield LABELS.get(name, name.replace("_", " ")), _fact(name, value)


def _fact(name: str, value: Any) -> str:
    if name in ("at", "sent_at", "seen"):
        return clock(value)
    if name == "payment_due":
        return _amount(value)
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
