"""What comparisons keep in Redis: the newest change that each remote has shown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.store.verifications import Verifications

EARLIER, LATER = "2026-12-01 04:20:11", "2026-12-01 04:20:14"


def test_the_newest_change_is_the_latest_one_ever_recorded(client: Redis) -> None:
    verifications = Verifications(client, PREFIX)
    assert verifications.newest("netsuite") == ""
    assert verifications.newest("netsuite", EARLIER, LATER) == LATER
    assert verifications.newest("netsuite", EARLIER) == LATER
    assert verifications.newest("netsuite") == LATER
    assert verifications.newest("procore", EARLIER) == EARLIER


def test_a_later_change_recorded_in_between_is_kept(client: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """Projects are compared at once. If one overwrote the later change of another, hundreds of invoices would be read again."""
    verifications = Verifications(client, PREFIX)
    execute, commands = client.execute_command, []

    def and_then_another(*command: Any, **options: Any) -> Any:
        reply = execute(*command, **options)
        commands.append(command[0])
        if len(commands) == 1:
            verifications.newest("netsuite", LATER)
        return reply

    verifications.newest("netsuite")  # Redis knows the script from here on.
    monkeypatch.setattr(client, "execute_command", and_then_another)
    verifications.newest("netsuite", EARLIER)
    monkeypatch.undo()
    assert verifications.newest("netsuite") == LATER
