"""The steps of the rehearsal. Each measures what a person would wait for, and then checks the records.

The simulators run in this process, which only waits meanwhile; server, workers, beat and commands are separate processes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

from config.names import TaskName
from simulators.common.journal import Entry
from simulators.company.model import Project
from tests.kit.books import assert_one_bill_per_invoice, invoices
from tests.kit.programs import READY, Program
from tests.kit.site import Site, kill_redis
from tests.kit.waiting import eventually
from worker.domain.identities import item_external_id
from worker.domain.work import Lane
from worker.store.runs import Run

T = TypeVar("T")
CODES_PER_PROJECT = 50
SUITEQL = "/services/rest/query/v1/suiteql"
BILLS = "/services/rest/record/v1/vendorBill"
PATIENCE_SECONDS = 180.0
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How large everything is. `times`: constants of the product that are changed; none for a measurement."""

    codes: int = 50_000
    invoices: int = 40
    new_codes: int = 1_000
    blocked_codes: int = 1_000
    refused_codes: int = 500
    rows_per_page: int = 1_000
    slots: int = 15
    read_seconds: float = 0.25
    write_seconds: float = 0.1
    settle_seconds: int = 20
    times: Mapping[str, float] = field(default_factory=dict)

    @property
    def pages(self) -> int:
        """Queries that read all Items: one more when the last page is full."""
        return self.codes // self.rows_per_page + 1


@dataclass
class Step:
    """One measurement: what was done, how long it took, what it cost, what was found to be right."""

    step: str
    seconds: float = 0.0
    procore_requests: int = 0
    netsuite_requests: int = 0
    checked: str = ""


