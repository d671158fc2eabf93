"""The table of all settings in docs/configuration.md: `python -m config.page` writes it from the settings themselves."""

from __future__ import annotations

import typing
from datetime import date
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.env_example import default_text
from config.process_secrets import HELD, PLACEHOLDERS
from config.settings import Settings

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
HEADING = "## All settings\n"
INTRODUCTION = (
    "Written from `config/settings.py` by `python -m config.page`. A setting without a default has to be set. *Secret* means that its value is never "
    "shown.\n"
)

SECRETS_HEADING = "## Which process holds which secret\n"
SECRETS_INTRODUCTION = (
    "A process has only the secrets in this table in its environment and its settings, however it is started; what it was given beyond that it drops "
    "when it starts. Commands, and `up` itself, hold what they are given. Of the private key it is the path that counts.\n"
)


def page(text: str) -> str:
    """The page with its last section written anew."""
    head, found, _ = text.partition(HEADING)
    if not found:
        raise ValueError(f"the page has no section {HEADING.strip()!r}")
    return f"{head}{HEADING}\n{INTRODUCTION}\n{table()}\n{SECRETS_HEADING}\n{SECRETS_INTRODUCTION}\n{secrets_table()}"


def table() -> str:
    """One row per setting, in the settings' own order."""
    rows = ["| Setting | Takes | Default | What it is |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "to be set" if field.is_required() else _code(default_text(field)) or "empty"
        rows.append(f"| `{name.upper()}` | {_kind(field)} | {default} | {_cell(field.description or '')} |")
    return "\n".join(rows) + "\n"


def secrets_table() -> str:
    """One row per secret: which process holds it."""
    processes = list(HELD)
    rows = [f"| Secret | {' | '.join(processes)} |", f"|---|{'---|' * len(processes)}"]
    for name in PLACEHOLDERS:
        cells = ("yes" if name in HELD[process] else "-" for process in processes)
        rows.append(f"| `{name.upper()}` | {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _kind(field: FieldInfo) -> str:
    """What may stand there, in words."""
    annotation: Any = field.annotation
    kinds = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    if get_origin(annotation) is typing.Literal:
        return " or ".join(_code(str(each)) for each in get_args(annotation))
    if get_origin(annotation) is tuple:
        return "list, comma separated"
    if SecretStr in kinds:
        return "text, secret"
    words = {bool: "`true` or `false`", int: "whole number", float: "number", Path: "path", date: "day", str: "text"}
    bounds = {type(each).__name__: each for each in field.metadata}
    least, most = (getattr(bounds.get(name), name.lower(), None) for name in ("Ge", "Le"))
    told = f", {least:,} to {most:,}" if least is not None and most is not None else ""
    return next((word for kind, word in words.items() if kind in kinds), "text") + told


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
