"""`.env.example` and the tables of docs/configuration.md are up to date, have every setting once, and name no other."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from config.settings import Settings, setting_names
from tools.env_example import FILE, env_example
from tools.settings_page import PAGE, page, settings_table

DEFAULTS = {name.upper(): field.default for name, field in Settings.model_fields.items()}


def test_env_example_is_up_to_date() -> None:
    assert FILE.read_text() == env_example(), "run `make docs`"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `make docs`"


def test_the_table_has_every_setting_once_in_order() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:[^|]+) \| (?:[^|]+) \| (?:[^|]+) \|$", settings_table(), re.MULTILINE)
    assert rows == setting_names()


def test_the_page_names_no_unknown_setting() -> None:
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", PAGE.read_text()))
    prefixes = {"PROCORE_", "NETSUITE_"}
    assert named - prefixes <= {*setting_names(), "SECRETS_DIR"}


def test_env_example_has_every_setting_once_in_order_with_a_description() -> None:
    blocks = env_example().split("\n\n")[1:]
    names = [re.fullmatch(r"# (\S.*)\n(?:# )?([A-Z_]+)=.*\n?", block) for block in blocks]
    assert [found[2] if found else found for found in names] == setting_names()


def test_env_example_is_valid_once_its_blanks_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {*os.environ} & set(setting_names()):
        monkeypatch.delenv(name)
    key = tmp_path / "key.pem"
    key.write_text("a key")
    filled = {"PROCORE_COMPANY_ID": "7", "NETSUITE_ACCOUNT_ID": "1234567", "NETSUITE_PRIVATE_KEY_FILE": str(key)}
    lines = [line.removeprefix("# ") for line in env_example().splitlines() if re.match(r"(# )?[A-Z_]+=", line)]
    required = [name for name in DEFAULTS if Settings.model_fields[name.lower()].is_required()]
    blanks = [f"{name}={filled.get(name, 'text')}" for name in required]
    (tmp_path / ".env").write_text("\n".join([*lines, *blanks]))
    settings = Settings(_env_file=tmp_path / ".env")
    defaults = {name: default for name, default in DEFAULTS.items() if name not in required}
    assert {name: getattr(settings, name.lower()) for name in defaults} == defaults
