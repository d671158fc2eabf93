"""Open points about Items."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from probe.answers import READ, PossibleAnswer, Settled, Unsettled
from probe.clients.netsuite import BILLS
from probe.point import Point
from probe.session import Label, ProbeSession, TrialRecord
from worker.clients.netsuite import wire
from worker.clients.netsuite.errors import Meaning
from worker.domain.errors import AlreadyExists, Blocked, Misconfigured, NotFound, OutcomeUnknown, SyncError
from worker.domain.wbs_codes import ITEM_NAME_LIMIT

MAX_EXTERNAL_ID_LENGTH = 67
"""The longest external id that wbs-sync can send: three ids of Procore with 19 digits each."""
PAIRS_AT_ONCE = 3


class NameLength(PossibleAnswer):
    """What the metadata catalog says about the length of a name."""

    REPORTED = "reported", "The limit in the catalog applies to names."
    SILENT = "silent", f"The usual limit of {ITEM_NAME_LIMIT} characters applies."


class DisplayName(PossibleAnswer):
    """What the catalog says about the length of a display name."""

    ENOUGH = "60_or_more", "Descriptions are cut at 60 characters, which fit."
    LESS = "less_than_60", "Items with a longer description will be refused.", True
    SILENT = "silent", "Descriptions are cut at 60 characters."


class AsSet(PossibleAnswer):
    """Whether an Item can be created with these settings."""

    ACCEPTED = "accepted", "Settings and account fit together."
    REFUSED = (
        "refused",
        "No Item can be created: the response names the field that is missing or wrong. The other points about records wait for it.",
        True,
    )
    NAME_REPLACED = (
        "name_replaced",
        (
            "The account gives Items its own names: the second such Item stops all Items. Setup > Company > Auto-Generated Numbers, for "
            "Items: turn it off or allow override."
        ),
        True,
    )


class Location(PossibleAnswer):
    """Whether the response to a create names the record."""

    GIVEN = "given", "The internal id is taken from it."
    MISSING = "missing", "The id is looked up by external id: one more request for each record."


class Seen(PossibleAnswer):
    """When a look-up shows a new record."""

    AT_ONCE = "at_once", "A look-up after a write is reliable."
    LATER = "later", "A look-up too early finds nothing. By external id: the settle time is longer by this delay."
    NOT_YET = "not_within_a_minute", "wbs-sync cannot find out the result of a write in doubt.", True


class Duplicate(PossibleAnswer):
    """The response to a second record with the same identity."""

    RECOGNIZED = "recognized", 'Read as "it exists already": the record is looked up.'
    LEARNED = (
        "learned",
        'A text that wbs-sync does not know; with this profile it reads it as "it exists already".',
        True,
    )
    AMBIGUOUS = (
        "ambiguous",
        "Other refusals have the same text: the record is blocked instead of looked up.",
        True,
    )
    ACCEPTED = "accepted", "NetSuite does not prevent duplicates; only the lock and the look-up before each write do."


class Case(PossibleAnswer):
    """Whether names that differ only in case are the same."""

    SAME = "same", "As wbs-sync assumes: if two codes have such names, both are blocked."
    DIFFERENT = "different", "wbs-sync blocks two such codes although NetSuite would accept both."


class TooLong(PossibleAnswer):
    """The result of a name that is too long."""

    REFUSED = "refused", "As wbs-sync assumes; it blocks a longer name before sending it."
    CUT = "cut", "Two codes could get the same name. wbs-sync blocks the longer name itself.", True
    ACCEPTED = "accepted", "Names longer than the known limit are accepted; wbs-sync blocks them anyway."


class LongIds(PossibleAnswer):
    """The result of the longest external id that wbs-sync can send."""

    WHOLE = "whole", "All external ids of wbs-sync fit."
    CUT = "cut", "Two Items could get the same external id.", True
    REFUSED = "refused", "Items of a company with very long ids cannot be created.", True


class Needed(PossibleAnswer):
    """Whether a new Item needs a field."""

    NEEDED = "needed", "Its setting must have a value; `wbs-sync check` reports if it has none."
    OPTIONAL = "optional", "Its setting may stay empty: the account has a default, or needs none."


class TaxSchedule(PossibleAnswer):
    """Whether the tax schedule can be set over REST."""

    KEPT = "kept", "NETSUITE_TAX_SCHEDULE_ID works."
    DROPPED = "dropped", "NetSuite accepts it and does not keep it: Items have another one, or none.", True
    REFUSED = "refused", "NETSUITE_TAX_SCHEDULE_ID must stay empty; `wbs-sync check` reports while it is set.", True


class AtOnce(PossibleAnswer):
    """The result of two writes of one identity, sent at the same time."""

    ONE = "one", "Only one succeeded in each try. The lock only saves requests."
    BOTH = "both", "NetSuite checks before it commits: only the lock prevents duplicates. Do not run without it."


def item_name_length(session: ProbeSession) -> Settled:
    """Read the catalog's limit for `itemId`."""
    limit = wire.name_limit(_schema(session))
    if limit is None:
        return Settled(NameLength.SILENT, READ, effects={"item_name_limit": None})
    return Settled(NameLength.REPORTED, READ, {"characters": limit}, {"item_name_limit": limit})


