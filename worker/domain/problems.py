"""The catalogue of problem causes and finding kinds: for each cause its class, owner, sentence and next step. Also the keys of problems.

The texts are data: problems.toml. Causes are stable codes; sentences may change between versions. The tables in docs/problems.md are
generated from both: `make docs`.

A problem of a code, an invoice or other work has the key of that work; the others are built here, and all are parsed here.

project:17:budget                  the budget of a project cannot be read
remote:netsuite:vendorBill:create  the work that needs this scope is paused
verify:item_missing:code:17:901    a comparison found something about a code
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.texts import shortened
from worker.domain.work import WorkKey, exports_of, lane_of, scan_of

_DATA = tomllib.loads(Path(__file__).with_name("problems.toml").read_text("utf-8"))

MAX_FACT_LENGTH = 400
"""Maximum length of a fact in a sentence, in characters; longer ones are shortened."""
FINDINGS = "verify:"
"""The beginning of all keys of findings."""
_SCOPES = "remote:"


class Owner(StrEnum):
    """Who can fix the problem."""

    PROJECT_ACCOUNTANT = "project accountant"
    ERP_ADMINISTRATOR = "ERP administrator"
    INTEGRATION_ENGINEER = "integration engineer"


class ProblemClass(StrEnum):
    """The area of the problem, which determines where it is fixed."""

    IN_PROCORE = "data in Procore"
    IN_NETSUITE = "data in NetSuite"
    SETUP = "access or settings"
    OUTAGE = "outage"
    WAITS = "depends on another problem"
    UNKNOWN = "unexpected"


class FindingKind(StrEnum):
    """Kinds of findings: differences that `verify`, a rebuild and exports report. Stable codes and part of the public interface;
    docs/verify.md describes them. Each opens a problem of the cause `drift_KIND`, unless it is for information only.
    """

    ITEM_MISSING = "item_missing"
    DUPLICATE_ITEM = "duplicate_item"
    ITEM_SHARED = "item_shared"
    SIMILAR_ITEM_NAME = "similar_item_name"
    ITEM_INACTIVE = "item_inactive"
    ITEM_TYPE_MISMATCH = "item_type_mismatch"
    ITEM_REPLACED = "item_replaced"
    ITEM_RENAMED = "item_renamed"
    CODE_RENAMED = "code_renamed"
    PROJECT_RENUMBERED = "project_renumbered"
    DISPLAY_NAME_CHANGED = "display_name_changed"
    BILL_MISSING = "bill_missing"
    DUPLICATE_BILL = "duplicate_bill"
    BILL_DELETED = "bill_deleted"
    BILL_VOIDED = "bill_voided"
    BILL_VENDOR_MISMATCH = "bill_vendor_mismatch"
    BILL_NUMBER_MISMATCH = "bill_number_mismatch"
    BILL_DATE_MISMATCH = "bill_date_mismatch"
    BILL_TOTAL_MISMATCH = "bill_total_mismatch"
    BILL_LINES_MISMATCH = "bill_lines_mismatch"
    BILL_PERIOD_MISMATCH = "bill_period_mismatch"
    BILL_NOT_COMPARABLE = "bill_not_comparable"
    INVOICE_DECISION = "invoice_decision"
    INVOICES_UNREADABLE = "invoices_unreadable"
    ORIGIN_ID_MISSING = "origin_id_missing"
    ORIGIN_ID_CONFLICT = "origin_id_conflict"

    @property
    def is_information(self) -> bool:
        """Whether the finding is for information only: it opens no problem and does not change the exit code.

        A changed display name needs no fix: it identifies nothing, accountants edit it on purpose, and wbs-sync never writes it again.
        A decision on an invoice is listed with every comparison so that it is not forgotten. Invoices of an inactive project whose tools are
        switched off are listed because an invoice approved earlier is not billed.
        """
        return self.value in _DATA["information"]

    @property
    def cause(self) -> Cause:
        """Cause of the finding's problem. Raises ValueError for a finding for information."""
        return Cause(f"drift_{self}")

    @property
    def stored(self) -> str:
        """The code in the ledger: the first code of the kind, which never changes."""
        if self.is_information:
            return _first_name(self, _DATA["information"][self])
        return self.cause.stored.removeprefix("drift_")


