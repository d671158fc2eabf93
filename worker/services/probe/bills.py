"""Open points about vendor bills."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

from worker.clients.netsuite.sandbox import BILLS
from worker.domain import money
from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError, UnexpectedAnswer
from worker.domain.posting_periods import next_open, period_of
from worker.domain.problems import Cause
from worker.domain.refusals import Meaning
from worker.services.probe.bench import AMOUNT, Bench, Label, Made
from worker.services.probe.items import (
    AtOnce,
    Duplicate,
    Location,
    Seen,
    at_once,
    duplicate,
    location,
    seen_by_id,
    seen_by_query,
)
from worker.services.probe.point import READ, Answers, Found, Point, Unsettled


class Absent(Answers):
    """What a bill that does not exist is answered with."""

    NOT_FOUND = "404", 'Taken as "it does not exist".'
    WRONG_TYPE = "400", 'Taken as "it does not exist", by its words.'
    NOT_RECOGNISED = "not_recognised", "Every look for a bill in doubt is blocked: no bill can be written.", True


class BillAsSet(Answers):
    """Whether the settings make a bill."""

    TAKEN = "taken", "Settings and account fit together."
    REFUSED = "refused", "No bill can be made: the words name the field that is lacking or wrong.", True
    NUMBER_REPLACED = (
        "number_replaced",
        (
            "The account gives bills numbers of its own: the second such bill stops all bills. Setup > Company > Auto-Generated Numbers, for "
            "vendor bills: switch it off or allow override."
        ),
        True,
    )
    TAX_ADDED = (
        "tax_added",
        (
            "The account adds tax to bills: the second such bill stops all bills. Check the default tax code of the vendor and of Setup > "
            "Accounting > Set Up Taxes."
        ),
        True,
    )
    NUMBER_REPLACED_AND_TAX_ADDED = "number_replaced_and_tax_added", "Both.", True


class ProjectField(Answers):
    """Which field of a line keeps the project."""

    CUSTOMER = "customer", "NETSUITE_PROJECT_FIELD is customer."
    JOB = "job", "NETSUITE_PROJECT_FIELD is job."


class ClosedPeriod(Answers):
    """What becomes of a bill with a date in a closed period."""

    RECOGNISED = "recognised", "Such an invoice is blocked as period_closed."
    LEARNT = "learnt", "Blocked as period_closed by the words in this profile; without it as bill_refused.", True
    NOT_TOLD_APART = "not_told_apart", "Blocked as bill_refused, with NetSuite's words.", True
    MOVED = (
        "moved",
        "The account's preference posts it into the current period without a word. Who wants the refusal changes the preference.",
    )
    TAKEN = (
        "taken",
        "That period is open, or the account lets it be posted: name a day of a closed one with --closed-day.",
    )


class Periods(Answers):
    """Whether posting periods can be read."""

    READABLE = "readable", "Closed ones are told before a bill is sent, and each NETSUITE_CLOSED_PERIOD can be chosen."
    NOT_READABLE = (
        "not_readable",
        "With NETSUITE_CLOSED_PERIOD=block NetSuite's own refusal blocks; the other choices need the permission to view accounting periods.",
    )


class OtherPeriod(Answers):
    """What becomes of a bill that names a posting period in which its date does not lie."""

    KEPT = "kept", "NETSUITE_CLOSED_PERIOD=next_open works."
    REFUSED = (
        "refused",
        "NETSUITE_CLOSED_PERIOD=next_open ends as bill_refused, until the account allows dates outside of the period.",
    )
    IGNORED = (
        "ignored",
        "Under NETSUITE_CLOSED_PERIOD=next_open each moved bill ends as a problem: it stands elsewhere.",
        True,
    )


class Negative(Answers):
    """What becomes of a bill whose total is below zero."""

    REFUSED = "refused", "As wbs-sync takes it: such an invoice is blocked (needs_vendor_credit) and not sent."
    TAKEN = "taken", "Not used: such an invoice becomes a vendor credit, or is a person's (needs_vendor_credit)."


def bill_absent(bench: Bench) -> Found:
    """GET of a bill by an external id that nobody has."""
    try:
        bench.netsuite.record(BILLS, f"eid:{bench.label().external_id}")
    except NotFound as error:
        return Found(Absent.NOT_FOUND if str(error).startswith("404") else Absent.WRONG_TYPE, READ)
    except Blocked as error:
        return Found(Absent.NOT_RECOGNISED, READ, {"words": bench.shape(error)})
    raise Unsettled("NetSuite shows a bill under an external id that nobody has")


def bill_as_set(bench: Bench) -> Found:
    """A bill by the settings, read back: an account may replace its number or add tax, and no error says so."""
    _ = bench.item
    try:
        made = bench.bill
    except Unsettled:
        if not bench.bill_refusal:
            raise
        return Found(BillAsSet.REFUSED, facts={"words": bench.bill_refusal})
    kept = bench.netsuite.record(BILLS, made.id)
    is_replaced = "tranId" in kept and kept["tranId"] != made.label.name
    added = money.amount(kept["total"]) - AMOUNT if "total" in kept else money.ZERO
    if is_replaced and added:
        return Found(BillAsSet.NUMBER_REPLACED_AND_TAX_ADDED, facts={"added": str(added)})
    if added:
        return Found(BillAsSet.TAX_ADDED, facts={"added": str(added)})
    return Found(BillAsSet.NUMBER_REPLACED if is_replaced else BillAsSet.TAKEN)


def project_field(bench: Bench) -> Found:
    """The field in which the probe's bill keeps its project."""
    _ = bench.bill
    if not bench.project_field:
        raise Unsettled("NetSuite has no project for it: name one with --job")
    answer = ProjectField.JOB if bench.project_field == ProjectField.JOB.word else ProjectField.CUSTOMER
    return Found(answer, effects={"project_field": answer.word})


