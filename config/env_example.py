"""The text of `.env.example`: `python -m config.env_example > .env.example`."""

from __future__ import annotations

import sys

from pydantic.fields import FieldInfo

from config.settings import Settings


def env_example() -> str:
    """Every setting with one line on what it is, in the settings' own order; what has a default stands commented out with it."""
    blocks = ["# Settings of wbs-sync. Copy to .env and fill in what has no value; take out the # to change a default."]
    for name, field in Settings.model_fields.items():
        lead = "" if field.is_required() else "# "
        blocks.append(f"# {field.description}\n{lead}{name.upper()}={default_text(field)}")
    return "\n\n".join(blocks) + "\n"


def default_text(field: FieldInfo) -> str:
    """A default as one writes it into `.env`; "" for none."""
    if field.is_required() or field.default is None:
        return ""
    if isinstance(field.default, bool):
        return str(field.default).lower()
    if isinstance(field.default, tuple):
        return ",".join(str(part) for part in field.default)
    return str(field.default)


if __name__ == "__main__":
    sys.stdout.write(env_example())
