"""The month end itself, chapter by chapter. Each chapter asserts what it says; AssertionError if it no longer holds."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from simulators.company.billing import Invoice
from simulators.netsuite.records import Bill
from tests.kit.ended import Ended
from tests.story.installation import Installation
from tests.story.page import Page, Shown
from tests.story.people import Actors, Mistake
from worker.domain import money
from worker.domain.identities import InvoiceKey
from worker.domain.problems import Cause, FindingKind

PROJECTS, INVOICES, TWELVE = 30, 200, 12
BEFORE, AFTER = "month-end-before.png", "month-end-after.png"
EVERYTHING, NO_TABLES = Shown(), Shown(tables="$^")
Rows = Sequence[Mapping[str, Any]]


class MonthEnd:
    """One month end. `page` has the text when `play` has returned; the pictures are laid into `pictures`."""

    def __init__(self, installation: Installation, pictures: Path) -> None:
        self._installation = installation
        self._pictures = pictures
        self._actors = Actors(installation.stage)
        self._procore = installation.stage.procore
        self._netsuite = installation.stage.netsuite
        self._company = installation.stage.procore.company
        self._ids: dict[str, str] = {}
        self._named = {each.id for each in (*self._netsuite.items, *self._netsuite.bills)}
        self.page = Page(self._steady_ids)

    def play(self) -> None:
        """Play all chapters, in order."""
        for chapter in (
            self._the_company,
            self._items,
            self._bills,
            self._unchanged_records,
            self._twelve_problems,
            self._what_is_left,
            self._edits_on_both_sides,
            self._mistakes,
            self._one_code_and_one_invoice,
            self._the_end,
        ):
            chapter()

    # Chapters

    def _the_company(self) -> None:
        invoices = self._company.invoices.values()
        listed = [each for each in invoices if each.status == "approved" and self._readable(each)]
        assert (len(self._company.projects), len(listed)) == (PROJECTS, INVOICES)
        self.page.say(f"""
# A month end with wbs-sync

For project accountants and ERP administrators: a complete month end, from the first check to the last bill, with the commands and their
output. `python -m tests.story` runs all of it on the [simulators](simulators.md), checks every statement (every bill against its
invoice to the cent), and writes this page and its pictures; nothing here is typed in by hand. Long tables are shortened, with the number of omitted
rows. Times and durations are shown as `YYYY-MM-DD hh:mm:ss` and `N.N`, and the internal ids of new records are in the order of their names, so that every
run gives the same page.

The simulated contractor, Granite & Pine Builders, closes April. It has {PROJECTS} projects in Procore and {INVOICES} approved subcontractor invoices, most of
April and some of March that were approved late. January and February are closed in NetSuite; their bills were entered by hand, before there was a
connection. It also has the awkward cases of real companies: a project without a number, a vendor that is not in NetSuite, an invoice that is a
cent off, and some thirty more.