def closed_period(bench: Bench) -> Found:
    """A bill dated in a period that should be closed."""
    day = bench.wishes.closed_day or _two_years_ago()
    facts: dict[str, str | int | float] = {"day": day.isoformat()}
    learnt = {Meaning.PERIOD_CLOSED.value: {"bill_closed_period": ""}}
    try:
        made = bench.make_bill(bench.label(), day=day)
    except Blocked as error:
        facts["words"] = shape = bench.shape(error)
        if error.cause is Cause.PERIOD_CLOSED:
            return Found(ClosedPeriod.RECOGNISED, facts=facts, effects=learnt)
        if not bench.tells_apart(shape, BILLS):
            return Found(ClosedPeriod.NOT_TOLD_APART, facts=facts, effects=learnt)
        learnt[Meaning.PERIOD_CLOSED.value]["bill_closed_period"] = shape
        return Found(ClosedPeriod.LEARNT, facts=facts, effects=learnt)
    is_moved = _is_moved(bench, made, day)
    return Found(ClosedPeriod.MOVED if is_moved else ClosedPeriod.TAKEN, facts=facts, effects=learnt)


def posting_periods(bench: Bench) -> Found:
    """The base periods by SuiteQL."""
    try:
        periods = bench.netsuite.posting_periods()
    except (Blocked, Misconfigured, NotFound, UnexpectedAnswer) as error:
        return Found(Periods.NOT_READABLE, READ, {"words": bench.shape(error)})
    return Found(Periods.READABLE, READ, {"periods": len(periods), "open": sum(period.open for period in periods)})


