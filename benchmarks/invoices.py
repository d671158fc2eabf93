"""Exports of invoices: one alone, one during a long scan, one with all Items known, and one with 300 new codes."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, until
from benchmarks.scans import scanned
from config.names import TaskName
from simulators.company import build_company

CAP, WRITE_SECONDS, READ_SECONDS = 15, 0.5, 0.1
EXPORTS = 30


def invoices(*, runs: int) -> Sheet:
    """Measure how long a person who exports an invoice waits."""
    sheet = Sheet(
        "invoices",
        f"cap {CAP}, NetSuite {WRITE_SECONDS} s a write and {READ_SECONDS} s a read, Procore {READ_SECONDS} s; {EXPORTS} exports a run",
    )
    _during_a_scan(sheet, runs)
    _known_items(sheet, runs)
    _many_codes(sheet, runs)
    return sheet


def _during_a_scan(sheet: Sheet, runs: int) -> None:
    idle: list[list[float]] = []
    busy: list[list[float]] = []
    for _ in range(runs):
        with _site("large:1000x50:1", threads=CAP + 5) as site:
            project = _one_project(site)
            idle.append([_export_of_one_new_code(site, project, number) for number in range(EXPORTS)])
            site.send(TaskName.SCAN_PROJECTS, trigger="benchmark")
            until(lambda: site.container.stores.gate.in_use() >= CAP, "the scan fills the gate", timeout=60)
            busy.append([_export_of_one_new_code(site, project, EXPORTS + number) for number in range(EXPORTS)])
            assert site.container.stores.gate.in_use() >= CAP, "the scan still fills the gate"
    for name, place in (("p50", 0.5), ("p95", 0.95)):
        alone, during_scan = [_quantile(one, place) for one in idle], [_quantile(one, place) for one in busy]
        sheet.add(f"an export that needs one new Item, idle, {name}", "s", alone)
        sheet.add(f"an export that needs one new Item, during a scan of 50,000 new codes, {name}", "s", during_scan)
        most = 1.5 if name == "p95" else None
        sheet.add(
            f"during the scan / idle, {name}",
            "",
            [one / other for one, other in zip(during_scan, alone, strict=True)],
            at_most=most,
        )


def _known_items(sheet: Sheet, runs: int) -> None:
    requests, ratios = [], []
    for _ in range(runs):
        with _site("large:2x20:1", threads=CAP + 5) as site:
            scanned(site)
            for number in range(5):
                invoice = _new_invoice(site, _one_project(site), [_some_code(site, place) for place in range(5)])
                site.remotes.forget()
                seconds = _exported(site, *invoice)
                traffic = site.remotes.traffic()
                spent = sum(
                    float(one["ended"]) - float(one["started"]) for one in (*traffic.procore, *traffic.netsuite)
                )
                if number:
                    # The first one logs in and links vendor and project.
                    requests.append(len(traffic.netsuite))
                    ratios.append(seconds / spent)
    sheet.add("all Items known: NetSuite requests", "", requests, at_most=4)
    sheet.add("all Items known: time / sum of the requests' latencies", "", ratios, at_most=1.15)


def _many_codes(sheet: Sheet, runs: int) -> None:
    ratios = []
    for _ in range(runs):
        with _site("large:1x1:1", threads=CAP + 5) as site:
            project = _one_project(site)
            codes = [_new_code(site, project, number) for number in range(300)]
            ratios.append(_exported(site, *_new_invoice(site, project, codes)) / (300 * WRITE_SECONDS / CAP))
    sheet.add("an invoice of 300 lines and 300 new codes: time / (300 x write / cap)", "", ratios, at_most=1.25)


@contextmanager
def _site(profile: str, *, threads: int) -> Iterator[Installation]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Installation(
            Path(folder), profile=profile, slots=CAP, write_latency=WRITE_SECONDS, read_latency=READ_SECONDS
        ) as site,
    ):
        site.remotes.change("procore", latency=READ_SECONDS)
        site.work(("items", "invoices", "beat"), threads=threads)
        site.settle_in()
        yield site


def _one_project(site: Installation) -> int:
    return next(iter(build_company(1, site.profile).projects))


def _export_of_one_new_code(site: Installation, project_id: int, number: int) -> float:
    return _exported(site, *_new_invoice(site, project_id, [_new_code(site, project_id, number)]))


def _exported(site: Installation, project_id: int, invoice_id: int) -> float:
    """Return the seconds from the message until the bill is in NetSuite and Procore names it."""
    began = time.monotonic()
    site.send(TaskName.EXPORT, project_id=project_id, invoice_id=invoice_id)
    key = f"{site.settings.redis_key_prefix}invoices:{project_id}"

    def done() -> bool:
        record: Any = site.redis.hget(key, str(invoice_id))
        return bool(record) and '"created"' in record and "write_back_due" not in record

    until(done, f"invoice {invoice_id} is exported", timeout=300, every=0.005)
    return time.monotonic() - began


def _new_code(site: Installation, project_id: int, number: int) -> str:
    flat_code = f"{40 + number // 900}-{100 + number % 900}.L"
    site.remotes.edit("add_code", project_id=project_id, flat_code=flat_code, budget="0")
    return flat_code


def _some_code(site: Installation, place: int) -> int:
    project_id = _one_project(site)
    return sorted(site.container.ledger.codes(project_id))[place]


def _new_invoice(site: Installation, project_id: int, codes: list[Any]) -> tuple[int, int]:
    lines = [[code, "100.00"] for code in codes]
    vendor = next(iter(build_company(1, site.profile).vendors))
    return project_id, site.remotes.edit("add_invoice", project_id=project_id, vendor=vendor, lines=lines)


def _quantile(values: list[float], place: float) -> float:
    return statistics.quantiles(values, n=100)[round(place * 100) - 1]
