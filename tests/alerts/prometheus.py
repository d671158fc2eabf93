"""What Prometheus does with the rules: scrapes, evaluates them, and lets an alert fire when its expression has held for long enough."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.unit.promql import Facts, Labels

RULES_FILE = Path(__file__).parents[2] / "deploy" / "prometheus" / "wbs-sync.rules.yml"
JOB = 'job="wbs-sync",instance="127.0.0.1:5555"'
PAST_SECONDS = 3700
"""The longest range of a rule, and a little."""
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def rules() -> dict[str, dict[str, Any]]:
    """Return the rule of every alert by its name."""
    [group] = yaml.safe_load(RULES_FILE.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


@dataclass
class _State:
    """An alert for one set of labels: since when its expression holds, whether it fires, and when the expression held last."""

    since: float
    last: float
    fires: bool = False


@dataclass
class Prometheus:
    """A server with the product's rules and one target."""

    alerts: dict[str, dict[str, Any]] = field(default_factory=rules)
    _past: list[Facts] = field(default_factory=list)
    _states: dict[tuple[str, Labels], _State] = field(default_factory=dict)

    def scrape(self, text: str | None, at: float, *, has_target: bool = True) -> None:
        """Take the metrics of the target (None = it does not respond) and evaluate every rule at that moment."""
        lines = text or ""
        if has_target:
            lines += f"up{{{JOB}}} {int(text is not None)}\n"
        self._past = [facts for facts in self._past if at - facts.now <= PAST_SECONDS]
        facts = Facts.of(lines, at, tuple(self._past))
        self._past.append(facts)
        for alert, rule in self.alerts.items():
            self._evaluate(alert, rule, facts)

    def fires(self, alert: str) -> bool:
        """Return whether an alert fires now, for any labels."""
        return any(state.fires for (name, _), state in self._states.items() if name == alert)

    def firing(self) -> set[str]:
        """Return all alerts that fire now."""
        return {name for (name, _), state in self._states.items() if state.fires}

    def _evaluate(self, alert: str, rule: dict[str, Any], facts: Facts) -> None:
        values = facts.values(rule["expr"])
        for labels in values:
            state = self._states.setdefault((alert, labels), _State(facts.now, facts.now))
            state.last = facts.now
            state.fires = state.fires or facts.now - state.since >= seconds_of(rule.get("for", "0s"))
        for key, state in list(self._states.items()):
            if key[0] == alert and key[1] not in values:
                kept_for = seconds_of(rule.get("keep_firing_for", "0s")) if state.fires else 0
                if facts.now - state.last >= kept_for:
                    del self._states[key]


def seconds_of(duration: str) -> float:
    """Return the seconds of a duration in a rule, such as 5m."""
    match = re.fullmatch(r"(\d+)([smhd])", duration)
    assert match, duration
    return int(match[1]) * UNITS[match[2]]
