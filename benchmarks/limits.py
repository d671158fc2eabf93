"""A scan that Procore's limits delay: the used share of each window, and how long an export during the scan waits."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, until
from config.names import TaskName

HOURLY, SPIKE, SPIKE_SECONDS = 600, 25, 10
HOUR_SECONDS = 300
"""The simulated hour is shorter, so that one does not wait for it: 25 in 10 seconds would be 750 in it."""


def limits(*, runs: int) -> Sheet:
    """Scan more projects than one of Procore's hours allows."""
    projects = 900
    sheet = Sheet(
        "limits",
        f"{projects} projects, Procore's limits {HOURLY} in an hour (here of {HOUR_SECONDS} s) and {SPIKE} in {SPIKE_SECONDS} s",
    )
    spikes, hours, refusals = [], [], []
    for _ in range(runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            Installation(Path(folder), profile=f"large:{projects}x1", slots=15) as site,
        ):
            site.remotes.change("procore", hourly_limit=HOURLY, spike_limit=SPIKE, hour_seconds=HOUR_SECONDS)
            site.work(("items", "beat"), threads=16)
            run, _ = site.container.wbs_scan.request("benchmark")
            site.send(TaskName.SCAN_PROJECTS, trigger="benchmark")

            def ended(site: Installation = site, run_id: str = run.id) -> bool:
                now = site.container.runs.run(run_id)
                return now is not None and now.counts.get("projects_done", 0) >= projects

            until(ended, "all projects are looked through", timeout=1200, every=0.5)
            requests = site.remotes.traffic().procore
        windows = windows_of(requests, HOUR_SECONDS)
        refusals.append(sum(one["status"] == 429 for one in requests) / len(windows_of(requests, SPIKE_SECONDS)))
        hours.append(len(windows[0]) / HOURLY)
        full = windows_of(windows[0], SPIKE_SECONDS)[:-1]
        spikes.append(sum(map(len, full)) / (SPIKE * len(full)))
    sheet.add("share of the hour that the scan uses", "", hours, at_least=0.95)
    sheet.add("share of the ten seconds that the scan uses, while the hour has room", "", spikes, at_least=0.95)
    sheet.add("answers 429 for each window", "", refusals, at_most=1)
    return sheet


def windows_of(requests: Sequence[dict[str, Any]], seconds: float) -> list[list[dict[str, Any]]]:
    """Split requests into windows as Procore counts: a window begins with the first request after the end of the previous one."""
    windows: list[list[dict[str, Any]]] = []
    ends = 0.0
    for request in sorted(requests, key=lambda each: float(each["started"])):
        if request["started"] >= ends:
            windows.append([])
            ends = float(request["started"]) + seconds
        windows[-1].append(request)
    return windows
