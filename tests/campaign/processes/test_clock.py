"""A process whose clock is off sees another time than this one, and ends like any other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.campaign.processes.clock import shifted


def test_a_shifted_process_has_another_wall_clock(tmp_path: Path) -> None:
    variables = shifted(-60, tmp_path)
    if not variables:
        pytest.skip("a clock can only be shifted on Linux, with a C compiler")
    told = subprocess.run(
        [sys.executable, "-c", "import time; print(time.time())"],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert -90 < float(told.stdout) - time.time() < -30