class Cause(StrEnum):
    """Causes of problems. Stable codes and part of the public interface: other applications and reports filter by them."""

    PROJECT_NUMBER_MISSING = "project_number_missing"
    CODE_MISSING_TEXT = "code_missing_text"
    NAME_TOO_LONG = "name_too_long"
    NAME_HAS_COLON = "name_has_colon"
    NAME_HAS_UNSUPPORTED_CHARACTER = "name_has_unsupported_character"
    NAME_NOT_UNIQUE = "name_not_unique"
    ITEM_TYPE_MISMATCH = "item_type_mismatch"
    ITEM_INACTIVE = "item_inactive"
    ITEM_BELONGS_TO_OTHER_CODE = "item_belongs_to_other_code"
    DUPLICATE_ITEM = "duplicate_item"
    POSSIBLE_FORMER_ITEMS = "possible_former_items"
    ITEM_REJECTED = "item_rejected"
    EXTERNAL_ID_NOT_SET = "external_id_not_set"
    PROJECT_NOT_READABLE = "project_not_readable"
    UNREADABLE_ROWS = "unreadable_rows"
    PROJECT_NOT_LINKED = "project_not_linked"
    PROJECT_AMBIGUOUS = "project_ambiguous"
    PROJECT_LINK_MISMATCH = "project_link_mismatch"
    NETSUITE_PROJECT_INACTIVE = "netsuite_project_inactive"
    VENDOR_NOT_LINKED = "vendor_not_linked"
    VENDOR_AMBIGUOUS = "vendor_ambiguous"
    VENDOR_LINK_MISMATCH = "vendor_link_mismatch"
    VENDOR_INACTIVE = "vendor_inactive"
    INVOICE_NOT_FOUND = "invoice_not_found"
    LINE_MISSING_CODE = "line_missing_code"
    LINES_DO_NOT_TIE = "lines_do_not_tie"
    EARLIER_RETAINAGE_UNKNOWN = "earlier_retainage_unknown"
    AMOUNT_NOT_IN_WHOLE_CENTS = "amount_not_in_whole_cents"
    CHANGE_ORDER_MISSING_CODE = "change_order_missing_code"
    CONTRACT_COMPANY_MISSING = "contract_company_missing"
    BILLING_DATE_MISSING = "billing_date_missing"
    DOCUMENT_NUMBER_MISSING = "document_number_missing"
    DOCUMENT_NUMBER_TOO_LONG = "document_number_too_long"
    DOCUMENT_NUMBER_HAS_UNSUPPORTED_CHARACTER = "document_number_has_unsupported_character"
    NEEDS_VENDOR_CREDIT = "needs_vendor_credit"
    FOREIGN_CURRENCY = "foreign_currency"
    BASE_CURRENCY_UNKNOWN = "base_currency_unknown"
    TAX_ITEM_MISSING = "tax_item_missing"
    TAX_EXCLUDED_FROM_PAYMENT_DUE = "tax_excluded_from_payment_due"
    RETAINAGE_ITEM_MISSING = "retainage_item_missing"
    BLOCKED_CODES = "blocked_codes"
    PERIOD_CLOSED = "period_closed"
    PERIODS_NOT_READABLE = "periods_not_readable"
    DOCUMENT_NUMBER_TAKEN = "document_number_taken"
    BILL_DIFFERS = "bill_differs"
    DUPLICATE_BILL = "duplicate_bill"
    BILL_REJECTED = "bill_rejected"
    FIELD_SOURCE_EMPTY = "field_source_empty"
    FIELD_SOURCE_UNUSABLE = "field_source_unusable"
    FIELD_SOURCE_UNREADABLE = "field_source_unreadable"
    FIELD_UNKNOWN = "field_unknown"
    FIELD_REQUIRED = "field_required"
    FIELD_VALUE_INVALID = "field_value_invalid"
    FIELD_NOT_SETTABLE = "field_not_settable"
    FIELD_TOO_LONG = "field_too_long"
    NOT_IN_SUBSIDIARY = "not_in_subsidiary"
    CURRENCY_NOT_OF_VENDOR = "currency_not_of_vendor"
    RECORD_LOCKED = "record_locked"
    SYSTEMATIC_DIFFERENCE = "systematic_difference"
    SERIES_REFUSED = "series_refused"
    WRITE_BACK_REJECTED = "write_back_rejected"
    PROCORE_LOGIN = "procore_login"
    PROCORE_PERMISSION = "procore_permission"
    NETSUITE_LOGIN = "netsuite_login"
    NETSUITE_KEY = "netsuite_key"
    NETSUITE_PERMISSION = "netsuite_permission"
    SETTINGS_MISMATCH = "settings_mismatch"
    vars().update({f"DRIFT_{kind.name}": f"drift_{kind}" for kind in FindingKind if not kind.is_information})
    REMOTE_DOWN = "remote_down"
    RETRIES_EXHAUSTED = "retries_exhausted"
    UNCONFIRMED_WRITE = "unconfirmed_write"
    UNREADABLE_RESPONSE = "unreadable_response"
    UNEXPECTED = "unexpected"

    @property
    def stored(self) -> str:
        """The code in the ledger: the first code of the cause, so that versions before and after a rename agree."""
        return _first_name(self, _DATA["causes"][self])


def _first_name(code: str, row: Mapping[str, Any]) -> str:
    return str(next(iter(row.get("formerly", ())), code))


@dataclass(frozen=True, slots=True)
class Entry:
    """The catalogue entry of one cause. `facts`: the placeholders of its sentence; `formerly`: earlier codes of the cause, the oldest first;
    `earlier_facts`: facts that earlier versions did not store, with words that hold for all their problems.
    """

    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str
    facts: frozenset[str]
    formerly: tuple[str, ...]
    earlier_facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Problem:
    """A cause with its sentence filled in for one record."""

    cause: Cause
    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str


