"""Processes of a test, forked from one that has the libraries loaded: importing them is most of the CPU that a start takes.

    python -m tests.kit.forks SOCKET

is that server, one for each test process. For each request it forks a keeper, and the keeper forks the program: a separate session, with
its environment, folder, standard streams and command line set before anything of ours that reads them is imported. So it is a process like
any other, with three differences: /proc shows the server's environment and command line as its own; all programs of a test process share one
hash seed, which is another in each run; and modules that the program did not ask for may be loaded. Where a test is about these, and where
a program begins again by exec, it is started from nothing: `fresh` (tests/kit/site.py). What the product's supervisor starts always is.

The forkserver of `multiprocessing` would run pytest's own main module in each child, and end it without its exit handlers.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOADED = (
    # Of Celery what a worker and beat import when they start.
    "celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log", "celery.apps.beat", "celery.apps.worker",
    "celery.backends.redis", "celery.concurrency.thread", "celery.fixups", "celery.worker.components", "celery.worker.consumer",
    "celery.worker.strategy", "celery.worker.autoscale", "rich.console", "rich.table", "rich.progress",
    # Of ours what the launcher imports before it changes a constant, but nothing that makes an app, a console or a connection.
    "config.schedule", "tests.kit.container", "tests.kit.open_claims", "tests.kit.trace", "worker.base", "worker.cli", "worker.runtime.transport",
)  # fmt: skip
READ_AT_START = ("PYTHON", "LD_", "LANG", "LC_", "TZ")
"""Beginnings of the variables that the interpreter and the C library read once: a program in which they differ cannot be forked."""
LONGEST_REQUEST = 1 << 17
PR_SET_PDEATHSIG = 1


class Forked:
    """A program forked from the server, with what is used of `subprocess.Popen`. Not reaped before its exit code was asked for."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], folder: Path, *, out: int, err: int) -> None:
        self._command = list(command)
        self.returncode: int | None = None
        self._keeper, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, Path(os.devnull).open("rb") as nothing:
            request = json.dumps([self._command, dict(env), str(folder)]).encode()
            socket.send_fds(_server(), [request], [theirs.fileno(), nothing.fileno(), out, err])
        self.pid = int(self._keeper.recv(100))

    def poll(self) -> int | None:
        """Return the exit code, or None while the program runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once the program has ended. Raises subprocess.TimeoutExpired if it does not end."""
        if self.returncode is None:
            self._keeper.settimeout(timeout)
            try:
                self.returncode = int(self._keeper.recv(100))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self._command, timeout or 0) from None
            self._keeper.close()
        return self.returncode


def can_start(env: Mapping[str, str]) -> bool:
    """Return whether a program with this environment can be forked."""
    return sys.platform == "linux" and _read_at_start(env) == _read_at_start(_environment())


def _read_at_start(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(READ_AT_START)}


@functools.cache
def _environment() -> dict[str, str]:
    """The server's: no setting of ours or of a library's, so that none is read too early."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TERM") if name in os.environ}
    return {**kept, **_read_at_start(os.environ), "PYTHONPATH": str(ROOT)}


@functools.cache
def _server() -> socket.socket:
    """Where the server of this process takes requests. It ends, and all that it started is asked to, when this process does, however."""
    requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        number = theirs.fileno()
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.kit.forks", str(number)],
            env=_environment(),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[number],
            start_new_session=True,
        )

    def end() -> None:
        requests.close()
        server.wait()

    atexit.register(end)
    return requests


# In the server


def main() -> None:
    """Serve until the test process ends; each requested program runs in a fork of this process."""
    for name in LOADED:
        importlib.import_module(name)
    assert threading.active_count() == 1
    gc.collect()
    gc.freeze()  # so that no collection writes into pages which the processes share
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        command = _serve(requests)
    program, *rest = command
    sys.orig_argv, sys.argv = command, rest if program == sys.executable else command
    if sys.argv[0] == "-m":
        sys.path[0] = str(Path.cwd())
        runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(sys.argv[0]).parent)
        runpy.run_path(sys.argv[0], run_name="__main__")


def _serve(requests: socket.socket) -> list[str]:
    server = os.getpid()
    while True:
        request, files, _, _ = socket.recv_fds(requests, LONGEST_REQUEST, 4, socket.MSG_CMSG_CLOEXEC)
        _reap()
        if not request:
            sys.exit()
        if os.fork() == 0:
            _end_with(server, signal.SIGKILL)
            keeper = os.getpid()
            if pid := os.fork():
                _keep(pid, files[0])
            _end_with(keeper, signal.SIGTERM)
            command, env, folder = json.loads(request)
            _begin(env, folder, files)
            return list(command)
        for file in files:
            os.close(file)


def _reap() -> None:
    """Reap keepers that have ended; the CPU time of their programs then counts for the server, and so for the test."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _keep(pid: int, test: int) -> None:
    """Say its id, then its exit code; until the test has read that, the id and its process group cannot be anybody else's."""
    try:
        os.write(test, str(pid).encode())
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended
        code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        os.write(test, str(code).encode())
        os.read(test, 1)
        os.waitpid(pid, 0)
    finally:
        os._exit(0)


def _end_with(parent: int, number: signal.Signals) -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def _begin(env: dict[str, str], folder: str, files: list[int]) -> None:
    os.setsid()
    os.chdir(folder)
    for number, file in enumerate(files[1:]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(env)


if __name__ == "__main__":
    main()
