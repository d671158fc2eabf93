"""A scan that finds nothing new: its cost per project, with 100, 1,000 and 10,000 of them; and how soon a cold scan begins."""

from __future__ import annotations

import resource
import tempfile
import time
from pathlib import Path

import requests

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, until
from benchmarks.machine import Stopwatch, resident_megabytes
from benchmarks.scans import scanned
from config.names import TaskName
from simulators.company import build_company
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Children, Record, State
from worker.domain.work import Lane, RunKind, scan_of

CODES = 50
CAP, THREADS = 15, 16
START_SECONDS = 2.0
"""What a worker does once it is ready, such as dispatching waiting work, is no cost of a scan. Nor is what its threads do once, such as opening
connections, so an unmeasured scan comes first.
"""
MEASURED_PROJECTS = 2_000
"""A scan of few projects takes a fraction of a second, and CPU time is counted in hundredths: it is repeated until this many projects were scanned."""


def warm(*, runs: int, sizes: tuple[int, ...] = (100, 1_000, 10_000)) -> Sheet:
    """Scan without anything new: Procore's pages are read, and NetSuite gets no request."""
    sheet = Sheet("warm", f"projects of {CODES} codes, all of them in the ledger; a worker with {THREADS} threads")
    costs: dict[int, float] = {}
    memories: dict[int, float] = {}
    for size in sizes:
        cpu, netsuite, pages, seconds, memory, per_code, shares = [], [], [], [], [], [], []
        for _ in range(runs if size < 10_000 else 1):
            with (
                tempfile.TemporaryDirectory() as folder,
                Installation(Path(folder), profile=f"large:{size}x{CODES}", slots=CAP) as site,
            ):
                per_code.append(_fill(site, size))
                site.work(("items", "invoices", "beat"), threads=THREADS)
                time.sleep(START_SECONDS)
                scanned(site)
                site.remotes.forget()
                scans = -(-MEASURED_PROJECTS // size)
                workers = Stopwatch(site.workers())
                seconds.append(sum(scanned(site) for _ in range(scans)) / scans)
                cpu.append(workers.cpu / (size * scans) * 1000)
                traffic = site.remotes.traffic()
                netsuite.append(len(traffic.netsuite))
                # One page of codes for each project, and the pages of the list of projects.
                pages.append(len(traffic.procore) / scans / (size + -(-size // 300)))
                memory.append(max(map(resident_megabytes, site.workers())))
                if size == 1_000:
                    shares.append(_shares(site, cpu[-1]))
        costs[size], memories[size] = sorted(cpu)[len(cpu) // 2], sorted(memory)[len(memory) // 2]
        sheet.add(f"{size:,} projects: NetSuite requests", "", netsuite, at_most=0)
        sheet.add(f"{size:,} projects: Procore requests / pages to read", "", pages, at_most=1.02)
        sheet.add(f"{size:,} projects: the scan takes", "s", seconds)
        sheet.add(f"{size:,} projects: worker CPU per project", "ms", cpu, at_most=5)
        sheet.add(f"{size:,} projects: memory of the largest worker", "MB", memory)
        sheet.add(f"{size:,} projects: Redis bytes per code", "bytes", per_code, at_most=200)
        for place, owner in enumerate(("Celery's own", "the HTTP client's", "the Redis client's", "ours")):
            if shares:
                most = 2 if owner == "ours" else None
                sheet.add(
                    f"{size:,} projects: of the CPU per project, {owner}",
                    "ms",
                    [one[place] for one in shares],
                    at_most=most,
                )
    sheet.add("Redis bytes per code that waits for its Item", "bytes", [_bytes_per_waiting_code()])
    highest, lowest = max(costs.values()), min(costs.values())
    sheet.add("CPU per project, most / least of the sizes", "", [highest / lowest], at_most=1.1)
    sheet.add(
        "CPU per project of the sizes: furthest from their middle",
        "",
        [(highest - lowest) / (highest + lowest)],
        at_most=0.1,
    )
    sheet.add(
        "memory of a worker, most / least of the sizes",
        "",
        [max(memories.values()) / min(memories.values())],
        at_most=1.05,
    )
    return sheet


def first(*, runs: int, projects: int = 10_000) -> Sheet:
    """From the start of a cold scan of many projects to the first Item, in a Redis that has just begun.

    Nothing is written in such a Redis for two seconds in which every process may report a loss, nor for two more in which the server
    may lose its last second (docs/decisions/0003-exactly-once.md). All projects are listed and the first ones planned meanwhile.
    """
    write = 0.5
    sheet = Sheet("first", f"{projects:,} projects of {CODES} new codes, {write} s a write")
    waits, lists = [], []
    for _ in range(runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            Installation(Path(folder), profile=f"large:{projects}x{CODES}", slots=CAP, write_latency=write) as site,
        ):
            site.work(("items", "beat"), threads=CAP + 5)
            began = time.time()
            site.send(TaskName.SCAN_PROJECTS, trigger="benchmark")
            until(
                lambda: site.remotes.stats("netsuite")["requests"].get(
                    "POST /services/rest/record/v1/otherChargePurchaseItem"
                ),
                "a first Item",
                timeout=120,
                every=0.05,
            )
            time.sleep(write)
            traffic = site.remotes.traffic()
            pages = [one for one in traffic.procore if one["path"] == "/rest/v1.1/projects"]
            waits.append(float(traffic.item_posts[0]["ended"] or time.time()) - began)
            lists.append(len(pages))
    sheet.add("from the start of the scan until the first Item exists", "s", waits, at_most=2 + 0.2 + write)
    sheet.add("pages of the project list that were read before", "", lists)
    return sheet


def _fill(site: Installation, size: int) -> float:
    """Write a ledger that has all codes, and return the Redis bytes per code."""
    ledger, redis = site.container.ledger, site.redis
    before = int(redis.info("memory")["used_memory"])
    ledger.state.open(since=0)
    number = 100_000
    for project in build_company(1, f"large:{size}x{CODES}").projects.values():
        records = {}
        for code in project.budgeted_codes():
            number += 1
            records[CodeKey(project.id, code.id)] = Record(
                State.CREATED, f"{project.number}-{code.flat_code}", str(number), at=time.time()
            )
        ledger.restore(records)
    return (int(redis.info("memory")["used_memory"]) - before) / (size * CODES)


def _bytes_per_waiting_code() -> float:
    """Return the bytes of a waiting code: its record, its place in the lane and in the run."""
    with tempfile.TemporaryDirectory() as folder, Installation(Path(folder), profile="large:1x1", slots=CAP) as site:
        ledger, work = site.container.ledger, site.container.work
        before, projects = int(site.redis.info("memory")["used_memory"]), range(1, 1_001)
        site.container.runs.begin(RunKind.SCAN, "benchmark", [scan_of(project) for project in projects])
        for project in projects:
            numbers = range(182_877_000 + project * CODES, 182_877_000 + (project + 1) * CODES)
            name = f"24-{project:05d}-01-100.S"
            record = Record(State.WAITING, name, at=time.time(), code="01-100.S", description="Concrete work")
            ledger.add_waiting(project, dict.fromkeys(numbers, record))
            children = [str(CodeKey(project, number)) for number in numbers]
            work.spawn(scan_of(project), Lane.SCANS, Children(children, Lane.ITEMS))
        return (int(site.redis.info("memory")["used_memory"]) - before) / (len(projects) * CODES)


def _shares(site: Installation, whole: float) -> tuple[float, float, float, float]:
    """CPU per project in ms: Celery's own, the HTTP client's, the Redis client's, and what is left, which is ours.

    The same work without Celery, in this process; and the same requests and about as many commands without us.
    """
    container, projects = site.container, list(site.container.stores.listed_projects.all())[:300]
    container.wbs_scan.request("benchmark, without Celery")
    began, calls = _cpu(), _calls(site)
    for project in projects:
        container.runner.run(scan_of(project.id))
    without_celery = (_cpu() - began) / len(projects) * 1000
    asked = (_calls(site) - calls) / len(projects)
    token, company = container.connections.procore_tokens.get(), container.settings.procore_company_id
    headers = {"Authorization": f"Bearer {token}", "Procore-Company-Id": str(company)}
    with requests.Session() as session:
        began = _cpu()
        for project in projects:
            url = (
                f"{site.env['PROCORE_BASE_URL']}/rest/v2.0/companies/{company}/projects/{project.id}/budget_line_items"
            )
            session.get(url, params={"page": 1, "per_page": 100}, headers=headers, timeout=(10, 30)).json()
        http = (_cpu() - began) / len(projects) * 1000
    began = _cpu()
    for project in projects:
        site.redis.hgetall(f"{site.settings.redis_key_prefix}codes:{project.id}")
        for _ in range(round(asked) - 1):
            site.redis.get("nothing")
    of_redis = (_cpu() - began) / len(projects) * 1000
    return max(0.0, whole - without_celery), http, of_redis, without_celery - http - of_redis


def _calls(site: Installation) -> int:
    """Return the round trips to Redis of all clients, counted as network reads."""
    return int(site.redis.info("stats")["total_reads_processed"])


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
