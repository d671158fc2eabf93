"""The catalogue of problem causes and finding kinds: for each cause its class, owner, sentence and next step.

The texts are data: problems.toml. Causes are stable codes; sentences may change between versions. The tables in docs/problems.md are
generated from both: `make docs`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from string import Formatter
from typing import Any

from worker.domain.texts import shortened

_DATA = tomllib.loads(Path(__file__).with_name("problems.toml").read_text("utf-8"))

MAX_FACT_LENGTH = 400
"""Maximum length of a fact in a sentence, in characters; longer ones are shortened."""


class Owner(StrEnum):
    """Who can fix the problem."""

    PROJECT_ACCOUNTANT = "project accountant"
    ERP_ADMINISTRATOR = "ERP administrator"
    INTEGRATION_ENGINEER = "integration engineer"


class ProblemClass(StrEnum):
    """The area of the problem, which determines where it is fixed."""

    IN_PROCORE = "data in Procore"
    IN_NETSUITE = "data in NetSuite"
    SETUP = "login, permission or setting"
    OUTAGE = "a system is down"
    WAITS = "waits for another problem"
    UNKNOWN = "not known to wbs-sync"


class FindingKind(StrEnum):
    """Kinds of findings: differences that `verify`, a rebuild and exports report. Stable codes and part of the public interface;
    docs/verify.md describes them. Each opens a problem of the cause `drift_KIND`, unless it is for information only.
    """

    ITEM_MISSING = "item_missing"
    ITEM_DOUBLED = "item_doubled"
    ITEM_SHARED = "item_shared"
    ITEM_NEAR_DUPLICATE = "item_near_duplicate"
    ITEM_INACTIVE = "item_inactive"
    ITEM_OF_OTHER_TYPE = "item_of_other_type"
    ITEM_OTHER_THAN_RECORDED = "item_other_than_recorded"
    ITEM_RENAMED = "item_renamed"
    CODE_RENAMED = "code_renamed"
    PROJECT_RENUMBERED = "project_renumbered"
    DISPLAY_NAME_DRIFTED = "display_name_drifted"
    BILL_MISSING = "bill_missing"
    BILL_DOUBLED = "bill_doubled"
    BILL_DELETED = "bill_deleted"
    BILL_VOIDED = "bill_voided"
    BILL_OF_OTHER_VENDOR = "bill_of_other_vendor"
    BILL_OF_OTHER_NUMBER = "bill_of_other_number"
    BILL_OF_OTHER_DATE = "bill_of_other_date"
    BILL_OF_OTHER_TOTAL = "bill_of_other_total"
    BILL_WITH_OTHER_LINES = "bill_with_other_lines"
    BILL_IN_OTHER_PERIOD = "bill_in_other_period"
    BILL_NOT_COMPARABLE = "bill_not_comparable"
    INVOICE_DECIDED = "invoice_decided"
    INVOICES_NOT_READABLE = "invoices_not_readable"
    ORIGIN_ID_MISSING = "origin_id_missing"
    ORIGIN_ID_FOREIGN = "origin_id_foreign"

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
        """Cause of such a finding's problem. Raises ValueError for one for information."""
        return Cause(f"drift_{self}")

    @property
    def stored(self) -> str:
        """The code that the ledger keeps: the first that the kind ever had."""
        if self.is_information:
            return _first_name(self, _DATA["information"][self])
        return self.cause.stored.removeprefix("drift_")


