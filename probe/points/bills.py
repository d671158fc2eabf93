"""Open points about vendor bills."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

from probe.answers import READ, PossibleAnswer, Settled, Unsettled
from probe.clients.netsuite import BILLS
from probe.point import Point
from probe.points.items import (
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
from probe.session import AMOUNT, Label, ProbeSession, TrialRecord
from worker.clients.netsuite.errors import Meaning
from worker.domain import money
from worker.domain.errors import Blocked, Misconfigured, NotFound, SyncError, UnexpectedAnswer
from worker.domain.posting_periods import next_open, period_of
from worker.domain.problems import Cause


class Absent(PossibleAnswer):
    """The response to a request for a bill that does not exist."""

    NOT_FOUND = "404", 'Read as "it does not exist".'
    WRONG_TYPE = "400", 'Read as "it does not exist", by its text.'
    NOT_RECOGNIZED = "not_recognized", "Every look-up of a bill in doubt is blocked: no bill can be created.", True


class BillAsSet(PossibleAnswer):
    """Whether a bill can be created with these settings."""

    ACCEPTED = "accepted", "Settings and account fit together."
    REFUSED = "refused", "No bill can be created: the response names the field that is missing or wrong.", True
    NUMBER_REPLACED = (
        "number_replaced",
        (
            "The account gives bills its own numbers: the second such bill stops all bills. Setup > Company > Auto-Generated Numbers, for "
            "vendor bills: turn it off or allow override."
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


class ProjectField(PossibleAnswer):
    """The field of a line that keeps the project."""

    CUSTOMER = "customer", "NETSUITE_PROJECT_FIELD is customer."
    JOB = "job", "NETSUITE_PROJECT_FIELD is job."


class DatedInClosedPeriod(PossibleAnswer):
    """The result of a bill with a date in a closed period."""

    RECOGNIZED = "recognized", "Such an invoice is blocked as period_closed."
    LEARNED = "learned", "Blocked as period_closed by the text in this profile; without it as bill_rejected.", True
    AMBIGUOUS = "ambiguous", "Blocked as bill_rejected, with NetSuite's text.", True
    MOVED = (
        "moved",
        "The account's preference posts it into the current period without an error. To get a refusal instead, change the preference.",
    )
    ACCEPTED = (
        "accepted",
        "That period is open, or the account allows posting into it: name a day in a closed one with --closed-day.",
    )


class Periods(PossibleAnswer):
    """Whether posting periods can be read."""

    READABLE = (
        "readable",
        "wbs-sync checks them before it sends a bill, and every NETSUITE_CLOSED_PERIOD can be chosen.",
    )
    NOT_READABLE = (
        "not_readable",
        "With NETSUITE_CLOSED_PERIOD=block NetSuite's own refusal blocks; the other choices need the permission to view accounting periods.",
    )


class OtherPeriod(PossibleAnswer):
    """The result of a bill that names another posting period than that of its date."""

    KEPT = "kept", "NETSUITE_CLOSED_PERIOD=next_open works."
    REFUSED = (
        "refused",
        "NETSUITE_CLOSED_PERIOD=next_open ends as bill_rejected, until the account allows dates outside of the period.",
    )
    IGNORED = (
        "ignored",
        "With NETSUITE_CLOSED_PERIOD=next_open each moved bill ends as a problem: it is in another period.",
        True,
    )


class Negative(PossibleAnswer):
    """The result of a bill whose total is negative."""

    REFUSED = "refused", "As wbs-sync assumes: such an invoice is blocked (needs_vendor_credit) and not sent."
    ACCEPTED = (
        "accepted",
        "Not used: such an invoice becomes a vendor credit, or is left to a person (needs_vendor_credit).",
    )


def bill_absent(session: ProbeSession) -> Settled:
    """Request a bill by an unused external id."""
    try:
        session.netsuite.record(BILLS, f"eid:{session.label().external_id}")
    except NotFound as error:
        return Settled(Absent.NOT_FOUND if str(error).startswith("404") else Absent.WRONG_TYPE, READ)
    except Blocked as error:
        return Settled(Absent.NOT_RECOGNIZED, READ, {"response": session.shape(error)})
    raise Unsettled("NetSuite shows a bill for an unused external id")


def bill_as_set(session: ProbeSession) -> Settled:
    """Create a bill by the settings and read it back: an account may replace its number or add tax without an error."""
    _ = session.item
    try:
        record = session.bill
    except Unsettled:
        if not session.bill_refusal:
            raise
        return Settled(BillAsSet.REFUSED, facts={"response": session.bill_refusal})
    kept = session.netsuite.record(BILLS, record.id)
    is_replaced = "tranId" in kept and kept["tranId"] != record.label.name
    added = money.amount(kept["total"]) - AMOUNT if "total" in kept else money.ZERO
    if is_replaced and added:
        return Settled(BillAsSet.NUMBER_REPLACED_AND_TAX_ADDED, facts={"added": str(added)})
    if added:
        return Settled(BillAsSet.TAX_ADDED, facts={"added": str(added)})
    return Settled(BillAsSet.NUMBER_REPLACED if is_replaced else BillAsSet.ACCEPTED)


def project_field(session: ProbeSession) -> Settled:
    """Find the field in which the trial bill has its project."""
    _ = session.bill
    if not session.project_field:
        raise Unsettled("NetSuite has no project for it: name one with --job")
    answer = ProjectField.JOB if session.project_field == ProjectField.JOB.word else ProjectField.CUSTOMER
    return Settled(answer, effects={"project_field": answer.word})


def closed_period(session: ProbeSession) -> Settled:
    """Create a bill dated in a period that should be closed."""
    day = session.options.closed_day or _two_years_ago()
    facts: dict[str, str | int | float] = {"day": day.isoformat()}
    effects = {Meaning.PERIOD_CLOSED.value: {"bill_closed_period": ""}}
    try:
        record = session.create_bill(session.label(), day=day)
    except Blocked as error:
        facts["response"] = shape = session.shape(error)
        if error.cause is Cause.PERIOD_CLOSED:
            return Settled(DatedInClosedPeriod.RECOGNIZED, facts=facts, effects=effects)
        if not session.is_specific(shape, BILLS):
            return Settled(DatedInClosedPeriod.AMBIGUOUS, facts=facts, effects=effects)
        effects[Meaning.PERIOD_CLOSED.value]["bill_closed_period"] = shape
        return Settled(DatedInClosedPeriod.LEARNED, facts=facts, effects=effects)
    is_moved = _is_moved(session, record, day)
    answer = DatedInClosedPeriod.MOVED if is_moved else DatedInClosedPeriod.ACCEPTED
    return Settled(answer, facts=facts, effects=effects)


def posting_periods(session: ProbeSession) -> Settled:
    """Read the base periods with SuiteQL."""
    try:
        periods = session.netsuite.posting_periods()
    except (Blocked, Misconfigured, NotFound, UnexpectedAnswer) as error:
        return Settled(Periods.NOT_READABLE, READ, {"response": session.shape(error)})
    return Settled(Periods.READABLE, READ, {"periods": len(periods), "open": sum(period.open for period in periods)})


def other_period(session: ProbeSession) -> Settled:
    """Create a bill dated today that names the next open period."""
    try:
        later = next_open(session.netsuite.posting_periods(), datetime.now(UTC).date())
    except SyncError as error:
        raise Unsettled("posting periods cannot be read (posting_periods)") from error
    if later is None:
        raise Unsettled("no later period is open")
    try:
        record = session.create_bill(session.label(), period=later)
    except Blocked as error:
        return Settled(OtherPeriod.REFUSED, facts={"response": session.shape(error)})
    return Settled(OtherPeriod.KEPT if _period_id(session, record) == later.id else OtherPeriod.IGNORED)


def bill_negative(session: ProbeSession) -> Settled:
    """Create a bill with one negative line."""
    try:
        session.create_bill(session.label(), amount=-AMOUNT)
    except Blocked as error:
        return Settled(Negative.REFUSED, facts={"response": session.shape(error)})
    return Settled(Negative.ACCEPTED)


def trial_bill(session: ProbeSession) -> TrialRecord:
    """Return the trial bill of the session, which is created on first use."""
    return session.bill


def same_number(session: ProbeSession) -> TrialRecord:
    """Create a second bill of the vendor with the number of the trial bill."""
    return session.create_bill(session.label(session.bill.label.name))


def same_external_id(session: ProbeSession) -> TrialRecord:
    """Create a second bill with the external id of the trial bill."""
    return session.create_bill(Label(session.bill.label.external_id, session.label().name))


def _is_moved(session: ProbeSession, record: TrialRecord, day: date) -> bool:
    """Return whether a bill is certainly in another period than that of its date."""
    period_id = _period_id(session, record)
    try:
        own = period_of(session.netsuite.posting_periods(), day)
    except SyncError:
        own = None
    if own:
        return period_id != own.id
    return period_id is not None and period_id == _period_id(session, session.bill)


def _period_id(session: ProbeSession, record: TrialRecord) -> object:
    period = session.netsuite.record(BILLS, record.id).get("postingPeriod")
    return period.get("id") if isinstance(period, dict) else None


def _two_years_ago() -> date:
    today = datetime.now(UTC).date()
    return today.replace(year=today.year - 2, day=1)


READS = (
    Point("bill_absent", "What is the response to a request for a bill that does not exist?", "reads an unused external id", Absent,
          bill_absent, writes=False),
    Point("posting_periods", "Does SuiteQL show the posting periods?", "reads them", Periods, posting_periods, writes=False),
)  # fmt: skip
WRITES = (
    Point("bill_as_set", "Can a bill be created with these settings?", "creates the trial bill, of 1.00 for the trial Item, and reads "
          "it", BillAsSet, bill_as_set),
    Point("project_field", "Which field of a bill line takes the project?", "tries `customer`, then `job`, and reads the bill",
          ProjectField, project_field),
    Point("bill_location", "Does the response to a new bill name its address?", "checks that response", Location,
          partial(location, trial_bill)),
    Point("bill_seen_by_id", "Does a look-up by external id show a new bill at once?", "reads the bill", Seen,
          partial(seen_by_id, trial_bill, "bill_seen_by_id")),
    Point("bill_seen_by_query", "Does SuiteQL show a new bill at once?", "queries the bill", Seen,
          partial(seen_by_query, trial_bill)),
    Point("bill_duplicate_id", "What is the response to a second bill with the same external id?", "tries to create one", Duplicate,
          partial(duplicate, same_external_id, "bill_duplicate_id")),
    Point("bill_duplicate_number", "What is the response to a second bill of a vendor with the same number?", "tries to create one",
          Duplicate, partial(duplicate, same_number, "bill_duplicate_number")),
    Point("bill_closed_period", "What happens to a bill dated in a closed period?", "tries to create one, dated two years ago or on "
          "`--closed-day`", DatedInClosedPeriod, closed_period),
    Point("bill_other_period", "May a bill name another posting period than that of its date?", "tries to create one dated today in the "
          "next open period", OtherPeriod, other_period),
    Point("bill_negative", "What happens to a bill whose total is negative?", "tries to create one of -1.00", Negative, bill_negative),
    Point("bills_at_once", "Can two bills with one external id, sent at the same time, both be created?",
          "creates three bills, each sent twice at the same time", AtOnce, partial(at_once, trial_bill, ProbeSession.create_bill)),
)  # fmt: skip
