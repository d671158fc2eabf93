"""The text of `.env.example`, from the settings."""

from __future__ import annotations

from pathlib import Path

from pydantic.fields import FieldInfo

from config.settings import Settings

FILE = Path(__file__).parents[1] / ".env.example"


def env_example() -> str:
    """Return all settings with their descriptions, in their order. A setting with a default is commented out and shows the default."""
    blocks = ["# Settings of wbs-sync. Copy to .env and fill in what has no value; take out the # to change a default."]
    for name, field in Settings.model_fields.items():
        lead = "" if field.is_required() else "# "
        blocks.append(f"# {field.description}\n{lead}{name.upper()}={default_text(field)}")
    return "\n\n".join(blocks) + "\n"


def default_text(field: FieldInfo) -> str:
    """Return a default as it is written in `.env`; "" for none."""
    if field.is_required() or field.default is None:
        return ""
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, tuple):
        return ",".join(str(part) for part in field.default)
    return str(field.default)
