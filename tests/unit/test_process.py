"""`python -m worker.process`: Celery's worker and beat without its command line."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from config.processes import FLOWER_CONFIG
from worker import process

NEVER_USED = (
    "flower",
    "tornado",
    "prompt_toolkit",
    "celery.bin",
    "probe",
    "simulators",
    "tools",
    "prometheus_client",
    "rich",
    "worker.cli",
)
"""What a worker imports none of: each costs megabytes in each process."""


def test_a_worker_imports_nothing_that_it_never_uses() -> None:
    code = (
        "import sys; import worker.process, worker.container, celery.apps.worker, tasks.wbs, tasks.invoices, tasks.ledger; "
        f"print([name for name in {NEVER_USED!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("file", [Path(process.__file__), FLOWER_CONFIG], ids=["beat", "flower"])
def test_beat_and_flower_import_no_container(file: Path) -> None:
    """They only schedule and show: the clients and services of a container would add 20 MB and a quarter of their start-up time."""
    imported = [node.module for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    code = f"import sys; import {', '.join(filter(None, imported))}; print('worker.container' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_command_that_starts_no_server_imports_no_client_of_its_package() -> None:
    code = "import sys; import worker.cli.session; print('valkey' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    "arguments", [[], ["worker"], ["worker", "-n", "items@%h"], ["worker", "-Q", "items"], ["flower"]]
)
def test_an_incomplete_command_line_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        process.main(arguments)
    assert "usage: python -m worker.process" in capsys.readouterr().err
