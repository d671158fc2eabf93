"""Decides which NetSuite record is the vendor or the project of Procore.

The link determines who is paid, so it is trusted only if it is consistent:

1. The external id that wbs-sync reserves (`pcr-vendor-…`, `pcr-project-…`) is set by a user in NetSuite. It is used whatever the names
   are, unless the origin id names another record that matches too.
2. An origin id in Procore may come from another ERP. Its record is used if it has Procore's name or number (`fits`); otherwise a user
   decides.
3. Without either, the only active record with exactly that name (or number, for a project) is used.

An inactive record is never replaced by another one of the same name. Names are compared without case, accents, spaces and punctuation, with
"&" as "and". A vendor in NetSuite has an entity id, and either a company name or, if it is a person, a first and a last name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from worker.domain.errors import Blocked
from worker.domain.identities import is_internal_id, same_external_id
from worker.domain.problems import Cause
from worker.domain.texts import unwritable

LEGAL_FORMS = frozenset(
    (
        *("co", "company", "corp", "corporation", "inc", "incorporated", "limited", "llc", "lllp", "llp", "lp", "ltd"),
        *("pa", "pc", "plc", "pllc", "ag", "bv", "gmbh", "nv", "pty", "sa"),
    )
)
"""Endings of company names that are often omitted or written differently."""
MAX_SHOWN = 5
MIN_SEARCHED_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Entity:
    """A vendor or a project (job) in NetSuite. `entity_id`: its name or number for users."""

    id: str
    entity_id: str = ""
    company_name: str = ""
    first_name: str = ""
    last_name: str = ""
    external_id: str | None = None
    inactive: bool = False

    @property
    def name(self) -> str:
        """The name for users."""
        return self.company_name or f"{self.first_name} {self.last_name}".strip() or self.entity_id

    @property
    def label(self) -> str:
        """Name, internal id and whether it is inactive, for a sentence."""
        known_as = f", {self.entity_id}" if self.entity_id not in ("", self.name) else ""
        return f"{self.name!r} (id {self.id}{known_as}{', inactive' if self.inactive else ''})"

    @property
    def names(self) -> list[str]:
        """All names that may identify it. An entity id below another one has the form "parent : child"."""
        person = [f"{self.first_name} {self.last_name}", f"{self.last_name} {self.first_name}"]
        names = [self.company_name, self.entity_id, self.entity_id.rpartition(" : ")[2], *person]
        return [name for name in dict.fromkeys(names) if name.strip()]


@dataclass(frozen=True, slots=True)
class LinkCauses:
    """The causes of one kind of link."""

    mismatch: Cause
    inactive: Cause
    ambiguous: Cause
    not_linked: Cause


VENDOR = LinkCauses(Cause.VENDOR_LINK_MISMATCH, Cause.VENDOR_INACTIVE, Cause.VENDOR_AMBIGUOUS, Cause.VENDOR_NOT_LINKED)
PROJECT = LinkCauses(
    Cause.PROJECT_LINK_MISMATCH, Cause.NETSUITE_PROJECT_INACTIVE, Cause.PROJECT_AMBIGUOUS, Cause.PROJECT_NOT_LINKED
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A vendor or a project of Procore to find in NetSuite.

    `key`: the vendor's name or the project's number, which exactly one active record must have to be used without a link; `is_listed`: False if
    Procore shows no record of it, so that its origin id is not known.
    """

    causes: LinkCauses
    label: str
    key: str
    name: str
    origin_id: str | None
    external_id: str
    is_listed: bool = True

    @property
    def internal_id(self) -> str:
        """The origin id if it can be an internal id of NetSuite, else ""."""
        return self.origin_id if is_internal_id(self.origin_id) else ""

    @property
    def facts(self) -> dict[str, str]:
        """Names and ids for the sentences of its problems."""
        named = {"vendor": self.label} if self.causes is VENDOR else {"project": self.label, "number": self.key}
        return named | {"origin_id": self.origin_id or "none", "external_id": self.external_id}

    def by_link(self, records: Sequence[Entity]) -> Entity | None:
        """Return the linked record among those with the internal id or the external id; None if there is none.

        Raises Blocked if it does not match or is inactive.
        """
        by_origin = next((one for one in records if one.id == self.internal_id), None)
        by_external = [one for one in records if same_external_id(one.external_id, self.external_id)]
        if by_external:
            if by_origin and by_origin not in by_external and self.fits(by_origin):
                raise self._question(self.causes.ambiguous, [by_origin, *by_external])
            return self._active(by_external[0])
        if by_origin and not self.fits(by_origin):
            raise Blocked(cause=self.causes.mismatch, facts=self.facts | {"found": by_origin.label})
        return self._active(by_origin) if by_origin else None

    def by_name(self, candidates: Sequence[Entity]) -> Entity:
        """Return the only active record with exactly this name or number. Raises Blocked if there is none, or more than one."""
        exact = [one for one in candidates if self._is_called(one)]
        active = [one for one in exact if not one.inactive]
        if len(active) == 1:
            return active[0]
        if exact and not active:
            return self._active(exact[0])
        if similar := active or [one for one in candidates if self.resembles(one) or self.fits(one)]:
            raise self._question(self.causes.ambiguous, similar)
        raise Blocked(cause=self.causes.not_linked, facts=self.facts | {"searched": self._searched})

    @property
    def _searched(self) -> str:
        """By what the record was searched, and why not by its origin id if it was not: `external id pcr-vendor-4-33 or similar names; it has no
        origin id`.
        """
        fields = [f"internal id {self.internal_id} (its origin id)"] if self.internal_id else []
        fields.append(f"external id {self.external_id}")
        if self.causes is PROJECT and search_pattern(searchable(self.key)):
            fields.append(f"number {self.key!r}")
        if search_pattern(searchable(self.name)):
            fields.append("similar names")
        *before, last = fields
        text = f"{', '.join(before)} or {last}" if before else last
        return text if self.internal_id else f"{text}; {self._not_by_origin_id}"

    @property
    def _not_by_origin_id(self) -> str:
        if not self.is_listed:
            return "its origin id is not known, because the app sees it in no directory of Procore"
        return (
            f"its origin id {self.origin_id!r} is not a NetSuite internal id"
            if self.origin_id
            else "it has no origin id"
        )

    def fits(self, record: Entity) -> bool:
        """Return whether a linked record can be the right one.

        A vendor: one of its names is a variant of Procore's. A project: it has Procore's number, or exactly its name; numbers may begin with
        each other ("24", "24-017"), and so may names of phases ("Tower", "Tower 2").
        """
        if self.causes is VENDOR:
            return self.resembles(record)
        return self._is_called(record) or any(
            same_name(ours, name) for ours in (self.name, self.label) for name in record.names
        )

    def resembles(self, record: Entity) -> bool:
        """Return whether a name of the record is a variant of Procore's."""
        return any(are_variants(self.name, name) for name in record.names)

    def _is_called(self, record: Entity) -> bool:
        if self.causes is VENDOR:
            return bool(self.key) and any(same_name(self.key, name) for name in record.names)
        wanted = words_of(self.key)
        numbers = (record.entity_id, record.entity_id.rpartition(" : ")[2])
        return bool(wanted) and any(words_of(number) == wanted for number in numbers)

    def _active(self, record: Entity) -> Entity:
        if record.inactive:
            raise Blocked(cause=self.causes.inactive, facts=self.facts | {"found": record.label})
        return record

    def _question(self, cause: Cause, records: Iterable[Entity]) -> Blocked:
        candidates = list(records)
        shown = ", ".join(one.label for one in candidates[:MAX_SHOWN])
        return Blocked(cause=cause, facts=self.facts | {"count": str(len(candidates)), "candidates": shown})


