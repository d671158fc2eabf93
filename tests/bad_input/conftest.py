"""The suite runs few examples of each test; `--hypothesis-profile=thorough` runs thousands of them, without a timeout."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Remove the timeout of tests with thousands of examples."""
    if settings.get_current_profile_name() == "thorough":
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.timeout(0))