def other_period(bench: Bench) -> Found:
    """A bill of today that names the next open period."""
    try:
        later = next_open(bench.netsuite.posting_periods(), datetime.now(UTC).date())
    except SyncError as error:
        raise Unsettled("posting periods cannot be read (posting_periods)") from error
    if later is None:
        raise Unsettled("no later period is open")
    try:
        made = bench.make_bill(bench.label(), period=later)
    except Blocked as error:
        return Found(OtherPeriod.REFUSED, facts={"words": bench.shape(error)})
    return Found(OtherPeriod.KEPT if _period(bench, made) == later.id else OtherPeriod.IGNORED)


def bill_negative(bench: Bench) -> Found:
    """A bill of one negative line."""
    try:
        bench.make_bill(bench.label(), amount=-AMOUNT)
    except Blocked as error:
        return Found(Negative.REFUSED, facts={"words": bench.shape(error)})
    return Found(Negative.TAKEN)


def the_bill(bench: Bench) -> Made:
    """The probe's own bill."""
    return bench.bill


def same_number(bench: Bench) -> Made:
    """A second bill of the vendor with the same number."""
    return bench.make_bill(bench.label(bench.bill.label.name))


def same_external_id(bench: Bench) -> Made:
    """A second bill with the same external id."""
    return bench.make_bill(Label(bench.bill.label.external_id, bench.label().name))


def _is_moved(bench: Bench, made: Made, day: date) -> bool:
    """Whether a bill certainly stands in another period than that of its day."""
    period = _period(bench, made)
    try:
        own = period_of(bench.netsuite.posting_periods(), day)
    except SyncError:
        own = None
    return period != own.id if own else period is not None and period == _period(bench, bench.bill)


def _period(bench: Bench, made: Made) -> object:
    period = bench.netsuite.record(BILLS, made.id).get("postingPeriod")
    return period.get("id") if isinstance(period, dict) else None


def _two_years_ago() -> date:
    today = datetime.now(UTC).date()
    return today.replace(year=today.year - 2, day=1)


READS = (
    Point("bill_absent", "What answers a look for a bill that does not exist?", "reads an external id that nobody has", Absent,
          bill_absent, writes=False),
    Point("posting_periods", "Does SuiteQL show the posting periods?", "reads them", Periods, posting_periods, writes=False),
)  # fmt: skip
WRITES = (
    Point("bill_as_set", "Is a bill taken as the settings make it?", "makes the probe's bill, of 1.00 on the probe's Item, and reads "
          "it", BillAsSet, bill_as_set),
    Point("project_field", "Which field of a bill line takes the project?", "tries `customer`, then `job`, and reads the bill",
          ProjectField, project_field),
    Point("bill_location", "Does the answer to a new bill name its address?", "looks at that answer", Location,
          partial(location, the_bill)),
    Point("bill_seen_by_id", "Does a look by external id show a new bill at once?", "reads the bill", Seen,
          partial(seen_by_id, the_bill, "bill_seen_by_id")),
    Point("bill_seen_by_query", "Does SuiteQL show a new bill at once?", "asks for the bill", Seen, partial(seen_by_query, the_bill)),
    Point("bill_duplicate_id", "What answers a second bill with the same external id?", "tries to make one", Duplicate,
          partial(duplicate, same_external_id, "bill_duplicate_id")),
    Point("bill_duplicate_number", "What answers a second bill of a vendor with the same number?", "tries to make one", Duplicate,
          partial(duplicate, same_number, "bill_duplicate_number")),
    Point("bill_closed_period", "What becomes of a bill dated in a closed period?", "tries to make one, dated two years back or as "
          "`--closed-day` says", ClosedPeriod, closed_period),
    Point("bill_other_period", "May a bill name another posting period than that of its date?", "tries to make one of today in the "
          "next open period", OtherPeriod, other_period),
    Point("bill_negative", "What becomes of a bill whose total is negative?", "tries to make one of -1.00", Negative, bill_negative),
    Point("bills_at_once", "Do two bills of one external id both get through, sent at the same time?",
          "makes three bills, each sent twice at the same time", AtOnce, partial(at_once, the_bill, Bench.make_bill)),
)  # fmt: skip
