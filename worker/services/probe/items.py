"""Open points about Items."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from worker.clients.netsuite import wire
from worker.clients.netsuite.sandbox import BILLS
from worker.domain.errors import AlreadyExists, Blocked, Misconfigured, NotFound, OutcomeUnknown, SyncError
from worker.domain.refusals import Meaning
from worker.domain.wbs_codes import ITEM_NAME_LIMIT
from worker.services.probe.bench import Bench, Label, Made
from worker.services.probe.point import READ, Answers, Found, Point, Unsettled

LONGEST_EXTERNAL_ID = 67
"""What ours can come to: three ids of Procore with 19 digits each."""
TRIES_AT_ONCE = 3


class NameLength(Answers):
    """What the metadata catalog says of a name's length."""

    TOLD = "told", "The catalog's number holds for names."
    SILENT = "silent", f"The usual {ITEM_NAME_LIMIT} characters are taken to hold."


class DisplayName(Answers):
    """What the catalog says of a display name's length."""

    ENOUGH = "60_or_more", "Descriptions are cut at 60 characters, which fit."
    LESS = "less_than_60", "Items with a longer description will be refused.", True
    SILENT = "silent", "Descriptions are cut at 60 characters."


class AsSet(Answers):
    """Whether the settings make an Item."""

    TAKEN = "taken", "Settings and account fit together."
    REFUSED = (
        "refused",
        "No Item can be made: the words name the field that is lacking or wrong. The other points about records wait for it.",
        True,
    )
    NAME_REPLACED = (
        "name_replaced",
        (
            "The account gives Items names of its own: the second such Item stops all Items. Setup > Company > Auto-Generated Numbers, for "
            "Items: switch it off or allow override."
        ),
        True,
    )


class Location(Answers):
    """Whether a creation's answer names the record."""

    GIVEN = "given", "The internal id is taken from it."
    MISSING = "missing", "The id is read by external id: one more request for each record."


class Seen(Answers):
    """When a look shows a record that was just made."""

    AT_ONCE = "at_once", "A look after a write tells the truth."
    LATER = "later", "A look too early finds nothing. By external id: the settle time is longer by that much."
    NOT_YET = "not_within_a_minute", "wbs-sync cannot tell what became of a write in doubt.", True


class Duplicate(Answers):
    """What answers a second record of the same identity."""

    RECOGNISED = "recognised", 'Taken as "it exists already": the record is looked up.'
    LEARNT = (
        "learnt",
        'Words that wbs-sync does not know by itself; with this profile it takes them as "it exists already".',
        True,
    )
    NOT_TOLD_APART = (
        "not_told_apart",
        "Its words are those of other refusals: the record is blocked instead of looked up.",
        True,
    )
    TAKEN = "taken", "NetSuite keeps nobody from making two; the lock and the look before each write have to."


class Case(Answers):
    """Whether names that differ in case only are the same."""

    SAME = "same", "As wbs-sync takes it: of two such codes both are blocked."
    DIFFERENT = "different", "wbs-sync blocks two such codes although NetSuite would take both."


class TooLong(Answers):
    """What becomes of a name that is too long."""

    REFUSED = "refused", "As wbs-sync counts on; a longer name is blocked before it is sent."
    CUT = "cut", "Never to be relied on: two codes could become one name. wbs-sync blocks the longer name itself.", True
    TAKEN = "taken", "Longer names than the known limit are taken; wbs-sync blocks them all the same."


class LongIds(Answers):
    """What becomes of the longest external id that ours can come to."""

    WHOLE = "whole", "All our external ids fit."
    CUT = "cut", "Two Items could get the same external id.", True
    REFUSED = "refused", "Items of a company with very long ids cannot be made.", True


class Needed(Answers):
    """Whether a new Item needs a field."""

    NEEDED = "needed", "Its setting has to have a value; `wbs-sync check` tells when it has none."
    OPTIONAL = "optional", "Its setting may stay empty: the account has a default, or does without."


