"""Findings: differences between Procore, NetSuite and the ledger, reported by `verify`, by a rebuild and by exports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from worker.domain import money
from worker.domain.bills import FoundBill
from worker.domain.problems import Cause, FindingKind, Problem, describe, kind_of, of_finding, subject_of
from worker.domain.series import Deviation

KIND_OF_ASPECT = {
    Deviation.VENDOR: FindingKind.BILL_VENDOR_MISMATCH,
    Deviation.NUMBER: FindingKind.BILL_NUMBER_MISMATCH,
    Deviation.DATE: FindingKind.BILL_DATE_MISMATCH,
    Deviation.TOTAL: FindingKind.BILL_TOTAL_MISMATCH,
    Deviation.LINES: FindingKind.BILL_LINES_MISMATCH,
}
"""Finding kind by each aspect that `differences` and `changes` can return (worker/domain/bill_differences.py)."""


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
        return of_finding(self.kind.stored, self.key)

    @property
    def cause(self) -> Cause:
        """Cause of the finding's problem. Raises ValueError for a finding for information."""
        return self.kind.cause

    @property
    def facts(self) -> Mapping[str, str]:
        """Facts for the problem's sentence."""
        return {"finding": self.sentence, subject_of(self.key).kind: self.about}

    def row(self) -> list[str]:
        """Return the finding as JSON values, to be stored."""
        return [self.kind.stored, self.key, self.sentence, self.about]

    @classmethod
    def of(cls, row: Sequence[str]) -> Finding:
        """Return the finding from the values of `row()`."""
        kind, key, sentence, about = row
        return cls(kind_of(kind), key, sentence, about)

    @property
    def problem(self) -> Problem | None:
        """The problem with owner and next step; None for a finding for information."""
        return None if self.kind.is_information else describe(self.cause, self.facts)


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
            (self.information if finding.kind.is_information else self.findings).append(finding)

    def withdraw(self, finding: Finding) -> None:
        """Take back a finding whose record was created in the meantime."""
        self.findings.remove(finding)
        self.explained += 1

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
        stored = json.loads(text)
        codes, invoices, right, explained = stored["counts"]
        unreadable, not_compared = dict(stored["unreadable"]), dict(stored["not_compared"])
        verified = cls(codes, invoices, right, explained, set(stored["compared"]), unreadable, not_compared)
        verified.find(*(Finding.of(row) for row in stored["findings"]))
        return verified
