"""`python -m tests.published FOLDER` writes procore.json and netsuite.json from the vendors' published files.

FOLDER has:

- `procore/OPERATION.json`, as in `data/endpoint-details/` of the repository that `PROCORE` names: `method`, `path` and
  `responses.200.schema`, a JSON schema;
- `netsuite/RECORD.json`, the tables of Oracle's REST API Browser as `{"release": ..., "properties": {NAME: {"type": ...}},
  "sublists": {SUBLIST: {NAME: {"type": ...}}}}`; `ref` marks a reference, `read_only` a property that is only read;
- `netsuite/conventions.json`, whose `collection_schema` has the properties of every collection in the same form.

Names, types and listed values are kept; descriptions, labels and examples are not.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.published import shape

Property = tuple[str, str | list[str]]

PROCORE = {
    "source": "Procore's OpenAPI specification, as derived by github.com/TylerIlunga/procore-mcp-server, data/endpoint-details",
    "version": "commit eed7a84",
    "date": "2026-05-08",
}
NETSUITE = {
    "source": "Oracle's REST API Browser, record v1, as derived by github.com/wsjmnh/netsuite-record-rest-docs, docs/records",
    "version": "2026.1, commits be3ff5a and cbc2491",
    "date": "2026-11-22",
}
OPERATIONS = (
    "OauthTokenPost",
    "RestV10BudgetViewsBudgetViewIdDetailRowsGet",
    "RestV10BudgetViewsGet",
    "RestV10ProjectsIdGet",
    "RestV10ProjectsProjectIdBillingPeriodsGet",
    "RestV10ProjectsProjectIdWorkBreakdownStructurePatternsGet",
    "RestV10ProjectsProjectIdWorkBreakdownStructureWbsCodesGet",
    "RestV10VendorsGet",
    "RestV10WorkOrderContractsIdGet",
    "RestV11CompaniesCompanyIdCustomFieldDefinitionsGet",
    "RestV11ProjectsGet",
    "RestV11RequisitionsGet",
    "RestV11RequisitionsIdGet",
    "RestV11RequisitionsIdPatch",
    "RestV20CompaniesCompanyIdProjectsProjectIdWbsCodesGet",
)
RECORDS = {
    "otherChargePurchaseItem": (),
    "otherChargeResaleItem": (),
    "vendorBill": ("item", "expense"),
    "vendorCredit": ("item", "expense"),
    "job": (),
    "vendor": (),
}
"""Each record type with the sublists that tests compare with."""
NESTED = "(nested object)"
"""The description of whatever Procore's source left out, whether it is an object or not."""


def main(arguments: Sequence[str]) -> int:
    """Write both files, and return the exit code."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    folder = Path(arguments[0])
    _write("procore", PROCORE, dict(_response(folder / "procore" / f"{name}.json") for name in OPERATIONS))
    _write("netsuite", NETSUITE, {name: dict(_record(folder, name, lists)) for name, lists in RECORDS.items()})
    return 0


def _response(file: Path) -> tuple[str, Mapping[str, str | list[str]]]:
    operation = json.loads(file.read_text(encoding="utf-8"))
    properties = dict(_parts("", operation["responses"]["200"]["schema"]))
    return f"{operation['method']} {operation['path']}", properties


def _parts(path: str, schema: Mapping[str, Any]) -> Iterator[Property]:
    """Yield the properties below a JSON schema, each container before its parts."""
    children = {f"{path}.{name}" if path else name: each for name, each in schema.get("properties", {}).items()}
    if schema["type"] == "array" and "items" in schema:
        children[f"{path}[]"] = schema["items"]
    for part, child in children.items():
        if child.get("description") == NESTED or "type" not in child:
            yield part, "any"
        else:
            yield part, [value for value in child["enum"] if value is not None] if "enum" in child else child["type"]
            yield from _parts(part, child)


def _record(folder: Path, name: str, sublists: Sequence[str]) -> Iterator[Property]:
    """Yield the properties of a record and of the lines of `sublists`; a sublist is a collection with the array `items`."""
    published = _netsuite(folder, name)
    collection = _netsuite(folder, "conventions")["collection_schema"]
    for path, fact in published["properties"].items():
        yield path, _type(fact)
    for sublist in sublists:
        for path, fact in collection.items():
            yield f"{sublist}.{path}", _type(fact)
        yield f"{sublist}.items[]", "object"
        for path, fact in published["sublists"][sublist].items():
            yield f"{sublist}.items[].{path}", _type(fact)


def _netsuite(folder: Path, name: str) -> Mapping[str, Any]:
    published: Mapping[str, Any] = json.loads((folder / "netsuite" / f"{name}.json").read_text(encoding="utf-8"))
    return published


def _type(fact: Mapping[str, Any]) -> str | list[str]:
    """Return the type of a property; on the wire a reference is an object with an id, whatever record type the source names."""
    if "enum" in fact:
        return list(fact["enum"])
    kind = "array" if fact["type"].endswith("[]") else "object" if "ref" in fact else str(fact["type"])
    return kind + (shape.READ_ONLY if fact.get("read_only") else "")


def _write(name: str, head: Mapping[str, str], tables: Mapping[str, Mapping[str, str | list[str]]]) -> None:
    """Write one line per property, so that a changed property is a changed line."""
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    records = [
        f"    {json.dumps(record)}: {{\n"
        + ",\n".join(f"      {json.dumps(path)}: {json.dumps(kind)}" for path, kind in sorted(table.items()))
        + "\n    }"
        for record, table in sorted(tables.items())
    ]
    text = "\n".join(["{", *lines, '  "properties": {', ",\n".join(records), "  }", "}"])
    (shape.FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
