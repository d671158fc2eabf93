"""Asks for confirmation before Items are created for a project that may already have them under a former number or code.

An Item without a wbs-sync external id can be matched to a project by its name only. A project that was renumbered before its Items were
adopted, or after the adoptions were lost with Redis, would get all of them a second time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from worker.clients.netsuite.client import NetSuite
from worker.domain.former_items import Candidates, OtherItem, facts_of, left_over, named_by, under_another_number
from worker.domain.identities import is_our_item
from worker.domain.problems import Cause
from worker.domain.wbs_codes import NamingRule, Project
from worker.store.keys import Keys
from worker.store.runtime import ThreadLock
from worker.store.stores import Stores

LISTED_FOR_SECONDS = 300.0
"""Seconds that a process caches its list of other Items; those listed in a question are queried again."""
LOOKED_UP = 100


@dataclass(slots=True)
class FormerItems:
    """Finds Items that may belong to a project; remembers the rejected ones."""

    stores: Stores
    _guard: ThreadLock = field(init=False)
    _listed: tuple[float, Sequence[OtherItem]] = field(default=(float("-inf"), ()), init=False)

    def __post_init__(self) -> None:
        self._guard = self.stores.runtime.thread_lock()

    def question(
        self,
        netsuite: NetSuite,
        rule: NamingRule,
        project: Project,
        missing: Mapping[int, str],
        *,
        looked_up: Collection[int],
        numbers: Collection[str],
        all_codes: Callable[[], Collection[str]],
    ) -> Mapping[str, str] | None:
        """Return the facts of the question that stops the creation of Items for `missing` codes (text by id); None if there is none.

        `looked_up`: ids of all codes looked up with them, including those whose Item was found. `numbers`: numbers of all visible projects,
        including this one; `all_codes`: returns the texts of all codes of the project, called if needed.

        A project with Items under its current number was not renumbered, so there is no question unless adoptions were lost.
        """
        records, number = self.stores.ledger.codes(project.id), str(project.number)
        asked = {
            code_id: record.code
            for code_id, record in records.items()
            if record.cause is Cause.POSSIBLE_FORMER_ITEMS and not record.done
        }
        has_own = named_by(rule, number, (record.name for record in records.values() if record.done))
        lost = self.stores.ledger.state.has_lost_adoptions()
        if has_own and not asked and not lost:
            return None
        others, rejected = self._others(netsuite), set(self.stores.redis.smembers(self._rejected))
        found: list[Candidates] = []
        if asked or not has_own:
            waiting = {text for code_id, text in asked.items() if code_id not in looked_up}
            found += under_another_number(rule, waiting | set(missing.values()), others, numbers)
        if lost and (left := left_over(rule, project, all_codes(), self._without(others, rejected))):
            found.append(left)
        open_ones = (one for one in found if not rejected.issuperset(one.decision))
        still = (self._looked_up(netsuite, one) for one in open_ones)
        return next((facts_of(one, project, rule.join(number, min(missing.values()))) for one in still if one), None)

    def reject(self, facts: Mapping[str, str]) -> None:
        """Record that the Items of a question do not belong to the project, so that the question is not asked again."""
        self.stores.redis.sadd(self._rejected, *facts["decision"].split("\n"))

    @property
    def _rejected(self) -> str:
        return Keys(self.stores.prefix).rejected_items

    def _others(self, netsuite: NetSuite) -> list[OtherItem]:
        with self._guard:
            listed_at, listed = self._listed
            clock = self.stores.runtime.monotonic
            if clock() > listed_at + LISTED_FOR_SECONDS:
                found = netsuite.names_of_other_items(only_other_charges=True)
                listed = [OtherItem(item_id, name) for item_id, name in found]
                self._listed = (clock(), listed)
        adopted = self.stores.adopted_items.ids()
        return [item for item in listed if item.id not in adopted]

    @staticmethod
    def _without(others: Sequence[OtherItem], rejected: Collection[str]) -> list[OtherItem]:
        return [item for item in others if f"item:{item.id}" not in rejected]

    @staticmethod
    def _looked_up(netsuite: NetSuite, candidates: Candidates) -> Candidates | None:
        """Return the same Items as they are in NetSuite now: they may have been renamed, inactivated or marked since they were listed."""
        some = candidates.items[:LOOKED_UP]
        now = netsuite.items([item.id for item in some])
        same = [
            item
            for item in some
            if (found := now.get(item.id))
            and found.name == item.name
            and found.usable
            and not found.inactive
            and not is_our_item(found.external_id)
        ]
        return Candidates(candidates.number, same) if same else None
