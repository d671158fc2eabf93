"""Every cause that can stop a code or an invoice: what is wrong, who fixes it, in which words, and what to do next.

Causes are stable codes; sentences may be improved. Facts in braces are names (project, code, vendor), not ids.
The tables of docs/problems.md are generated from it: `make docs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.texts import shortened

LONGEST_FACT = 400
"""Longer than any name or answer that a person reads to its end."""


class Owner(StrEnum):
    """Who can mend it."""

    PROJECT_ACCOUNTANT = "project accountant"
    ERP_ADMINISTRATOR = "ERP administrator"
    INTEGRATION_ENGINEER = "integration engineer"


class ProblemClass(StrEnum):
    """What is wrong, roughly, and so where it is mended."""

    IN_PROCORE = "data in Procore"
    IN_NETSUITE = "data in NetSuite"
    SETUP = "login, permission or setting"
    OUTAGE = "a system is down"
    WAITS = "waits for another problem"
    UNKNOWN = "not known to wbs-sync"


MENDED: dict[ProblemClass, str] = {
    ProblemClass.IN_PROCORE: "In Procore, on the record that the sentence names.",
    ProblemClass.IN_NETSUITE: "In NetSuite, on the record that the sentence names.",
    ProblemClass.SETUP: "Where access is given: Procore's app and its permitted projects, NetSuite's role, or the settings of wbs-sync.",
    ProblemClass.OUTAGE: "By those who run that system or the network; the work goes on when it answers.",
    ProblemClass.WAITS: "Nowhere itself: it goes when the problems that it names are mended.",
    ProblemClass.UNKNOWN: "By those who maintain wbs-sync; the sentence has the other system's own words.",
}
"""Where problems of each class are mended."""


class Cause(StrEnum):
    """Stable codes, part of the public face: other apps and reports filter by them."""

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
    DRIFT_ITEM_MISSING = "drift_item_missing"
    DRIFT_ITEM_DOUBLED = "drift_item_doubled"
    DRIFT_ITEM_SHARED = "drift_item_shared"
    DRIFT_ITEM_NEAR_DUPLICATE = "drift_item_near_duplicate"
    DRIFT_ITEM_INACTIVE = "drift_item_inactive"
    DRIFT_ITEM_OF_OTHER_TYPE = "drift_item_of_other_type"
    DRIFT_ITEM_OTHER_THAN_RECORDED = "drift_item_other_than_recorded"
    DRIFT_ITEM_RENAMED = "drift_item_renamed"
    DRIFT_CODE_RENAMED = "drift_code_renamed"
    DRIFT_PROJECT_RENUMBERED = "drift_project_renumbered"
    DRIFT_BILL_MISSING = "drift_bill_missing"
    DRIFT_BILL_DOUBLED = "drift_bill_doubled"
    DRIFT_BILL_DELETED = "drift_bill_deleted"
    DRIFT_BILL_VOIDED = "drift_bill_voided"
    DRIFT_BILL_OF_OTHER_VENDOR = "drift_bill_of_other_vendor"
    DRIFT_BILL_OF_OTHER_NUMBER = "drift_bill_of_other_number"
    DRIFT_BILL_OF_OTHER_DATE = "drift_bill_of_other_date"
    DRIFT_BILL_OF_OTHER_TOTAL = "drift_bill_of_other_total"
    DRIFT_BILL_WITH_OTHER_LINES = "drift_bill_with_other_lines"
    DRIFT_BILL_IN_OTHER_PERIOD = "drift_bill_in_other_period"
    DRIFT_BILL_NOT_COMPARABLE = "drift_bill_not_comparable"
    DRIFT_ORIGIN_ID_MISSING = "drift_origin_id_missing"
    DRIFT_ORIGIN_ID_FOREIGN = "drift_origin_id_foreign"
    REMOTE_DOWN = "remote_down"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    UNCONFIRMED_WRITE = "unconfirmed_write"
    ANSWER_NOT_UNDERSTOOD = "answer_not_understood"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the catalogue."""

    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A cause told about one piece of work."""

    cause: Cause
    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str


_ACCOUNTANT, _ADMIN, _ENGINEER = Owner.PROJECT_ACCOUNTANT, Owner.ERP_ADMINISTRATOR, Owner.INTEGRATION_ENGINEER
_IN_PROCORE, _IN_NETSUITE, _SETUP = ProblemClass.IN_PROCORE, ProblemClass.IN_NETSUITE, ProblemClass.SETUP
_OUTAGE, _WAITS, _UNKNOWN = ProblemClass.OUTAGE, ProblemClass.WAITS, ProblemClass.UNKNOWN
_RETRIED = "It is tried again with the next scan or export."
_BY_HAND = "One with the same vendor, number and amount is found with the next export; of another one say `wbs-sync invoices mark-billed`."
_AGREES = "`wbs-sync verify` closes this when both systems agree."

CATALOGUE: dict[Cause, Entry] = {
    Cause.PROJECT_NUMBER_MISSING: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Project {project} has no project number, so its Items cannot be named.",
        "Give the project a number in Procore. " + _RETRIED,
    ),
    Cause.CODE_WITHOUT_TEXT: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "A budgeted WBS code of project {project} (id {code_id}) has no code text in Procore, so its Item cannot be named.",
        "Complete that WBS code in Procore, or take it out of the budget. " + _RETRIED,
    ),
    Cause.NAME_TOO_LONG: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} has {length} characters; NetSuite takes {limit}.",
        "Shorten the WBS code or the project number in Procore; names are never cut. " + _RETRIED,
    ),
    Cause.NAME_HAS_COLON: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} holds ' : ', which NetSuite reads as parent and child.",
        "Take the ' : ' out of the WBS code or project number in Procore. " + _RETRIED,
    ),
    Cause.NAME_NOT_WRITABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} holds a character that cannot be written ({character}); such ones get in by copying.",
        "Type the WBS code or the project number anew in Procore. " + _RETRIED,
    ),
    Cause.NAME_NOT_UNIQUE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} would stand for code {code} of project {project} and for code {other_code} of project {other_project}.",
        "Renumber one of the two projects or rename one code in Procore. " + _RETRIED,
    ),
    Cause.ITEM_OF_OTHER_TYPE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite has an Item {name!r} (id {item_id}), but it is {found_type}, not an Other Charge for purchase or resale.",
        "Rename or remove that Item in NetSuite. " + _RETRIED,
    ),
    Cause.ITEM_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "The Item {name!r} (id {item_id}) is inactive in NetSuite.",
        "Make the Item active again, or rename it so that a new one can be made. " + _RETRIED,
    ),
    Cause.ITEM_OF_OTHER_CODE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "The Item {name!r} (id {item_id}) belongs to another WBS code ({external_id}).",
        "Rename that Item in NetSuite, or the code or project number in Procore. " + _RETRIED,
    ),
    Cause.ITEM_DOUBLED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite holds more than one Item for {name!r}: ids {item_ids}.",
        "Keep one, rename or remove the others in NetSuite. " + _RETRIED,
    ),
    Cause.ITEM_REFUSED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite refused the Item {name!r}: {answer}",
        "Mend what NetSuite names (account defaults, mandatory fields, subsidiary). " + _RETRIED,
    ),
    Cause.ITEMS_OF_FORMER_NAME: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} may have its Items already, named by a former number or code: {items}. No Item is created for code {code} before somebody "
        "says whether they are this project's.",
        "If they are: give them the names of today in NetSuite, such as {name!r}, then `wbs-sync problems retry --cause items_of_former_name`. If they "
        "are not: `wbs-sync problems continue KEY --note TEXT` creates new ones; one answer counts for all of them.",
    ),
    Cause.ADOPTED_ITEM_NOT_MARKED: Entry(
        _SETUP,
        _ADMIN,
        "NetSuite does not accept our external id on adopted Items, such as {name!r}: {answer}. The Items are used all the same.",
        "Give the integration's role Edit on Items, or set NETSUITE_ADOPTED_ITEMS_GET_EXTERNAL_ID=false and resolve this problem. "
        "It closes with the next Item that accepts one.",
    ),
    Cause.PROJECT_NOT_READABLE: Entry(
        _SETUP,
        _ENGINEER,
        "Procore does not let the app read the {what} of project {project} ({answer}).",
        "Add the project to the app's permitted projects and enable the Budget and Commitments tools for it. "
        + _RETRIED,
    ),
    Cause.UNREADABLE_ROWS: Entry(
        _UNKNOWN,
        _ENGINEER,
        "{count} rows of the {what} of project {project} cannot be read and are left out; all others are synced. The first one: {answer}",
        "Look at that record in Procore; if it is in order, send this text to those who maintain wbs-sync. " + _RETRIED,
    ),
    Cause.PROJECT_NOT_LINKED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} was not found in NetSuite: neither by its origin id, nor by the number {number!r}, nor by a similar name.",
        "Set the origin id of the Procore project to the internal id of NetSuite's project; if there is none yet, create it with that number. "
        + _RETRIED,
    ),
    Cause.PROJECT_AMBIGUOUS: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "No project in NetSuite is certainly {project}; these may be it: {candidates}.",
        "Set the origin id of the Procore project to the internal id of the right one, or give that one the Procore project's number. "
        + _RETRIED,
    ),
    Cause.PROJECT_LINK_MISMATCH: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} has the origin id {origin_id} in Procore, but in NetSuite that is {found}: neither number nor name agree.",
        "Correct the origin id of the Procore project. If that project is the right one, give it the Procore project's number or name in "
        "NetSuite, or the external id that docs/links.md describes. " + _RETRIED,
    ),
    Cause.NETSUITE_PROJECT_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} is {found} in NetSuite, which is inactive there.",
        "Make the project active again in NetSuite, or link the Procore project to another one by its origin id. "
        + _RETRIED,
    ),
    Cause.VENDOR_NOT_LINKED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} was not found in NetSuite: neither by origin id, nor by external id {external_id}, nor by a similar name.",
        "Set the origin id of the Procore company to the internal id of NetSuite's vendor; if there is none yet, create it. "
        + _RETRIED,
    ),
    Cause.VENDOR_AMBIGUOUS: Entry(
        _IN_PROCORE,
        _ADMIN,
        "No vendor in NetSuite is certainly {vendor}; these may be it: {candidates}.",
        "Set the origin id of the Procore company to the internal id of the right one. " + _RETRIED,
    ),
    Cause.VENDOR_LINK_MISMATCH: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} has the origin id {origin_id} in Procore, but in NetSuite that is {found}: the names do not agree.",
        "Correct the origin id of the Procore company. If that vendor is the right one, make the names agree, or give it the external id "
        "that docs/links.md describes. " + _RETRIED,
    ),
    Cause.VENDOR_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} is {found} in NetSuite, which is inactive there.",
        "Make the vendor active again in NetSuite, or link the Procore company to another one by its origin id. "
        + _RETRIED,
    ),
    Cause.INVOICE_NOT_FOUND: Entry(
        _SETUP,
        _ENGINEER,
        "Invoice {invoice} of project {project} cannot be read in Procore ({answer}).",
        "Check the invoice and project ids, and the app's permission on the project's commitments.",
    ),
    Cause.LINE_WITHOUT_CODE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Line {position} of invoice {invoice} ({vendor}) has no WBS code.",
        "Give the line of the commitment a budget code in Procore. " + _RETRIED,
    ),
    Cause.LINES_DO_NOT_TIE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The lines of invoice {invoice} ({vendor}) come to {lines_total}, but its payment due is {payment_due}.",
        "Check the invoice in Procore (edited totals, materials moved). " + _RETRIED,
    ),
    Cause.EARLIER_RETAINAGE_UNKNOWN: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) is the first of its subcontract in Procore, with {billed_before} billed before it. Its lines total "
        "{lines_total}, but its payment due is {payment_due}: retainage held on stored materials before may be missing.",
        "If materials were retained before the subcontract came to Procore, enter this bill in NetSuite by hand; otherwise check the invoice "
        "in Procore. " + _RETRIED,
    ),
    Cause.AMOUNT_NOT_IN_WHOLE_CENTS: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}), with a payment due of {payment_due}, cannot be billed to the cent: {what} is {amount}.",
        "Change the amounts of that line in Procore so that they are in whole cents, or enter this bill in NetSuite by hand. "
        + _RETRIED,
    ),
    Cause.WHOLE_CHANGE_ORDER_WITHOUT_CODE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Line {position} of invoice {invoice} ({vendor}) bills a whole change order ({description}), which has no budget code.",
        "Bill the change order by its line items in Procore, each with a budget code, or enter this bill in NetSuite by hand. "
        + _RETRIED,
    ),
    Cause.CONTRACT_COMPANY_MISSING: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The subcontract of invoice {invoice} has no contract company in Procore, so there is no vendor to bill.",
        "Set the contract company on the subcontract in Procore. " + _RETRIED,
    ),
    Cause.BILLING_DATE_MISSING: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) has no billing date.",
        "Set the billing date in Procore. " + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_MISSING: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "An invoice of {vendor} (Procore number {number}) has no invoice number.",
        "Enter the subcontractor's invoice number in Procore. " + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_TOO_LONG: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The invoice number {invoice!r} of {vendor} has more than {limit} characters.",
        "Shorten the invoice number in Procore. " + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_NOT_WRITABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The invoice number {invoice!r} of {vendor} holds a character that cannot be written ({character}); such ones get in by copying.",
        "Type the invoice number anew in Procore. " + _RETRIED,
    ),
    Cause.NEEDS_VENDOR_CREDIT: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) comes to {payment_due}: less than nothing is due, so it needs a vendor credit, not a bill.",
        "Enter the vendor credit in NetSuite by hand, or let wbs-sync make such credits: NETSUITE_CREATE_CREDITS=true. "
        + _BY_HAND,
    ),
    Cause.FOREIGN_CURRENCY: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) is in {currency}; only {base_currency} is exported.",
        "Enter this bill in NetSuite by hand. " + _BY_HAND,
    ),
    Cause.CURRENCY_NOT_KNOWN: Entry(
        _SETUP,
        _ENGINEER,
        "Invoice {invoice} ({vendor}) is in {currency}. Procore's projects are in {currencies}, and no setting says which of them the books are in.",
        "Set NETSUITE_CURRENCY to the currency of the books, on all machines, and start the processes again. "
        + _RETRIED,
    ),
    Cause.INVOICE_HAS_TAX: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) has tax of {tax} beside or within its payment due of {payment_due}, and no Item is set for tax.",
        "Enter this bill in NetSuite by hand, with NetSuite's tax code; or have tax billed on an Item of its own: NETSUITE_TAX_ITEM_ID. "
        + _BY_HAND,
    ),
    Cause.TAX_NOT_IN_PAYMENT_DUE: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) has tax of {tax} beside its payment due of {payment_due}: a bill of the payment due would lack it.",
        "Enter this bill in NetSuite by hand, with the tax. " + _BY_HAND,
    ),
    Cause.RETAINAGE_ITEM_MISSING: Entry(
        _SETUP,
        _ENGINEER,
        "Invoice {invoice} ({vendor}) holds or releases retainage, and no retainage Item is set.",
        "Set NETSUITE_RETAINAGE_ITEM_ID to the Item of your retainage payable account. " + _RETRIED,
    ),
    Cause.CODES_BLOCKED: Entry(
        _WAITS,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) waits for Items of codes that are blocked: {codes}.",
        "Work off the problems of these codes. " + _RETRIED,
    ),
    Cause.PERIOD_CLOSED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "The posting period {period} is closed, so invoice {invoice} ({vendor}) of {date} cannot be billed.",
        "Reopen the period in NetSuite or change the billing date in Procore; NETSUITE_CLOSED_PERIOD says what is done with all such bills. "
        + _RETRIED,
    ),
    Cause.PERIODS_NOT_READABLE: Entry(
        _SETUP,
        _ADMIN,
        "Invoice {invoice} ({vendor}) is not billed: NETSUITE_CLOSED_PERIOD is {policy}, but NetSuite does not show its posting periods: {answer}",
        "Give the integration's role the permission to view accounting periods, or set NETSUITE_CLOSED_PERIOD=block. "
        + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_TAKEN: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "NetSuite has a bill of {vendor} with the number {invoice!r} (id {bill_id}) that differs: {difference}.",
        "Compare the two; correct the number in Procore, or the bill in NetSuite. " + _RETRIED,
    ),
    Cause.BILL_DIFFERS: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "The bill of invoice {invoice} ({vendor}) stands in NetSuite (id {bill_id}) but differs: {difference}.",
        "Correct the bill in NetSuite by hand; it is never changed by wbs-sync. " + _RETRIED,
    ),
    Cause.BILL_DOUBLED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "NetSuite holds more than one bill for invoice {invoice} ({vendor}): ids {bill_ids}.",
        "Void all but one in NetSuite before anything is paid.",
    ),
    Cause.BILL_REFUSED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite refused the bill of invoice {invoice} ({vendor}): {answer}",
        "Mend what NetSuite names. " + _RETRIED,
    ),
    Cause.SYSTEMATIC_DIFFERENCE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite changed the newest {count} {records} when they were created, the last one {name!r}: {difference}. No more {records} are "
        "written. Check {setting}.",
        "Change the setting in NetSuite and correct the records that have problems of their own. Then, or to accept the difference as it "
        "is: `wbs-sync problems continue KEY --note NOTE`.",
    ),
    Cause.WRITE_BACK_REFUSED: Entry(
        _SETUP,
        _ENGINEER,
        "The bill of invoice {invoice} ({vendor}) stands (id {bill_id}), but Procore refused its origin id: {answer}",
        "Give the app Admin permission on Commitments. " + _RETRIED,
    ),
    Cause.PROCORE_LOGIN: Entry(
        _SETUP,
        _ENGINEER,
        "Procore refuses the login of the app: {answer}",
        "Check PROCORE_CLIENT_ID, PROCORE_CLIENT_SECRET, and that the app is connected to the company of PROCORE_COMPANY_ID. Each environment of Procore has credentials "
        "and hosts of its own; a sandbox was seen to take logins at its API host alone (PROCORE_AUTH_URL). Work goes on by itself afterwards.",
    ),
    Cause.PROCORE_PERMISSION: Entry(
        _SETUP,
        _ENGINEER,
        "Procore does not let the app read the {what} (tool {tool}): {answer}",
        "Give the app the permission on the tool that the sentence names, in Procore. Paused work goes on by itself afterwards.",
    ),
    Cause.NETSUITE_LOGIN: Entry(
        _SETUP,
        _ENGINEER,
        "NetSuite refuses the login of the integration: {answer}",
        "Check the M2M mapping, its certificate and the role, and the clock of this machine where the sentence shows a difference. Work goes on "
        "by itself afterwards.",
    ),
    Cause.NETSUITE_KEY: Entry(
        _SETUP,
        _ENGINEER,
        "The private key for NetSuite cannot be used: {answer}",
        "Give NETSUITE_PRIVATE_KEY_FILE the key of the certificate in the M2M mapping, in PEM form, and let the user that runs the workers read "
        "it. Work goes on by itself afterwards.",
    ),
    Cause.SETTINGS_DIFFER: Entry(
        _SETUP,
        _ENGINEER,
        "The workers run with different settings, so none of them writes to NetSuite. By digest: {answer}",
        "Give all machines the same value of each setting that the sentence names, and restart their workers. Work goes on by itself "
        "afterwards, within two minutes; `wbs-sync resume` does not wait.",
    ),
    Cause.NETSUITE_PERMISSION: Entry(
        _SETUP,
        _ADMIN,
        "The integration's role may not do this in NetSuite: {answer}",
        "Give the role the permission that the sentence names, and the account the feature behind it. Paused work goes on by itself "
        "afterwards; a record that was refused alone is tried again with the next scan or export.",
    ),
    Cause.DRIFT_ITEM_MISSING: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Run a scan: it makes an Item that was never made. One that somebody deleted is made anew after `wbs-sync forget PROJECT CODE`. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_DOUBLED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Keep the Item that bills name; give the other one another name and no external id, or delete it. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_SHARED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Give the Item the name of the code that it belongs to. Then run `wbs-sync forget PROJECT CODE` for the code of this finding: the next scan gives "
        "it an Item of its own. Bills stay as they are. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_NEAR_DUPLICATE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "See whether money was booked on the other Item; rename it, or make it inactive, so that nobody takes one for the other. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Make the Item active again in NetSuite: bills that name it are refused until then. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_OF_OTHER_TYPE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Put an Other Charge for purchase or resale in its place, since no other may stand on a vendor bill; docs/verify.md says how. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_OTHER_THAN_RECORDED: Entry(
        _IN_NETSUITE,
        _ENGINEER,
        "{finding}",
        "If the Item that stands now is the right one, `wbs-sync forget PROJECT CODE --take ID` lets the next scan take it. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_RENAMED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Give the Item back its name in NetSuite. Nothing is made anew because of it: the Item is known by its id. "
        + _AGREES,
    ),
    Cause.DRIFT_CODE_RENAMED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Rename the Item in NetSuite to follow, or give the code back its text in Procore. Both names mean this one Item. "
        + _AGREES,
    ),
    Cause.DRIFT_PROJECT_RENUMBERED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Rename its Items in NetSuite to follow, or give the project back its number in Procore. No Item is made anew because of it. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_MISSING: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Export the invoice: `wbs-sync export INVOICE --project PROJECT`, or all of them: `wbs-sync export --approved`. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_DOUBLED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Void or delete all but one in NetSuite before anything is paid. " + _AGREES,
    ),
    Cause.DRIFT_BILL_DELETED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Find out who deleted the bill and why. If the vendor is still owed, clear the origin id of the invoice in Procore; after "
        "`wbs-sync forget --invoice ID` it is billed anew. " + _AGREES,
    ),
    Cause.DRIFT_BILL_VOIDED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Find out who voided the bill and why. If the vendor is still owed, it has to be billed anew, as docs/verify.md says. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_VENDOR: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the vendor of the bill in NetSuite, or of the commitment in Procore, before it is paid. " + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_NUMBER: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the reference number of the bill in NetSuite: by it the vendor and the next export know the bill. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_DATE: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the date of the bill in NetSuite: it decides the posting period. " + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_TOTAL: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Take off what was added beside the lines of the invoice (tax, expense lines) in NetSuite, or give the bill the invoice's currency, "
        "before it is paid. " + _AGREES,
    ),
    Cause.DRIFT_BILL_WITH_OTHER_LINES: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the lines of the bill in NetSuite, so that they are those of the invoice; wbs-sync never changes a bill. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_IN_OTHER_PERIOD: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "If the other period is not meant, correct the bill in NetSuite; if it is, `wbs-sync problems ignore KEY --until-changed`. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_NOT_COMPARABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "{finding}",
        "Mend what the sentence names; until then nobody can say whether the bill is right. " + _AGREES,
    ),
    Cause.DRIFT_ORIGIN_ID_MISSING: Entry(
        _IN_PROCORE,
        _ENGINEER,
        "{finding}",
        "After `wbs-sync forget --invoice ID --take BILL` the next export writes the origin id again: without it the invoice can be edited "
        "in Procore though it is billed. " + _AGREES,
    ),
    Cause.DRIFT_ORIGIN_ID_FOREIGN: Entry(
        _IN_PROCORE,
        _ENGINEER,
        "{finding}",
        "Find out which integration wrote it and whether the invoice was billed twice; then write ours again, as docs/verify.md says. "
        + _AGREES,
    ),
    Cause.REMOTE_DOWN: Entry(
        _OUTAGE,
        _ENGINEER,
        "{remote} has not answered as it should {times} times in a row; the last answer was: {answer}",
        "Look at the remote's status page and the network. Work goes on by itself afterwards.",
    ),
    Cause.ATTEMPTS_EXHAUSTED: Entry(
        _OUTAGE,
        _ENGINEER,
        "Tried {attempts} times without success; the last answer was: {answer}",
        "Look at the remote's status and the worker's log, then scan or export again.",
    ),
    Cause.UNCONFIRMED_WRITE: Entry(
        _OUTAGE,
        _ADMIN,
        "NetSuite did not confirm the write of {name}, and {attempts} attempts to look it up failed; the last answer was: {answer}",
        "Check NetSuite's status and what its integration role may view. wbs-sync looks it up again at least every half hour, sends nothing "
        "until the result is known, and then closes this problem.",
    ),
    Cause.ANSWER_NOT_UNDERSTOOD: Entry(
        _UNKNOWN,
        _ENGINEER,
        "An answer could not be understood, so nothing was written because of it: {answer}",
        "Look at that record and at the remote's status page; if they are in order, send this text to those who maintain wbs-sync. "
        + _RETRIED,
    ),
    Cause.UNEXPECTED: Entry(
        _UNKNOWN,
        _ENGINEER,
        "Something happened that wbs-sync does not know: {answer}",
        "Send this text and the worker's log to those who maintain wbs-sync; scan or export again after the mend.",
    ),
}


_CODES = frozenset(cause.value for cause in Cause)


class _Facts(dict[str, str]):
    """Facts for a sentence; a missing one shows as `?` instead of hiding the whole problem."""

    def __missing__(self, key: str) -> str:
        return "?"


def cause_of(code: str) -> Cause:
    """The cause of a stored code. One that only another version knows must not hide all the problems."""
    return Cause(code) if code in _CODES else Cause.UNEXPECTED


def describe(cause: Cause, facts: Mapping[str, str]) -> Problem:
    """The problem in words. Never fails: an incomplete sentence is better than a lost problem, and so is one whose names are cut."""
    entry = CATALOGUE[cause]
    shown = _Facts({name: _cut(value) for name, value in facts.items()})
    sentence = entry.sentence.format_map(shown)
    return Problem(cause, entry.problem_class, entry.owner, sentence, entry.next_step)


def _cut(value: str) -> str:
    return shortened(value, LONGEST_FACT)
