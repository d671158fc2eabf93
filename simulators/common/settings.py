"""Settings of a simulator: a mutable dataclass that the admin endpoint reads and changes while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Any


@dataclasses.dataclass
class CommonSettings:
    """Settings of both remotes. Each remote adds its own."""

    latency: float = 0.0  # seconds before each request is processed
    maintenance: bool = False  # every request is answered with an HTML 503


def change_settings(settings: CommonSettings, changes: Mapping[str, Any]) -> None:
    """Set attributes by name. Raises ValueError for a name that the remote does not have; then nothing is changed."""
    known = {each.name for each in dataclasses.fields(settings)}
    unknown = sorted(set(changes) - known)
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    for name, value in changes.items():
        setattr(settings, name, _fitting(getattr(settings, name), value))


def _fitting(present: Any, value: Any) -> Any:
    """Return `value` in the type of the present one: the admin endpoint reads every number with a decimal point as Decimal, but seconds are
    floats.
    """
    if isinstance(present, Decimal):
        return Decimal(str(value))
    return float(value) if isinstance(value, Decimal) else value


def settings_as_json(settings: CommonSettings) -> dict[str, Any]:
    """Return all settings by name, decimals as text, also in lists."""
    return {each.name: _as_json(getattr(settings, each.name)) for each in dataclasses.fields(settings)}


def _as_json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _as_json(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return str(value) if isinstance(value, Decimal) else value