class TaxSchedule(Answers):
    """Whether the tax schedule can be set over REST."""

    KEPT = "kept", "NETSUITE_TAX_SCHEDULE_ID works."
    DROPPED = "dropped", "NetSuite takes it and forgets it: Items have another one, or none.", True
    REFUSED = "refused", "NETSUITE_TAX_SCHEDULE_ID has to stay empty; `wbs-sync check` tells while it is set.", True


class AtOnce(Answers):
    """What becomes of two writes at once of one identity."""

    ONE = "one", "One gets through each time, as far as was seen. The lock only saves requests."
    BOTH = "both", "NetSuite checks before it commits: the lock alone keeps two apart. Do not work without it."


def item_name_length(bench: Bench) -> Found:
    """The catalog's length of `itemId`."""
    try:
        limit = wire.name_limit(bench.netsuite.schema(bench.netsuite.item_type))
    except (NotFound, Blocked, Misconfigured):
        limit = None
    if limit is None:
        return Found(NameLength.SILENT, READ, effects={"item_name_limit": None})
    return Found(NameLength.TOLD, READ, {"characters": limit}, {"item_name_limit": limit})


def display_name_length(bench: Bench) -> Found:
    """The catalog's length of `displayName`."""
    try:
        limit = wire.name_limit(bench.netsuite.schema(bench.netsuite.item_type), "displayName")
    except (NotFound, Blocked, Misconfigured):
        limit = None
    if limit is None:
        return Found(DisplayName.SILENT, READ)
    answer = DisplayName.LESS if limit < ITEM_NAME_LIMIT else DisplayName.ENOUGH
    return Found(answer, READ, {"characters": limit})


def item_as_set(bench: Bench) -> Found:
    """An Item by the settings, read back: an account may replace its name, and no error says so."""
    try:
        made = bench.item
    except Unsettled:
        return Found(AsSet.REFUSED, facts={"words": bench.item_refusal})
    name = bench.netsuite.record(made.record_type, made.id).get("itemId", made.label.name)
    return Found(AsSet.TAKEN if name == made.label.name else AsSet.NAME_REPLACED)


def location(record: Callable[[Bench], Made], bench: Bench) -> Found:
    """`Location` of a record that was made."""
    return Found(Location.GIVEN if record(bench).created.located else Location.MISSING)


def seen_by_id(record: Callable[[Bench], Made], point_id: str, bench: Bench) -> Found:
    """A record's age when GET by external id first shows it."""
    made = record(bench)
    age = bench.seconds_until(lambda: bench.netsuite.is_seen_by_id(made.record_type, made.label.external_id), made)
    return _seen(age, {"look_up_lag_seconds": {point_id: age}})


def seen_by_query(record: Callable[[Bench], Made], bench: Bench) -> Found:
    """A record's age when SuiteQL first shows it."""
    made = record(bench)
    return _seen(
        bench.seconds_until(lambda: bench.netsuite.is_seen_by_query(made.record_type, made.label.external_id), made), {}
    )


def duplicate(again: Callable[[Bench], Made], point_id: str, bench: Bench) -> Found:
    """What a second record of an identity is answered with."""
    learnt = {Meaning.ALREADY_EXISTS.value: {point_id: ""}}
    try:
        again(bench)
    except AlreadyExists as error:
        return Found(Duplicate.RECOGNISED, facts={"words": bench.shape(error)}, effects=learnt)
    except Blocked as error:
        shape = bench.shape(error)
        record_type = BILLS if point_id.startswith("bill") else bench.netsuite.item_type
        if not bench.tells_apart(shape, record_type):
            return Found(Duplicate.NOT_TOLD_APART, facts={"words": shape}, effects=learnt)
        return Found(
            Duplicate.LEARNT, facts={"words": shape}, effects={Meaning.ALREADY_EXISTS.value: {point_id: shape}}
        )
    return Found(Duplicate.TAKEN, effects=learnt)


