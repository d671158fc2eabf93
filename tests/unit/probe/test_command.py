"""`wbs-sync probe` is found where the package `probe` is installed; where it is not, the command says so."""

from __future__ import annotations

import importlib
import sys

import pytest
from click.testing import CliRunner, Result

from worker.cli import TOOLS, wbs_sync


def call(*arguments: str) -> Result:
    return CliRunner().invoke(wbs_sync, arguments)


def test_the_installed_probe_is_a_command() -> None:
    ended = call("probe", "--help")
    assert ended.exit_code == 0
    assert "--read-only" in ended.stdout


def test_without_the_package_the_command_says_that_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "probe"]:
        monkeypatch.delitem(sys.modules, name)
    # An import of a name that is mapped to None ends as if there were no such module.
    monkeypatch.setitem(sys.modules, "probe", None)
    ended = call("probe", "--account", "1234567_SB1")
    assert ended.exit_code == 1
    assert "`wbs-sync probe` is not installed" in ended.stderr
    assert call("--help").exit_code == 0


def test_a_dependency_that_is_missing_is_not_taken_for_a_missing_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        raise ModuleNotFoundError("No module named 'rich'", name="rich")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert isinstance(call("probe").exception, ModuleNotFoundError)


@pytest.mark.parametrize("command", TOOLS)
def test_the_module_of_a_tool_has_its_command(command: str) -> None:
    assert getattr(importlib.import_module(TOOLS[command]), command).name == command
