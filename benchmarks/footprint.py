"""What an idle installation costs: memory of the workers and of all processes, and the time until the first task runs."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, Remotes, own_environment, until
from benchmarks.machine import proportional_megabytes, resident_megabytes
from benchmarks.scans import scanned

PROGRAM = str(Path(sys.executable).parent / "wbs-sync")


def footprint(*, runs: int) -> Sheet:
    """Measure memory and start-up time."""
    sheet = Sheet("footprint", "memory of workers after a scan of 1,000 new codes; of the whole stack after its start")
    for threads, most in ((16, 90), (64, 110)):
        sheet.add(f"a worker with {threads} threads", "MB", [_worker(threads) for _ in range(runs)], at_most=most)
    stacks = [_stack() for _ in range(runs)]
    sheet.add("all processes of `up`, including Redis and Flower", "MB", [memory for memory, _ in stacks], at_most=320)
    sheet.add("`wbs-sync up` until the first task is done", "s", [seconds for _, seconds in stacks], at_most=4)
    sheet.add("`wbs-sync --help`", "s", [_help() for _ in range(max(runs, 3))], at_most=0.4)
    return sheet


def _worker(threads: int) -> float:
    with tempfile.TemporaryDirectory() as folder, Installation(Path(folder), profile="large:20x50", slots=15) as site:
        site.work(("items", "beat"), threads=threads)
        scanned(site)
        return resident_megabytes(site.workers()[0])


def _stack() -> tuple[float, float]:
    """Return the memory of all processes (PSS: shared pages are counted once), and the seconds until the first task."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        remotes = Remotes(folder / "remotes", profile="test", concurrency_limit=5)
        env = own_environment() | remotes.env | {"DATA_DIR": str(folder / "data"), "FLOWER_PORT": "0"}
        # The work that is done first is routine, which is logged at this level.
        env["LOG_LEVEL"] = "DEBUG"
        began = time.monotonic()
        up = subprocess.Popen(
            [PROGRAM, "up"], env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            logs = folder / "data" / "logs"
            until(
                lambda: any(" succeeded in " in log.read_text() for log in logs.glob("*.log")),
                "a task is done",
                timeout=60,
            )
            seconds = time.monotonic() - began
            time.sleep(5)
            return proportional_megabytes(list(_family(up.pid))), seconds
        finally:
            up.terminate()
            up.wait()
            remotes.stop()


def _help() -> float:
    began = time.monotonic()
    subprocess.run([PROGRAM, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield from _family(int(child))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        if thread.name != str(pid):
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
