"""Findings: differences between Procore, NetSuite and the ledger, reported by `verify`, by a rebuild and by exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.domain import money
from worker.domain.bill_differences import Aspect
from worker.domain.bills import FoundBill
from worker.domain.problem_keys import of_finding, subject_of
from worker.domain.problems import Cause, Problem, describe


class FindingKind(StrEnum):
    """Kinds of findings. Stable codes and part of the public interface; docs/verify.md describes them."""

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
    def mild(self) -> bool:
        """Whether the finding is for information only: it opens no problem and does not change the exit code.

        A changed display name needs no fix: it identifies nothing, accountants edit it on purpose, and wbs-sync never writes it again.
        A decision on an invoice is listed with every comparison so that it is not forgotten. Invoices of an inactive project whose tools are
        switched off are listed because an invoice approved earlier is not billed.
        """
        return self in (
            FindingKind.DISPLAY_NAME_DRIFTED,
            FindingKind.INVOICE_DECIDED,
            FindingKind.INVOICES_NOT_READABLE,
        )


KIND_OF_ASPECT = {
    Aspect.VENDOR: FindingKind.BILL_OF_OTHER_VENDOR,
    Aspect.NUMBER: FindingKind.BILL_OF_OTHER_NUMBER,
    Aspect.DATE: FindingKind.BILL_OF_OTHER_DATE,
    Aspect.TOTAL: FindingKind.BILL_OF_OTHER_TOTAL,
    Aspect.LINES: FindingKind.BILL_WITH_OTHER_LINES,
}
"""Finding kind by the aspect in which a bill differs."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding with its sentence. `key`: key of the code, invoice or project; `about`: the name of the code or invoice."""

    kind: FindingKind
    key: str
    sentence: str
    about: str = ""

    @property
    def problem_key(self) -> str:
        """Key of the finding's problem, which stays open until a later comparison no longer finds it."""
        return of_finding(self.kind, self.key)

    @property
    def cause(self) -> Cause:
        """Cause of the finding's problem. Raises ValueError for a finding for information."""
        return Cause(f"drift_{self.kind}")

    @property
    def facts(self) -> Mapping[str, str]:
        """Facts for the problem's sentence."""
        return {"finding": self.sentence, subject_of(self.key).kind: self.about}

    def row(self) -> list[str]:
        """Return the finding as JSON values."""
        return [self.kind.value, self.key, self.sentence, self.about]

    @classmethod
    def of(cls, row: Sequence[str]) -> Finding:
        """Return the finding from the values of `row()`."""
        kind, key, sentence, about = row
        return cls(FindingKind(kind), key, sentence, about)

    @property
    def problem(self) -> Problem | None:
        """The problem with owner and next step; None for a finding for information."""
        return None if self.kind.mild else describe(self.cause, self.facts)


def bills_of_one_number(bills: Sequence[FoundBill]) -> str:
    """Return the end of the sentence that lists several active bills of one vendor; the caller prepends the invoice."""
    vendor = bills[0].vendor_name or f"the vendor with id {bills[0].vendor_id}"
    each = ", ".join(f"{found.document_number} (id {found.id}) for {money.text(found.total)}" for found in bills)
    return f": {vendor} has {len(bills)} {bills[0].document}s for this invoice or its number: {each}."


@dataclass(slots=True)
class Verified:
    """Result of a comparison: numbers of codes and invoices that are correct or explained, and the findings.

    `compared`: ids of the fully compared projects. `unreadable`: reason by id for projects that the app may not read.
    `not_compared`: reason by key for anything else that could not be compared. `information`: findings for information.
    """

    codes: int = 0
    invoices: int = 0
    right: int = 0
    explained: int = 0
    compared: set[int] = field(default_factory=set)
    unreadable: dict[int, str] = field(default_factory=dict)
    not_compared: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    information: list[Finding] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether everything in scope was compared."""
        return not self.unreadable and not self.not_compared

    def add(self, other: Verified) -> None:
        """Add the result of another project."""
        self.codes += other.codes
        self.invoices += other.invoices
        self.right += other.right
        self.explained += other.explained
        self.compared |= other.compared
        self.unreadable |= other.unreadable
        self.not_compared |= other.not_compared
        self.findings += other.findings
        self.information += other.information

    def find(self, *findings: Finding) -> None:
        """Add findings to `findings` or `information`."""
        for finding in findings:
            (self.information if finding.kind.mild else self.findings).append(finding)

    def counts(self) -> dict[str, int]:
        """Return the number of entries by outcome, for metrics."""
        return {
            "right": self.right,
            "explained": self.explained,
            "finding": len(self.findings),
            "information": len(self.information),
            "unreadable_project": len(self.unreadable),
            "not_compared": len(self.not_compared),
        }

    def text(self) -> str:
        """Return the result as JSON, to be stored until the comparison has ended."""
        return json.dumps(
            {
                "counts": [self.codes, self.invoices, self.right, self.explained],
                "compared": sorted(self.compared),
                "unreadable": list(self.unreadable.items()),
                "not_compared": list(self.not_compared.items()),
                "findings": [finding.row() for finding in (*self.findings, *self.information)],
            },
            separators=(",", ":"),
        )

    @classmethod
    def of(cls, text: str) -> Verified:
        """Return the result from the JSON of `text()`."""
        told = json.loads(text)
        codes, invoices, right, explained = told["counts"]
        unreadable, not_compared = dict(told["unreadable"]), dict(told["not_compared"])
        verified = cls(codes, invoices, right, explained, set(told["compared"]), unreadable, not_compared)
        verified.find(*(Finding.of(row) for row in told["findings"]))
        return verified
