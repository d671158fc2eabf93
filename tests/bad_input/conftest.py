"""Few examples in the suite, thousands of each with `--hypothesis-profile=thorough`, which no timeout cuts off."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test of thousands of examples takes its time."""
    if settings.get_current_profile_name() == "thorough":
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.timeout(0))
