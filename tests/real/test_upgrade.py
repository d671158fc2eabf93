"""Version 0.1.0 and this one, one after the other and at once, on one Redis (docs/upgrade.md)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.conftest import OpenSite
from tests.upgrade.earlier import FIRST_RELEASE, NoHistory, take_out
from tests.upgrade.rehearsal import SETTLES, Rehearsal

pytestmark = [pytest.mark.real, pytest.mark.timeout(600)]


def test_nothing_is_lost_or_doubled_by_an_upgrade_the_way_back_and_the_upgrade_again(
    open_site: OpenSite, tmp_path: Path
) -> None:
    try:
        earlier = take_out(FIRST_RELEASE, tmp_path / "earlier")
    except NoHistory as why:
        pytest.skip(str(why))
    site = open_site(profile="large:1x2", slots=4, env=SETTLES)
    Rehearsal(site, earlier, codes=6).play()
