"""Programs that a test starts: each with its output in a file, and all ended with the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import tests.bytecode  # noqa: F401 - what a test starts inherits where its bytecode is kept
from benchmarks.installation import own_environment
from tests.kit.ended import Ended
from tests.kit.forks import Forked, can_start
from tests.kit.waiting import eventually
from worker.local.tied import tied

ROOT = Path(__file__).parents[2]
START_SECONDS = 150.0
READY = " ready."
"""What a worker says when it begins to take work."""


class Program:
    """A started program with its output in a file; its children are in one process group with it. `fresh`: not forked (tests/kit/forks.py)."""

    def __init__(
        self, name: str, command: list[str], env: Mapping[str, str], folder: Path, *, fresh: bool = False
    ) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | Forked
        with self._log.open("ab") as output:
            if can_start(env) and not fresh:
                self._popen = Forked(command, env, folder, out=output.fileno(), err=output.fileno())
                return
            # Tied to this process, so that a killed test leaves nothing running.
            self._popen = subprocess.Popen(
                tied(command),
                env=dict(env),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Return the output so far."""
        return self._log.read_text(errors="replace")

    @property
    def pid(self) -> int:
        """Return the process id, which stays the same when the program restarts itself by exec."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Return whether the program runs."""
        return self._popen.poll() is None

    def says(self, words: str, *, times: int = 1, timeout: float = START_SECONDS) -> None:
        """Wait until the output contains this text this many times."""
        eventually(lambda: self.log.count(words) >= times or not self.alive, timeout, every=0.05)
        assert self.alive, f"{self.name} ended with code {self._popen.returncode}"

    def kill(self) -> None:
        """Send SIGKILL to the program and to all processes that it started."""
        self._signal(signal.SIGKILL)
        self._popen.wait()

    def ask_to_end(self) -> None:
        """Send SIGTERM, as a supervisor does."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """Send SIGTERM, and SIGKILL to what is left half a minute later."""
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(30)
        self.kill()

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the program with SIGSTOP within the block."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    def wait(self, timeout: float) -> int:
        """Return the exit code once the program has ended. Raises subprocess.TimeoutExpired if it does not end."""
        return self._popen.wait(timeout)

    def _signal(self, number: signal.Signals) -> None:
        # Until it is reaped, no other process group can have this id.
        if self.alive:
            os.killpg(self._popen.pid, number)


def environment(folder: Path) -> dict[str, str]:
    """Return the variables that every process of a test needs, without the developer's settings."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    return own_environment() | {
        "PYTHONPATH": str(ROOT),
        "DATA_DIR": str(folder / "data"),
    }


def script() -> str:
    """Return the path of the console script in this environment."""
    return str(Path(sys.executable).parent / "wbs-sync")


def run(*arguments: str, env: Mapping[str, str], folder: Path, timeout: float = 60, fresh: bool = False) -> Ended:
    """Run the console script `wbs-sync` to its end."""
    return ended([script(), *arguments], env=env, folder=folder, timeout=timeout, fresh=fresh)


def ended(command: list[str], *, env: Mapping[str, str], folder: Path, timeout: float, fresh: bool = False) -> Ended:
    """Run a Python program to its end. `fresh`: not forked (tests/kit/forks.py)."""
    if can_start(env) and not fresh:
        return _forked_to_its_end(command, env, folder, timeout)
    done = subprocess.run(
        command,
        env=dict(env),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def _forked_to_its_end(command: list[str], env: Mapping[str, str], folder: Path, timeout: float) -> Ended:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        program = Forked(command, env, folder, out=out.fileno(), err=err.fileno())
        try:
            code = program.wait(timeout)
        except BaseException:
            os.killpg(program.pid, signal.SIGKILL)
            program.wait()
            raise
        out.seek(0)
        err.seek(0)
        return Ended(code, out.read(), err.read())