## Check the installation""")
        self._command("check")
        self.page.say(f"""
Of the {PROJECTS} projects, one was never permitted to the app, so it does not appear here; another is inactive, and one is Procore's demo project.""")

    def _items(self) -> None:
        self.page.say("""
## Monday: the Items

A dry run shows what a scan would do, and writes nothing to either system. Its plan goes to the ERP administrator. Three of the projects are shown
here.""")
        shown = Shown(rows=4, keep="Phase : 2", tables="^24-002|^24-019|^Cottonwood")
        self._command("scan", "--dry-run", "--save", "items.json", shown=shown)
        plan = self._plan("items.json")
        self.page.say("""
The administrator has approved the plan. `apply` does what the plan says, and nothing else. Some rows of its table:""")
        before = self._written("item")
        self._command("apply", "items.json", "--wait", shown=Shown(rows=5, keep="adopt"))
        made = [line["name"] for line in plan if line["action"] == "create"]
        assert Counter(self._written("item") - before) == Counter(made), "the Items made are not those of the plan"
        for line in plan:
            if line["action"] == "adopt":
                (existing,) = self._netsuite.items_named(line["name"])
                assert (existing.id, self._edits_by_us(existing.id)) == (line["remote_id"], 0), line
        self.page.say(f"""
{len(made)} Items were created, exactly those of the plan. Two Items that somebody had entered in NetSuite earlier were adopted without a change. The result was compared line
by line with NetSuite.""")

    def _bills(self) -> None:
        self.page.say("""
## Tuesday: the bills

Invoices work in the same way. The plan has every bill with all its lines, and the Items that invoices need but no budget has. Two projects, one bill and
the end of the output are shown here. An invoice of February is blocked, since the books of February are closed; no date is moved.""")
        example = self._actors.ordinary_number("24-003")
        shown = Shown(
            rows=4,
            keep="blocked",
            tables=f"^24-003 .*: invoices|^Bill {re.escape(example)}$|^24-023 .*: (invoices|reasons)",
        )
        result = self._command("export", "--approved", "--dry-run", "--save", "bills.json", shown=shown)
        plan = self._plan("bills.json")
        bills = {line["key"]: line for line in plan if line["action"] == "bill"}
        payment_due = sum((Decimal(line["data"]["total"]) for line in bills.values()), money.ZERO)
        assert f"Bills: {len(bills)}, total {money.text(payment_due)}" in result.out
        assert len([line for line in plan if line["key"].startswith("invoice:")]) == INVOICES
        self.page.say("""
The project accountants have approved it. Some rows:""")
        before = self._written("vendorBill"), self._written("item")
        self._command("apply", "bills.json", "--wait", shown=Shown(rows=5, keep="adopt"))
        numbers = Counter(line["data"]["number"] for line in bills.values())
        assert self._written("vendorBill") - before[0] == numbers, "the bills made are not those of the plan"
        items = Counter(line["name"] for line in plan if line["action"] == "create")
        assert self._written("item") - before[1] == items, "the Items made are not those of the plan"
        for line in bills.values():
            self._assert_planned(line)
        self.page.say(f"""
{items.total()} Items that were in no budget and {len(bills)} bills were created; the bills total {money.text(payment_due)}. Each bill was compared with its line of the plan (Items, amounts, descriptions), and its total
with the payment due of the invoice in Procore, to the cent. One bill that accounting had already entered was found by vendor and number, is equal, and was
adopted: the vendor is not paid twice.""")
        self._assert_bills_tie()

    def _unchanged_records(self) -> None:
        self.page.say("""
## Wednesday: blocked work

From now on scan and export run every night on a schedule (`SCAN_CRON`, `EXPORT_CRON`); here they are started by hand. Nothing is sent twice: existing
records are `already`. `blocked` records need a person, and the exit code is 1.""")
        self._nothing_is_written(lambda: (
            self._command("scan", "--wait", shown=NO_TABLES, code=1),
            self._command("export", "--approved", "--wait", shown=NO_TABLES, code=1),
        ))  # fmt: skip
        self.page.say("""
28 invoices are skipped: they were entered by hand or claimed by another integration earlier, as their origin ids in Procore show. Drafts are not even
listed. One of the blocked records is not an invoice but project 25-210: its Commitments tool is off, so its invoices cannot be listed. The problems by cause, with their owners:""")
        self._command("problems", "--by-cause", code=1)
        self.page.say("The list for one owner has every problem with its key and next step. For example:")
        self._command("problems", "--owner", "ERP administrator", code=1)
        self.page.say("One problem in full (in a real account also with links to the records):")
        taken = self._problem(Cause.DOCUMENT_NUMBER_TAKEN)
        self._command("problems", "show", taken["key"], code=1)
        self.page.say("The same as a page (`wbs-sync up` also serves it live):")
        self._report("before.html", BEFORE)

    def _twelve_problems(self) -> None:
        fixes = self._actors.fixes()
        assert (sum(fix.count for fix in fixes), len(fixes)) == (TWELVE, 11)
        self.page.say("""
## Thursday: twelve problems

Twelve problems with eleven causes are fixed in the place that the next step names, in Procore or in NetSuite. `retry` tries them at once instead of at
night, and shows which problems are fixed. It closes no problem itself: a problem closes when its work has succeeded.""")
        open_before = {row["key"]: row for row in self._problems()}
        for fix in fixes:
            keys = [key for key, row in open_before.items() if row["cause"] == fix.cause]
            assert len(keys) == fix.count, (fix.cause, keys)
            fix.act()
            self.page.say(f"**{fix.cause}.** {fix.sentence}")
            self._command("problems", "retry", "--cause", fix.cause, "--wait")
            assert not {row["key"] for row in self._problems()} & set(keys), f"{fix.cause} is not fixed"
        self._actors.close_february()
        waited = self._cause(Cause.BLOCKED_CODES)
        self.page.say("""
February is closed again. Some invoices waited only for codes that are fixed now, so they can be exported too. The remaining ones wait for the
project without a number:""")
        self._command("problems", "retry", "--cause", Cause.BLOCKED_CODES, "--wait", code=1)
        went = set(waited) - set(self._cause(Cause.BLOCKED_CODES))
        now = {row["key"] for row in self._problems()}
        fixed = set(open_before) - now - went
        assert len(fixed) == TWELVE, f"{len(fixed)} problems are gone: {sorted(fixed)}"
        assert now <= set(open_before), f"new problems: {sorted(now - set(open_before))}"
        self._assert_bills_tie()
        self.page.say(f"""
Twelve problems are fixed, and so are {len(went)} that waited for them. The bills of all these invoices tie to the cent.""")

    def _what_is_left(self) -> None:
        foreign = self._actors.invoice_of_case("multi_currency_invoice")
        self.page.say("""
## The remaining problems

wbs-sync does not export everything, and not everything can be fixed today. The invoice in Canadian dollars is entered in NetSuite by hand, under another number.
`mark-billed` records that, closes its problem, and keeps the next export from billing it:""")
        bill_id = self._actors.enter_by_hand(foreign)
        of = (str(foreign.id), "--project", str(foreign.project_id))
        self._command("invoices", "mark-billed", *of, "--bill", bill_id, "--note", "Entered by hand in CAD")
        self.page.say("""
The budget of project 25-210 is kept elsewhere on purpose. Both of its problems are ignored, in the list and in the exit codes, until they change:""")
        for row in self._problems():
            if row["cause"] == Cause.PROJECT_NOT_READABLE:
                note = "Its budget and commitments are not kept in Procore"
                self._command("problems", "ignore", row["key"], "--until-changed", "--note", note)
        self.page.say("These problems stay open, each with its owner:")
        self._command("problems", code=1, shown=Shown(rows=3))
        left = Counter(row["cause"] for row in self._problems())
        known = {Cause.PROJECT_NUMBER_MISSING, Cause.BLOCKED_CODES, Cause.ITEM_TYPE_MISMATCH, Cause.NEEDS_VENDOR_CREDIT}
        assert set(left) <= known, left

    def _edits_on_both_sides(self) -> None:
        self.page.say("""
## Friday: people edit records

A project accountant changes the number of a WBS code in Procore. In NetSuite an accountant adds a memo to a bill and gives an Item a friendlier display
name.""")
        project = self._procore.project("24-002")
        code = project.code_named("03-200.S.B1")
        item = self._actors.item(project, code)
        self._procore.rename_code(project.id, code.id, "03-210.S.B1")
        bill = self._actors.bill(self._actors.ordinary_invoice("24-016"))
        other_item = self._actors.item(project, project.code_named("05-120.S.B1"))
        self._netsuite.edit_bill(bill.id, memo="Checked with the site, pay with the next run")
        self._netsuite.edit_item(other_item.id, displayname="Structural steel, Cedar Ridge gym")
        self.page.say(
            "The next scan and export change none of this. No second Item is created for the code, since wbs-sync knows it by its id and not by its text:"
        )
        self._nothing_is_written(lambda: (
            self._command("scan", "--wait", shown=NO_TABLES, code=1),
            self._command("export", "--approved", "--wait", shown=NO_TABLES, code=1),
        ))  # fmt: skip
        edited = self._netsuite.bills.get(bill.id)
        assert edited
        assert edited.memo == "Checked with the site, pay with the next run"
        assert self._actors.item(project, code) == item
        self.page.say("`verify` compares both systems, and reports the renamed code to the ERP administrator:")
        self._command("verify", code=1)
        findings = self._found()
        assert findings == {(FindingKind.CODE_RENAMED, f"code:{project.id}:{code.id}")}, findings
        self.page.say("""
A memo belongs to the accountant and is not compared. The display name is listed for information, does not change the exit code, and is never written back. The ERP administrator
renames the Item to match the code. Now both systems agree:""")
        self._netsuite.edit_item(item.id, itemid="24-002-03-210.S.B1")
        self._command("verify", shown=NO_TABLES, code=3)
        assert self._found() == set()

    def _mistakes(self) -> None:
        before = [self._netsuite.bills.get(each.id) for each in self._netsuite.bills]
        assert before
        mistakes = self._actors.mistakes()
        self.page.say(f"""
## Mistakes in both systems

Now people make {len(mistakes)} mistakes in both systems:

{_bullets(mistake.sentence for mistake in mistakes)}

`verify` must find each of them with its kind, and nothing else:""")
        self._command("verify", code=1)
        seeded, findings = {(mistake.kind, mistake.key) for mistake in mistakes}, self._found()
        assert findings == seeded, f"not found: {seeded - findings}; invented: {findings - seeded}"
        self.page.say(f"""
All {len(mistakes)} were found, and nothing else. They are now open problems like any other. People correct them by hand: wbs-sync
never changes an existing record.

{_bullets(mistake.remedy for mistake in mistakes)}""")
        for mistake in mistakes:
            mistake.put_right()
        by_kind = {mistake.kind: mistake for mistake in mistakes}
        self._bill_again(by_kind[FindingKind.BILL_VOIDED])
        self._name_the_bill_again(by_kind[FindingKind.ORIGIN_ID_MISSING])
        self.page.say("The late invoice:")
        self._export(by_kind[FindingKind.BILL_MISSING])
        self.page.say(
            "No finding is left. Exit code 3 says that one project could not be compared, since the app may not read it:"
        )
        self._command("verify", shown=NO_TABLES, code=3)
        assert self._found() == set()
        assert not [row for row in self._problems() if row["cause"].startswith("drift_")]
        self._assert_bills_tie()

    def _bill_again(self, mistake: Mistake) -> None:
        self.page.say(
            "The voided bill is created again. The ledger still records it as created, so it is cleared first; then the invoice is exported:"
        )
        self._forget(mistake, "--note", "Voided by mistake")
        self._export(mistake)

    def _name_the_bill_again(self, mistake: Mistake) -> None:
        bill = self._actors.bill(self._invoice(mistake))
        self.page.say(
            "The bill that the invoice in Procore no longer names still exists. wbs-sync finds it by its external id and writes its id to Procore "
            "again. No second bill is created:"
        )
        self._forget(mistake, "--take", bill.id)
        bills = len(self._netsuite.bills)
        self._export(mistake)
        assert (len(self._netsuite.bills), self._invoice(mistake).origin_id) == (bills, f"ns-vendorbill-{bill.id}")

    def _one_code_and_one_invoice(self) -> None:
        self.page.say("""
## Questions from the auditor

Where does this Item come from, and why does it have another name than last week? `explain` reads the ledger and both systems:""")
        self._command("explain", "24-002", "03-210.S.B1")
        self.page.say(
            "How was this bill computed? It has stored materials, change orders and retainage; `explain` derives every amount from Procore's figures:"
        )
        invoice = self._fourth_invoice()
        result = self._command("explain", "--invoice", str(invoice.invoice_number))
        assert money.text(invoice.summary().current_payment_due) in result.out

    def _the_end(self) -> None:
        self.page.say("""
## The month is closed""")
        self._command("status")
        self._report("after.html", AFTER)
        duplicates = self._netsuite.duplicates()
        assert duplicates == [], duplicates
        ours = [each for each in self._netsuite.bills if self._bill_of_us(each)]
        total = sum((each.total for each in ours), money.ZERO)
        self.page.say(f"""
NetSuite has {len(ours)} bills that wbs-sync created, in total {money.text(total)}. Each equals the payment due of its invoice, and there are no duplicates. Every
open problem has an owner and a next step.

Read more: [all commands](commands.md), [plans](plan.md), [causes of problems](problems.md), [findings of `verify`](verify.md), and [how amounts are
computed](money.md).""")

    # Commands

    def _command(self, *arguments: str, code: int = 0, shown: Shown = EVERYTHING) -> Ended:
        """Run a command, check its exit code, and show it on the page."""
        ended = self._installation.run(*arguments)
        assert ended.code == code, (
            f"{' '.join(arguments)} ended with {ended.code}: {ended.out[-2000:]}{ended.err[-2000:]}"
        )
        output = ended.out.replace(str(self._installation.folder), "/srv/wbs-sync")
        self.page.show(arguments, output.replace(f"by {_user()}", "by accounting"), shown, code=code)
        return ended

    def _plan(self, file: str) -> Rows:
        lines: Rows = json.loads((self._installation.folder / file).read_text())["lines"]
        return lines

    def _report(self, file: str, picture: str) -> None:
        self._command("report", "--out", file)
        self._installation.picture(self._installation.folder / file, self._pictures / picture)
        self.page.say(f"![The report as a page]({picture})")

    def _forget(self, mistake: Mistake, *options: str) -> None:
        """Clear an invoice from the ledger, as docs/verify.md says."""
        self._command("forget", "--invoice", str(self._invoice(mistake).invoice_number), *options, "--yes")

    def _export(self, mistake: Mistake) -> None:
        invoice = self._invoice(mistake)
        project = self._company.projects[invoice.project_id]
        self._command("export", str(invoice.invoice_number), "--project", str(project.number), "--wait")
        self._assert_ties(invoice)

    # What is so

    def _problems(self) -> Rows:
        """Return all open problems that are not ignored."""
        return self._installation.container.overview.problems()

    def _problem(self, cause: Cause) -> Mapping[str, Any]:
        (row,) = (row for row in self._problems() if row["cause"] == cause)
        return row

    def _cause(self, cause: Cause) -> list[str]:
        return [row["key"] for row in self._problems() if row["cause"] == cause]

    def _found(self) -> set[tuple[str, str]]:
        """Return what `verify` finds now."""
        return {(finding.kind, finding.key) for finding in self._installation.container.verification.verify().findings}

    def _written(self, record_type: str) -> Counter[str]:
        """Return the names of the records that wbs-sync has created so far."""
        writes = self._netsuite.writes(record_type)
        return Counter(entry["name"] for entry in writes if (entry["write"], entry["by"]) == ("create", "client"))

    def _edits_by_us(self, record_id: str) -> int:
        return sum(entry["id"] == record_id and entry["by"] == "client" for entry in self._netsuite.writes())

    def _nothing_is_written(self, act: Any) -> None:
        before = [entry for entry in self._netsuite.writes() if entry["by"] == "client"]
        act()
        assert [entry for entry in self._netsuite.writes() if entry["by"] == "client"] == before

    def _invoice(self, mistake: Mistake) -> Invoice:
        return self._company.invoices[InvoiceKey.parse(mistake.key).invoice_id]

    def _fourth_invoice(self) -> Invoice:
        """Return an approved April invoice that is the fourth of its subcontract, with stored materials and change orders."""
        return next(
            each
            for each in self._company.invoices.values()
            if (each.number, each.status) == (4, "approved")
            and any(line.contract_line.kind == "change_order_item" for line in each.lines)
            and any(line.contract_line.stores_materials for line in each.lines)
        )

    def _readable(self, invoice: Invoice) -> bool:
        project = self._company.projects[invoice.project_id]
        return project.permitted and not project.tools_disabled

    def _bill_of_us(self, bill: Bill) -> bool:
        return (bill.externalid or "").startswith("pcr-bill-")

    def _assert_planned(self, line: Mapping[str, Any]) -> None:
        """Check that a bill equals its line of the plan: total, Items, amounts, descriptions."""
        bill = self._actors.bill(self._company.invoices[InvoiceKey.parse(line["key"]).invoice_id])
        rows = [[self._item_name(each.item), str(each.amount), each.description] for each in bill.lines]
        planned = [[item, amount, words] for item, amount, words in line["data"]["lines"]]
        assert (rows, str(bill.total)) == (planned, line["data"]["total"]), line["record"]

    def _item_name(self, item_id: str) -> str:
        """Return the name of a code's Item as a plan shows it."""
        item = self._netsuite.items.get(item_id)
        assert item
        return item.itemid

    def _assert_bills_tie(self) -> None:
        for invoice in self._company.invoices.values():
            if self._actors.bill_or_none(invoice):
                self._assert_ties(invoice)

    def _assert_ties(self, invoice: Invoice) -> None:
        payment_due, bill = invoice.summary().current_payment_due, self._actors.bill(invoice)
        assert bill.total == payment_due, (
            f"{invoice.invoice_number}: the bill totals {bill.total}, due is {payment_due}"
        )

    def _steady_ids(self) -> dict[str, str]:
        """Assign steady ids to new records, in the order of their names: concurrent work creates them in a different order each time."""
        for records, name_of in ((self._netsuite.items, _item_key), (self._netsuite.bills, _bill_key)):
            new = sorted((each for each in records if each.id not in self._named), key=name_of)
            self._ids |= zip((each.id for each in new), sorted((each.id for each in new), key=int), strict=True)
            self._named |= {each.id for each in new}
        return self._ids


def _item_key(item: Any) -> tuple[str, int]:
    return item.itemid, int(item.id)


def _bill_key(bill: Any) -> tuple[str, str, int]:
    return bill.tranid, bill.entity, int(bill.id)


def _bullets(sentences: Any) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
