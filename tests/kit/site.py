"""A complete installation for one test: both remotes, a separate Redis, and the real processes that the test starts."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, ClassVar

from celery import Celery

from config.celery_options import celery_options
from config.names import TaskName
from config.processes import HEARTBEAT_VARIABLE, Process, heartbeat_file, processes
from simulators.stage import Stage
from tests.kit.container import OpenContainer, Redis, settings_of
from tests.kit.ended import Ended
from tests.kit.launcher import NUMBER
from tests.kit.programs import READY, Program, ended, environment, run, script
from tests.kit.waiting import eventually
from worker.domain.work import Lane
from worker.local.embedded import EmbeddedServer
from worker.local.supervisor import Supervisor
from worker.redis_access import redis_at
from worker.store.runs import Run

PREFIX = "wbs:"
QUICK = {
    "worker.store.lanes.CLAIM_SECONDS": 3,
    "worker.store.lanes.RENEWED_EVERY_SECONDS": 1,
    "worker.store.lanes.DISPATCH_SECONDS": 3,
    "worker.store.locks.LOCK_SECONDS": 3,
    "worker.store.locks.KEPT_SECONDS": 0,
    "worker.store.gate.SLOT_SECONDS": 3,
    "worker.clients.netsuite.api.SENT_WITHIN_SECONDS": 2,
    "worker.domain.outcomes.FIRST_CHECK_SECONDS": 1,
    "config.schedule.RESUME_EVERY_SECONDS": 0.5,
}
"""What is free or due again after a worker's death: a tenth of the product's own times."""
SETTLE_SECONDS = 3
"""The settle window of a test's installation, where it sets none."""
ALL_QUEUES = "scans,items,exports,upkeep"


