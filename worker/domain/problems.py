"""The catalogue of problem causes: for each one its class, owner, sentence and next step.

Causes are stable codes; sentences may change between versions. Placeholders in braces are filled with names (project, code, vendor), not ids.
The tables in docs/problems.md are generated from this module: `make docs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from worker.domain.texts import shortened

LONGEST_FACT = 400
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


MENDED: dict[ProblemClass, str] = {
    ProblemClass.IN_PROCORE: "In Procore, on the record named in the sentence.",
    ProblemClass.IN_NETSUITE: "In NetSuite, on the record named in the sentence.",
    ProblemClass.SETUP: "Where access is granted: the Procore app and its permitted projects, the NetSuite role, or the wbs-sync settings.",
    ProblemClass.OUTAGE: "By the team that runs that system or the network; work resumes when the system responds.",
    ProblemClass.WAITS: "It closes after the problems named in it are fixed.",
    ProblemClass.UNKNOWN: "By the maintainers of wbs-sync; the sentence quotes the other system's response.",
}
"""Where problems of each class are fixed."""


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
    """The catalogue entry of one cause."""

    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A cause with its sentence filled in for one record."""

    cause: Cause
    problem_class: ProblemClass
    owner: Owner
    sentence: str
    next_step: str


_ACCOUNTANT, _ADMIN, _ENGINEER = Owner.PROJECT_ACCOUNTANT, Owner.ERP_ADMINISTRATOR, Owner.INTEGRATION_ENGINEER
_IN_PROCORE, _IN_NETSUITE, _SETUP = ProblemClass.IN_PROCORE, ProblemClass.IN_NETSUITE, ProblemClass.SETUP
_OUTAGE, _WAITS, _UNKNOWN = ProblemClass.OUTAGE, ProblemClass.WAITS, ProblemClass.UNKNOWN
_RETRIED = "The next scan or export retries it."
_BY_HAND = "The next export finds a bill with the same vendor, number and amount; for any other bill, run `wbs-sync invoices mark-billed`."
_AGREES = "`wbs-sync verify` closes this problem when both systems agree."