class Cause(StrEnum):
    """Stable codes and part of the public interface: other applications and reports filter by them."""

    PROJECT_NUMBER_MISSING = "project_number_missing"
    CODE_WITHOUT_TEXT = "code_without_text"
    NAME_TOO_LONG = "name_too_long"
    NAME_HAS_COLON = "name_has_colon"
    NAME_NOT_WRITABLE = "name_not_writable"
    NAME_NOT_UNIQUE = "name_not_unique"
    ITEM_OF_OTHER_TYPE = "item_of_other_type"
    ITEM_INACTIVE = "item_inactive"
    ITEM_OF_OTHER_CODE = "item_of_other_code"
    ITEM_DOUBLED = "item_doubled"
    ITEMS_OF_FORMER_NAME = "items_of_former_name"
    ITEM_REFUSED = "item_refused"
    ADOPTED_ITEM_NOT_MARKED = "adopted_item_not_marked"
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
    LINE_WITHOUT_CODE = "line_without_code"
    LINES_DO_NOT_TIE = "lines_do_not_tie"
    EARLIER_RETAINAGE_UNKNOWN = "earlier_retainage_unknown"
    AMOUNT_NOT_IN_WHOLE_CENTS = "amount_not_in_whole_cents"
    WHOLE_CHANGE_ORDER_WITHOUT_CODE = "whole_change_order_without_code"
    CONTRACT_COMPANY_MISSING = "contract_company_missing"
    BILLING_DATE_MISSING = "billing_date_missing"
    DOCUMENT_NUMBER_MISSING = "document_number_missing"
    DOCUMENT_NUMBER_TOO_LONG = "document_number_too_long"
    DOCUMENT_NUMBER_NOT_WRITABLE = "document_number_not_writable"
    NEEDS_VENDOR_CREDIT = "needs_vendor_credit"
    FOREIGN_CURRENCY = "foreign_currency"
    CURRENCY_NOT_KNOWN = "currency_not_known"
    INVOICE_HAS_TAX = "invoice_has_tax"
    TAX_NOT_IN_PAYMENT_DUE = "tax_not_in_payment_due"
    RETAINAGE_ITEM_MISSING = "retainage_item_missing"
    CODES_BLOCKED = "codes_blocked"
    PERIOD_CLOSED = "period_closed"
    PERIODS_NOT_READABLE = "periods_not_readable"
    DOCUMENT_NUMBER_TAKEN = "document_number_taken"
    BILL_DIFFERS = "bill_differs"
    BILL_DOUBLED = "bill_doubled"
    BILL_REFUSED = "bill_refused"
    SYSTEMATIC_DIFFERENCE = "systematic_difference"
    WRITE_BACK_REFUSED = "write_back_refused"
    PROCORE_LOGIN = "procore_login"
    PROCORE_PERMISSION = "procore_permission"
    NETSUITE_LOGIN = "netsuite_login"
    NETSUITE_KEY = "netsuite_key"
    NETSUITE_PERMISSION = "netsuite_permission"
    SETTINGS_DIFFER = "settings_differ"
    vars().update({f"DRIFT_{kind.name}": f"drift_{kind}" for kind in FindingKind if not kind.is_information})
    REMOTE_DOWN = "remote_down"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    UNCONFIRMED_WRITE = "unconfirmed_write"
    ANSWER_NOT_UNDERSTOOD = "answer_not_understood"
    UNEXPECTED = "unexpected"

    @property
    def stored(self) -> str:
        """The code that the ledger keeps: the first that the cause ever had, so that versions before and after a renaming agree."""
        return _first_name(self, _DATA["causes"][self])


def _first_name(code: str, row: Mapping[str, Any]) -> str:
    return str(next(iter(row.get("formerly", ())), code))


@dataclass(frozen=True, slots=True)
class Entry:
    """The catalogue entry of one cause. `facts`: the placeholders of its sentence; `formerly`: earlier codes of the cause, the oldest first."""

    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str
    facts: frozenset[str]
    formerly: tuple[str, ...]


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
    return Entry(ProblemClass(row["class"]), Owner(row["owner"]), sentence, next_step, facts, formerly)


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
    """The facts of a sentence. A missing one is named, so that the problem is still listed and nobody takes the gap for a value."""

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
    shown = _Facts({name: shortened(value, MAX_FACT_LENGTH) for name, value in facts.items()})
    sentence = entry.sentence.format_map(shown)
    return Problem(cause, entry.problem_class, entry.owner, sentence, entry.next_step)
