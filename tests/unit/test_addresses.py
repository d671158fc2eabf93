"""Addresses that are shown to people."""

from __future__ import annotations

import pytest

from worker.cli.stack import address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8787"),
        ("::1", "http://[::1]:8787"),
        ("wbs.example.com", "http://wbs.example.com:8787"),
    ],
)
def test_an_address_of_ipv6_has_brackets(host: str, address: str) -> None:
    assert address_of(host, 8787) == address