class Rehearsal:
    """One company, one installation, and what happens to them."""

    def __init__(self, folder: Path, plan: Plan, say: Say) -> None:
        self.plan = plan
        self.steps: list[Step] = []
        self.redis_bytes_per_code = 0
        self._say = say
        self._folder = folder
        self._numbers = count(1)

    def play(self) -> None:
        """All steps. Raises AssertionError when something is not as it should be."""
        plan = self.plan
        projects = ceil(plan.codes / CODES_PER_PROJECT)
        with Site.open(
            self._folder,
            profile=f"large:{projects}x{CODES_PER_PROJECT}:{plan.invoices}",
            slots=plan.slots,
            env={"NETSUITE_SETTLE_SECONDS": str(plan.settle_seconds)},
            read_latency=plan.read_seconds,
            write_latency=plan.write_seconds,
        ) as self.site:
            self._fill()
            self._a_lost_redis_by_the_command()
            self._a_scan_afterwards()
            self._a_lost_machine_by_a_worker()
            self._a_rebuild_that_is_killed()
            self._workers_that_are_killed()
            self._blocked_for_want_of_a_number()
            self._blocked_by_a_refusal()

    # The steps

    def _fill(self) -> None:
        """Fill NetSuite directly, as after a scan: a scan of 50,000 codes takes a long time."""
        stage = self.site.stage
        for project in stage.procore.company.projects.values():
            for code in project.budgeted_codes():
                name = f"{project.number}-{code.flat_code}"
                stage.netsuite.make_item(name, externalid=self._external_id(project, code.id))
        stage.netsuite.journal.clear()
        self._say(
            f"{self.plan.codes:,} Items put into the simulated NetSuite directly; it answers a query after "
            f"{self.plan.read_seconds} s, a write after {self.plan.write_seconds} s, {self.plan.slots} at once. "
            f"NETSUITE_SETTLE_SECONDS={self.plan.settle_seconds} for this run (900 by default)."
        )

    def _a_lost_redis_by_the_command(self) -> None:
        self.site.redis.flushall()
        before = self._memory()
        with self._measured("Redis emptied, then `wbs-sync rebuild`") as step:
            told = self._command("rebuild", "--json").json()
        self.redis_bytes_per_code = round((self._memory() - before) / self.plan.codes)
        assert (told["items"], told["restored"]) == (self.plan.codes, self.plan.codes), told
        assert (told["unusable"], told["others"]) == (0, 0), told
        assert told["queries"] == step.netsuite_requests == self.plan.pages + 1, (told, step)
        self._assert_the_ledger_is_whole()
        step.checked = f"{told['restored']:,} codes restored by {told['queries']} queries, each with its Item's id"

    def _a_scan_afterwards(self) -> None:
        self._start_everything()
        written = self._items_written()
        with self._measured("A scan of all projects afterwards") as step:
            told = self._command("scan", "--wait", "--json").json()
        assert told["counts"]["already"] == told["counts"]["codes"] == self.plan.codes, told["counts"]
        assert (self._items_written() - written, told["problems"]) == (0, []), told
        self._assert_nothing_doubled()
        step.checked = "0 writes, 0 duplicates"

    def _a_lost_machine_by_a_worker(self) -> None:
        """The server and the worker of the invoices die, everything in Redis is gone, and one bill is under way to NetSuite."""
        stage, approved = self.site.stage, invoices(self.site.stage)
        some, under_way = approved[: len(approved) // 2], approved[len(approved) // 2]
        for invoice in some:
            self.site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id)
        self._wait_for(lambda: all(invoice.origin_id for invoice in some))
        # Its commit comes when everybody has forgotten it.
        late = {"kind": "slow_commit", "method": "POST", "path": "vendorBill", "times": 1}
        stage.faults("netsuite", [late | {"value": self.plan.settle_seconds / 2}])
        self.site.send(TaskName.EXPORT, project_id=under_way.project_id, invoice_id=under_way.id)
        self._wait_for(lambda: stage.netsuite.faults.as_json()["rules"][0]["struck"])
        items_written = self._items_written()
        self._program("invoices").kill()
        self._lose_redis()
        mark = self._mark("netsuite")
        self._start_worker("invoices")

        with self._measured(
            "Redis and a worker lost while a bill is being sent; a worker rebuilds the ledger by itself"
        ) as step:
            self.site.container.export_runs.request("rehearsal")
            self.site.send(TaskName.EXPORT_APPROVED, trigger="rehearsal")
            self._wait_for(self.site.container.ledger.state.is_open)
        opened_at = float(self.site.redis.hget("wbs:ledger", "opened_at"))
        queries = [entry for entry in self._requests("netsuite", mark) if entry["started"] < opened_at]
        assert {entry["path"] for entry in queries} == {SUITEQL}
        assert len(queries) == self.plan.pages + 1, "one worker rebuilds, nobody else asks anything"
        self._assert_the_ledger_is_whole()
        step.checked = f"{len(queries)} queries by one worker; no other request was sent before"

        with self._measured("From there until all bills exist, after the settle window") as step:
            self._wait_for(lambda: all(invoice.origin_id for invoice in approved))
        since = float(self.site.redis.hget("wbs:ledger", "since"))
        posts = [entry for entry in self._requests("netsuite", mark) if entry["path"] == BILLS]
        posts = [entry for entry in posts if entry["method"] == "POST" and entry["started"] > opened_at]
        assert posts
        first = min(entry["started"] for entry in posts)
        assert first >= since + self.plan.settle_seconds, f"a bill left {first - since:.1f} s after the loss"
        assert_one_bill_per_invoice(stage)
        bills = stage.netsuite.bills.find("externalid", f"pcr-bill-{self._company_id}-{under_way.id}")
        assert len(bills) == 1
        assert self._items_written() == items_written
        # The Item of the request in progress exists already; it is found.
        assert len(posts) == len(approved) - len(some) - 1
        self._wait_for(lambda: not self.site.left_over())
        step.checked = (
            f"the first bill left {first - since:.0f} s after the loss; {len(approved)} invoices, {len(approved)} bills, "
            "the one being sent was found and not sent again"
        )

    def _a_rebuild_that_is_killed(self) -> None:
        self._kill_everything()
        self.site.redis.flushall()
        mark = self._mark("netsuite")
        read = self.plan.pages // 2 + 1
        self._hold({"path": "suiteql", "skip": read})
        with self._started_command("rebuild", "--json") as half:
            self._wait_for(self._held)
            half.kill()
            half.wait()
        self.site.stage.faults("netsuite", [])
        so_far = self.site.container.ledger.state.rebuild_counts()["items"]
        assert not self.site.container.ledger.state.is_open(), "half a ledger counts as none"
        assert 0 < so_far < self.plan.codes
        with self._measured(f"`rebuild` killed -9 at {so_far:,} Items, and run again") as step:
            told = self._command("rebuild", "--json").json()
        assert told["items"] == self.plan.codes, told
        self._assert_the_ledger_is_whole()
        queries = len(self._requests("netsuite", mark))
        # The page that was on its way when it was killed.
        assert queries <= self.plan.pages + 2, queries
        step.checked = f"no ledger in between; it continued where it stopped, {queries} queries in both"

    def _workers_that_are_killed(self) -> None:
        self._start_everything()
        projects = self._new_projects("60", self.plan.new_codes)
        made = self._items_written()
        some = self.plan.new_codes // 5 + 1
        self._hold({"method": "POST", "path": "otherCharge", "skip": some})
        self._scan(projects)
        self._wait_for(lambda: self._held() and self._items_written() - made >= some)
        self._program("items").kill()
        self.site.stage.faults("netsuite", [])
        in_hand = self.site.container.work.depth(Lane.ITEMS)[1]
        self._start_worker("items")
        done = self._items_written()
        with self._measured(
            f"A worker killed -9 during a scan with {in_hand} codes claimed; `resume`, until work continues"
        ) as step:
            self._command("resume", "--json")
            self._wait_for(lambda: self._items_written() > done)
        assert in_hand > 0
        assert done - made < self.plan.new_codes, "it was killed in the middle"
        step.checked = "its locks and slots expire; a new worker continues"
        with self._measured("From there until the scan has ended") as step:
            self._wait_for(lambda: not self.site.left_over())
        assert self._items_written() - made == self.plan.new_codes
        self._assert_one_item_each(projects)
        step.checked = f"{self.plan.new_codes:,} codes, {self.plan.new_codes:,} writes, 0 duplicates"

    def _blocked_for_want_of_a_number(self) -> None:
        projects = self._new_projects(None, self.plan.blocked_codes)
        self.site.ended(self._scan(projects), PATIENCE_SECONDS)
        assert len(self.site.container.ledger.problems()) == self.plan.blocked_codes
        for place, project in enumerate(projects):
            self.site.stage.procore.renumber_project(project.id, f"70-{place:03d}")
        self._retry(f"{self.plan.blocked_codes:,} codes blocked because the project has no number, fixed", projects)

    def _blocked_by_a_refusal(self) -> None:
        stage, projects = self.site.stage, self._new_projects("80", self.plan.refused_codes)
        # Not a mandatory field, which would stop the series after two of them.
        refused = {"kind": "error_before", "method": "POST", "path": "otherCharge", "value": 400, "times": None}
        stage.faults("netsuite", [refused])
        self.site.ended(self._scan(projects), PATIENCE_SECONDS)
        # Of the first refusals one is tried again by itself, to see whether all are refused: it would be made before the command.
        self._wait_for(lambda: not self.site.left_over())
        causes = {one.problem.cause.value for one in self.site.container.ledger.problems()}
        assert causes == {"item_rejected"}, causes
        assert len(self.site.container.ledger.problems()) == self.plan.refused_codes
        stage.faults("netsuite", [])
        self._retry(f"{self.plan.refused_codes:,} codes that NetSuite refused one by one, fixed", projects)

    def _retry(self, words: str, projects: Sequence[Project]) -> None:
        codes = sum(len(project.budgeted_codes()) for project in projects)
        made = self._items_written()
        with self._measured(f"{words}; `problems retry --all --wait`") as step:
            told = self._command("problems", "retry", "--all", "--wait", "--json").json()
        assert told["dispatched"] == {"codes": codes}, told["dispatched"]
        assert (len(told["fixed"]), told["remaining"]) == (codes, []), told["remaining"][:3]
        assert self.site.container.ledger.problems() == []
        assert self._items_written() - made == codes
        self._assert_one_item_each(projects)
        per_code = (step.netsuite_requests + step.procore_requests) / codes
        assert per_code < 1.5, "planned together, each written once"
        step.checked = f"all closed; {per_code:.2f} requests a code, 0 duplicates"

    # What NetSuite has

    def _assert_the_ledger_is_whole(self) -> None:
        """Every code of the company with the id of its Item."""
        stage, known = self.site.stage, 0
        for project in stage.procore.company.projects.values():
            records = self.site.container.ledger.codes(project.id)
            for number, record in records.items():
                item = stage.netsuite.item_by_external_id(self._external_id(project, number))
                assert item is not None, number
                assert (record.done, record.remote_id, record.name) == (True, item.id, item.itemid), record
            known += len(records)
        assert known == self.plan.codes, known

    def _assert_one_item_each(self, projects: Sequence[Project]) -> None:
        for project in projects:
            for code in project.budgeted_codes():
                (item,) = self.site.stage.netsuite.items_named(f"{project.number}-{code.flat_code}")
                assert item.externalid == self._external_id(project, code.id)
        self._assert_nothing_doubled()

    def _assert_nothing_doubled(self) -> None:
        assert self.site.stage.netsuite.duplicates() == []

    def _items_written(self) -> int:
        """Items that wbs-sync wrote; those that the account was filled with are a person's."""
        return sum(entry["by"] == "client" for entry in self.site.stage.netsuite.writes("item"))

    @property
    def _company_id(self) -> int:
        return self.site.stage.procore.company.company_id

    def _external_id(self, project: Project, wbs_code_id: int) -> str:
        return item_external_id(self._company_id, project.id, wbs_code_id)

    def _memory(self) -> int:
        return int(self.site.redis.info("memory")["used_memory"])

    # What happens

    def _new_projects(self, number: str | None, codes: int) -> list[Project]:
        """New projects with so many budgeted codes in all."""
        each = min(CODES_PER_PROJECT, codes)
        flat_codes = [
            code.flat_code for code in next(iter(self.site.stage.procore.company.projects.values())).budgeted_codes()
        ]
        add = self.site.stage.procore.add_project
        return [add(number and f"{number}-{place:03d}", flat_codes[:each]) for place in range(codes // each)]

    def _hold(self, requests: Mapping[str, Any]) -> None:
        """From now on such requests wait, so that nothing goes on before somebody is killed."""
        self.site.stage.faults("netsuite", [{"kind": "hold", "value": PATIENCE_SECONDS, **requests}])

    def _held(self) -> int:
        """How many of them wait."""
        return int(self.site.stage.netsuite.faults.as_json()["rules"][0]["struck"])

    def _lose_redis(self) -> None:
        """kill -9, and its file is gone: the server comes back empty, under its old address."""
        server = self.site.server
        kill_redis(server)
        shutil.rmtree(self._folder / "redis" / "valkey" / "appendonlydir")
        eventually(server.revive)
        assert self.site.redis.dbsize() < 5, "it came back with something"

    def _start_everything(self) -> None:
        workers = [self._start_worker(name, ready=False) for name in ("items", "invoices")]
        self.site.beat(number=next(self._numbers), times=self.plan.times)
        for worker in workers:
            worker.says(READY)

    def _start_worker(self, name: str, *, ready: bool = True) -> Program:
        return self.site.worker(name, number=next(self._numbers), threads=16, times=self.plan.times, ready=ready)

    def _kill_everything(self) -> None:
        for program in self.site.programs:
            program.kill()

    def _program(self, name: str) -> Program:
        """The worker of that name that was started last."""
        return [program for program in self.site.programs if program.name.startswith(f"{name}-")][-1]

    def _command(self, *arguments: str) -> Told:
        with self._started_command(*arguments) as process:
            try:
                out, err = process.communicate(timeout=PATIENCE_SECONDS)
            finally:
                process.kill()
        assert process.returncode in (0, 1), (arguments, err)
        assert out, (arguments, err)
        assert "Traceback" not in err, err
        return Told(process.returncode, out, err)

    @contextmanager
    def _started_command(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        changes = [part for name, value in self.plan.times.items() for part in ("--set", f"{name}={value}")]
        command = [sys.executable, "-m", "tests.kit.launcher", *changes, "--command", "--", *arguments]
        with subprocess.Popen(
            command,
            env=self.site.env,
            cwd=self.site.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            yield process

    def _scan(self, projects: Sequence[Project]) -> Run:
        """Start a scan of some projects."""
        ids = [project.id for project in projects]
        run, _ = self.site.container.wbs_scan.request("rehearsal", ids)
        self.site.send(TaskName.SCAN_PROJECTS, trigger="rehearsal", project_ids=ids)
        return run

    # Measuring

    @contextmanager
    def _measured(self, words: str) -> Iterator[Step]:
        step, began = Step(words), time.monotonic()
        marks = {remote: self._mark(remote) for remote in ("procore", "netsuite")}
        yield step
        step.seconds = round(time.monotonic() - began, 2)
        step.procore_requests = len(self._requests("procore", marks["procore"]))
        step.netsuite_requests = len(self._requests("netsuite", marks["netsuite"]))
        self.steps.append(step)
        self._say(f"{step.seconds:8.1f} s  {words}")

    def _mark(self, remote: str) -> Mark:
        entries = self.site.stage.journal(remote)
        return Mark(int(entries[-1]["n"]) if entries else 0, time.time())

    def _requests(self, remote: str, since: Mark) -> list[Entry]:
        """Requests that a remote got since then, those for tokens left out. They are journaled when they end."""
        entries = (entry for entry in self.site.stage.journal(remote, since.number) if "method" in entry)
        return [entry for entry in entries if entry["started"] > since.at and "oauth" not in entry["path"]]

    def _wait_for(self, condition: Callable[[], T]) -> T:
        return eventually(condition, PATIENCE_SECONDS, every=0.05)


@dataclass(frozen=True)
class Mark:
    """A moment: the last entry of a journal, and the time."""

    number: int
    at: float


@dataclass(frozen=True)
class Told:
    """What a command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value on its standard output."""
        return json.loads(self.out)