CATALOGUE: dict[Cause, Entry] = {
    Cause.PROJECT_NUMBER_MISSING: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Project {project} has no project number, which its Item names require.",
        "Add a project number in Procore. " + _RETRIED,
    ),
    Cause.CODE_WITHOUT_TEXT: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "A budgeted WBS code of project {project} (id {code_id}) has no code text in Procore, which its Item name requires.",
        "Complete that WBS code in Procore, or remove it from the budget. " + _RETRIED,
    ),
    Cause.NAME_TOO_LONG: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} is {length} characters long; NetSuite's limit is {limit}.",
        "Shorten the WBS code or the project number in Procore; wbs-sync never truncates names. " + _RETRIED,
    ),
    Cause.NAME_HAS_COLON: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} contains ' : ', which NetSuite uses to separate parent and sub-item.",
        "Remove the ' : ' from the WBS code or project number in Procore. " + _RETRIED,
    ),
    Cause.NAME_NOT_WRITABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} contains an unsupported character ({character}), usually pasted from another document.",
        "Retype the WBS code or the project number in Procore. " + _RETRIED,
    ),
    Cause.NAME_NOT_UNIQUE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The Item name {name!r} is the same for code {code} of project {project} and code {other_code} of project {other_project}.",
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
        "Reactivate the Item, or rename it so that a new one can be created. " + _RETRIED,
    ),
    Cause.ITEM_OF_OTHER_CODE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "The Item {name!r} (id {item_id}) belongs to another WBS code ({external_id}).",
        "Rename that Item in NetSuite, or change the code or project number in Procore. " + _RETRIED,
    ),
    Cause.ITEM_DOUBLED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite has more than one Item for {name!r}: ids {item_ids}.",
        "Keep one Item; rename or remove the others in NetSuite. " + _RETRIED,
    ),
    Cause.ITEM_REFUSED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite rejected the Item {name!r}: {answer}",
        "Fix the field or setting that NetSuite names above (account defaults, mandatory fields, subsidiary). "
        + _RETRIED,
    ),
    Cause.ITEMS_OF_FORMER_NAME: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} may already have Items named after a former number or code: {items}. No Item is created for code {code} until "
        "someone confirms whether these Items belong to the project.",
        "If they do, rename them in NetSuite to the current names, such as {name!r}, then run `wbs-sync problems retry --cause "
        "items_of_former_name`. If they do not, run `wbs-sync problems continue KEY --note TEXT` to create new Items; one answer covers all of "
        "them.",
    ),
    Cause.ADOPTED_ITEM_NOT_MARKED: Entry(
        _SETUP,
        _ADMIN,
        "NetSuite does not accept the wbs-sync external id on adopted Items, such as {name!r}: {answer}. The Items are still used.",
        "Grant the integration role Edit on Items, or set NETSUITE_ADOPTED_ITEMS_GET_EXTERNAL_ID=false and resolve this problem. It closes when "
        "the next Item accepts an external id.",
    ),
    Cause.PROJECT_NOT_READABLE: Entry(
        _SETUP,
        _ENGINEER,
        "Procore does not allow the app to read the {what} of project {project} ({answer}).",
        "Add the project to the app's permitted projects and enable the Budget and Commitments tools for it. "
        + _RETRIED,
    ),
    Cause.UNREADABLE_ROWS: Entry(
        _UNKNOWN,
        _ENGINEER,
        "{count} rows of the {what} of project {project} could not be read and were not synced; all other rows were. First error: {answer}",
        "Check that record in Procore. If it is correct, send this message to the maintainers of wbs-sync. " + _RETRIED,
    ),
    Cause.PROJECT_NOT_LINKED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} was not found in NetSuite by its origin id, by the number {number!r}, or by a similar name.",
        "Set the origin id of the Procore project to the internal id of the NetSuite project. If no NetSuite project exists yet, create one with that number. "
        + _RETRIED,
    ),
    Cause.PROJECT_AMBIGUOUS: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "No NetSuite project is a certain match for {project}. Possible matches: {candidates}.",
        "Set the origin id of the Procore project to the internal id of the correct NetSuite project, or give that project the Procore project's number. "
        + _RETRIED,
    ),
    Cause.PROJECT_LINK_MISMATCH: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} has the origin id {origin_id} in Procore, but NetSuite project {origin_id} is {found}: neither the number nor the name matches.",
        "Correct the origin id of the Procore project. If it already points to the correct NetSuite project, give that project the Procore "
        "project's number or name, or the external id described in docs/links.md. " + _RETRIED,
    ),
    Cause.NETSUITE_PROJECT_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Project {project} is linked to {found} in NetSuite, which is inactive.",
        "Reactivate the project in NetSuite, or set the origin id of the Procore project to the internal id of another project. "
        + _RETRIED,
    ),
    Cause.VENDOR_NOT_LINKED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} was not found in NetSuite by its origin id, by external id {external_id}, or by a similar name.",
        "Set the origin id of the Procore company to the internal id of the NetSuite vendor. If no NetSuite vendor exists yet, create one. "
        + _RETRIED,
    ),
    Cause.VENDOR_AMBIGUOUS: Entry(
        _IN_PROCORE,
        _ADMIN,
        "No NetSuite vendor is a certain match for {vendor}. Possible matches: {candidates}.",
        "Set the origin id of the Procore company to the internal id of the correct vendor. " + _RETRIED,
    ),
    Cause.VENDOR_LINK_MISMATCH: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} has the origin id {origin_id} in Procore, but NetSuite vendor {origin_id} is {found}: the names do not match.",
        "Correct the origin id of the Procore company. If it already points to the correct vendor, make the names match, or give the vendor the "
        "external id described in docs/links.md. " + _RETRIED,
    ),
    Cause.VENDOR_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "Vendor {vendor} is linked to {found} in NetSuite, which is inactive.",
        "Reactivate the vendor in NetSuite, or set the origin id of the Procore company to the internal id of another vendor. "
        + _RETRIED,
    ),
    Cause.INVOICE_NOT_FOUND: Entry(
        _SETUP,
        _ENGINEER,
        "Invoice {invoice} of project {project} could not be read from Procore ({answer}).",
        "Check the invoice and project ids, and the app's permission for Commitments in the project.",
    ),
    Cause.LINE_WITHOUT_CODE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Line {position} of invoice {invoice} ({vendor}) has no WBS code.",
        "Assign a budget code to that commitment line in Procore. " + _RETRIED,
    ),
    Cause.LINES_DO_NOT_TIE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The lines of invoice {invoice} ({vendor}) total {lines_total}, but its payment due is {payment_due}.",
        "Check the invoice in Procore for edited totals or moved materials. " + _RETRIED,
    ),
    Cause.EARLIER_RETAINAGE_UNKNOWN: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) is the first of its subcontract in Procore, with {billed_before} previously billed. Its lines total "
        "{lines_total}, but its payment due is {payment_due}: retainage previously held on stored materials may be missing.",
        "If retainage was held on stored materials before the subcontract was entered in Procore, enter this bill in NetSuite by hand; "
        "otherwise check the invoice in Procore. " + _RETRIED,
    ),
    Cause.AMOUNT_NOT_IN_WHOLE_CENTS: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}), with a payment due of {payment_due}, cannot be billed to the cent: {what} is {amount}.",
        "Round the amounts of that line to whole cents in Procore, or enter this bill in NetSuite by hand. " + _RETRIED,
    ),
    Cause.WHOLE_CHANGE_ORDER_WITHOUT_CODE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "Line {position} of invoice {invoice} ({vendor}) bills a whole change order ({description}), which has no budget code.",
        "Bill the change order by line item in Procore, with a budget code on each line item, or enter this bill in NetSuite by hand. "
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
        "The invoice number {invoice!r} of {vendor} is longer than {limit} characters.",
        "Shorten the invoice number in Procore. " + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_NOT_WRITABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "The invoice number {invoice!r} of {vendor} contains an unsupported character ({character}), usually pasted from another document.",
        "Retype the invoice number in Procore. " + _RETRIED,
    ),
    Cause.NEEDS_VENDOR_CREDIT: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) totals {payment_due}: the payment due is negative, so it needs a vendor credit, not a bill.",
        "Enter the vendor credit in NetSuite by hand, or set NETSUITE_CREATE_CREDITS=true so that wbs-sync creates vendor credits. "
        + _BY_HAND,
    ),
    Cause.FOREIGN_CURRENCY: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) is in {currency}; only invoices in {base_currency} are exported.",
        "Enter this bill in NetSuite by hand. " + _BY_HAND,
    ),
    Cause.CURRENCY_NOT_KNOWN: Entry(
        _SETUP,
        _ENGINEER,
        "Invoice {invoice} ({vendor}) is in {currency}. The Procore projects use {currencies}, and no setting says which is the currency of the books.",
        "Set NETSUITE_CURRENCY to the currency of the books on all machines, then restart the processes. " + _RETRIED,
    ),
    Cause.INVOICE_HAS_TAX: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) has tax of {tax}, included in its payment due of {payment_due} or in addition to it, and no tax Item is set.",
        "Enter this bill in NetSuite by hand with its tax code, or set NETSUITE_TAX_ITEM_ID to bill tax on a separate Item. "
        + _BY_HAND,
    ),
    Cause.TAX_NOT_IN_PAYMENT_DUE: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "Invoice {invoice} ({vendor}) has tax of {tax} in addition to its payment due of {payment_due}: a bill for the payment due would omit the tax.",
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
        "Invoice {invoice} ({vendor}) is waiting for Items of blocked codes: {codes}.",
        "Fix the problems listed for these codes first. " + _RETRIED,
    ),
    Cause.PERIOD_CLOSED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "The posting period {period} is closed, so invoice {invoice} ({vendor}) of {date} cannot be billed.",
        "Reopen the period in NetSuite or change the billing date in Procore; NETSUITE_CLOSED_PERIOD sets how wbs-sync handles all such bills. "
        + _RETRIED,
    ),
    Cause.PERIODS_NOT_READABLE: Entry(
        _SETUP,
        _ADMIN,
        "Invoice {invoice} ({vendor}) is not billed: NETSUITE_CLOSED_PERIOD is {policy}, but the posting periods could not be read from NetSuite: {answer}",
        "Grant the integration role permission to view accounting periods, or set NETSUITE_CLOSED_PERIOD=block. "
        + _RETRIED,
    ),
    Cause.DOCUMENT_NUMBER_TAKEN: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "NetSuite has a bill of {vendor} with the number {invoice!r} (id {bill_id}) that differs: {difference}.",
        "Compare the invoice and the bill, then correct the number in Procore or the bill in NetSuite. " + _RETRIED,
    ),
    Cause.BILL_DIFFERS: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "The bill of invoice {invoice} ({vendor}) is in NetSuite (id {bill_id}) but differs: {difference}.",
        "Correct the bill in NetSuite by hand; wbs-sync never changes a bill. " + _RETRIED,
    ),
    Cause.BILL_DOUBLED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "NetSuite has more than one bill for invoice {invoice} ({vendor}): ids {bill_ids}.",
        "Void all but one in NetSuite before anything is paid.",
    ),
    Cause.BILL_REFUSED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite rejected the bill of invoice {invoice} ({vendor}): {answer}",
        "Fix the field or record that NetSuite names above. " + _RETRIED,
    ),
    Cause.SYSTEMATIC_DIFFERENCE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "NetSuite changed the last {count} {records} on creation, most recently {name!r}: {difference}. wbs-sync has stopped writing {records}. "
        "Check {setting}.",
        "Change the setting in NetSuite and correct the records that have separate problems. Then, or to accept the difference, run `wbs-sync "
        "problems continue KEY --note NOTE`.",
    ),
    Cause.WRITE_BACK_REFUSED: Entry(
        _SETUP,
        _ENGINEER,
        "The bill of invoice {invoice} ({vendor}) is in NetSuite (id {bill_id}), but Procore rejected its origin id: {answer}",
        "Grant the app Admin permission on Commitments. " + _RETRIED,
    ),
    Cause.PROCORE_LOGIN: Entry(
        _SETUP,
        _ENGINEER,
        "Procore refused the app's login: {answer}",
        "Check PROCORE_CLIENT_ID and PROCORE_CLIENT_SECRET, and that the app is connected to the company of PROCORE_COMPANY_ID. Each Procore "
        "environment has separate credentials and hosts; one sandbox accepted logins only at its API host (PROCORE_AUTH_URL). Work then resumes "
        "automatically.",
    ),
    Cause.PROCORE_PERMISSION: Entry(
        _SETUP,
        _ENGINEER,
        "Procore does not allow the app to read the {what} (tool {tool}): {answer}",
        "In Procore, grant the app permission on the tool named in the sentence. Paused work then resumes automatically.",
    ),
    Cause.NETSUITE_LOGIN: Entry(
        _SETUP,
        _ENGINEER,
        "NetSuite refused the integration's login: {answer}",
        "Check the M2M mapping, its certificate and its role. If the sentence reports a clock difference, correct the clock of this machine. "
        "Work then resumes automatically.",
    ),
    Cause.NETSUITE_KEY: Entry(
        _SETUP,
        _ENGINEER,
        "The private key for NetSuite cannot be used: {answer}",
        "Set NETSUITE_PRIVATE_KEY_FILE to the PEM file with the private key of the certificate in the M2M mapping, and make it readable for the "
        "user that runs the workers. Work then resumes automatically.",
    ),
    Cause.SETTINGS_DIFFER: Entry(
        _SETUP,
        _ENGINEER,
        "The workers run with different settings, so none of them writes to NetSuite. Digests: {answer}",
        "Set the same value on all machines for each setting named in the sentence, then restart the workers. Work resumes automatically within "
        "two minutes, or immediately with `wbs-sync resume`.",
    ),
    Cause.NETSUITE_PERMISSION: Entry(
        _SETUP,
        _ADMIN,
        "The integration role is missing a permission in NetSuite: {answer}",
        "Grant the role the permission named in the sentence, and enable the feature it depends on. Paused work then resumes automatically; the "
        "next scan or export retries a record that was rejected by itself.",
    ),
    Cause.DRIFT_ITEM_MISSING: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Run a scan to create an Item that never existed. If the Item was deleted, run `wbs-sync forget PROJECT CODE` first so that it can be recreated. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_DOUBLED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Keep the Item that bills use. Rename the other one and clear its external id, or delete it. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_SHARED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Give the Item the name of the code it belongs to. Then run `wbs-sync forget PROJECT CODE` for the code in this finding: the next scan "
        "gives that code a separate Item. Existing bills do not change. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_NEAR_DUPLICATE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Check whether amounts were posted to the other Item, then rename or inactivate it so that the two are not confused. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_INACTIVE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Reactivate the Item in NetSuite: NetSuite rejects bills that use it until then. " + _AGREES,
    ),
    Cause.DRIFT_ITEM_OF_OTHER_TYPE: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Replace it with an Other Charge Item for purchase or resale, the only type wbs-sync uses on vendor bills; see docs/verify.md for the steps. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_OTHER_THAN_RECORDED: Entry(
        _IN_NETSUITE,
        _ENGINEER,
        "{finding}",
        "If the Item now in NetSuite is the correct one, run `wbs-sync forget PROJECT CODE --take ID` so that the next scan adopts it. "
        + _AGREES,
    ),
    Cause.DRIFT_ITEM_RENAMED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Restore the Item's name in NetSuite. The rename does not create a new Item: wbs-sync identifies the Item by its id. "
        + _AGREES,
    ),
    Cause.DRIFT_CODE_RENAMED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Rename the Item in NetSuite to match, or restore the code's text in Procore. Both names refer to the same Item. "
        + _AGREES,
    ),
    Cause.DRIFT_PROJECT_RENUMBERED: Entry(
        _IN_NETSUITE,
        _ADMIN,
        "{finding}",
        "Rename its Items in NetSuite to match, or restore the project's number in Procore. The change does not create new Items. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_MISSING: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Export the invoice with `wbs-sync export INVOICE --project PROJECT`, or all approved invoices with `wbs-sync export --approved`. "
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
        "Find out who deleted the bill and why. If the vendor is still owed, clear the origin id of the invoice in Procore and run `wbs-sync "
        "forget --invoice ID`; the invoice is then billed again. " + _AGREES,
    ),
    Cause.DRIFT_BILL_VOIDED: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Find out who voided the bill and why. If the vendor is still owed, bill the invoice again as described in docs/verify.md. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_VENDOR: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the vendor on the bill in NetSuite, or on the commitment in Procore, before the bill is paid. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_NUMBER: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the reference number of the bill in NetSuite: the vendor and the next export use it to identify the bill. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_DATE: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the date of the bill in NetSuite: it determines the posting period. " + _AGREES,
    ),
    Cause.DRIFT_BILL_OF_OTHER_TOTAL: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "In NetSuite, before the bill is paid, remove amounts added to the lines of the invoice (tax, expense lines), or change the bill's "
        "currency to that of the invoice. " + _AGREES,
    ),
    Cause.DRIFT_BILL_WITH_OTHER_LINES: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "Correct the lines of the bill in NetSuite to match the invoice; wbs-sync never changes a bill. " + _AGREES,
    ),
    Cause.DRIFT_BILL_IN_OTHER_PERIOD: Entry(
        _IN_NETSUITE,
        _ACCOUNTANT,
        "{finding}",
        "If the posting period is wrong, correct the bill in NetSuite; if it is intended, run `wbs-sync problems ignore KEY --until-changed`. "
        + _AGREES,
    ),
    Cause.DRIFT_BILL_NOT_COMPARABLE: Entry(
        _IN_PROCORE,
        _ACCOUNTANT,
        "{finding}",
        "Fix the problem named in the sentence; until then wbs-sync cannot check the bill. " + _AGREES,
    ),
    Cause.DRIFT_ORIGIN_ID_MISSING: Entry(
        _IN_PROCORE,
        _ENGINEER,
        "{finding}",
        "Run `wbs-sync forget --invoice ID --take BILL` so that the next export writes the origin id again: without it, the billed invoice can "
        "still be edited in Procore. " + _AGREES,
    ),
    Cause.DRIFT_ORIGIN_ID_FOREIGN: Entry(
        _IN_PROCORE,
        _ENGINEER,
        "{finding}",
        "Find out which integration wrote it and whether the invoice was billed twice, then restore the origin id of wbs-sync as described in docs/verify.md. "
        + _AGREES,
    ),
    Cause.REMOTE_DOWN: Entry(
        _OUTAGE,
        _ENGINEER,
        "{remote} failed {times} times in a row; the last response was: {answer}",
        "Check the system's status page and the network. Work then resumes automatically.",
    ),
    Cause.ATTEMPTS_EXHAUSTED: Entry(
        _OUTAGE,
        _ENGINEER,
        "All {attempts} attempts failed; the last response was: {answer}",
        "Check the system's status and the worker's log, then scan or export again.",
    ),
    Cause.UNCONFIRMED_WRITE: Entry(
        _OUTAGE,
        _ADMIN,
        "NetSuite did not confirm the write of {name}, and {attempts} attempts to look it up failed; the last response was: {answer}",
        "Check NetSuite's status and the view permissions of the integration role. wbs-sync looks the record up again at least every half hour, "
        "sends nothing until the result is known, and then closes this problem.",
    ),
    Cause.ANSWER_NOT_UNDERSTOOD: Entry(
        _UNKNOWN,
        _ENGINEER,
        "A response was not in the expected format, so nothing was written: {answer}",
        "Check that record and the system's status page. If both are in order, send this message to the maintainers of wbs-sync. "
        + _RETRIED,
    ),
    Cause.UNEXPECTED: Entry(
        _UNKNOWN,
        _ENGINEER,
        "An unexpected error occurred: {answer}",
        "Send this message and the worker's log to the maintainers of wbs-sync. Scan or export again after the fix.",
    ),
}


_CODES = frozenset(cause.value for cause in Cause)


class _Facts(dict[str, str]):
    """The facts of a sentence; a missing one is shown as `?` so that the problem is still listed."""

    def __missing__(self, key: str) -> str:
        return "?"


def cause_of(code: str) -> Cause:
    """Return the cause of a stored code, or UNEXPECTED for a code that this version does not have."""
    return Cause(code) if code in _CODES else Cause.UNEXPECTED


def describe(cause: Cause, facts: Mapping[str, str]) -> Problem:
    """Return the problem with its sentence filled in. Never raises: missing facts are shown as `?`, and long ones are shortened."""
    entry = CATALOGUE[cause]
    shown = _Facts({name: _cut(value) for name, value in facts.items()})
    sentence = entry.sentence.format_map(shown)
    return Problem(cause, entry.problem_class, entry.owner, sentence, entry.next_step)


def _cut(value: str) -> str:
    return shortened(value, LONGEST_FACT)
