"""As much of PromQL as the alert rules use: selectors, arithmetic, comparisons and set operators at one moment. No ranges."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Facts:
    """Samples at a moment, written as Prometheus' text format has them."""

    samples: Mapping[str, Vector]
    now: float

    @classmethod
    def of(cls, lines: str, now: float) -> Facts:
        samples: dict[str, Vector] = {}
        for family in text_string_to_metric_families(lines + "\n"):
            for sample in family.samples:
                samples.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
        return cls(samples, now)

    def fires(self, expression: str) -> list[dict[str, str]]:
        """The labels of all that the expression finds."""
        found = self._value(promql_parser.parse(expression))
        assert isinstance(found, dict), "an alert needs a vector"
        return [dict(labels) for labels in found]

    def _value(self, part: Any) -> Vector | float:
        match type(part).__name__:
            case "NumberLiteral":
                return float(part.val)
            case "ParenExpr":
                return self._value(part.expr)
            case "Call" if part.func.name == "time":
                return self.now
            case "VectorSelector":
                known = self.samples.get(part.name, {})
                return {labels: value for labels, value in known.items() if _fits(dict(labels), part)}
            case "BinaryExpr":
                return _both(str(part.op), self._value(part.lhs), self._value(part.rhs), part.modifier)
            case kind:
                raise NotImplementedError(kind)


def selectors(part: Any) -> Iterator[Any]:
    """All vector selectors of an expression."""
    if type(part).__name__ == "VectorSelector":
        yield part
    elif type(part).__name__ == "MatrixSelector":
        yield part.vector_selector
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(part, name, None)
        for one in inner if isinstance(inner, list) else [inner]:
            if one is not None:
                yield from selectors(one)


def grouping(part: Any) -> Iterator[str]:
    """All labels by which an expression groups or joins."""
    modifier = getattr(part, "modifier", None)
    for told in (modifier, getattr(modifier, "matching", None)):
        yield from getattr(told, "labels", None) or ()
    for name in ("lhs", "rhs", "expr", "args"):
        inner = getattr(part, name, None)
        for one in inner if isinstance(inner, list) else [inner]:
            if one is not None:
                yield from grouping(one)


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
        return _joined(op, left, right, _ignored(modifier))
    if isinstance(left, dict):
        return {labels: kept for labels, value in left.items() if (kept := _pair(op, value, right, value)) is not None}
    assert isinstance(right, dict)
    return {labels: kept for labels, value in right.items() if (kept := _pair(op, left, value, value)) is not None}


def _joined(op: str, left: Vector, right: Vector, ignored: frozenset[str]) -> Vector:
    others = {_without(labels, ignored): value for labels, value in right.items()}
    there = {labels: value for labels, value in left.items() if _without(labels, ignored) in others}
    if op == "and":
        return there
    if op == "unless":
        return {labels: value for labels, value in left.items() if labels not in there}
    pairs = {labels: _pair(op, value, others[_without(labels, ignored)], value) for labels, value in there.items()}
    return {labels: kept for labels, kept in pairs.items() if kept is not None}


def _pair(op: str, left: Any, right: Any, told: float) -> float | None:
    if op in _COMPARES:
        return told if _COMPARES[op](left, right) else None
    return _RECKONS[op](left, right)


def _ignored(modifier: Any) -> frozenset[str]:
    matching = getattr(modifier, "matching", None)
    assert matching is None or str(matching.type).endswith("Exclude"), "only `ignoring` is understood"
    return frozenset(matching.labels if matching else ())


def _without(labels: Labels, ignored: frozenset[str]) -> Labels:
    return frozenset((name, value) for name, value in labels if name not in ignored)
