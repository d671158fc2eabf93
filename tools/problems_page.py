"""The generated tables of docs/problems.md: every class and every cause, with the names of an example."""

from __future__ import annotations

from pathlib import Path

from probe.markdown import markdown_table
from tools.sections import with_section
from worker.domain.problems import CATALOGUE, FIX_LOCATIONS, Cause, FindingKind, Owner, ProblemClass, describe
from worker.domain.refusals import line_for
from worker.domain.series import Series

PAGE = Path(__file__).parents[1] / "docs" / "problems.md"

EXAMPLE = {
    "project": "24-017 Riverside Clinic",
    "number": "24-017",
    "code": "03-300.S",
    "code_id": "90210",
    "codes": "03-300.S, 05-120.M",
    "other_project": "24 Harbor Garage",
    "other_code": "017-03-300.S",
    "name": "24-017-03-300.S",
    "length": "63",
    "limit": "60",
    "character": "U+200B",
    "item_id": "5871",
    "item_ids": "5871, 6012",
    "items": "23-114-03-300.S (id 5871), 23-114-03-310.S (id 5872)",
    "found_type": "NonInvtPart",
    "external_id": "pcr-vendor-4264807-815",
    "searched": "external id pcr-vendor-4264807-815 or similar names; it has no origin id",
    "invoice": "INV-2041",
    "vendor": "Blue Spruce Electric",
    "count": "2",
    "origin_id": "1003",
    "found": "'Zenith Catering' (id 1003)",
    "candidates": "'Blue Spruce Electric' (id 1042), 'Blue Spruce Electric LLC' (id 1107, inactive)",
    "position": "3",
    "date": "2026-09-30",
    "period": "Sep 2026",
    "policy": "next_open",
    "payment_due": "12,600.00",
    "tax": "1,039.50",
    "lines_total": "12,605.00",
    "billed_before": "81,500.00",
    "amount": "258.741",
    "description": "CO 004 Added panels",
    "currency": "CAD",
    "base_currency": "USD",
    "currencies": "CAD, USD",
    "bill_id": "90112",
    "bill_ids": "90112, 90140",
    "difference": "total 12,605.00 instead of 12,600.00",
    "what": "budget",
    "tool": "Budget",
    "records": "bills",
    "record": "the bill of invoice INV-2041 (Blue Spruce Electric)",
    "field": "Department",
    "line": line_for(Series.BILLS, "Department", "department"),
    "remedy": f"To send a value, set {line_for(Series.BILLS, 'Department', 'department')}.",
    "value": "the vendor 'Blue Spruce Electric' (id 712)",
    "subsidiary": "'Harbor CA' (id 3)",
    "entity": "the vendor 'Blue Spruce Electric' (id 712)",
    "setting": "Setup > Company > Auto-Generated Numbers, for vendor bills: switch it off or allow override",
    "place": "[bill]",
    "record_type": "vendorBill",
    "sources": "vendor.terms is empty",
    "finding": "",
    "remote": "NetSuite",
    "times": "5",
    "attempts": "12",
    "answer": "400 USER_ERROR Please enter value(s) for: Tax Schedule.",
}
"""Facts of a made-up contractor, by placeholder."""
_CODE = "Code 03-300.S of project 24-017 Riverside Clinic"
_INVOICE = "Invoice INV-2041 of project 24-017 Riverside Clinic"
_BILL = f"{_INVOICE}: its bill INV-2041 (id 90112)"
_DIFFERS = f"{_BILL} differs: "
FINDINGS = {
    FindingKind.ITEM_MISSING.cause: f"{_CODE} has no Item; its former Item 24-017-03-300.S no longer exists in NetSuite.",
    FindingKind.DUPLICATE_ITEM.cause: f"{_CODE} has 2 Items: 24-017-03-300.S (id 5871), 24-017-03-300.S (id 6012).",
    FindingKind.ITEM_SHARED.cause: f"{_CODE}: its Item 24-017-03-300.S (id 5871) belongs to code 03-310.S of project 24-017 Riverside Clinic.",
    FindingKind.SIMILAR_ITEM_NAME.cause: f"{_CODE}: NetSuite has another Item with nearly the same name as '24-017-03-300.S': "
    "'24 017 03 300.s' (id 6012).",
    FindingKind.ITEM_INACTIVE.cause: f"{_CODE}: its Item 24-017-03-300.S is inactive.",
    FindingKind.ITEM_TYPE_MISMATCH.cause: f"{_CODE}: its Item 24-017-03-300.S is of type Service Sale, not an Other Charge for purchase or resale.",
    FindingKind.ITEM_REPLACED.cause: f"{_CODE}: the ledger has Item 5871, which no longer exists; in NetSuite, its Item is 6012, 24-017-03-300.S.",
    FindingKind.ITEM_RENAMED.cause: f"{_CODE}: its Item 24-017-03-300.S was renamed to 24-017-03-300.S old in NetSuite.",
    FindingKind.CODE_RENAMED.cause: "Code 03-310.S of project 24-017 Riverside Clinic: its Item is still named 24-017-03-300.S; with the current code, the name "
    "would be 24-017-03-310.S.",
    FindingKind.PROJECT_RENUMBERED.cause: "Project 24-117 Riverside Clinic: its Items still have names with its former number, such as 24-017-03-300.S; "
    "with the current number, that name would be 24-117-03-300.S.",
    FindingKind.BILL_MISSING.cause: f"{_INVOICE} has no bill.",
    FindingKind.DUPLICATE_BILL.cause: f"{_INVOICE}: Blue Spruce Electric has 2 bills for this invoice or its number: "
    "INV-2041 (id 90112) for 12,600.00, INV-2041 (id 90140) for 12,600.00.",
    FindingKind.BILL_DELETED.cause: f"{_INVOICE}: its bill (id 90112) no longer exists in NetSuite.",
    FindingKind.BILL_VOIDED.cause: f"{_BILL} is void: its total and all its lines are zero.",
    FindingKind.BILL_VENDOR_MISMATCH.cause: f"{_DIFFERS}vendor Acme Concrete (id 1004) instead of Blue Spruce Electric (id 1009).",
    FindingKind.BILL_NUMBER_MISMATCH.cause: f"{_DIFFERS}reference number 'INV-2014' instead of 'INV-2041'.",
    FindingKind.BILL_DATE_MISMATCH.cause: f"{_DIFFERS}date 2026-10-01 instead of 2026-09-30.",
    FindingKind.BILL_TOTAL_MISMATCH.cause: f"{_DIFFERS}total 12,605.00 instead of 12,600.00.",
    FindingKind.BILL_LINES_MISMATCH.cause: f"{_DIFFERS}total 12,700.00 instead of 12,600.00, extra lines: 24-017-03-300.S "
    "14,100.00, missing lines: 03-300.S Concrete 14,000.00.",
    FindingKind.BILL_PERIOD_MISMATCH.cause: f"{_BILL} is posted in Oct 2026, not in the period of its date 2026-09-30.",
    FindingKind.BILL_NOT_COMPARABLE.cause: f"{_BILL} is in NetSuite, but cannot be compared. Line 3 of invoice INV-2041 (Blue Spruce Electric) has no WBS code.",
    FindingKind.ORIGIN_ID_MISSING.cause: f"{_INVOICE} has no origin id in Procore; its bill is INV-2041 (id 90112).",
    FindingKind.ORIGIN_ID_CONFLICT.cause: f"{_INVOICE} has the origin id of the bill INV-1987 (id 90001) in Procore; its bill is INV-2041 (id 90112).",
}
OTHERWISE: dict[Cause, dict[str, str]] = {
    **{cause: {"finding": sentence} for cause, sentence in FINDINGS.items()},
    Cause.NAME_TOO_LONG: {"name": "24-017-03-300.S and the rest of a name of more than 60 characters"},
    Cause.NAME_HAS_COLON: {"name": "24-017-03 : 300.S"},
    Cause.UNREADABLE_ROWS: {"answer": "Procore's BudgetLine is not in the documented format: wbs_code.id: is missing"},
    Cause.PROJECT_NOT_LINKED: {
        "searched": "external id pcr-project-4264807-601, number '24-017' or similar names; it has no origin id"
    },
    Cause.PROJECT_AMBIGUOUS: {"candidates": "'24-017' (id 9014), 'Riverside Clinic' (id 9020, P-17)"},
    Cause.PROJECT_LINK_MISMATCH: {"found": "'Hangar 4' (id 1003, 99-001)"},
    Cause.NETSUITE_PROJECT_INACTIVE: {"found": "'Riverside Clinic' (id 9014, 24-017, inactive)"},
    Cause.VENDOR_INACTIVE: {"found": "'Blue Spruce Electric' (id 1042, inactive)"},
    Cause.ITEM_BELONGS_TO_OTHER_CODE: {"external_id": "pcr-itm-4264807-601-90210"},
    Cause.PROJECT_NOT_READABLE: {"answer": "403 You do not have permission to access this resource"},
    Cause.INVOICE_NOT_FOUND: {"invoice": "id 417", "answer": "404 Not found"},
    Cause.DOCUMENT_NUMBER_MISSING: {"number": "3"},
    Cause.AMOUNT_NOT_IN_WHOLE_CENTS: {"what": "line 3 (03-300.S Slab on grade)"},
    Cause.DOCUMENT_NUMBER_TOO_LONG: {"limit": "45"},
    Cause.FIELD_SOURCE_EMPTY: {"field": "terms"},
    Cause.FIELD_SOURCE_UNUSABLE: {
        "field": "terms",
        "difference": "must be an internal id, not 'Net 30'",
        "sources": "vendor.terms is Net 30",
    },
    Cause.FIELD_SOURCE_UNREADABLE: {
        "sources": "project.custom_field…",
        "answer": "403 You do not have permission to access this resource",
    },
    Cause.FIELD_UNKNOWN: {"field": "custbody_regoin"},
    Cause.NEEDS_VENDOR_CREDIT: {"payment_due": "-900.00"},
    Cause.PERIODS_NOT_READABLE: {
        "answer": "400 INVALID_PARAMETER Invalid search query. Record 'accountingperiod' was not found."
    },
    Cause.ITEM_REJECTED: {"answer": "400 NEW_RULE Items need a colour since May."},
    Cause.BILL_REJECTED: {"answer": "400 USER_ERROR You must enter at least one line item for this transaction."},
    Cause.FIELD_REQUIRED: {"answer": "400 USER_ERROR Please enter value(s) for: Department."},
    Cause.SERIES_REFUSED: {"answer": "400 USER_ERROR Please enter value(s) for: Department."},
    Cause.FIELD_VALUE_INVALID: {
        "field": "entity",
        "answer": "400 USER_ERROR You have entered an Invalid Field Value 712 for the following field: entity.",
    },
    Cause.FIELD_NOT_SETTABLE: {
        "field": "memo",
        "answer": "400 INSUFFICIENT_PERMISSION You do not have permissions to set a value for element memo due to …",
    },
    Cause.FIELD_TOO_LONG: {
        "field": "memo",
        "limit": "999",
        "answer": "400 USER_ERROR The field memo contained more than the maximum number ( 999 ) of characters allowed.",
    },
    Cause.NOT_IN_SUBSIDIARY: {"answer": "400 USER_ERROR Invalid entity reference key 712 for subsidiary 3."},
    Cause.CURRENCY_NOT_OF_VENDOR: {
        "value": "the currency 'CAD' (id 2)",
        "answer": "400 USER_ERROR Invalid currency reference key 2 for entity 712.",
    },
    Cause.RECORD_LOCKED: {"answer": "400 USER_ERROR This record has been locked by a user defined workflow."},
    Cause.WRITE_BACK_REJECTED: {"answer": "403 You do not have permission to access this resource"},
    Cause.PROCORE_LOGIN: {"answer": "401 invalid_client"},
    Cause.NETSUITE_LOGIN: {"answer": "400 invalid_request: no certificate is mapped with this kid"},
    Cause.NETSUITE_KEY: {"answer": "the user of this process cannot read /run/secrets/netsuite.pem"},
    Cause.SETTINGS_MISMATCH: {"answer": "PROJECT_IDS is 4f53cda1 on items@a (311), 9c1d33be on items@b (298)"},
    Cause.NETSUITE_PERMISSION: {
        "answer": "403 INSUFFICIENT_PERMISSION You need a higher level of the 'Lists -> Items' permission to access this page."
    },
    Cause.REMOTE_DOWN: {"answer": "503 Service Unavailable"},
    Cause.RETRIES_EXHAUSTED: {"answer": "500 Internal Server Error"},
    Cause.UNCONFIRMED_WRITE: {"name": "ACME-0417", "answer": "500 Internal Server Error"},
    Cause.UNREADABLE_RESPONSE: {"answer": "Procore returned the record 418 instead of 417"},
    Cause.UNEXPECTED: {"answer": "400 NEW_RULE Items need a colour since May."},
}


def page(text: str) -> str:
    """Return the page with the tables of all classes and causes."""
    return with_section(with_section(text, "classes", _classes()), "causes", _causes())


def _classes() -> str:
    rows = [(one.value, FIX_LOCATIONS[one], ", ".join(_owners_of(one))) for one in ProblemClass]
    return markdown_table(("Class", "Where it is fixed", "By whom"), rows)


def _causes() -> str:
    parts = []
    for one in ProblemClass:
        rows = [_row(cause) for cause in Cause if CATALOGUE[cause].problem_class is one]
        table = markdown_table(("Cause", "Who", "For example", "Next step"), rows)
        parts.append(f"## {one.value[0].upper()}{one.value[1:]}\n\n{table}")
    return "\n\n".join(parts)


def _row(cause: Cause) -> tuple[str, ...]:
    problem = describe(cause, EXAMPLE | OTHERWISE.get(cause, {}))
    return f"`{cause.value}`", problem.owner.value, problem.sentence, problem.next_step


def _owners_of(problem_class: ProblemClass) -> list[str]:
    owners = {entry.owner for entry in CATALOGUE.values() if entry.problem_class is problem_class}
    return [owner.value for owner in Owner if owner in owners]