class Site:
    """One installation. All processes that were started through it end with it."""

    open_sites: ClassVar[list[Site]] = []
    """Those whose logs a failing test shows."""

    def __init__(
        self,
        folder: Path,
        stage: Stage,
        server: EmbeddedServer,
        env: Mapping[str, str],
        redis_user: tuple[str, str, Sequence[str]] | None = None,
    ) -> None:
        self.folder = folder
        if redis_user:
            name, password, _ = redis_user
            env = {**env, "REDIS_URL": f"redis://{name}:{password}@127.0.0.1:{server.port}/0"}
        self.stage = stage
        self.server = server
        self.env = environment(folder) | stage.env | {"REDIS_URL": server.url} | dict(env)
        self.admin_redis: Any = redis_at(server.url if redis_user else self.env["REDIS_URL"])
        """With all permissions; through the sentinels where there are some."""
        if redis_user:
            set_up_user(self.admin_redis, redis_user[0], redis_user[2])
        self.container = OpenContainer(settings_of(self.env), redis_url=self.env["REDIS_URL"])
        self.redis = self.container.redis
        self.programs: list[Program] = []
        self.supervisors: list[Supervisor] = []
        self.beat_env: Mapping[str, str] = {}
        self._producer = Celery(set_as_current=False)
        self._producer.conf.update(celery_options(redis_url=self.env["REDIS_URL"], key_prefix=PREFIX))
        Site.open_sites.append(self)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        profile: str,
        slots: int = 5,
        env: Mapping[str, str] | None = None,
        redis_user: tuple[str, str, Sequence[str]] | None = None,
        **stage: Any,
    ) -> Site:
        """Start the remotes (`stage`: their settings) and Redis, and no process yet. `slots`: NETSUITE_CONCURRENCY. `redis_user`: name,
        password and ACL rules of the user whom everything but the test itself is.
        """
        limits = {"spike_limit": None, "hourly_limit": None, "concurrency_limit": slots}
        started = Stage.start(folder / "remotes", profile=profile, **{**limits, **stage})
        try:
            server = EmbeddedServer.start(folder / "redis")
        except BaseException:
            started.stop()
            raise
        quick = {"NETSUITE_CONCURRENCY": str(slots), "NETSUITE_SETTLE_SECONDS": str(SETTLE_SECONDS)}
        return cls(folder, started, server, {**quick, **(env or {})}, redis_user)

    # Processes

    def worker(
        self,
        name: str = "items",
        *,
        number: int = 1,
        threads: int = 8,
        times: Mapping[str, float] = QUICK,
        ready: bool = True,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> Program:
        """A worker as config.processes starts it, `ready` to work. `times`: constants that are changed; empty = none; `env`: variables of
        its own.
        """
        command = self._arguments(name, threads)
        command[command.index("-n") + 1] = f"{name}{number}@%h"
        program = self.start(f"{name}-{number}", self._launched(command, times), env)
        if ready:
            program.says(READY)
        return program

    def workers(self, count: int, *, threads: int = 2, open_locks: bool = False) -> Program:
        """Start this many worker processes in one process group, each reading all queues, with the product's own times."""
        command = self._arguments("items", threads)
        command[command.index("-n") + 1] = f"worker{NUMBER}@%h"
        command[command.index("-Q") + 1] = ALL_QUEUES
        options = ["--processes", str(count), *(["--open-locks"] if open_locks else [])]
        program = self.start("workers", self._launched(command, {}, *options))
        program.says(READY, times=count)
        return program

    def beat(
        self,
        *,
        number: int = 1,
        times: Mapping[str, float] = QUICK,
        cron_seconds: float = 0,
        env: Mapping[str, str] | None = None,
    ) -> Program:
        """Start beat. `cron_seconds`: what a line of SCAN_CRON means instead of its minutes; `env`: its own variables."""
        options = ["--cron-seconds", str(cron_seconds)] if cron_seconds else []
        command = self._launched(self._arguments("beat", 1), times, *options)
        program = self.start(f"beat-{number}", command, env or {})
        program.says("beat: Starting")
        return program

    def supervised(
        self, machine: str, kinds: Sequence[str], *, threads: int = 4, times: Mapping[str, float] = QUICK
    ) -> Supervisor:
        """One more machine under the product's own supervisor, as `up` runs it, started: `kinds` are "items", "invoices", "all"
        (a worker on all queues) and "beat". Each process is called `{kind}-{machine}` and traced (tests/kit/trace.py).
        """
        processes = [self._supervised(f"{kind}-{machine}", kind, threads, times) for kind in kinds]
        supervisor = Supervisor(processes, env=self.env, log_dir=self.folder / "logs")
        self.supervisors.append(supervisor)
        supervisor.start()
        return supervisor

    def heartbeat(self, name: str) -> Path:
        """Return the file that a supervised worker touches at each heartbeat."""
        return heartbeat_file(self.folder / "data", name)

    @property
    def traces(self) -> Path:
        """Return the folder of the traces of supervised processes."""
        return self.folder / "traces"

    def flower(self) -> Program:
        """Start Flower as `wbs-sync flower` does, with the FLOWER_PORT and FLOWER_BASIC_AUTH of `env`."""
        return self.start("flower", [script(), "flower"], fresh=True)  # it becomes Celery's program by exec

    def webhooks(self, *, number: int = 1, times: Mapping[str, float]) -> Program:
        """Start the receiver of webhooks, with the WEBHOOK_PORT and WEBHOOK_AUTHORIZATION of `env`, and return when it listens."""
        # It begins again by exec, without the secrets that it does not use.
        program = self.start(f"webhooks-{number}", self._launched(["webhooks"], times, "--command"), fresh=True)
        program.says("Webhooks http")
        return program

    def worker_command(self) -> list[str]:
        """Return a worker's command line as config.processes has it."""
        return [sys.executable, "-m", "worker.process", *self._arguments("items", 1)]

    def command(
        self, *arguments: str, timeout: float = 60, env: Mapping[str, str] | None = None, fresh: bool = False
    ) -> Ended:
        """Run the console script to its end."""
        return run(*arguments, env={**self.env, **(env or {})}, folder=self.folder, timeout=timeout, fresh=fresh)

    def quick_command(self, *arguments: str, times: Mapping[str, float], timeout: float = 60) -> Ended:
        """Run the console script to its end, with constants of the product changed."""
        command = self._launched(list(arguments), times, "--command")
        return ended(command, env=self.env, folder=self.folder, timeout=timeout)

    # Work

    def send(self, task: TaskName | str, **arguments: Any) -> str:
        """Enqueue a task, and return its id."""
        return str(self._producer.send_task(str(task), kwargs=arguments, ignore_result=True).id)

    def send_again(self, task_id: str, task: TaskName | str, **arguments: Any) -> None:
        """Deliver an identical message once more."""
        self._producer.send_task(str(task), kwargs=arguments, task_id=task_id, ignore_result=True)

    def start_scan(self) -> Run:
        """Start a scan of all projects, as the command line does, and return its run."""
        run, _ = self.container.wbs_scan.request("test")
        self.send(TaskName.SCAN_PROJECTS, trigger="test")
        return run

    def ended(self, run: Run, timeout: float = 90) -> Run:
        """Wait until a run has ended, and return it."""

        def now() -> Run:
            current = self.container.runs.run(run.id)
            assert current is not None
            return current

        try:
            eventually(lambda: now().ended, timeout, every=0.05)
        except AssertionError:
            raise AssertionError(f"it goes on: {now()}; {self.left_over()}") from None
        return now()

    def left_over(self) -> dict[str, Any]:
        """Return what still waits, is in progress, is locked or has a slot: empty when all work has ended."""
        depths = {lane.value: self.container.work.depth(lane) for lane in Lane}
        left: dict[str, Any] = {lane: depth for lane, depth in depths.items() if depth != (0, 0)}
        left |= dict.fromkeys(self.admin_redis.keys(f"{PREFIX}lock:*"), "locked")
        if slots := self.container.stores.gate.in_use():
            left["slots"] = slots
        return left

    def comes_to_rest(self, timeout: float = 60) -> None:
        """Wait until nothing is left over."""
        try:
            eventually(lambda: not self.left_over(), timeout, every=0.05)
        except AssertionError:
            raise AssertionError(f"left over: {self.left_over()}") from None

    # The end

    def close(self) -> None:
        """Kill every process, then stop Redis and the remotes."""
        Site.open_sites.remove(self)
        ends = [threading.Thread(target=supervisor.stop) for supervisor in self.supervisors]
        for end in ends:
            end.start()
        for program in self.programs:
            program.kill()
        for end in ends:
            end.join()
        self._producer.close()
        self.redis.close()
        self.admin_redis.close()
        self.server.stop()
        self.stage.stop()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _arguments(self, name: str, threads: int) -> list[str]:
        """Return the arguments of a worker or of beat as config.processes has them."""
        all_of_them = processes(data_dir=self.folder / "data")
        command = next(process.command for process in all_of_them if process.name == name)
        options = [] if name == "beat" else ["-c", str(threads)]
        return [*command[command.index("worker.process") + 1 :], *options]

    def _supervised(self, name: str, kind: str, threads: int, times: Mapping[str, float]) -> Process:
        arguments = self._arguments("items" if kind == "all" else kind, threads)
        if kind != "beat":
            arguments[arguments.index("-n") + 1] = f"{name}@%h"
        if kind == "all":
            arguments[arguments.index("-Q") + 1] = ALL_QUEUES
        command = self._launched(arguments, times, "--trace", str(self.traces / name))
        wave = 1 if kind == "beat" else 0
        env = {HEARTBEAT_VARIABLE: str(self.heartbeat(name)), **(self.beat_env if kind == "beat" else {})}
        return Process(name, tuple(command), wave, env)

    def _launched(self, arguments: list[str], times: Mapping[str, float], *options: str) -> list[str]:
        changes = [part for name, value in times.items() for part in ("--set", f"{name}={value}")]
        return [sys.executable, "-m", "tests.kit.launcher", *changes, *options, "--", *arguments]

    def start(
        self, name: str, command: list[str], env: Mapping[str, str] = MappingProxyType({}), *, fresh: bool = False
    ) -> Program:
        """Start any Python program as a process of this installation, with its own variables."""
        program = Program(name, command, {**self.env, **env}, self.folder, fresh=fresh)
        self.programs.append(program)
        return program


def kill_redis(server: EmbeddedServer) -> None:
    """Send SIGKILL to Redis, and wait until it is gone: until then it may respond once more."""
    os.kill(server.pid, signal.SIGKILL)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)


def set_up_user(admin: Redis, name: str, rules: Sequence[str]) -> None:
    """Create a Redis user with these rules, written as in a users.acl file."""
    admin.execute_command("ACL", "SETUSER", name, *rules)