def words_of(name: str) -> list[str]:
    """Return the words in a name without case, accents and punctuation: obrien, and, sons, llc for "O'Brien & Sons, L.L.C."."""
    plain = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ")
    letters = (
        "" if unicodedata.combining(each) or each in ".'’`" else each if each.isalnum() else " "  # noqa: RUF001
        for each in plain
    )
    return "".join(letters).split()


def same_name(one: str, other: str) -> bool:
    """Return whether two names differ at most in case, accents, spaces and punctuation."""
    folded = "".join(words_of(one))
    return bool(folded) and folded == "".join(words_of(other))


def are_variants(one: str, other: str) -> bool:
    """Return whether two names clearly belong to one company: they differ only in the legal form, or one adds words before or after the other."""
    mine, theirs = words_of(" ".join(_core(one))), words_of(" ".join(_core(other)))
    if not mine or not theirs:
        return False
    return "".join(mine) == "".join(theirs) or _contains(mine, theirs) or _contains(theirs, mine)


def searchable(name: str) -> str:
    """Return a name that can be used in a query; "" for one that no NetSuite record can have."""
    return "" if unwritable(name) else name


def search_pattern(name: str) -> str:
    """Return a LIKE pattern in capitals that matches variants of a name, whose result is compared here; "" for a name without words.

    It leaves open what is written in different ways: punctuation, non-ASCII letters, "&" or "and", the legal form.
    """
    parts = [part for part in _core(name) if words_of(part) != ["and"]]
    plain = ("".join(each if each.isascii() and each.isalnum() else "%" for each in part).upper() for part in parts)
    pattern = "%".join(plain)
    letters = len(pattern) - pattern.count("%")
    # One or two letters are in nearly every name, so only the name itself is queried.
    return f"%{pattern}%" if letters >= MIN_SEARCHED_LETTERS else pattern if letters else ""


def _core(name: str) -> list[str]:
    """Return a name's parts as written, without "the" at the beginning and legal forms at the end, if anything is left."""
    parts = [part for part in name.split() if words_of(part)]
    if len(parts) > 1 and words_of(parts[0]) == ["the"]:
        parts = parts[1:]
    while len(parts) > 1 and "".join(words_of(parts[-1])) in LEGAL_FORMS:
        parts = parts[:-1]
    return parts


def _contains(longer: list[str], shorter: list[str]) -> bool:
    """Return whether `longer` begins with `shorter`, or contains all of it, at least two words, in a row."""
    size = len(shorter)
    places = range(len(longer) - size + 1 if size > 1 else 1)
    return size > 0 and any(longer[at : at + size] == shorter for at in places)
