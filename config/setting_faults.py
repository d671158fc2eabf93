"""Error sentences for invalid settings. They never contain pydantic's or Python's message, or the value."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

BAD_SETTINGS_EXIT_CODE = 2
"""Exit code of a process that cannot start with its settings: a supervisor does not restart it."""
MAX_FAULT_LENGTH = 300
_ID = "must be an internal id of NetSuite, digits only"
PATTERNS = {
    "REDIS_KEY_PREFIX": "must be 1 to 100 printable ASCII characters without spaces",
    "NETSUITE_ACCOUNT_ID": "must be an account such as 1234567_SB1",
    "NETSUITE_SUBSIDIARY_ID": _ID,
    "NETSUITE_EXPENSE_ACCOUNT_ID": _ID,
    "NETSUITE_INCOME_ACCOUNT_ID": _ID,
    "NETSUITE_TAX_SCHEDULE_ID": _ID,
    "NETSUITE_RETAINAGE_ITEM_ID": _ID,
    "NETSUITE_TAX_ITEM_ID": _ID,
    "NETSUITE_CURRENCY": "must be a three-letter currency code in capitals, such as USD",
}
"""Requirements of settings with a pattern, as the end of a sentence."""


class InvalidSettings(Exception):
    """The settings cannot be used. `faults`: one sentence per fault, which names its setting and shows no secret's value."""

    def __init__(self, message: str = "", *, faults: tuple[str, ...] = ()) -> None:
        # The message comes first and alone, so that pickle can build the error again: a task may raise it.
        super().__init__(message or "\n".join(faults))
        self.faults = faults


def on_one_line(fault: str) -> str:
    """Return a fault on one line and not too long, whatever the setting contains."""
    shown = "".join(character if character.isprintable() else "?" for character in fault)
    return shown if len(shown) <= MAX_FAULT_LENGTH else f"{shown[:MAX_FAULT_LENGTH]}…"


def sentence(detail: Any, fields: Mapping[str, FieldInfo]) -> str:
    """Return the sentence for one pydantic error (an entry of `ValidationError.errors()`)."""
    place = detail["loc"]
    name = str(place[0]).upper() if place else ""
    field = fields.get(name.lower())
    if detail["type"] == "missing":
        return f"{name} is not set: {field.description if field else 'see .env.example'}."
    if detail["type"] == "value_error":
        # Raised by a validator in config/setting_types.py.
        message = str(detail["msg"]).removeprefix("Value error, ")
        return f"{name}: {message}." if name else f"{message}."
    if field is None:
        return f"{name}: invalid; see docs/configuration.md."
    if len(place) > 1:
        return f"{name}: entry {place[1] + 1} must be the id of a Procore project, a whole number above 0."
    return f"{name}: {requirement(name, field)}."


def requirement(name: str, field: FieldInfo) -> str:
    """Return the requirement of a setting, as the end of a sentence that begins with its name."""
    if name in PATTERNS:
        return PATTERNS[name]
    annotation: Any = field.annotation
    kinds = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    if get_origin(annotation) is typing.Literal:
        *others, last = (str(each) for each in get_args(annotation))
        return f"must be {', '.join(others)} or {last}"
    nouns = {bool: "true or false", int: "a whole number", float: "a number", SecretStr: "text"}
    kind = next((noun for kind, noun in nouns.items() if kind in kinds), "text")
    return f"must be {kind}{_bounds(field)}"


def _bounds(field: FieldInfo) -> str:
    bounds: dict[str, Any] = {}
    for constraint in field.metadata:
        for bound in ("gt", "ge", "lt", "le"):
            if getattr(constraint, bound, None) is not None:
                bounds[bound] = getattr(constraint, bound)
    lower = f" above {bounds['gt']:,}" if "gt" in bounds else f" from {bounds['ge']:,}" if "ge" in bounds else ""
    upper = f"{' to' if lower.startswith(' from') else ' and at most'} {bounds['le']:,}" if "le" in bounds else ""
    return lower + upper
