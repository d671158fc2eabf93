"""`wbs-sync fields`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import click

from config.fields_file import fields_path
from worker.cli.output import FAILED, Fault, json_option, named_project, out, print_json, table
from worker.cli.session import open_container
from worker.container import Container
from worker.domain.field_kinds import FieldKind, Place
from worker.inspect.account_fields import KnownField, Tried

HEAD = """\
# Fields of new NetSuite records. Remove the # before a line to set its field, then run `wbs-sync check` and restart the workers.
# A value is an internal id for references, or { from = "SOURCE", map = { "a" = "1" }, default = "2" }. docs/netsuite-fields.md describes all.
"""
REPLACES = "# Credits get the fields of bills. This table replaces them.\n"
EXAMPLES = {
    FieldKind.TEXT: '"text"',
    FieldKind.NUMBER: "1.5",
    FieldKind.INTEGER: "1",
    FieldKind.BOOLEAN: "false",
    FieldKind.DATE: '"2026-11-30"',
    FieldKind.REFERENCE: '"ID"',
    FieldKind.MULTI_SELECT: '["ID", "ID"]',
}


@click.command()
@click.option("--try", "project", type=named_project, help="Show what an Item and a bill of this project would get.")
@click.option("--draft", type=click.Path(path_type=Path), help="Write a commented file with all fields to this path.")
@json_option
def fields(project: str | None, draft: Path | None, as_json: bool) -> None:
    """List the fields of Items and bills that netsuite-fields.toml can set: standard ones, and the account's custom fields. Writes nothing to
    Procore or NetSuite.
    """
    if project and draft:
        raise click.UsageError("Pass --try or --draft, not both.")
    container = open_container(may_claim=False)
    if project:
        _try(container, project, as_json=as_json)
        return
    known = container.field_views.known()
    if draft:
        _write(draft, known)
    if as_json:
        print_json([asdict(one) for one in known])
    elif not draft:
        rows = [(f"[{one.place}]", one.name, one.kind.value, one.set_to) for one in known]
        table(
            f"Fields of new records (file: {fields_path(container.settings)})",
            ("table", "field", "kind", "set to"),
            rows,
        )


def _try(container: Container, name: str, *, as_json: bool) -> None:
    project = container.named_records.project(name)
    tried = container.field_views.tried(project, container.settings.export_statuses)
    if as_json:
        print_json([asdict(one) for one in tried])
    else:
        for one in tried:
            _print_tried(one)
    sys.exit(FAILED if any(one.problem for one in tried) else 0)


def _print_tried(one: Tried) -> None:
    if one.problem or one.note:
        out.print(f"{one.record}: {one.problem or one.note}", soft_wrap=True)
    elif one.fields:
        table(one.record, ("field", "value"), one.fields)
    else:
        out.print(f"{one.record}: no further fields.")


def _write(path: Path, known: Sequence[KnownField]) -> None:
    if path.exists():
        raise Fault(f"{path} exists already. Nothing was written. Name another file.")
    path.write_text(HEAD + "".join(_tables(known)), encoding="utf-8")
    out.print(f"{path} lists {len(known)} fields, each as a comment.")


def _tables(known: Sequence[KnownField]) -> Iterable[str]:
    for place in Place:
        # An empty table would already replace the fields that credits take from bills.
        yield f"\n{REPLACES}# [{place}]\n" if place in (Place.CREDIT, Place.CREDIT_LINE) else f"\n[{place}]\n"
        for one in known:
            if one.place is place:
                yield f"# {one.name} = {EXAMPLES[one.kind]}\n"
