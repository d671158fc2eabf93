"""Runs the processes of one machine: starts them, restarts dead ones, and stops all of them in order.

A worker that dies or hangs loses no work (its messages are redelivered, the ledger has the rest); it only has to be restarted.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from config.processes import HEARTBEAT_VARIABLE, Process
from config.setting_faults import BAD_SETTINGS_EXIT_CODE
from worker.local.log_files import limit_size, rotate
from worker.local.tied import tied

log = logging.getLogger(__name__)

GRACE = 23.0  # seconds from the first TERM until the processes that still run are killed
ROUND = 0.2  # seconds between two checks of the processes
FIRST_DELAY, MAX_DELAY = 1.0, 30.0  # seconds before a dead process is restarted
STEADY = 60.0  # seconds after which a running process counts as healthy, so that its next restart is not delayed longer
HUNG = 90.0  # seconds without a heartbeat after which a process is killed and restarted
HUNG_AT_START = 300.0  # seconds for the first heartbeat
SECOND_SIGNAL = (
    1.0  # seconds between two signals that mean "stop immediately"; closer ones are one signal delivered twice
)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def next_delay(last: float, lived: float) -> float:
    """Return the seconds until a process that ran for `lived` is restarted, if its last restart was delayed by `last` (0 = not delayed)."""
    return FIRST_DELAY if not last or lived >= STEADY else min(2 * last, MAX_DELAY)


class Supervisor:
    """Keeps processes running until it is stopped. All of them are children of one thread, which does all the work."""

    def __init__(
        self, processes: Sequence[Process], *, env: Mapping[str, str], log_dir: Path, grace: float = GRACE
    ) -> None:
        """`env`: the whole environment of every process, except its own variables; output goes to `log_dir/{name}.log`."""
        self._children = [_Child(process, env, log_dir / f"{process.name}.log") for process in processes]
        self._grace = grace
        self._signals: list[float] = []
        self._started, self._stopping, self._stop_now, self._ended = (threading.Event() for _ in range(4))
        self._thread = threading.Thread(target=self._live, name="supervisor", daemon=True)
        self.faults: tuple[str, ...] = ()
        """Output of the process that cannot run with these settings, which stopped everything."""

    def start(self) -> None:
        """Start all processes once; returns when each has been started, not when each is ready."""
        if self._thread.ident is None:
            self._thread.start()
        self._started.wait()

    def stop(self) -> None:
        """Stop all processes in order and return when they have ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def names(self) -> list[str]:
        """Return the names of all processes, running or not."""
        return [child.name for child in self._children]

    def alive(self) -> dict[str, int]:
        """Return name and process id of each running process."""
        return {child.name: child.pid for child in self._children if child.runs()}

    def run_until_stopped(self, meanwhile: Callable[[], object] | None = None) -> int:
        """Run until SIGTERM, SIGINT or SIGHUP, or until a process rejects its settings; return the exit code: 0 or 2.

        A second signal, a second later or more, stops everything immediately. `meanwhile` is called every round in the calling (the main)
        thread; an exception from it stops everything and is raised.
        """
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            self.start()
            while not self._ended.wait(ROUND):
                if meanwhile and not self._stopping.is_set():
                    meanwhile()
        finally:
            self.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
        return BAD_SETTINGS_EXIT_CODE if self.faults else 0

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        """Only set a flag: a signal may interrupt the same thread anywhere, including in this method, and a lock would deadlock."""
        self._signals.append(time.monotonic())

    def _read_signals(self) -> None:
        if self._signals:
            self._stopping.set()
            if self._signals[-1] - self._signals[0] >= SECOND_SIGNAL:
                self._stop_now.set()

    def _live(self) -> None:
        try:
            for child in sorted(self._children, key=lambda child: child.wave):
                child.start()
            self._started.set()
            while not self._stopping.wait(ROUND):
                self._read_signals()
                for child in self._children:
                    self._supervise(child)
        finally:
            self._started.set()
            self._end_all()
            self._ended.set()

    def _supervise(self, child: _Child) -> None:
        child.limit_log()
        code = child.check()
        if code == BAD_SETTINGS_EXIT_CODE:
            self.faults = child.last_output()
            log.error("%s cannot run with these settings: %s", child.name, " ".join(self.faults))
            self._stopping.set()
        elif code is not None:
            log.warning("%s ended with code %s; restarting in %.0f s", child.name, code, child.delay)

    def _end_all(self) -> None:
        """Signal the last wave first; a slow wave delays the next one's signal by a fifth of the grace period."""
        deadline = time.monotonic() + self._grace
        for wave in sorted({child.wave for child in self._children}, reverse=True):
            stopping = [child for child in self._children if child.wave == wave]
            for child in stopping:
                child.terminate()
            self._wait_for(stopping, min(deadline, time.monotonic() + self._grace / 5))
        self._wait_for(self._children, deadline)
        for child in self._children:
            if child.runs():
                log.warning(
                    "%s did not stop in time and was killed; its work continues after the next start", child.name
                )
                child.kill()

    def _wait_for(self, children: Sequence[_Child], until: float) -> None:
        while [child for child in children if child.runs()] and time.monotonic() < until:
            self._read_signals()
            if self._stop_now.wait(ROUND / 10):
                return


