"""The locked versions are the installed ones, and known vulnerabilities are checked without making CI depend on a service."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
CONSTRAINT = re.compile(r"^([a-z0-9.\-]+)==([^\s;]+)", re.MULTILINE)


def test_the_constraints_for_pip_are_the_versions_of_the_lock_file() -> None:
    locked = {(package["name"], package["version"]) for package in LOCK["package"] if package["name"] != "wbs-sync"}
    constraints = set(CONSTRAINT.findall((ROOT / "constraints.txt").read_text()))
    assert constraints == locked, "run .ci/constraints"


def test_the_documented_ways_to_install_by_pip_use_the_constraints() -> None:
    """README.md has at least one such command."""
    commands = re.findall(r"pip install [^&\n`]*-e [^&\n`]*", (ROOT / "README.md").read_text())
    assert commands
    assert [command for command in commands if "-c constraints.txt" not in command] == []


def audit_with(tmp_path: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run the audit with a `uv` that does this instead of pip-audit."""
    fake = tmp_path / "uv"
    fake.write_text(f'#!{sys.executable}\nimport sys\nif sys.argv[1] == "export":\n    sys.exit(0)\n{script}\n')
    fake.chmod(0o755)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, str(ROOT / ".ci" / "audit")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def answer(*packages: Mapping[str, object]) -> str:
    return f"print({json.dumps(json.dumps({'dependencies': list(packages), 'fixes': []}))})"


CLEAN = {"name": "celery", "version": "5.7.0", "vulns": []}
UNKNOWN = {"name": "redis", "skip_reason": "Dependency not found on PyPI and could not be audited: redis (6.0)"}
FOUND = {"name": "flower", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": []}]}


@pytest.mark.parametrize(
    ("script", "exit_code", "says"),
    [
        (answer(CLEAN, UNKNOWN), 0, "1 of 2 packages audited, 0 known vulnerabilities"),
        (answer(CLEAN, FOUND), 1, "flower 1.0: PYSEC-1, fixed in 2.0"),
        (answer(UNKNOWN), 0, "skipped: the vulnerability database cannot be reached"),
        ('print("could not connect", file=sys.stderr)\nsys.exit(2)', 0, "skipped: could not connect"),
    ],
)
def test_the_audit_fails_for_a_vulnerability_and_for_nothing_else(
    tmp_path: Path, script: str, exit_code: int, says: str
) -> None:
    ended = audit_with(tmp_path, script)
    assert (ended.returncode, says in ended.stdout) == (exit_code, True), ended.stdout + ended.stderr


def test_the_bill_of_materials_and_the_audit_are_steps_of_ci() -> None:
    steps = (ROOT / ".ci" / "run").read_text()
    assert all(f" .ci/{name}\n" in steps for name in ("audit", "sbom", "images"))


def test_images_are_named_by_version_and_the_server_is_valkey() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    named = re.findall(r"^ *image: (.*/.*)$", compose, re.MULTILINE)
    named += re.findall(r"^ARG PYTHON_IMAGE=(.*)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert "redis:" not in " ".join(named)
    assert any(image.startswith("valkey/valkey:") for image in named)
    assert [image for image in named if not re.search(r":\d+\.\d+[^:]*$", image)] == [], (
        "a tag that moves over releases"
    )
