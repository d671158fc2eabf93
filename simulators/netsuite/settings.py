"""Settings of the simulated NetSuite account.

Accounts differ in preferences, limits and scripts, and some responses of NetSuite are not documented. Each of these is a setting here; its
default is the most likely meaning of Oracle's help.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from simulators.common.settings import CommonSettings


@dataclass
class NetSuiteSettings(CommonSettings):
    """Limits, latencies and preferences; all may change while the simulator runs."""

    # Governance: one pool per account, 5 on the Standard tier (ohelp/section_1525253248, ohelp/subsect_1559222360).
    concurrency_limit: int = 5
    disguise_429_as_401: bool = False  # practitioners report 401 "Invalid login attempt" instead of 429

    # Tokens: an hour (ohelp/article_0907013045).
    token_lifetime: float = 3600.0  # seconds
    expires_in_as: str = "string"  # "string" or "number": both occur

    # Seconds.
    read_latency: float = 0.0
    write_latency: float = 0.0
    line_latency: float = 0.0  # for every line of a bill, added to write_latency
    latency_spread: float = 0.0  # 0.3 makes each of them up to 30% shorter or longer

    # Uniqueness. "atomic": checked at the moment of the commit. "window": checked on arrival, committed
    # `uniqueness_window` + latency later without a second check; Oracle documents neither. "off": never.
    uniqueness: str = "atomic"
    uniqueness_window: float = 0.0  # seconds
    duplicate_item_code: str = "USER_ERROR"  # or DUP_ITEM
    duplicate_external_id_code: str = "USER_ERROR"  # or DUP_RCRD
    duplicate_words: str = ""  # instead of the English text, as for a user with another language
    item_names_ignore_case: bool = True  # whether names that differ in case only are the same: undocumented
    duplicate_numbers: str = "block"  # "block" or "allow" (preference Duplicate Number Warnings, ohelp/section_N547300)

    # Records.
    one_world: bool = True  # then items and bills need a subsidiary (ohelp/section_N276948)
    item_name_max_length: int = 60
    display_name_max_length: int = 60
    long_item_names: str = "refuse"  # or "cut", or "take": undocumented for longer names
    catalog_tells_lengths: bool = True  # an account's catalog may leave them out
    external_id_max_length: int = 0  # 0 = none; undocumented
    long_external_ids: str = "refuse"  # or "cut"
    default_expense_account: str = ""  # Accounting Preferences; "" = none, so that items need their own
    tax_schedule_required: bool = False  # accounts with the legacy tax features
    tax_schedule_over_rest: str = "keep"  # or "drop", or "refuse": published, but documented as unsupported
    project_field: str = "customer"  # which field of a bill's line takes the project: "customer" or "job"
    closed_before: str = (
        ""  # YYYY-MM-DD; posting periods that end before it are closed. Taken from the books at the start
    )
    closed_period_code: str = "USER_ERROR"  # or CLOSED_TRAN_PRD
    closed_period_words: str = ""  # instead of the English text
    ap_locked_before: str = ""  # YYYY-MM-DD; periods that end before it are locked for payables
    # Preferences Allow Transaction Date Outside of Posting Period ("disallow", "allow", or "ignore" = the period in the request has no effect)
    # and Default Posting Period When Transaction Date in Closed Period (here: the first open one after it), and the role's Override Period
    # Restrictions.
    date_outside_period: str = "disallow"
    closed_dates_move: bool = False
    override_period_restrictions: bool = False
    refuse_negative_bills: bool = True
    # Record types ("item", "vendorBill", "vendorCredit") whose names or numbers the account generates, without override: the value
    # that was sent is replaced without an error (ohelp/section_N452342).
    auto_generated_numbers: Sequence[str] = ()
    bill_tax: Decimal = Decimal("0")  # a tax that the account adds to every new bill
    # Approval routing of bills: every new one is pending (help.bill.com, NetSuite: Determining default approval status). Whether a status that
    # was sent takes precedence is not documented; here it does not.
    bills_need_approval: bool = False
    unknown_bill_eid_status: int = 404  # or 400: undocumented
    unknown_bill_words: str = ""  # instead of "Transaction type specified is incorrect."
    unknown_property_code: str = "USER_ERROR"  # or NONEXISTENT_FIELD
    location_on_create: bool = True  # some responses were seen without it
    location_on_update: bool = False  # whether the response to a PUT that updates has a Location: undocumented
    custom_fields: Sequence[str] = ()  # custitem_…, custbody_…, custcol_… that exist in this account and take any value
    # Custom fields that take values of a type only, and that the catalog shows: name -> {"type": "text" | "number" | "integer" |
    # "boolean" | "date" | "reference" | "multi", "list": "customlist_phase", "label": "Phase", "length": 300, "records": ["item",
    # "vendorBill"], "parts": ["body", "item", "expense"]}; all but the type are optional.
    custom_field_types: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # Whether standard properties take only values of the published type, and references only active entries of their lists.
    typed_values: bool = False
    # The account's lists, by SuiteQL's name: "department", "classification", "location", "term", "customlist_…", "customrecord_cseg_…" ->
    # [{"id": "5", "name": "Field", "isinactive": False}]. Entries of "account" and "taxschedule" are added to those of the books.
    # An entry with "subsidiaries": ["3"] is available only there, with "includechildren": True also below them.
    lists: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    # Further fields of projects and vendors, which take precedence over those of the books: "job:33" -> {"custentity_department":
    # {"id": "5"}, "startDate": "2026-03-01"}, "vendor:712" -> {"terms": {"id": "4"}, "email": "ap@example.com"}. References are shown with the
    # name that the list of their field has.
    record_fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # A OneWorld account with these subsidiaries: [{"id": "3", "name": "Harbor CA", "parent": "1", "currency": "2"}]. Then vendors, Items,
    # projects, accounts and classifications have to be available in a bill's subsidiary, and refusals name the record and the subsidiary.
    subsidiaries: Sequence[Mapping[str, Any]] = ()
    # The account's currencies: [{"id": "1", "symbol": "USD", "name": "US Dollar"}, {"id": "2", "symbol": "CAD", "name": "Canadian Dollar",
    # "rate": "0.73"}]. The first is that of the books, and `rate` is what one unit is worth in it. Then every bill has a currency that its
    # vendor takes (`currencies` of the vendor) and an exchange rate.
    currencies: Sequence[Mapping[str, Any]] = ()
    # Whether an account or classification of another subsidiary is refused as an Invalid Field Value: both texts were seen for departments.
    wrong_subsidiary_is_invalid_value: bool = False

    # Seconds until a new record is found by its external id (undocumented).
    eid_lag: float = 0.0

    # SuiteQL.
    suiteql_case_insensitive: bool = False
    suiteql_lag: float = 0.0  # seconds until a new record is seen by queries
    suiteql_nulls: bool = False  # whether a row contains its empty columns as null, or leaves them out
    suiteql_date_format: str = "%Y-%m-%d"  # an account shows dates in the format of its user
    suiteql_needs_direction: bool = False  # in some accounts ORDER BY without ASC or DESC returns no rows
    suiteql_bill_sign: int = 1  # -1: bills show a negative foreigntotal

    # Asynchronous jobs: as many processors as SuiteCloud Plus licenses (ohelp/chapter_161251386312).
    async_processors: int = 2

    # Such as "vendorBill:create", "item:update", "item:read", "accountingPeriod", "account", "taxSchedule", "suiteql".
    missing_permissions: Sequence[str] = ()
    # What the role cannot see, as SuiteQL says it: "vendor" for a table, "item.subtype" for one column.
    hidden_from_queries: Sequence[str] = ()
    # Fields that the role's form does not show: "memo" of bills and credits, "item.customer" for their lines, "vendorBill:terms" of one
    # record type, "item:class" of Items.
    hidden_on_form: Sequence[str] = ()
    # Fields that the role's form makes mandatory: "vendorBill:department", "vendorBill:item.location" for its lines, "item:cseg_phase" for
    # Items of every type. The catalog does not show them (no public catalog has `nullable: false`).
    mandatory_fields: Sequence[str] = ()
    missing_fields_at_once: bool = False  # whether a refusal names all missing fields, or only the first: undocumented
    field_labels: Mapping[str, str] = field(default_factory=dict)  # property -> the account's own name of the field
    # Internal ids of vendors that the role is restricted from: their bills are refused, all others are not.
    restricted_vendors: Sequence[str] = ()
