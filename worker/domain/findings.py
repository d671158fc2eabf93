"""Where Procore, NetSuite and the ledger do not agree: found by `verify`, and by a rebuild that comes upon a pair."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.domain import money
from worker.domain.invoices import Aspect, FoundBill
from worker.domain.problems import Cause, Problem, describe

FINDINGS = "verify:"
"""What the keys of problems begin with that are findings."""


class FindingKind(StrEnum):
    """What does not agree. Stable codes, part of the public face; docs/verify.md tells them to people."""

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
        """Whether it is for information only: it opens no problem and does not change the exit code.

        A display name is for reading and identifies nothing; accountants edit it on purpose, and wbs-sync never writes it again. So
        nobody has anything to mend, and a problem that nobody mends would stay open for ever and teach people to look away. What a person
        decided about an invoice is shown with every comparison, so that it is not forgotten. The tools of an inactive project are often
        switched off: it is shown, since an invoice that was approved before is not billed.
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
"""What is found where a bill differs in one of these."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One disagreement, in words. `key` names the code, invoice or project; `about` is what people call that code or invoice."""

    kind: FindingKind
    key: str
    sentence: str
    about: str = ""

    @property
    def problem_key(self) -> str:
        """Under which it is an open problem, until a later comparison finds it gone."""
        return f"{FINDINGS}{self.kind}:{self.key}"

    @property
    def cause(self) -> Cause:
        """The cause of that problem. ValueError for a mild finding, which is none."""
        return Cause(f"drift_{self.kind}")

    @property
    def facts(self) -> Mapping[str, str]:
        """What the problem's sentence is made of."""
        return {"finding": self.sentence, self.key.partition(":")[0]: self.about}

    def row(self) -> list[str]:
        """As JSON values."""
        return [self.kind.value, self.key, self.sentence, self.about]

    @classmethod
    def of(cls, row: Sequence[str]) -> Finding:
        """Back from `row()`."""
        kind, key, sentence, about = row
        return cls(FindingKind(kind), key, sentence, about)

    @property
    def problem(self) -> Problem | None:
        """Who mends it, and what to do next; None for a mild one."""
        return None if self.kind.mild else describe(self.cause, self.facts)


def bills_of_one_number(bills: Sequence[FoundBill]) -> str:
    """What is wrong with several bills in force of one vendor, as the end of a sentence that begins with their invoice."""
    vendor = bills[0].vendor_name or f"the vendor with id {bills[0].vendor_id}"
    each = ", ".join(f"{found.document_number} (id {found.id}) over {money.text(found.total)}" for found in bills)
    return f": {vendor} has {len(bills)} {bills[0].document}s for it or with its number: {each}."


@dataclass(slots=True)
class Verified:
    """What was compared: codes and invoices that are right, those whose lack is explained, and what does not agree.

    `compared`: ids of the projects that were compared whole. `unreadable`: projects that the app may not read, by id, and why.
    `not_compared`: anything else that could not be compared, by key, and why. `information`: the mild findings.
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
        """Take in another project's result."""
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
        """Note findings, each in its list."""
        for finding in findings:
            (self.information if finding.kind.mild else self.findings).append(finding)

    def counts(self) -> dict[str, int]:
        """How many of each outcome, for those who watch."""
        return {
            "right": self.right,
            "explained": self.explained,
            "finding": len(self.findings),
            "information": len(self.information),
            "unreadable_project": len(self.unreadable),
            "not_compared": len(self.not_compared),
        }

    def text(self) -> str:
        """As JSON, to be kept until the comparison has ended."""
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
        """Back from `text()`."""
        told = json.loads(text)
        codes, invoices, right, explained = told["counts"]
        unreadable, not_compared = dict(told["unreadable"]), dict(told["not_compared"])
        verified = cls(codes, invoices, right, explained, set(told["compared"]), unreadable, not_compared)
        verified.find(*(Finding.of(row) for row in told["findings"]))
        return verified
