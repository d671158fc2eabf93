"""Faults on demand: rules that a test sets, applied in an order that a seed determines."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    {
        "latency",  # wait `value` seconds, then do the work
        "hold",  # wait until the rule is removed, at most `value` seconds (default: a minute), then do the work, client or not
        "slow_commit",  # NetSuite writes: the record appears, and the response is sent, `value` seconds after arrival
        "error_before",  # answer status `value`; nothing is done
        "error_after",  # do the work, then answer status `value`
        "html",  # answer an HTML page with status `value`; nothing is done
        "cut_before",  # close the connection without an answer; nothing is done
        "cut_after",  # do the work, then close the connection without an answer
        "not_json",  # do the work, then answer 200 with a body cut in the middle
        "empty",  # answer status `value` without a body; nothing is done
        "echo",  # answer status `value` with the whole request as the error's text, with headers and secrets; nothing is done
        "unauthorized",  # answer 401 although the token is good; nothing is done
        "too_many",  # answer 429; nothing is done
    }
)
FIELDS = frozenset({"kind", "method", "path", "probability", "times", "skip", "value"})


@dataclass
class Rule:
    """One kind of fault and the requests to which it may apply."""

    kind: str
    method: str | None = None  # regular expression, matched from the start; None = any
    path: str | None = None  # regular expression, searched in path + "?" + query; None = any
    probability: float = 1.0
    times: int | None = None  # how often it applies at most; None = no limit
    skip: int = 0  # how many matching requests are not affected first
    value: float | str | None = None  # seconds or status, depending on the kind
    matched: int = 0
    struck: int = 0
    _dice: random.Random = field(default_factory=random.Random, repr=False)

    @classmethod
    def of(cls, fields: Mapping[str, Any], dice: random.Random) -> Rule:
        """Return the rule in a JSON object. Raises ValueError if it is not a rule."""
        unknown = set(fields) - FIELDS
        if unknown:
            raise ValueError(f"a rule has no field {sorted(unknown)}")
        if fields.get("kind") not in KINDS:
            raise ValueError(f"unknown kind of fault {fields.get('kind')!r}; known: {sorted(KINDS)}")
        return cls(**fields, _dice=dice)

    def strikes(self, method: str, target: str) -> bool:
        """Return whether the fault applies to this request; count the request if it matches."""
        if self.method is not None and not re.match(self.method, method):
            return False
        if self.path is not None and not re.search(self.path, target):
            return False
        if self.times is not None and self.struck >= self.times:
            return False
        self.matched += 1
        if self.matched <= self.skip:
            return False
        if self.probability < 1.0 and self._dice.random() >= self.probability:
            return False
        self.struck += 1
        return True

    def number(self, default: float) -> float:
        """Return the rule's `value` as a number, `default` if it has none."""
        return default if self.value is None else float(self.value)

    def as_json(self) -> dict[str, Any]:
        """Return the rule as it was set, and how often it matched and applied."""
        shown: dict[str, Any] = {name: getattr(self, name) for name in sorted(FIELDS)}
        return {**shown, "matched": self.matched, "struck": self.struck}


class FaultPlan:
    """The current rules. The first rule that applies to a request determines its fault; a request has at most one."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self._rules: list[Rule] = []

    def replace(self, rules: Iterable[Mapping[str, Any]], seed: int = 1) -> None:
        """Replace all rules.

        Each rule has its own random generator, so its n-th matching request has the same result whatever the other rules do.
        """
        made = [Rule.of(fields, random.Random(f"{seed}/{place}")) for place, fields in enumerate(rules)]
        self.seed, self._rules = seed, made

    def clear(self) -> None:
        """Remove all rules."""
        self._rules = []

    def strike(self, method: str, path: str) -> Rule | None:
        """Return the rule that applies to this request (`path` with its query), or None."""
        for rule in self._rules:
            if rule.strikes(method, path):
                return rule
        return None

    def has(self, rule: Rule) -> bool:
        """Return whether the rule has not been removed."""
        return any(one is rule for one in self._rules)

    def as_json(self) -> dict[str, Any]:
        """Return the seed and all rules with their counts."""
        return {"seed": self.seed, "rules": [rule.as_json() for rule in self._rules]}
