"""Scans that create Items: use of the concurrency limit, compared with simple scripts; several workers; the cost of one Item."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis

from benchmarks import baselines
from benchmarks.figures import Sheet
from benchmarks.installation import Installation, Remotes, own_environment, until
from benchmarks.machine import Stopwatch
from benchmarks.traffic import Traffic
from config.names import TaskName

WRITE_SECONDS = 0.5
READ_SECONDS = 0.1
SPARE_THREADS = 5
"""Threads in addition to the slots: they read projects while all slots write."""
SCAN_SECONDS = 1800.0


def scanned(site: Installation) -> float:
    """Scan all projects as an app requests it, and return the seconds until the scan has ended."""
    began = time.monotonic()
    run, _ = site.container.wbs_scan.request("benchmark")
    site.send(TaskName.SCAN_PROJECTS, trigger="benchmark")

    def ended() -> bool:
        now = site.container.runs.run(run.id)
        return now is not None and now.ended

    until(ended, "the scan has ended", timeout=SCAN_SECONDS, every=0.1)
    return time.monotonic() - began


def cold(cap: int, *, runs: int, projects: int = 100) -> Sheet:
    """Scan with all codes new. Product and script take turns, or run side by side where a run takes minutes and hardly any CPU."""
    side_by_side = cap == 5
    sheet = Sheet(
        f"cold-{cap}",
        f"cap {cap}, {projects} projects of 40 new codes, {WRITE_SECONDS} s a write; a worker with {cap + SPARE_THREADS} threads",
    )
    busy, against, refused, asked, rates, bare = [], [], [], [], [], []
    for _ in range(1 if side_by_side else runs):
        with ThreadPoolExecutor(2) as pool:
            product = pool.submit(_product, cap, projects)
            if not side_by_side:
                product.result()
            script = pool.submit(_threads, cap, projects)
            traffic, theirs = product.result(), script.result()
        assert len(traffic.records) == projects * 40
        busy.append(traffic.busy_share(cap))
        rates.append(traffic.items_a_second())
        bare.append(theirs["items"] / theirs["seconds"])
        against.append(rates[-1] / bare[-1])
        refused.append(traffic.refused + max(0, traffic.most_at_once - cap))
        asked.append(len(traffic.netsuite) / len(traffic.item_posts))
    sheet.add("busy share of the slots", "", busy, at_least=0.95 if cap == 65 else 0.97)
    sheet.add("Items a second", "/s", rates)
    sheet.add(f"Items a second, a script with {cap} threads", "/s", bare)
    sheet.add("share of the script's speed", "", against, at_least=0.97)
    sheet.add("requests above the cap, and answers 429", "", refused, at_most=0)
    sheet.add("NetSuite requests per new Item", "", asked, at_most=1.05)
    return sheet


def default(cap: int, *, runs: int, projects: int) -> Sheet:
    """Run for about a minute with only the concurrency limit set: ramp-up and tail count, and reads take realistic time."""
    sheet = Sheet(
        f"default-{cap}",
        f"cap {cap}, {projects} projects of 40 new codes, {WRITE_SECONDS} s a write, {READ_SECONDS} s a read; WORKER_THREADS not set",
    )
    busy, full, refused = [], [], []
    for _ in range(runs):
        with _site(cap, f"large:{projects}x40", read_latency=READ_SECONDS) as site:
            site.work(("items", "invoices", "beat"))
            site.settle_in()
            site.remotes.forget()
            scanned(site)
            traffic = site.remotes.traffic()
        assert len(traffic.records) == projects * 40
        busy.append(traffic.busy_share_of_all(cap))
        full.append(traffic.seconds_to_full_use(cap))
        refused.append(traffic.refused + max(0, traffic.most_at_once - cap))
    sheet.add("busy share of the slots, first to last request", "", busy, at_least=0.95 if cap == 65 else 0.97)
    sheet.add("from the first look-up until all slots are in use", "s", full, at_most=1)
    sheet.add("requests above the cap, and answers 429", "", refused, at_most=0)
    return sheet


def alternatives(*, runs: int) -> Sheet:
    """Measure the scripts that one would write instead."""
    sheet = Sheet("alternatives", f"new codes, {WRITE_SECONDS} s a write, cap 15; 40 codes in a row, 400 with Celery")
    sheet.add("a sequential script: Items a second", "/s", [_sequential() for _ in range(runs)])
    sheet.add("Celery, one task per code, check then POST: Items a second", "/s", [_celery(15) for _ in range(runs)])
    return sheet


def machines(*, runs: int, counts: tuple[int, ...] = (1, 4, 8)) -> Sheet:
    """Scan with several worker processes, each as on a separate machine: they share nothing but the REDIS_URL."""
    cap, projects = 15, 20
    sheet = Sheet(
        "machines",
        f"cap {cap}, {projects} projects of 40 new codes, {WRITE_SECONDS} s a write, 8 threads a worker (20 for a single one)",
    )
    for count in counts:
        busy, refused, twice = [], [], []
        for _ in range(runs):
            with _site(cap, f"large:{projects}x40") as site:
                for number in range(count):
                    kinds = ("items", "beat") if number == 0 else ("items",)
                    site.work(kinds, machine=f"m{number}", threads=8 if count > 1 else cap + SPARE_THREADS)
                scanned(site)
                traffic = site.remotes.traffic()
            busy.append(traffic.busy_share(cap))
            refused.append(traffic.refused + max(0, traffic.most_at_once - cap))
            twice.append(len(traffic.item_posts) - projects * 40)
        sheet.add(f"{count} workers: busy share of the slots", "", busy, at_least=0.97)
        sheet.add(f"{count} workers: requests above the cap, and answers 429", "", refused, at_most=0)
        sheet.add(f"{count} workers: writes in addition to one per code", "", twice, at_most=0)
    return sheet


def overhead(*, runs: int) -> Sheet:
    """What one Item costs in addition to its request."""
    cap, projects = 15, 50
    items = projects * 40
    sheet = Sheet(
        "overhead",
        f"cap {cap}, {items} new codes, {WRITE_SECONDS} s a write; commands counted by Redis itself (MONITOR), in a separate run",
    )
    cpu, bare, commands, messages, simulator = [], [], [], [], []
    for _ in range(runs):
        with _site(cap, f"large:{projects}x40") as site:
            site.work(("items", "beat"), threads=cap + SPARE_THREADS)
            workers, remotes = Stopwatch(site.workers()), Stopwatch([site.remotes.pid])
            wall = scanned(site)
            cpu.append(workers.cpu / items * 1000)
            simulator.append(remotes.cpu / wall)
        theirs = _threads(cap, projects)
        bare.append(theirs["cpu_seconds"] / theirs["items"] * 1000)
        with _site(cap, f"large:{projects}x40") as site:
            site.work(("items", "beat"), threads=cap + SPARE_THREADS)
            with _commands(site.server.url) as counted:
                scanned(site)
            commands.append(sum(counted.values()) / items)
            messages.append(sum(count for name, count in counted.items() if name.startswith("LPUSH wbs:items")) / items)
    sheet.add("worker CPU per Item", "ms", cpu)
    sheet.add("CPU of a bare POST with `requests`", "ms", bare)
    sheet.add(
        "worker CPU per Item beyond the bare POST",
        "ms",
        [one - other for one, other in zip(cpu, bare, strict=True)],
        at_most=6,
    )
    sheet.add("messages per Item", "", messages, at_most=1)
    sheet.add("Redis commands per Item", "", commands, at_most=12)
    sheet.add("CPU of both simulators, share of one core", "", simulator, note="their headroom")
    return sheet


@contextmanager
def _site(cap: int, profile: str, **remotes: Any) -> Iterator[Installation]:
    with (
        tempfile.TemporaryDirectory() as folder,
        Installation(Path(folder), profile=profile, slots=cap, write_latency=WRITE_SECONDS, **remotes) as site,
    ):
        yield site


def _product(cap: int, projects: int) -> Traffic:
    with _site(cap, f"large:{projects}x40") as site:
        site.work(("items", "invoices", "beat"), threads=cap + SPARE_THREADS)
        scanned(site)
        return site.remotes.traffic()


@contextmanager
def _remotes(cap: int, profile: str) -> Iterator[Remotes]:
    with tempfile.TemporaryDirectory() as folder:
        remotes = Remotes(Path(folder), profile=profile, concurrency_limit=cap, write_latency=WRITE_SECONDS)
        try:
            yield remotes
        finally:
            remotes.stop()


def _threads(cap: int, projects: int) -> dict[str, float]:
    with _remotes(cap, f"large:{projects}x40") as remotes:
        return baselines.run("threads", own_environment() | remotes.env, threads=cap)


def _sequential() -> float:
    with _remotes(5, "large:1x40") as remotes:
        done = baselines.run("threads", own_environment() | remotes.env, threads=1)
        return done["items"] / done["seconds"]


def _celery(cap: int) -> float:
    with _site(cap, "large:10x40") as site:
        env = site.env | {"NAIVE_REDIS_URL": site.server.url.removesuffix("/0") + "/1"}
        done = baselines.run("celery", env, threads=cap)
        return done["items"] / done["seconds"]


@contextmanager
def _commands(url: str) -> Iterator[Counter[str]]:
    """Count the commands that clients send to Redis within the block; commands inside a script are not counted."""
    counted: Counter[str] = Counter()
    client: Any = redis.Redis.from_url(url, decode_responses=True)
    monitor = client.monitor()
    monitor.__enter__()
    ending = threading.Event()

    def listen() -> None:
        while not ending.is_set():
            entry = monitor.next_command()
            if entry["client_type"] != "lua":
                counted[" ".join(entry["command"].split()[:2])] += 1

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield counted
    finally:
        ending.set()
        client.ping()
        with redis.Redis.from_url(url) as last:
            last.ping()
        thread.join(5)
        client.close()