def display_name_length(session: ProbeSession) -> Settled:
    """Read the catalog's limit for `displayName`."""
    limit = wire.name_limit(_schema(session), "displayName")
    if limit is None:
        return Settled(DisplayName.SILENT, READ)
    answer = DisplayName.LESS if limit < ITEM_NAME_LIMIT else DisplayName.ENOUGH
    return Settled(answer, READ, {"characters": limit})


def item_as_set(session: ProbeSession) -> Settled:
    """Create an Item by the settings and read it back: an account may replace its name without an error."""
    try:
        record = session.item
    except Unsettled:
        return Settled(AsSet.REFUSED, facts={"response": session.item_refusal})
    name = session.netsuite.record(record.record_type, record.id).get("itemId", record.label.name)
    return Settled(AsSet.ACCEPTED if name == record.label.name else AsSet.NAME_REPLACED)


def location(record_of: Callable[[ProbeSession], TrialRecord], session: ProbeSession) -> Settled:
    """Check whether the response to a create had a `Location`."""
    return Settled(Location.GIVEN if record_of(session).created.located else Location.MISSING)


def seen_by_id(record_of: Callable[[ProbeSession], TrialRecord], point_id: str, session: ProbeSession) -> Settled:
    """Measure a record's age when GET by external id first shows it."""
    record, netsuite = record_of(session), session.netsuite
    age = session.seconds_until_seen(
        lambda: netsuite.is_seen_by_id(record.record_type, record.label.external_id), record
    )
    return _seen(age, {"look_up_lag_seconds": {point_id: age}})


def seen_by_query(record_of: Callable[[ProbeSession], TrialRecord], session: ProbeSession) -> Settled:
    """Measure a record's age when SuiteQL first shows it."""
    record, netsuite = record_of(session), session.netsuite
    age = session.seconds_until_seen(
        lambda: netsuite.is_seen_by_query(record.record_type, record.label.external_id), record
    )
    return _seen(age, {})


def duplicate(create_again: Callable[[ProbeSession], TrialRecord], point_id: str, session: ProbeSession) -> Settled:
    """Create a second record with the same identity."""
    nothing_learned = {Meaning.ALREADY_EXISTS.value: {point_id: ""}}
    try:
        create_again(session)
    except AlreadyExists as error:
        return Settled(Duplicate.RECOGNIZED, facts={"response": session.shape(error)}, effects=nothing_learned)
    except Blocked as error:
        shape = session.shape(error)
        record_type = BILLS if point_id.startswith("bill") else session.netsuite.item_type
        if not session.is_specific(shape, record_type):
            return Settled(Duplicate.AMBIGUOUS, facts={"response": shape}, effects=nothing_learned)
        learned = {Meaning.ALREADY_EXISTS.value: {point_id: shape}}
        return Settled(Duplicate.LEARNED, facts={"response": shape}, effects=learned)
    return Settled(Duplicate.ACCEPTED, effects=nothing_learned)


