"""The part of PromQL that the alert rules use: selectors, arithmetic, comparisons, set operators, `absent` and `increase`."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import promql_parser
from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
_RECKONS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_COMPARES: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip


@functools.cache
def _series(text: str) -> tuple[str, Labels]:
    """Return the name and the labels of a series; a target has the same few hundred series at each scrape."""
    [family] = text_string_to_metric_families(f"{text} 0\n")
    [sample] = family.samples
    return sample.name, frozenset(sample.labels.items())


@dataclass(frozen=True)
class Facts:
    """Samples at a moment, written as Prometheus' text format has them. `past`: the scrapes before, oldest first, for ranges."""

    samples: Mapping[str, Vector]
    now: float
    past: Sequence[Facts] = ()

    @classmethod
    def of(cls, lines: str, now: float, past: Sequence[Facts] = ()) -> Facts:
        samples: dict[str, Vector] = {}
        for line in lines.splitlines():
            if line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                name, labels = _series(series)
                samples.setdefault(name, {})[labels] = float(value)
        return cls(samples, now, past)

    def fires(self, expression: str) -> list[dict[str, str]]:
        """Return the labels of all samples that the expression finds."""
        return [dict(labels) for labels in self.values(expression)]

    def values(self, expression: str) -> Vector:
        """Return the samples that the expression finds, by labels."""
        vector = self._value(promql_parser.parse(expression))
        assert isinstance(vector, dict), "an alert needs a vector"
        return vector

    def _aggregated(self, part: Any) -> Vector:
        assert str(part.op) == "max"
        vector, kept_labels = self._value(part.expr), _kept(part.modifier)
        assert isinstance(vector, dict)
        groups: dict[Labels, list[float]] = {}
        for labels, value in vector.items():
            groups.setdefault(kept_labels(labels), []).append(value)
        return {labels: max(values) for labels, values in groups.items()}

    def _increase(self, part: Any) -> Vector:
        """How much counters grew over a range; one that became smaller began again at 0. Prometheus also extrapolates to the range's
        edges, which adds at most a scrape interval's worth.
        """
        [matrix] = part.args
        begins = self.now - matrix.range.total_seconds()
        seen: dict[Labels, list[float]] = {}
        for facts in (*self.past, self):
            if facts.now >= begins:
                for labels, value in facts.selected(matrix.vector_selector).items():
                    seen.setdefault(labels, []).append(value)
        return {
            labels: sum(after - before if after >= before else after for before, after in pairwise(values))
            for labels, values in seen.items()
            if len(values) > 1
        }

    def selected(self, selector: Any) -> Vector:
        known = self.samples.get(selector.name, {})
        return {labels: value for labels, value in known.items() if _fits(dict(labels), selector)}

    def _value(self, part: Any) -> Vector | float:
        match type(part).__name__:
            case "NumberLiteral":
                return float(part.val)
            case "ParenExpr":
                return self._value(part.expr)
            case "Call" if part.func.name == "time":
                return self.now
            case "AggregateExpr":
                return self._aggregated(part)
            case "Call" if part.func.name == "absent":
                return {} if self._value(part.args[0]) else {frozenset(): 1.0}
            case "Call" if part.func.name == "increase":
                return self._increase(part)
            case "VectorSelector":
                return self.selected(part)
            case "BinaryExpr":
                return _both(str(part.op), self._value(part.lhs), self._value(part.rhs), part.modifier)
            case kind:
                raise NotImplementedError(kind)


def selectors(part: Any) -> Iterator[Any]:
    """Yield all vector selectors of an expression."""
    if type(part).__name__ == "VectorSelector":
        yield part
    elif type(part).__name__ == "MatrixSelector":
        yield part.vector_selector
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(part, name, None)
        for child in inner if isinstance(inner, list) else [inner]:
            if child is not None:
                yield from selectors(child)


def grouping(part: Any) -> Iterator[str]:
    """Yield all labels by which an expression groups or joins."""
    modifier = getattr(part, "modifier", None)
    for clause in (modifier, getattr(modifier, "matching", None)):
        yield from getattr(clause, "labels", None) or ()
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(part, name, None)
        for child in inner if isinstance(inner, list) else [inner]:
            if child is not None:
                yield from grouping(child)


def _fits(labels: Mapping[str, str], selector: Any) -> bool:
    return all(_matches(labels.get(one.name, ""), one) for one in selector.matchers.matchers)


def _matches(value: str, matcher: Any) -> bool:
    kind = str(matcher.op).rpartition(".")[2]
    if kind in ("Equal", "NotEqual"):
        return (value == matcher.value) is (kind == "Equal")
    return bool(re.fullmatch(matcher.value, value)) is (kind == "Re")


def _both(op: str, left: Vector | float, right: Vector | float, modifier: Any) -> Vector | float:
    if isinstance(left, float) and isinstance(right, float):
        return _RECKONS[op](left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        return _joined(op, left, right, _matched(modifier))
    if isinstance(left, dict):
        return {labels: kept for labels, value in left.items() if (kept := _pair(op, value, right, value)) is not None}
    assert isinstance(right, dict)
    return {labels: kept for labels, value in right.items() if (kept := _pair(op, left, value, value)) is not None}


def _joined(op: str, left: Vector, right: Vector, matched: Callable[[Labels], Labels]) -> Vector:
    right_values = {matched(labels): value for labels, value in right.items()}
    there = {labels: value for labels, value in left.items() if matched(labels) in right_values}
    if op == "and":
        return there
    if op == "unless":
        return {labels: value for labels, value in left.items() if labels not in there}
    if op == "or":
        mine = {matched(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if matched(labels) not in mine}
    pairs = {labels: _pair(op, value, right_values[matched(labels)], value) for labels, value in there.items()}
    return {labels: kept for labels, kept in pairs.items() if kept is not None}


def _pair(op: str, left: Any, right: Any, value: float) -> float | None:
    if op in _COMPARES:
        return value if _COMPARES[op](left, right) else None
    return _RECKONS[op](left, right)


def _matched(modifier: Any) -> Callable[[Labels], Labels]:
    """Return the labels by which two vectors are joined: all, or those of `on`, or all but those of `ignoring`."""
    return _kept(getattr(modifier, "matching", None), by_default=True)


def _kept(labels_named: Any, *, by_default: bool = False) -> Callable[[Labels], Labels]:
    """Return a function that keeps the labels that a modifier names, or those that it does not name; without one all, or none."""
    if labels_named is None:
        return lambda labels: labels if by_default else frozenset()
    named, only = frozenset(labels_named.labels), str(labels_named.type).endswith("Include")
    return lambda labels: frozenset((name, value) for name, value in labels if (name in named) is only)