def item_name_case(bench: Bench) -> Found:
    """An Item whose name differs in case only."""
    label = bench.label(bench.item.label.name.upper())
    try:
        bench.make_item(label)
    except (AlreadyExists, Blocked) as error:
        return Found(Case.SAME, facts={"words": bench.shape(error)})
    return Found(Case.DIFFERENT)


def item_name_too_long(bench: Bench) -> Found:
    """An Item whose name is one character longer than the limit that is known."""
    limit = wire.name_limit(_schema_or_none(bench)) or ITEM_NAME_LIMIT
    label = bench.label()
    label = Label(label.external_id, label.name.ljust(limit + 1, "x"))
    try:
        made = bench.make_item(label)
    except Blocked as error:
        return Found(TooLong.REFUSED, facts={"characters": limit + 1, "words": bench.shape(error)})
    name = str(bench.netsuite.record(made.record_type, made.id).get("itemId"))
    return Found(TooLong.TAKEN if name == label.name else TooLong.CUT, facts={"characters": limit + 1})


def external_id_length(bench: Bench) -> Found:
    """An Item with the longest external id that ours can come to."""
    label = bench.label()
    label = Label(label.external_id.ljust(LONGEST_EXTERNAL_ID, "0"), label.name)
    try:
        made = bench.make_item(label)
    except Blocked as error:
        return Found(LongIds.REFUSED, facts={"characters": LONGEST_EXTERNAL_ID, "words": bench.shape(error)})
    except OutcomeUnknown:
        # It was made, but nothing stands under the whole external id. What stands has its beginning, and is found by that.
        return Found(LongIds.CUT, facts={"characters": LONGEST_EXTERNAL_ID})
    kept = str(bench.netsuite.record(made.record_type, made.id).get("externalId", ""))
    answer = LongIds.WHOLE if kept.lower() == label.external_id.lower() else LongIds.CUT
    return Found(answer, facts={"characters": len(kept)})


def needed(field: str, setting: str, bench: Bench) -> Found:
    """An Item without a field that the settings have a value for."""
    label, optional = bench.label(), {"needed_settings": {setting: False}}
    if bench.item and field not in bench.item_body(label):
        return Found(Needed.OPTIONAL, effects=optional)
    try:
        bench.make_item(label, without=field)
    except Blocked as error:
        return Found(Needed.NEEDED, facts={"words": bench.shape(error)}, effects={"needed_settings": {setting: True}})
    return Found(Needed.OPTIONAL, effects=optional)


def tax_schedule(bench: Bench) -> Found:
    """Whether the tax schedule that is set stands on the Item."""
    made = bench.item
    if bench.tax_schedule_refused:
        return Found(TaxSchedule.REFUSED, effects={"takes_tax_schedule": False})
    wanted = bench.item_body(made.label).get("taxSchedule")
    if wanted is None:
        raise Unsettled("NETSUITE_TAX_SCHEDULE_ID is not set")
    kept = bench.netsuite.record(made.record_type, made.id).get("taxSchedule")
    is_kept = isinstance(kept, dict) and str(kept.get("id")) == wanted["id"]
    return Found(TaxSchedule.KEPT if is_kept else TaxSchedule.DROPPED, effects={"takes_tax_schedule": is_kept})


def at_once(record: Callable[[Bench], Made], one_of_two: Callable[[Bench, Label], Made], bench: Bench) -> Found:
    """Pairs of writes of one external id, each pair sent at the same time."""
    record(bench)
    for tries in range(1, TRIES_AT_ONCE + 1):
        one, other = bench.label(), bench.label()
        twin = Label(one.external_id, other.name)
        ended = bench.at_once(partial(one_of_two, bench, one), partial(one_of_two, bench, twin))
        # Counted by answers, not by ids: where the answer names none, a look by external id shows one of the two twice.
        created = sum(isinstance(one, Made) for one in ended)
        if created == 2:
            return Found(AtOnce.BOTH, f"in try {tries} of {TRIES_AT_ONCE}")
        if any(isinstance(error, SyncError) and not isinstance(error, AlreadyExists | Blocked) for error in ended):
            raise Unsettled("not every answer came")
        if not created:
            raise Unsettled("neither got through")
    return Found(AtOnce.ONE, f"{TRIES_AT_ONCE} of {TRIES_AT_ONCE} tries; that it never happens cannot be shown")