def item_name_case(session: ProbeSession) -> Settled:
    """Create an Item whose name differs only in case."""
    label = session.label(session.item.label.name.upper())
    try:
        session.create_item(label)
    except (AlreadyExists, Blocked) as error:
        return Settled(Case.SAME, facts={"response": session.shape(error)})
    return Settled(Case.DIFFERENT)


def item_name_too_long(session: ProbeSession) -> Settled:
    """Create an Item whose name is one character longer than the known limit."""
    limit = wire.name_limit(_schema(session)) or ITEM_NAME_LIMIT
    label = session.label()
    label = Label(label.external_id, label.name.ljust(limit + 1, "x"))
    try:
        record = session.create_item(label)
    except Blocked as error:
        return Settled(TooLong.REFUSED, facts={"characters": limit + 1, "response": session.shape(error)})
    name = str(session.netsuite.record(record.record_type, record.id).get("itemId"))
    return Settled(TooLong.ACCEPTED if name == label.name else TooLong.CUT, facts={"characters": limit + 1})


def external_id_length(session: ProbeSession) -> Settled:
    """Create an Item with the longest external id that wbs-sync can send."""
    label = session.label()
    label = Label(label.external_id.ljust(MAX_EXTERNAL_ID_LENGTH, "0"), label.name)
    try:
        record = session.create_item(label)
    except Blocked as error:
        return Settled(LongIds.REFUSED, facts={"characters": MAX_EXTERNAL_ID_LENGTH, "response": session.shape(error)})
    except OutcomeUnknown:
        # It was created, but no record has the whole external id. Cleanup finds it by the prefix.
        return Settled(LongIds.CUT, facts={"characters": MAX_EXTERNAL_ID_LENGTH})
    kept = str(session.netsuite.record(record.record_type, record.id).get("externalId", ""))
    answer = LongIds.WHOLE if kept.lower() == label.external_id.lower() else LongIds.CUT
    return Settled(answer, facts={"characters": len(kept)})


def needed(field: str, setting: str, session: ProbeSession) -> Settled:
    """Create an Item without a field that has a value in the settings."""
    label, optional = session.label(), {"needed_settings": {setting: False}}
    if session.item and field not in session.item_body(label):
        return Settled(Needed.OPTIONAL, effects=optional)
    try:
        session.create_item(label, without=field)
    except Blocked as error:
        required = {"needed_settings": {setting: True}}
        return Settled(Needed.NEEDED, facts={"response": session.shape(error)}, effects=required)
    return Settled(Needed.OPTIONAL, effects=optional)


def tax_schedule(session: ProbeSession) -> Settled:
    """Read whether the Item has the tax schedule of the settings."""
    record = session.item
    if session.tax_schedule_refused:
        return Settled(TaxSchedule.REFUSED, effects={"takes_tax_schedule": False})
    wanted = session.item_body(record.label).get("taxSchedule")
    if wanted is None:
        raise Unsettled("NETSUITE_TAX_SCHEDULE_ID is not set")
    kept = session.netsuite.record(record.record_type, record.id).get("taxSchedule")
    is_kept = isinstance(kept, dict) and str(kept.get("id")) == wanted["id"]
    return Settled(TaxSchedule.KEPT if is_kept else TaxSchedule.DROPPED, effects={"takes_tax_schedule": is_kept})


def at_once(
    record_of: Callable[[ProbeSession], TrialRecord],
    create: Callable[[ProbeSession, Label], TrialRecord],
    session: ProbeSession,
) -> Settled:
    """Send pairs of creates with one external id, each pair at the same time."""
    record_of(session)
    for number in range(1, PAIRS_AT_ONCE + 1):
        one, other = session.label(), session.label()
        twin = Label(one.external_id, other.name)
        results = session.at_once(partial(create, session, one), partial(create, session, twin))
        # Counted by responses, not by ids: if the response names no id, a look-up by external id shows one of the two twice.
        created = sum(isinstance(result, TrialRecord) for result in results)
        if created == 2:
            return Settled(AtOnce.BOTH, f"in try {number} of {PAIRS_AT_ONCE}")
        if any(isinstance(one, SyncError) and not isinstance(one, AlreadyExists | Blocked) for one in results):
            raise Unsettled("at least one write got no response")
        if not created:
            raise Unsettled("both writes were refused")
    return Settled(AtOnce.ONE, f"{PAIRS_AT_ONCE} of {PAIRS_AT_ONCE} tries; no number of tries can prove it")


