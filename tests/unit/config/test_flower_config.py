"""What Flower shows of a task: JSON if it is valid, and no text that ends the page or reverses its direction."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.bad_input import strategies as hostile
from tests.unit.config.conftest import SetEnvironment


@pytest.fixture
def flower_config(set_environment: SetEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # pytest logs too.
    monkeypatch.setattr("config.logs.set_up_logging", lambda **_: None)
    set_environment(REDIS_URL="redis://localhost", FLOWER_BASIC_AUTH="engineer:long-password", DATA_DIR=str(tmp_path))
    return importlib.import_module("worker.flower.config")


def shown_of(flower_config: ModuleType, text: str | None) -> str | None:
    """Return what the page shows for arguments that a worker's event carries as this text."""
    task = SimpleNamespace(kwargs=text, result=text, exception=None)
    shown: str | None = flower_config.format_task(task).kwargs
    return shown


def test_arguments_and_results_are_shown_as_json(flower_config: ModuleType) -> None:
    task = SimpleNamespace(kwargs="{'project_id': 17}", result="{'bill': 'Construção'}", exception=None)
    shown = flower_config.format_task(task)
    assert (shown.kwargs, shown.result) == ('{"project_id": 17}', '{"bill": "Construção"}')


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "(" * 5000, "-" * 50_000 + "1", "{'a': 1", "b'\\xff'", "{1}", None, ""]
)
def test_a_text_that_python_cannot_parse_is_shown_unchanged(flower_config: ModuleType, text: str | None) -> None:
    assert shown_of(flower_config, text) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=hostile.json_values)
def test_any_content_of_a_message_can_be_sent_to_a_browser(flower_config: ModuleType, value: Any) -> None:
    shown = shown_of(flower_config, repr({"argument": value}))
    assert shown is not None
    assert shown.encode()
    assert "\u202e" not in shown


def test_a_character_that_reverses_the_text_direction_is_escaped(flower_config: ModuleType) -> None:
    assert shown_of(flower_config, repr({"trigger": "\u202e24\ud800"})) == json.dumps({"trigger": "\u202e24\ud800"})