def the_item(bench: Bench) -> Made:
    """The probe's own Item."""
    return bench.item


def same_name(bench: Bench) -> Made:
    """A second Item of the same name."""
    return bench.make_item(bench.label(bench.item.label.name))


def same_external_id(bench: Bench) -> Made:
    """A second Item with the same external id."""
    return bench.make_item(Label(bench.item.label.external_id, bench.label().name))


def _schema_or_none(bench: Bench) -> object:
    try:
        return bench.netsuite.schema(bench.netsuite.item_type)
    except (NotFound, Blocked, Misconfigured):
        return None


def _seen(age: float | None, effects: dict[str, dict[str, float | None]]) -> Found:
    if age is None:
        return Found(Seen.NOT_YET, effects=effects)
    return Found(Seen.LATER if age else Seen.AT_ONCE, facts={"seconds": age}, effects=effects)


READS = (
    Point("item_name_length", "How long may the name of an Item be?", "reads the metadata catalog of the Item's type",
          NameLength, item_name_length, writes=False),
    Point("display_name_length", "How long may its display name be?", "reads the same", DisplayName, display_name_length,
          writes=False),
)  # fmt: skip
WRITES = (
    Point("item_as_set", "Is an Item taken as the settings make it?", "makes the probe's Item and reads it", AsSet, item_as_set),
    Point("item_location", "Does the answer to a new Item name its address?", "looks at that answer", Location,
          partial(location, the_item)),
    Point("item_seen_by_id", "Does a look by external id show a new Item at once?", "reads the Item", Seen,
          partial(seen_by_id, the_item, "item_seen_by_id")),
    Point("item_seen_by_query", "Does SuiteQL show a new Item at once?", "asks for the Item", Seen,
          partial(seen_by_query, the_item)),
    Point("item_duplicate_name", "What answers a second Item of the same name?", "tries to make one", Duplicate,
          partial(duplicate, same_name, "item_duplicate_name")),
    Point("item_duplicate_id", "What answers a second Item with the same external id?", "tries to make one", Duplicate,
          partial(duplicate, same_external_id, "item_duplicate_id")),
    Point("item_name_case", "Are names the same that differ in case only?", "tries to make such an Item", Case, item_name_case),
    Point("item_name_too_long", "What becomes of a name that is too long?", "tries to make such an Item", TooLong,
          item_name_too_long),
    Point("external_id_length", "Is the longest external id of ours kept whole?", "makes an Item with one of 67 characters",
          LongIds, external_id_length),
    Point("expense_account", "Does a new Item need an expense account?", "tries to make an Item without one", Needed,
          partial(needed, "expenseAccount", "NETSUITE_EXPENSE_ACCOUNT_ID")),
    Point("subsidiary", "Does a new Item need a subsidiary?", "tries to make an Item without one", Needed,
          partial(needed, "subsidiary", "NETSUITE_SUBSIDIARY_ID")),
    Point("tax_schedule_needed", "Does a new Item need a tax schedule?", "tries to make an Item without one", Needed,
          partial(needed, "taxSchedule", "NETSUITE_TAX_SCHEDULE_ID")),
    Point("tax_schedule", "Can the tax schedule be set over REST?", "reads the Item", TaxSchedule, tax_schedule),
    Point("items_at_once", "Do two Items of one external id both get through, sent at the same time?",
          "makes three Items, each sent twice at the same time", AtOnce, partial(at_once, the_item, Bench.make_item)),
)  # fmt: skip