def trial_item(session: ProbeSession) -> TrialRecord:
    """Return the trial Item of the session, which is created on first use."""
    return session.item


def same_name(session: ProbeSession) -> TrialRecord:
    """Create a second Item with the name of the trial Item."""
    return session.create_item(session.label(session.item.label.name))


def same_external_id(session: ProbeSession) -> TrialRecord:
    """Create a second Item with the external id of the trial Item."""
    return session.create_item(Label(session.item.label.external_id, session.label().name))


def _schema(session: ProbeSession) -> object:
    """Return the Item's entry in the metadata catalog; None if the role may not read it or there is none."""
    try:
        return session.netsuite.schema(session.netsuite.item_type)
    except (NotFound, Blocked, Misconfigured):
        return None


def _seen(age: float | None, effects: dict[str, dict[str, float | None]]) -> Settled:
    if age is None:
        return Settled(Seen.NOT_YET, effects=effects)
    return Settled(Seen.LATER if age else Seen.AT_ONCE, facts={"seconds": age}, effects=effects)


READS = (
    Point("item_name_length", "How long may an Item's name be?", "reads the metadata catalog of the Item's type",
          NameLength, item_name_length, writes=False),
    Point("display_name_length", "How long may an Item's display name be?", "reads the same catalog", DisplayName,
          display_name_length, writes=False),
)  # fmt: skip
WRITES = (
    Point("item_as_set", "Can an Item be created with these settings?", "creates the trial Item and reads it", AsSet, item_as_set),
    Point("item_location", "Does the response to a new Item name its address?", "checks that response", Location,
          partial(location, trial_item)),
    Point("item_seen_by_id", "Does a look-up by external id show a new Item at once?", "reads the Item", Seen,
          partial(seen_by_id, trial_item, "item_seen_by_id")),
    Point("item_seen_by_query", "Does SuiteQL show a new Item at once?", "queries the Item", Seen,
          partial(seen_by_query, trial_item)),
    Point("item_duplicate_name", "What is the response to a second Item with the same name?", "tries to create one", Duplicate,
          partial(duplicate, same_name, "item_duplicate_name")),
    Point("item_duplicate_id", "What is the response to a second Item with the same external id?", "tries to create one", Duplicate,
          partial(duplicate, same_external_id, "item_duplicate_id")),
    Point("item_name_case", "Are names that differ only in case the same?", "tries to create such an Item", Case, item_name_case),
    Point("item_name_too_long", "What happens to a name that is too long?", "tries to create such an Item", TooLong,
          item_name_too_long),
    Point("external_id_length", "Is the longest external id of wbs-sync kept whole?", "creates an Item with one of 67 characters",
          LongIds, external_id_length),
    Point("expense_account", "Does a new Item need an expense account?", "tries to create an Item without one", Needed,
          partial(needed, "expenseAccount", "NETSUITE_EXPENSE_ACCOUNT_ID")),
    Point("subsidiary", "Does a new Item need a subsidiary?", "tries to create an Item without one", Needed,
          partial(needed, "subsidiary", "NETSUITE_SUBSIDIARY_ID")),
    Point("tax_schedule_needed", "Does a new Item need a tax schedule?", "tries to create an Item without one", Needed,
          partial(needed, "taxSchedule", "NETSUITE_TAX_SCHEDULE_ID")),
    Point("tax_schedule", "Can the tax schedule be set over REST?", "reads the Item", TaxSchedule, tax_schedule),
    Point("items_at_once", "Can two Items with one external id, sent at the same time, both be created?",
          "creates three Items, each sent twice at the same time", AtOnce, partial(at_once, trial_item, ProbeSession.create_item)),
)  # fmt: skip
