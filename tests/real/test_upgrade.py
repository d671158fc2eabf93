"""Version 0.1.0 and this one, in turn and at the same time, on one Redis (docs/upgrade.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.conftest import OpenSite
from tests.upgrade.earlier import FIRST_RELEASE, NoHistory, take_out
from tests.upgrade.rehearsal import SETTLES, Rehearsal

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def test_upgrade_rollback_and_upgrade_again_lose_and_duplicate_nothing(open_site: OpenSite, tmp_path: Path) -> None:
    """Version 0.1.0 and this one take turns on one Redis."""
    try:
        earlier = take_out(FIRST_RELEASE, tmp_path / "earlier")
    except NoHistory as why:
        pytest.skip(str(why))
    site = open_site(profile="large:1x2", slots=4, env=SETTLES)
    Rehearsal(site, earlier, codes=6).play()
