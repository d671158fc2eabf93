"""The generated tables of docs/configuration.md: all settings, and the secrets of each process."""

from __future__ import annotations

import typing
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.process_secrets import HELD, PLACEHOLDERS
from config.settings import Settings
from probe.markdown import markdown_table
from tools.env_example import default_text
from tools.sections import with_section

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"


def page(text: str) -> str:
    """Return the page with its tables from the code."""
    return with_section(with_section(text, "settings", settings_table()), "secrets", secrets_table())


def settings_table() -> str:
    """Return one row for each setting, in the order of the settings."""
    rows = [
        (f"`{name.upper()}`", _kind(field), _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return markdown_table(("Setting", "Takes", "Default", "What it is"), rows)


def secrets_table() -> str:
    """Return one row for each secret, with the processes that use it."""
    rows = [(f"`{name.upper()}`", *("yes" if name in held else "-" for held in HELD.values())) for name in PLACEHOLDERS]
    return markdown_table(("Secret", *HELD), rows)


def _default(field: FieldInfo) -> str:
    return "to be set" if field.is_required() else _code(default_text(field)) or "empty"


def _kind(field: FieldInfo) -> str:
    """Return the values of a setting, as text for people."""
    annotation: Any = field.annotation
    kinds = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    if get_origin(annotation) is typing.Literal:
        return " or ".join(_code(str(each)) for each in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list, comma separated"
    if SecretStr in kinds:
        return "text, secret"
    names = {bool: "`true` or `false`", int: "whole number", float: "number", Path: "path", date: "day", str: "text"}
    bounds = {type(each).__name__: each for each in field.metadata}
    lowest, highest = (getattr(bounds.get(name), name.lower(), None) for name in ("Ge", "Le"))
    limits = f", {lowest:,} to {highest:,}" if lowest is not None and highest is not None else ""
    return next((name for kind, name in names.items() if kind in kinds), "text") + limits


def _code(text: str) -> str:
    return f"`{text}`" if text else ""
