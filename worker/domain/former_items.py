"""Finds Items that may belong to a project under an earlier number or code.

An Item that was entered by hand or created by another integration has no external id of ours. Once its project is renumbered or its code is
renamed, only its name shows where it belongs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from worker.domain.texts import first_few
from worker.domain.wbs_codes import NamingRule, Project


@dataclass(frozen=True, slots=True)
class OtherItem:
    """An active Other Charge without an external id of ours."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Candidates:
    """Items that may belong to a project. `number`: the number in their names, "" for the project's own number."""

    number: str
    items: Sequence[OtherItem]

    @property
    def decision(self) -> Sequence[str]:
        """What is rejected if a user decides that the Items do not belong to the project: the number, or each Item."""
        return [f"number:{self.number.casefold()}"] if self.number else [f"item:{item.id}" for item in self.items]


@dataclass(slots=True)
class _Matches:
    items: list[OtherItem] = field(default_factory=list)
    codes: set[str] = field(default_factory=set)


def under_another_number(
    rule: NamingRule, codes: Collection[str], others: Iterable[OtherItem], numbers: Collection[str]
) -> list[Candidates]:
    """Return Items named with these codes and a number that is not one of `numbers`, if at least half of the codes have an Item with that
    number; the number with most codes first.
    """
    ends = {code: rule.ends(flat_code=code) for code in codes}
    heads, tails = tuple({head for head, _ in ends.values()}), tuple({tail for _, tail in ends.values()})
    by_number: dict[str, _Matches] = {}
    for other in others:
        name = other.name.casefold()
        if not (name.startswith(heads) and name.endswith(tails)):
            continue
        for code, (head, tail) in ends.items():
            if name.startswith(head) and name.endswith(tail) and len(name) > len(head) + len(tail):
                number = other.name[len(head) : len(name) - len(tail)]
                matches = by_number.setdefault(number, _Matches())
                matches.items.append(other)
                matches.codes.add(code)
    known = {number.casefold() for number in numbers}
    return [
        Candidates(number, matches.items)
        for number, matches in sorted(by_number.items(), key=lambda pair: (-len(pair[1].codes), pair[0]))
        if 2 * len(matches.codes) >= len(codes) and number.casefold() not in known
    ]


def left_over(
    rule: NamingRule, project: Project, codes: Iterable[str], others: Iterable[OtherItem]
) -> Candidates | None:
    """Return Items named with the project's number and none of its current codes; None if there are none."""
    ends = rule.ends(project_number=str(project.number))
    names = {rule.join(str(project.number), code).casefold() for code in codes}
    items = [other for other in others if _is_under(other.name, ends) and other.name.casefold() not in names]
    return Candidates("", items) if items else None


def named_by(rule: NamingRule, number: str, names: Iterable[str]) -> bool:
    """Return whether any of these names begins and ends like the names of Items with this project number."""
    ends = rule.ends(project_number=number)
    return any(_is_under(name, ends) for name in names)


def facts_of(candidates: Candidates, project: Project, name: str) -> Mapping[str, str]:
    """Return the facts of the problem POSSIBLE_FORMER_ITEMS. `name`: of the Item that is not created."""
    return {
        "project": project.label,
        "name": name,
        "items": first_few([f"{item.name} (id {item.id})" for item in candidates.items]),
        "decision": "\n".join(candidates.decision),
    }


def _is_under(name: str, ends: tuple[str, str]) -> bool:
    head, tail = ends
    return name.casefold().startswith(head) and name.casefold().endswith(tail) and len(name) > len(head) + len(tail)
