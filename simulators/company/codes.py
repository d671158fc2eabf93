"""WBS codes from the company's cost code list: segments joined with "." in the order of the pattern ("What is a budget code structure?",
FAQ).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from simulators.company.catalogue import COST_TYPES, DIVISIONS
from simulators.company.ids import Ids
from simulators.company.model import Pattern, Segment, SegmentItem, WbsCode


@dataclass(frozen=True, slots=True)
class Template:
    """A combination of segment items, ready to become a project's WBS code."""

    items: tuple[SegmentItem, ...]
    flat_code: str
    flat_name: str


class CodeList:
    """The company's segments and their items, shared by all its projects."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self.cost_code = Segment(ids.take("segment"), "Cost Code", "cost_code", 1, "tiered")
        self.cost_type = Segment(ids.take("segment"), "Cost Type", "line_item_type", 2, "flat")
        self.building = Segment(ids.take("segment"), "Building", "custom", 3, "flat", required=False)
        self.plain = Pattern(ids.take("pattern"), (self.cost_code, self.cost_type))
        self.with_building = Pattern(ids.take("pattern"), (self.cost_code, self.cost_type, self.building))
        self._items: dict[tuple[int, str], SegmentItem] = {}
        self._usual: dict[bool, list[Template]] = {}  # the longest list requested so far
        for division, (name, codes) in DIVISIONS.items():
            parent = self._item(self.cost_code, division, name)
            for code, title in codes:
                self._item(self.cost_code, code, title, parent)
        for code, name in COST_TYPES:
            self._item(self.cost_type, code, name)

    def _item(self, segment: Segment, code: str, name: str, parent: SegmentItem | None = None) -> SegmentItem:
        key = (segment.id, code)
        if key not in self._items:
            self._items[key] = SegmentItem(self._ids.take("segment_item"), code, name, segment, parent)
        return self._items[key]

    def template(
        self, cost_code: str, cost_type: str = "S", building: str | None = None, name: str | None = None
    ) -> Template:
        """Return the combination of these codes. A missing cost code is added to the list, under its division."""
        known = self._items.get((self.cost_code.id, cost_code))
        if known is None:
            division, _, rest = cost_code.partition("-")
            parent = self._item(self.cost_code, division, f"Division {division}") if rest else None
            known = self._item(self.cost_code, cost_code, name or f"Cost Code {cost_code}", parent)
        kind = self._items.get((self.cost_type.id, cost_type)) or self._item(self.cost_type, cost_type, cost_type)
        items: tuple[SegmentItem, ...] = (known, kind)
        if building is not None:
            items += (self._item(self.building, building, f"Building {building}"),)
        return Template(items, ".".join(item.code for item in items), ".".join(item.name for item in items))

    def parse(self, flat_code: str) -> Template:
        """Return the combination of a flat code: cost code, cost type and, if there is a third part, building."""
        cost_code, cost_type, *rest = flat_code.split(".")
        return self.template(cost_code, cost_type, ".".join(rest) or None)

    def usual(self, count: int, buildings: bool = False) -> list[Template]:
        """Return `count` different combinations in the usual order of a budget: subcontracts first, then own work.

        With `buildings` the subcontract codes are split between two buildings. So are all codes when there are no others left.
        """
        known = self._usual.get(buildings, [])
        if len(known) < count:
            known = self._usual[buildings] = list(islice(self._endless(buildings), count))
        return known[:count]

    def _endless(self, buildings: bool) -> Iterator[Template]:
        leaves = [code for _, codes in DIVISIONS.values() for code, _ in codes]
        if buildings:
            for code in leaves[::3]:
                yield from (self.template(code, "S", building) for building in ("B1", "B2"))
        for cost_type, _ in COST_TYPES:
            for code in leaves:
                if not (buildings and cost_type == "S" and code in leaves[::3]):
                    yield self.template(code, cost_type)
        number = 3
        while True:
            for cost_type, _ in COST_TYPES:
                yield from (self.template(code, cost_type, f"B{number}") for code in leaves)
            number += 1


def new_code(
    ids: Ids, template: Template, at: dt.datetime, description: str | None = None, status: str = "active"
) -> WbsCode:
    """Return a project's new WBS code, created at `at` from a combination."""
    return WbsCode(
        ids.take("code"), template.items, template.flat_code, template.flat_name, at, at, description, status
    )
