"""Packaging, workflows, hooks and import contracts agree: packages, versions of tools and of Python, license, types, changelog, names of tests."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import LONGEST

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PRODUCT = {"worker", "tasks", "config"}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAX_TEST_NAME_LENGTH = 70


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def test_every_package_of_the_wheel_is_marked_as_typed() -> None:
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert packages
    assert [name for name in packages if not (ROOT / name / "py.typed").exists()] == []


def test_the_wheel_has_the_product_the_probe_and_the_simulators_only() -> None:
    packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) == {*PRODUCT, "probe", "simulators"}


def test_the_wheel_has_every_data_file_of_its_packages() -> None:
    """Hatch takes all files of a package that Git does not ignore."""
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel.keys() == {"packages"}, "nothing is left out or added by a pattern"
    files = [path for name in wheel["packages"] for path in (ROOT / name).rglob("*") if path.is_file()]
    data = [str(path.relative_to(ROOT)) for path in files if path.suffix in (".toml", ".lua", ".html", ".css")]
    assert "worker/domain/problems.toml" in data
    ignored = subprocess.run(["git", "check-ignore", *data], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout.split() == []


def unexplained_sleeps(text: str) -> list[int]:
    """Return the lines that wait for a fixed time without a comment on the line that names the real time."""
    lines = text.splitlines()
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    at = {call.lineno for call in calls if ast.unparse(call.func) in ("time.sleep", "sleep")}
    return sorted(line for line in at if "  # " not in lines[line - 1])


@pytest.mark.parametrize("text", ["import time\ntime.sleep(1)", "from time import sleep\nif True:\n    sleep(2)"])
def test_a_sleep_without_its_reason_is_found(text: str) -> None:
    assert unexplained_sleeps(text) == [text.count("\n") + 1]


def test_a_test_sleeps_only_where_real_time_has_to_pass() -> None:
    """A test that sleeps and hopes depends on the speed of the machine: it waits with `eventually`, or moves the time of what it tests."""
    tests = (path for path in (ROOT / "tests").rglob("test_*.py"))
    sleeps = {str(path.relative_to(ROOT)): unexplained_sleeps(path.read_text()) for path in tests}
    assert {path: lines for path, lines in sleeps.items() if lines} == {}


def test_every_package_is_typed_and_in_a_layer() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    linter = PYPROJECT["tool"]["importlinter"]
    layers = next(each["layers"] for each in linter["contracts"] if "tests" in each.get("layers", ()))
    assert packages >= PRODUCT
    assert set(PYPROJECT["tool"]["mypy"]["packages"]) == packages
    assert set(linter["root_packages"]) == packages
    assert {name for layer in layers for name in re.split(r" [|:] ", layer)} == packages
    assert set(layers[-1].split(" : ")) == PRODUCT, "the lowest layer: it imports none of the others"


def test_the_image_has_every_package_of_the_wheel() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", DOCKERFILE, re.MULTILINE))
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert copied == set(PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert [name for name in copied if f"!{name}" not in sent] == []


def test_the_image_is_built_with_every_file_that_the_metadata_names() -> None:
    names = [PROJECT["readme"], *PROJECT["license-files"]]
    copied = re.search(r"^COPY (pyproject\.toml .*) \./$", DOCKERFILE, re.MULTILINE)
    sent = (ROOT / ".dockerignore").read_text().splitlines()
    assert copied
    for name in names:
        assert (ROOT / name).exists()
        assert name in copied[1].split()
        assert f"!{name}" in sent


def test_the_changelog_has_this_version_and_unreleased_changes() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert PROJECT["version"] in headings


def test_actions_are_pinned_by_digest_and_say_their_version() -> None:
    assert WORKFLOWS
    for path in WORKFLOWS:
        uses = re.findall(r"uses: (.*)$", path.read_text(), re.MULTILINE)
        assert uses
        assert [each for each in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each)] == []


def test_ci_checks_every_supported_python_with_the_uv_of_the_image() -> None:
    job = loaded(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["check"]
    supported = {each.rpartition(" ")[2] for each in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", each)}
    assert set(job["strategy"]["matrix"]["python"]) == supported
    assert job["steps"][-1] == {"run": ".ci/run"}
    uv = next(step["with"] for step in job["steps"] if "setup-uv" in step.get("uses", ""))
    assert f"uv=={uv['version']}\n" in DOCKERFILE


def test_hooks_run_the_tools_of_the_locked_environment() -> None:
    hooks = [hook for repo in loaded(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert {hook["id"] for hook in hooks} == {"ruff-check", "ruff-format", "mypy"}
    assert [hook["id"] for hook in hooks if not hook["entry"].startswith("uv run --locked ")] == []


def test_the_files_that_start_first_exist() -> None:
    assert [name for name in LONGEST if not (ROOT / "tests" / name).exists()] == []


def test_no_test_name_is_longer_than_70_characters() -> None:
    """A longer name says too much at once: the name has the guarantee, and the docstring the rest."""
    names = {
        f"{path.relative_to(ROOT)}::{name}": len(name)
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name in re.findall(r"^ *(?:async )?def (test_\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert len(names) > 2000
    assert [name for name, length in names.items() if length > MAX_TEST_NAME_LENGTH] == []
