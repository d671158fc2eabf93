"""The durations of requests, by kind."""

from __future__ import annotations

import pytest

from probe.clients.timed_transport import Latency, TimedTransport, latency_of
from tests.unit.clients.remotes import answer
from worker.clients.http import Transport


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.5], (1, 0.5, 0.5, 0.5)),
        ([0.1, 0.3], (2, 0.1, 0.2, 0.3)),
        ([n / 100 for n in range(1, 101)], (100, 0.01, 0.505, 0.95)),
        ([n / 100 for n in range(1, 21)], (20, 0.01, 0.105, 0.19)),
    ],
)
def test_a_kind_has_count_minimum_median_and_95th_percentile(
    seconds: list[float], expected: tuple[int, float, float, float]
) -> None:
    assert latency_of("GET /x", seconds) == Latency("GET /x", *expected)


def test_requests_for_different_records_count_as_one_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Transport, "send", lambda *_, **__: answer(200, {}))
    timed = TimedTransport(remote="netsuite", read_timeout=1.0)
    site = "https://1234567.suitetalk.api.netsuite.com/services/rest"
    for path in ("/record/v1/vendorBill/17", "/record/v1/vendorBill/eid:pcr-bill-4-5", "/query/v1/suiteql?limit=1"):
        timed.send("GET", site + path, headers={})
    assert [(one.kind, one.count) for one in timed.latencies()] == [("GET /suiteql", 1), ("GET /vendorBill/{id}", 2)]
