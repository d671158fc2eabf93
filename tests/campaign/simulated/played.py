"""The schedule that is being played."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig


class _Current:
    rig: Rig | None = None


_CURRENT = _Current()


def use(rig: Rig | None) -> None:
    """Play this schedule from now on; None = no schedule."""
    _CURRENT.rig = rig


def rig() -> Rig:
    """Return the schedule that is being played."""
    assert _CURRENT.rig is not None, "no schedule is being played"
    return _CURRENT.rig
