"""CPU and memory of processes, from /proc of Linux."""

from __future__ import annotations

import os
import time
from collections.abc import Collection
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Collection[int]) -> float:
    """Return the CPU seconds that these processes have used so far, in user and in system mode."""
    return sum(_cpu(pid) for pid in pids)


def _cpu(pid: int) -> float:
    # The name in brackets may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_megabytes(pid: int) -> float:
    """Return the memory that a process has in RAM (VmRSS), in MB."""
    return _kilobytes(f"/proc/{pid}/status", "VmRSS:") / 1024


def proportional_megabytes(pids: Collection[int]) -> float:
    """Return the memory of several processes in MB, with shared pages counted once (PSS)."""
    return sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) / 1024


def _kilobytes(path: str, name: str) -> int:
    line = next(line for line in Path(path).read_text().splitlines() if line.startswith(name))
    return int(line.split()[1])


class Stopwatch:
    """Wall time and CPU time of some processes since `start`."""

    def __init__(self, pids: Collection[int]) -> None:
        self._pids = tuple(pids)
        self._wall, self._cpu = time.monotonic(), cpu_seconds(self._pids)

    @property
    def wall(self) -> float:
        """Return the seconds that have passed since `start`."""
        return time.monotonic() - self._wall

    @property
    def cpu(self) -> float:
        """Return the CPU seconds since `start`."""
        return cpu_seconds(self._pids) - self._cpu