def _entry(row: Mapping[str, Any], ends: Mapping[str, str]) -> Entry:
    sentence = row.get("sentence", "{finding}")
    facts = frozenset(name for _, name, _, _ in Formatter().parse(sentence) if name)
    next_step = row["next_step"].format_map(ends)
    formerly = tuple(row.get("formerly", ()))
    return Entry(
        ProblemClass(row["class"]),
        Owner(row["owner"]),
        sentence,
        next_step,
        facts,
        formerly,
        row.get("earlier_facts", {}),
    )


CATALOGUE: dict[Cause, Entry] = {Cause(code): _entry(row, _DATA["ends"]) for code, row in _DATA["causes"].items()}
FIX_LOCATIONS = {ProblemClass(name): str(row["fixed"]) for name, row in _DATA["classes"].items()}
"""Where problems of each class are fixed."""
FORMER_CAUSES = {name: cause for cause, entry in CATALOGUE.items() for name in entry.formerly}
"""Causes by their earlier codes."""
FORMER_CLASSES = {name: ProblemClass(now) for now, row in _DATA["classes"].items() for name in row.get("formerly", ())}
"""Problem classes by their earlier names."""

_CAUSES = {cause.value: cause for cause in Cause} | FORMER_CAUSES
_KINDS = {name: kind for kind in FindingKind for name in (kind.value, kind.stored)}


class _Facts(dict[str, str]):
    """The facts of a sentence. A missing fact is shown by name, so that the problem is still listed and the gap is visible."""

    def __missing__(self, key: str) -> str:
        return f"[{key} not recorded]"


def cause_of(code: str) -> Cause:
    """Return the cause of a stored code, also an earlier one, or UNEXPECTED for a code that this version does not have."""
    return _CAUSES.get(code, Cause.UNEXPECTED)


def kind_of(code: str) -> FindingKind:
    """Return the finding kind of a stored code, also an earlier one. Raises KeyError for a code that this version does not have."""
    return _KINDS[code]


def missing_facts(cause: Cause, facts: Mapping[str, str]) -> list[str]:
    """Return the placeholders of a cause's sentence for which there is no fact."""
    return sorted(CATALOGUE[cause].facts - facts.keys())


def describe(cause: Cause, facts: Mapping[str, str]) -> Problem:
    """Return the problem with its sentence filled in. Never raises: missing facts are named, and long ones are shortened."""
    entry = CATALOGUE[cause]
    known = {**entry.earlier_facts, **facts}
    shown = _Facts({name: shortened(value, MAX_FACT_LENGTH) for name, value in known.items()})
    sentence = entry.sentence.format_map(shown)
    return Problem(cause, entry.problem_class, entry.owner, sentence, entry.next_step)


@dataclass(frozen=True, slots=True)
class Subject:
    """The subject of a problem. `kind`: the first word of its key, for a finding that of the subject's key; `project_id`: None if it belongs to no
    project; `part`: the part of a project that cannot be read, "" for the whole project.
    """

    kind: str
    project_id: int | None
    part: str = ""


def subject_of(key: str) -> Subject:
    """Return what the problem with this key is about."""
    kind, number, part, *_ = [*finding_of(key)[1].split(":"), "", ""]
    return Subject(kind, int(number) if number.isdecimal() else None, part if kind == "project" else "")


def record_of(key: str) -> CodeKey | InvoiceKey | None:
    """Return the code or the invoice that a problem is about; None for any other problem, and for a finding."""
    work = WorkKey.known(key)
    return work.record if work else None


def of_project(project_id: int, part: str) -> str:
    """Return the key of the problem of a part of a project that cannot be read."""
    return f"project:{project_id}:{part}"


def of_scope(scope: str) -> str:
    """Return the key of the problem that pauses a scope."""
    return f"{_SCOPES}{scope}"


def scope_of_problem(key: str) -> str:
    """Return the scope that a problem pauses; "" for any other problem."""
    return key.removeprefix(_SCOPES) if key.startswith(_SCOPES) else ""


def of_finding(kind: str, key: str) -> str:
    """Return the key of the problem of a finding. `key`: of what the finding is about."""
    return f"{FINDINGS}{kind}:{key}"


def finding_of(key: str) -> tuple[str, str]:
    """Return the kind of the finding and the key of what it is about; ("", key) for any other problem."""
    if not key.startswith(FINDINGS):
        return "", key
    kind, _, about = key.removeprefix(FINDINGS).partition(":")
    return kind, about


def work_behind(key: str) -> Sequence[str]:
    """Return the keys of the work whose end decides about a problem; none if no work of wbs-sync resolves it."""
    about = subject_of(key)
    if key.startswith("project:") and about.project_id is not None:
        return ((exports_of if about.part.startswith("commitment") else scan_of)(about.project_id),)
    try:
        lane_of(key)
    except KeyError:
        return ()
    return (key,)
