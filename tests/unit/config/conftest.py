"""A separate environment for each test: no variable of the machine, and no `.env` but the test's."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from config.loading import load_settings
from config.setting_faults import InvalidSettings
from config.settings import setting_names

SetEnvironment = Callable[..., None]


@pytest.fixture
def needed(tmp_path: Path) -> dict[str, str]:
    """Return the settings that have no default."""
    key = tmp_path / "netsuite.pem"
    key.write_text("not looked into here")
    return {
        "PROCORE_CLIENT_ID": "app-1",
        "PROCORE_CLIENT_SECRET": "sesame",
        "PROCORE_COMPANY_ID": "4",
        "NETSUITE_ACCOUNT_ID": "1234567_SB1",
        "NETSUITE_CLIENT_ID": "client-1",
        "NETSUITE_CERTIFICATE_ID": "cert-1",
        "NETSUITE_PRIVATE_KEY_FILE": str(key),
    }


@pytest.fixture
def set_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, needed: dict[str, str]) -> SetEnvironment:
    """Set the environment to the required settings with these changes; None removes a variable."""
    for name in [*setting_names(), "SECRETS_DIR", *(name for name in os.environ if name.startswith(("PROCORE_", "NETSUITE_")))]:  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def change(**changes: str | None) -> None:
        for name, value in (needed | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    return change


def faults_of(set_environment: SetEnvironment, **changes: str | None) -> tuple[str, ...]:
    """Return the faults of settings with these changes."""
    set_environment(**changes)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    return caught.value.faults