class _Child:
    """One process: its current run, and when it is due to be restarted."""

    def __init__(self, process: Process, env: Mapping[str, str], log_file: Path) -> None:
        self.name = process.name
        self.wave = process.wave
        self.delay = 0.0
        self._command = list(process.command)
        self._env = {**env, **process.environment}
        self._log_file = log_file
        self._log_start = 0  # bytes in the log when the current run began
        self._popen: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._due: float | None = None
        heartbeat = process.environment.get(HEARTBEAT_VARIABLE)
        self._heartbeat = Path(heartbeat) if heartbeat else None
        self._has_beaten = False  # in the current run
        self._last_beat: float | None = None  # modification time of that file
        self._beats_since = 0.0  # when it was seen to change, by the steady clock

    @property
    def pid(self) -> int:
        return self._popen.pid if self._popen else 0

    def runs(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start the process. If that fails (no memory, disk, process or log folder), it is retried later, like a process that died."""
        try:
            self._start()
        except OSError as error:
            self._popen = None
            self._wait(lived=0)
            log.error("Could not start %s: %s; retrying in %.0f s", self.name, error, self.delay)

    def _start(self) -> None:
        self._log_file.parent.mkdir(parents=True, exist_ok=True)
        if not self._began:
            rotate(self._log_file)
        with self._log_file.open("ab") as output:
            self._log_start = output.tell()
            # In a separate session: Ctrl-C in the terminal reaches only the supervisor, which then stops all processes in order.
            self._popen = subprocess.Popen(
                tied(self._command),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._began = self._beats_since = time.monotonic()
        self._last_beat = self._modified()
        self._has_beaten = False
        self._due = None

    def check(self) -> int | None:
        """Return the exit code of a run that has ended since the last check. Restart a process that is due; kill one that hangs."""
        if self.runs():
            if self._hangs():
                log.error("%s has sent no heartbeat for %.0f s and was killed", self.name, self._silence())
                self.kill()
            return None
        if self._due is None:
            self._wait(lived=time.monotonic() - self._began)
            return self._popen.returncode if self._popen else None
        if time.monotonic() >= self._due:
            self.start()
        return None

    def limit_log(self) -> None:
        """Truncate its log: a log that fills the disk would stop Redis and everything else."""
        if limit_size(self._log_file):
            self._log_start = 0

    def _wait(self, *, lived: float) -> None:
        self.delay = next_delay(self.delay, lived)
        self._due = time.monotonic() + self.delay

    def _hangs(self) -> bool:
        """Return whether its heartbeat file has not changed for too long, by the monotonic clock, because the wall clock may be set."""
        if self._heartbeat is None:
            return False
        if (beat := self._modified()) != self._last_beat:
            self._last_beat, self._beats_since, self._has_beaten = beat, time.monotonic(), True
        return self._silence() > (HUNG if self._has_beaten else HUNG_AT_START)

    def _silence(self) -> float:
        return time.monotonic() - self._beats_since

    def _modified(self) -> float | None:
        try:
            return self._heartbeat.stat().st_mtime if self._heartbeat else None
        except OSError:
            return None

    def terminate(self) -> None:
        if self._popen:
            self._popen.terminate()

    def kill(self) -> None:
        """Signal the process and its children; it is not reaped yet, so the process group still belongs to it."""
        if self._popen:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()

    def last_output(self) -> tuple[str, ...]:
        """Return the output of the current run meant for the user; else its last line."""
        try:
            with self._log_file.open("rb") as log_file:
                log_file.seek(self._log_start)
                lines = log_file.read().decode(errors="replace").splitlines()
        except OSError:
            lines = []
        sentences = tuple(line.removeprefix("wbs-sync: ") for line in lines if line.startswith("wbs-sync: "))
        return sentences or tuple(lines[-1:]) or (f"{self.name} printed nothing.",)
