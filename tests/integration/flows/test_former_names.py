"""Options refuse the names of 0.1.0: with an empty list a reader would assume that no problem is open."""

from __future__ import annotations

import pytest

from tests.integration.flows.test_problem_commands import call
from tests.kit.installation import Installation


@pytest.mark.parametrize(
    ("command", "option", "former", "now"),
    [
        ([], "--cause", "drift_item_doubled", "drift_duplicate_item"),
        (["retry"], "--cause", "bill_refused", "bill_rejected"),
        ([], "--class", "a system is down", "outage"),
    ],
)
def test_a_former_name_is_refused_with_the_current_one(
    office: Installation, command: list[str], option: str, former: str, now: str
) -> None:
    ended = call(office, "problems", *command, option, former)
    assert ended.exit_code == 2
    assert f"'{former}' is now called '{now}'." in " ".join(ended.stderr.split())
