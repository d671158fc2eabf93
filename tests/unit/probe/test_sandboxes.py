"""Which accounts and addresses count as a sandbox."""

from __future__ import annotations

import pytest

from probe.sandboxes import is_netsuite_sandbox, is_procore_sandbox


@pytest.mark.parametrize(
    ("account", "is_one"),
    [
        ("1234567_SB1", True), ("1234567-sb12", True), ("1234567_RP", True), ("1234567_RP2", True), ("TSTDRV1234567", True),
        ("1234567", False), ("1234567_PROD", False), ("X1234567_SB1", False), ("1234567_SB1X", False), ("SB1", False),
        ("TSTDRV", False), ("ACME", False), ("", False),
    ],
)  # fmt: skip
def test_sandbox_accounts_of_netsuite_are_recognized(account: str, is_one: bool) -> None:
    assert is_netsuite_sandbox(account) is is_one


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("https://sandbox.procore.com", True), ("https://api-monthly.procore.com", True), ("http://127.0.0.1:9601", True),
        ("https://api.procore.com", False), ("https://sandbox.procore.com.example.org", False),
        ("https://us02.procore.com", False), ("", False),
    ],
)  # fmt: skip
def test_sandbox_addresses_of_procore_are_recognized(address: str, is_one: bool) -> None:
    assert is_procore_sandbox(address) is is_one
