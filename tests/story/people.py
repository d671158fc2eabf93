"""What people do in Procore and NetSuite while the month is closed: they fix problems, edit records and make mistakes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from simulators.books import NsJob, NsVendor
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from simulators.netsuite.records import Bill, Item
from simulators.stage import Stage
from worker.domain.identities import bill_external_id, item_external_id
from worker.domain.problems import Cause, FindingKind


@dataclass(frozen=True, slots=True)
class Fix:
    """A person's fix for the problems of one cause. `count`: how many problems it fixes."""

    cause: Cause
    sentence: str
    act: Callable[[], object]
    count: int = 1


@dataclass(frozen=True, slots=True)
class Mistake:
    """A person's mistake in one of the systems: the finding and key that `verify` must report, and how it is put right."""

    kind: FindingKind
    key: str
    sentence: str
    remedy: str
    put_right: Callable[[], object]


class Actors:
    """All people who work in the company's Procore and NetSuite."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.procore = stage.procore
        self.netsuite = stage.netsuite
        self.company = stage.procore.company
        self.cases = self.company.cases

    # Records

    def invoice_of_case(self, case: str) -> Invoice:
        """Return the invoice of an awkward case."""
        return self.company.invoices[self.cases[case]["invoice_id"]]

    def ordinary_invoice(self, project_number: str) -> Invoice:
        """Return the newest invoice of a project that has its bill and is in no awkward case."""
        return [each for each in self._ordinary(project_number) if self.bill_or_none(each)][-1]

    def _ordinary(self, project_number: str) -> list[Invoice]:
        awkward = {facts.get("invoice_id") for facts in self.cases.values()}
        project = self.procore.project(project_number)
        return [self.company.invoices[each] for each in project.invoice_ids if each not in awkward]

    def ordinary_number(self, project_number: str) -> str:
        """Return the number of a project's newest approved invoice that is in no awkward case."""
        return [each for each in self._ordinary(project_number) if each.status == "approved"][-1].invoice_number

    def bill_or_none(self, invoice: Invoice) -> Bill | None:
        """Return the bill that wbs-sync created for an invoice, or None."""
        return self.netsuite.bill_by_external_id(bill_external_id(self.company.company_id, invoice.id))

    def bill(self, invoice: Invoice) -> Bill:
        """Return the bill that wbs-sync created for an invoice. Raises AssertionError if there is none."""
        bill = self.bill_or_none(invoice)
        assert bill, f"invoice {invoice.invoice_number} has no bill"
        return bill

    def item(self, project: Project, code: WbsCode) -> Item:
        """Return the Item that wbs-sync created for a code."""
        item = self.netsuite.item_by_external_id(item_external_id(self.company.company_id, project.id, code.id))
        assert item, f"{code.flat_code} of {project.number} has no Item"
        return item

    # Problems

    def fixes(self) -> list[Fix]:
        """Return fixes of twelve problems of eleven causes, each as its next step says."""
        long, colon, tie = (self.cases[case] for case in ("name_too_long", "name_with_colon", "invoice_does_not_tie"))
        _, second = self.cases["same_joined_name"]["codes"]
        inactive, taken = self.cases["item_inactive"], self.cases["same_number_same_vendor_different"]
        unknown, ambiguous = (self.cases[case]["vendor_id"] for case in ("vendor_not_linked", "vendor_ambiguous"))
        vendors, rename = self.company.vendors, self.procore.rename_code
        right = self.company.vendor_links[ambiguous]
        return [
            Fix(
                Cause.NAME_TOO_LONG,
                "The project accountant shortens the code's segment in Procore to `EAST-CAMPUS`.",
                lambda: rename(long["project_id"], long["wbs_code_id"], "32-900.S.EAST-CAMPUS"),
            ),
            Fix(
                Cause.NAME_HAS_COLON,
                "The project accountant renames the segment `Phase : 2` to `Phase-2` in Procore.",
                lambda: rename(colon["project_id"], colon["wbs_code_id"], "32-310.S.Phase-2"),
            ),
            Fix(
                Cause.NAME_NOT_UNIQUE,
                "Two codes of two projects would share one Item name. One of them, `01.S`, is renamed to `01-900.S` in Procore, which "
                "fixes both problems.",
                lambda: rename(second["project_id"], second["wbs_code_id"], "01-900.S"),
                count=2,
            ),
            Fix(
                Cause.ITEM_INACTIVE,
                "The ERP administrator makes the Item active again in NetSuite.",
                lambda: self.netsuite.edit_item(inactive["item_id"], isinactive=False),
            ),
            Fix(
                Cause.VENDOR_NOT_LINKED,
                f"The ERP administrator creates the vendor {vendors[unknown].name} in NetSuite.",
                lambda: self._new_vendor(vendors[unknown].name),
            ),
            Fix(
                Cause.VENDOR_AMBIGUOUS,
                f"Two vendors are named {vendors[ambiguous].name}. The internal id of the right one is set as the origin id of the company "
                "in Procore.",
                lambda: self.procore.edit_vendor(ambiguous, origin_id=right),
            ),
            Fix(
                Cause.PROJECT_NOT_LINKED,
                "The ERP administrator creates the project 25-190 in NetSuite.",
                lambda: self._new_job(self.company.projects[self.cases["project_not_linked"]["project_id"]]),
            ),
            Fix(
                Cause.PERIOD_CLOSED,
                "February is reopened in NetSuite for one late invoice. It is closed again at the end of this chapter.",
                lambda: self._stage.settings("netsuite", closed_before="2026-02-01"),
            ),
            Fix(
                Cause.LINES_DO_NOT_TIE,
                "Somebody had edited the invoice's total by a cent. The project accountant restores it in Procore.",
                lambda: self.procore.edit_invoice(tie["invoice_id"], off_by="0.00"),
            ),
            Fix(
                Cause.LINE_MISSING_CODE,
                "The project accountant assigns a budget code to the line of the commitment in Procore.",
                lambda: self._code_the_line(self.invoice_of_case("line_without_wbs_code")),
            ),
            Fix(
                Cause.DOCUMENT_NUMBER_TAKEN,
                "Accounting checks the bill in NetSuite that already has the number: it is for another job. The invoice was entered in "
                "Procore with a wrong number, which is corrected.",
                lambda: self.procore.edit_invoice(taken["invoice_id"], invoice_number=f"{taken['invoice_number']}A"),
            ),
        ]

    def close_february(self) -> None:
        """Close the period of February again."""
        self._stage.settings("netsuite", closed_before=self.company.netsuite.closed_before.isoformat())

    def enter_by_hand(self, invoice: Invoice) -> str:
        """Enter an invoice that wbs-sync does not export in NetSuite by hand, and return the bill's internal id."""
        model = next(bill for bill in self.netsuite.bills if bill.record_type == "vendorBill" and bill.total)
        entered = replace(model, id="", externalid=None, tranid=f"{invoice.invoice_number} CAD")
        return self.netsuite.make_bill(entered).id

    def _new_vendor(self, name: str) -> None:
        books = self.company.netsuite
        self.netsuite.vendors.put(NsVendor(self.netsuite.vendors.next_id(), name, name, None, books.subsidiary_id))

    def _new_job(self, project: Project) -> None:
        books = self.company.netsuite
        job = NsJob(self.netsuite.jobs.next_id(), str(project.number), project.name, None, books.subsidiary_id)
        self.netsuite.jobs.put(job)

    def _code_the_line(self, invoice: Invoice) -> None:
        coded, bare = invoice.lines
        assert bare.contract_line.code is None
        bare.contract_line.code = coded.contract_line.code
        self.procore.edit_invoice(invoice.id)  # touched now

    # Slips

    def mistakes(self) -> list[Mistake]:
        """Make nine mistakes now, each of which `verify` must report, and nothing else."""
        return [
            self._inactive_item(self.ordinary_invoice("24-003")),
            self._renamed_item(self.ordinary_invoice("24-005")),
            self._item_typed_again(self.ordinary_invoice("24-006")),
            self._other_amount(self.ordinary_invoice("24-008")),
            self._other_date(self.ordinary_invoice("24-009")),
            self._doubled_bill(self.ordinary_invoice("24-011")),
            self._voided_bill(self.ordinary_invoice("24-012")),
            self._lost_origin_id(self.ordinary_invoice("24-014")),
            self._approved_late(self.ordinary_invoice("24-015")),
        ]

    def _inactive_item(self, invoice: Invoice) -> Mistake:
        item, key = self._first_item(invoice)
        self.netsuite.edit_item(item.id, isinactive=True)
        return Mistake(
            FindingKind.ITEM_INACTIVE, key, f"The Item {item.itemid} is made inactive.",
            "The Item is made active again.", lambda: self.netsuite.edit_item(item.id, isinactive=False),
        )  # fmt: skip

    def _renamed_item(self, invoice: Invoice) -> Mistake:
        item, key = self._first_item(invoice)
        new_name = f"{item.itemid} old"
        self.netsuite.edit_item(item.id, itemid=new_name)
        return Mistake(
            FindingKind.ITEM_RENAMED, key, f"The Item {item.itemid} is renamed to {new_name}.",
            "The name of the Item is restored.", lambda: self.netsuite.edit_item(item.id, itemid=item.itemid),
        )  # fmt: skip

    def _item_typed_again(self, invoice: Invoice) -> Mistake:
        item, key = self._first_item(invoice)
        second_item = self.netsuite.make_item(item.itemid.replace("-", " ").lower())
        return Mistake(
            FindingKind.SIMILAR_ITEM_NAME, key, f"Somebody enters an Item {second_item.itemid} in addition to {item.itemid}.",
            "Nothing was booked on the extra Item: it is made inactive.",
            lambda: self.netsuite.edit_item(second_item.id, isinactive=True),
        )  # fmt: skip

    def _other_amount(self, invoice: Invoice) -> Mistake:
        bill = self.bill(invoice)
        self.netsuite.edit_bill_line(bill.id, bill.lines[0].line, bill.lines[0].amount + Decimal("100.00"))
        return Mistake(
            FindingKind.BILL_LINES_MISMATCH, _key(invoice), f"A line of the bill {bill.tranid} is raised by 100.00.",
            "The amount of the line is restored.", lambda: self.netsuite.edit_bill(bill.id, lines=bill.lines),
        )  # fmt: skip

    def _other_date(self, invoice: Invoice) -> Mistake:
        bill = self.bill(invoice)
        self.netsuite.edit_bill(bill.id, trandate="2026-05-01")
        return Mistake(
            FindingKind.BILL_DATE_MISMATCH, _key(invoice), f"The bill {bill.tranid} is moved to May 1.",
            "The date of the bill is restored.", lambda: self.netsuite.edit_bill(bill.id, trandate=bill.trandate),
        )  # fmt: skip

    def _doubled_bill(self, invoice: Invoice) -> Mistake:
        bill = self.bill(invoice)
        copy = self.netsuite.make_bill(replace(bill, externalid=None, memo="Typed in by accounting"))
        return Mistake(
            FindingKind.DUPLICATE_BILL, _key(invoice), f"The bill {bill.tranid} is entered again by hand.",
            "The copy is deleted before anything is paid.", lambda: self.netsuite.delete_bill(copy.id),
        )  # fmt: skip

    def _voided_bill(self, invoice: Invoice) -> Mistake:
        bill = self.bill(invoice)
        self.netsuite.void_bill(bill.id)

        def make_room() -> None:
            self.netsuite.edit_bill(bill.id, tranid=f"{bill.tranid}-VOID", externalid=None)
            self.procore.edit_invoice(invoice.id, origin_id=None)

        return Mistake(
            FindingKind.BILL_VOIDED, _key(invoice), f"The bill {bill.tranid} is voided.",
            "The vendor is still owed: the void bill gets another number, its external id is removed, and the origin id of the "
            "invoice is cleared in Procore. The bill is created again below.",
            make_room,
        )  # fmt: skip

    def _lost_origin_id(self, invoice: Invoice) -> Mistake:
        self.procore.edit_invoice(invoice.id, origin_id=None)
        return Mistake(
            FindingKind.ORIGIN_ID_MISSING, _key(invoice),
            f"The origin id of the invoice {invoice.invoice_number} is cleared in Procore.",
            "The origin id is written again below.", lambda: None,
        )  # fmt: skip

    def _approved_late(self, invoice: Invoice) -> Mistake:
        late = self.procore.add_invoice(
            invoice.project_id, invoice.vendor_id, [(invoice.lines[0].contract_line.code.id, "1250.00")],  # type: ignore[union-attr]
            billing_date="2026-04-30", invoice_number=f"{invoice.invoice_number}-LATE",
        )  # fmt: skip
        return Mistake(
            FindingKind.BILL_MISSING, _key(late), f"The invoice {late.invoice_number} is approved after the export.",
            "The invoice is exported below.", lambda: None,
        )  # fmt: skip

    def _first_item(self, invoice: Invoice) -> tuple[Item, str]:
        project, code = self.company.projects[invoice.project_id], invoice.lines[0].contract_line.code
        assert code
        return self.item(project, code), f"code:{project.id}:{code.id}"


def _key(invoice: Invoice) -> str:
    return f"invoice:{invoice.project_id}:{invoice.id}"
