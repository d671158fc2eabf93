"""A comparison of both systems: the cost of the first one, the cost of the next one when nothing has changed, and whether it ends where
Procore allows few requests an hour.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, until
from config.names import TaskName
from simulators.company import build_company

CODES, INVOICES = 50, 25
"""Of each project."""
LATER_SECONDS = 2.0
HOURLY, HOUR_SECONDS = 600, 20
"""The simulated hour is shorter, so that one does not wait for it."""


def verify(*, runs: int, projects: int = 40) -> Sheet:
    """Compare one installation in full, again without changes, and in full within a low limit."""
    sheet = Sheet(
        "verify",
        f"{projects} projects, {projects * CODES:,} codes that all have an Item, {projects * INVOICES + 1:,} invoices that all have a bill",
    )
    first: tuple[list[float], list[float]] = [], []
    again: tuple[list[float], list[float]] = [], []
    shares: tuple[list[float], list[float]] = [], []
    hours, complete = [], []
    for _ in range(runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            Installation(
                Path(folder), profile=f"large:{projects}x{CODES}", slots=15, hour_seconds=HOUR_SECONDS
            ) as site,
        ):
            _fill(site)
            whole, rest = _requests(site, projects, full=True), _requests(site, projects, full=False)
            for place in (0, 1):
                first[place].append(whole[place])
                again[place].append(rest[place])
                shares[place].append(rest[place] / whole[place])
            duration, compared = _within_a_limit(site, projects)
            hours.append(duration)
            complete.append(compared)
    for place, remote in enumerate(("Procore", "NetSuite")):
        sheet.add(f"{remote}: requests of a full comparison", "", first[place])
        sheet.add(f"{remote}: requests of the next comparison, nothing changed", "", again[place])
        sheet.add(f"{remote}: the next comparison / a full one", "", shares[place], at_most=0.15)
    sheet.add(f"a full comparison with {HOURLY} Procore requests an hour: hours", "h", hours)
    sheet.add("records that this comparison compares / all", "", complete, at_least=1)
    return sheet


def _fill(site: Installation) -> None:
    """Give every code its Item and every invoice its bill, as in daily work."""
    company = build_company(1, site.profile)
    vendor = next(iter(company.vendors))
    site.settle_in()
    for place, (project_id, project) in enumerate(company.projects.items()):
        codes = list(project.codes)
        for number in range(INVOICES):
            lines = [[codes[(number + each) % CODES], "900.00"] for each in range(3)]
            number_of_vendor = f"V-{place}-{number}"
            site.remotes.edit(
                "add_invoice", project_id=project_id, vendor=vendor, lines=lines, invoice_number=number_of_vendor
            )
    site.work(("items", "invoices", "beat"), threads=16)
    scan, _ = site.container.wbs_scan.request("benchmark")
    site.send(TaskName.SCAN_PROJECTS, trigger="benchmark")
    until(
        lambda: (now := site.container.runs.run(scan.id)) is not None and now.ended, "the scan has ended", timeout=900
    )
    _export(site)
    # A comparison remembers what was changed before the newest record that it has seen. In daily work there is always a newer one.
    time.sleep(LATER_SECONDS)
    first, project = next(iter(company.projects.items()))
    lines = [[next(iter(project.codes)), "900.00"]]
    site.remotes.edit("add_invoice", project_id=first, vendor=vendor, lines=lines, invoice_number="later")
    _export(site)


def _export(site: Installation) -> None:
    run, _ = site.container.export_runs.request("benchmark")
    site.send(TaskName.EXPORT_APPROVED, trigger="benchmark")
    until(
        lambda: (now := site.container.runs.run(run.id)) is not None and now.ended, "the export has ended", timeout=900
    )


def _requests(site: Installation, projects: int, *, full: bool) -> tuple[int, int]:
    """Return how many requests one comparison sends to each remote."""
    site.remotes.forget()
    verified = site.container.verification.verify(full=full)
    if verified.findings or not verified.whole or verified.right != projects * (CODES + INVOICES) + 1:
        raise AssertionError(f"{verified.right} right, {verified.findings[:3]}, {verified.not_compared}")
    traffic = site.remotes.traffic()
    return len(traffic.procore), len(traffic.netsuite)


def _within_a_limit(site: Installation, projects: int) -> tuple[float, float]:
    """Return the hours that a full comparison takes within a low limit, and the share of the records that it compares."""
    site.remotes.change("procore", hourly_limit=HOURLY)
    began = site.container.now()
    verified = site.container.verification.verify(full=True)
    hours = (site.container.now() - began) / HOUR_SECONDS
    site.remotes.change("procore", hourly_limit=None)
    return hours, (verified.right if verified.whole else 0) / (projects * (CODES + INVOICES) + 1)
