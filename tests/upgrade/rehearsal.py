"""An upgrade, the way back, and the upgrade once more, with real workers of both versions on one Redis and one DATA_DIR.

Each worker but one is killed while NetSuite works on writes of which no answer will be read, with messages in the broker, work in the lanes
and NetSuite paused. Before the next version starts, beat of the version that ran sends what is due by its schedule. Flower of this version
listens to the workers of both. After each step the same questions are asked: of the books, of the ledger, of the broker and of the commands
of the version that runs.
"""

from __future__ import annotations

import json
import sys
from ast import literal_eval
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests

from config.names import QueueName, TaskName
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from tests.kit.ended import Ended
from tests.kit.installation import Installation
from tests.kit.ports import unused_port
from tests.kit.programs import READY, Program, ended, script
from tests.kit.site import ALL_QUEUES, PREFIX, QUICK, Site
from tests.kit.waiting import eventually
from tests.upgrade import commands
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import State
from worker.domain.problems import cause_of
from worker.domain.work import RECONCILE_ALL, Lane
from worker.store.presence import ScheduleRuns

EARLIER_QUICK = {
    "worker.store.work.IN_HAND_SECONDS": 3,
    "worker.store.locks.LOCK_SECONDS": 3,
    "worker.store.locks.KEPT_SECONDS": 0,
    "worker.store.gate.SLOT_SECONDS": 3,
    "worker.domain.outcomes.FIRST_LOOK_SECONDS": 1,
    "config.schedule.RESUME_EVERY_SECONDS": 0.5,
    "worker.services.attempts.DOWN_TIMES_BEFORE_PROBLEM": 1,
}
"""The times of `QUICK` as 0.1.0 has them. Each pause of a remote is a problem at once, in both versions."""
THIS_QUICK = {**QUICK, "worker.engine.remote_failures.DOWN_TIMES_BEFORE_PROBLEM": 1}
CRONS = dict.fromkeys(("SCAN_CRON", "EXPORT_CRON", "VERIFY_CRON"), "0 4 * * *")
SCHEDULED = ("scan", "export", "verify")
SHOWN_STATES = ("SUCCESS", "STARTED", "RECEIVED", "RETRY")
"""Of tasks in Flower when all is done; some of a killed worker stay where they were."""
LOGIN = ("an-engineer", "a-password-of-flower")
IN_FLIGHT = 2
"""Writes that NetSuite works on when their worker is killed."""
COMMIT_SECONDS = 6.0
"""How long NetSuite works on them: long enough that a pause is noticed meanwhile on a busy machine."""
SETTLES = {"NETSUITE_SETTLE_SECONDS": "9"}
"""For the site: a commit comes within the settle window, as both versions assume."""
REST_SECONDS = 60.0


class Rehearsal:
    """The installation, and what has to be true of it whatever version runs. `earlier`: the folder with the code of the earlier version;
    `python`: the interpreter of the environment it runs in.
    """

    def __init__(
        self,
        site: Site,
        earlier: Path,
        *,
        codes: int,
        python: str = sys.executable,
        say: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.site = site
        self.office = Installation(site.stage, site.container)
        self._earlier = {"PYTHONPATH": str(earlier)}
        self._earlier_python = python
        self._codes = codes
        self._say = say
        self._started = 0
        self.adopted: dict[CodeKey, str] = {}
        self.unbilled: set[int] = set()
        self.ignored: set[str] = set()
        self.problems: dict[str, str] = {}
        self.findings: set[str] = set()
        self.settled = ""

    # Processes

    def old_worker(self, queues: str = ALL_QUEUES) -> Program:
        """Start a worker of the earlier version with that version's command line, and return it when it is ready."""
        self._started += 1
        options = [
            "worker",
            "-n",
            f"old{self._started}@%h",
            "-Q",
            queues,
            "-c",
            "4",
            "--without-gossip",
            "--without-mingle",
            "-E",
        ]
        return self._worker(["-A", "worker.app", *options], EARLIER_QUICK, self._earlier)

    def new_worker(self, queues: str = ALL_QUEUES) -> Program:
        """Start a worker of this version, and return it when it is ready."""
        self._started += 1
        return self._worker(["worker", "-n", f"new{self._started}@%h", "-Q", queues, "-c", "4"], THIS_QUICK, {})

    def _worker(self, arguments: list[str], times: Mapping[str, float], env: Mapping[str, str]) -> Program:
        changes = [part for name, value in times.items() for part in ("--set", f"{name}={value}")]
        command = [*self._launcher(env), *changes, "--", *arguments]
        program = self.site.start(arguments[arguments.index("-n") + 1].partition("@")[0], command, env)
        program.says(READY)
        return program

    def _launcher(self, env: Mapping[str, str]) -> list[str]:
        """Return the launcher of the environment's version."""
        module = "tests.real.launcher" if env is self._earlier else "tests.kit.launcher"
        return [self._python(env), "-m", module]

    def _python(self, env: Mapping[str, str]) -> str:
        return self._earlier_python if env is self._earlier else sys.executable

    def old_beat(self) -> Program:
        """Start beat of the earlier version as that version does; each line of a schedule means every second."""
        arguments = ["-A", "worker.app", "beat", f"--schedule={self.site.env['DATA_DIR']}/beat-schedule", "--pidfile="]
        command = [*self._launcher(self._earlier), "--cron-seconds", "1", "--", *arguments]
        return self.site.start("old-beat", command, {**self._earlier, **CRONS})

    def new_beat(self) -> Program:
        """Start beat of this version; each line of a schedule means every second."""
        return self.site.beat(times={}, cron_seconds=1, env=CRONS)

    def schedule(self, beat: Program, *entries: str) -> None:
        """Let beat send these entries while no worker runs, and kill it: its messages stay in the queues."""
        for entry in entries:
            beat.says(f"Sending due task {entry}")
        # It logs this before it sends.
        queues = [PREFIX + queue for queue in (QueueName.SCANS, QueueName.EXPORTS, QueueName.UPKEEP)]
        eventually(lambda: all(self.site.redis.llen(queue) for queue in queues))
        beat.kill()

    def old_commands(self, *arguments: list[str]) -> list[Ended]:
        """Run commands of the earlier version, and check that all end well."""
        return self._commands(arguments, self._earlier)

    def new_commands(self, *arguments: list[str]) -> list[Ended]:
        """Run commands of this version, and check that all end well."""
        return self._commands(arguments, {})

    def _commands(self, arguments: Sequence[list[str]], env: Mapping[str, str]) -> list[Ended]:
        command = [self._python(env), str(commands.__file__), json.dumps(arguments)]
        done = ended(command, env={**self.site.env, **env}, folder=self.site.folder, timeout=90)
        assert done.code == 0, done.err
        return [Ended(*one) for one in done.json()]

    def kill(self, worker: Program) -> None:
        """Send SIGKILL; then a quarter of an hour passes, after which Redis delivers again what that worker had fetched."""
        worker.kill()
        index = f"{PREFIX}unacked_index"
        for tag in self.site.redis.zrange(index, 0, -1):
            self.site.redis.zadd(index, {tag: 1})

    # Actions of people and other applications

    def project(self, number: str) -> tuple[Project, dict[str, WbsCode]]:
        """Create a project, and return it with its codes by their text."""
        project = self.office.new_project(number, [f"05-{place}.S" for place in range(120, 120 + self._codes)])
        return project, {code.flat_code: code for code in project.budgeted_codes()}

    def item_by_hand(self, project: Project, code: WbsCode) -> str:
        """Create the Item of a code as a person, so that it is adopted, and return its id."""
        item = self.office.netsuite.make_item(f"{project.number}-{code.flat_code}")
        self.adopted[CodeKey(project.id, code.id)] = item.id
        return item.id

    def rename_item(self, item_id: str) -> None:
        """Rename an adopted Item as a person, without any part of its code."""
        self.office.netsuite.edit_item(item_id, itemid=f"Renamed {item_id}", displayname=f"Renamed {item_id}")
        key = next(key for key, adopted in self.adopted.items() if adopted == item_id)
        self.findings.add(str(key))

    def invoice(self, project: Project, code: WbsCode, amount: str, number: str, *, bill: bool = True) -> Invoice:
        """Create an approved invoice of one line."""
        invoice = self.office.new_invoice(project, (code.flat_code, amount), invoice_number=number)
        if not bill:
            self.unbilled.add(invoice.id)
        return invoice

    def bill_by_hand(self, like: Invoice, number: str, record_type: str = "vendorBill") -> str:
        """Enter a bill or credit as an accountant, with the vendor and amount of another invoice's bill, and return its id."""
        model = self.office.bill(like)
        entered = replace(model, id="", externalid=None, tranid=number, record_type=record_type)
        return self.office.netsuite.make_bill(entered).id

    def scan(self, *project_ids: int) -> None:
        """Request a scan as another application does."""
        self.site.send(
            TaskName.SCAN_PROJECTS, trigger="the portal", **({"project_ids": project_ids} if project_ids else {})
        )

    def everything(self) -> None:
        """Request a scan and an export of everything."""
        self.scan()
        self.site.send(TaskName.EXPORT_APPROVED, trigger="the portal")

    @contextmanager
    def in_flight(self, number: str) -> Iterator[None]:
        """A project whose Items are being made: NetSuite works on writes for the block, and work waits behind them."""
        self.rest()
        slow = {
            "kind": "slow_commit",
            "method": "POST",
            "path": "otherCharge",
            "times": IN_FLIGHT,
            "value": COMMIT_SECONDS,
        }
        self.site.stage.faults("netsuite", [slow])
        project, _ = self.project(number)
        self.scan(project.id)
        eventually(lambda: self.site.stage.netsuite.faults.as_json()["rules"][0]["struck"] >= IN_FLIGHT, every=0.01)
        yield

    def netsuite_refuses(self) -> None:
        """NetSuite responds with 503 to every new request. What it works on continues."""
        self.site.stage.faults("netsuite", [{"kind": "error_before", "path": "/rest/", "value": 503}])

    def is_paused(self) -> None:
        """Wait until the version that runs has paused NetSuite's work and opened the problem."""
        eventually(lambda: self.site.container.ledger.is_problem("remote:netsuite"))

    # How it continues

    def rest(self, *, left: frozenset[Lane] = frozenset()) -> None:
        """Wait until every message is answered and no work waits, but for that of the lanes `left`. Meanwhile `ledger.resume` is sent, as
        beat does.
        """

        def rests() -> bool:
            at_rest = not self.waiting(left)
            if not at_rest and not self.site.redis.llen(PREFIX + QueueName.UPKEEP):
                self.site.send(TaskName.RESUME)
            return at_rest

        try:
            eventually(rests, REST_SECONDS, every=0.3)
        except AssertionError:
            raise AssertionError(f"it does not come to rest: {self.waiting(left)}") from None

    def waiting(self, left: frozenset[Lane] = frozenset()) -> dict[str, Any]:
        """What was not answered or done yet: messages, work in lanes, locks and slots."""
        left_over = {name: what for name, what in self.site.left_over().items() if name not in left}
        left_over |= {queue: count for queue in QueueName if (count := self.site.redis.llen(PREFIX + queue))}
        if unacknowledged := self.site.redis.hlen(f"{PREFIX}unacked"):
            left_over["unacknowledged"] = unacknowledged
        return left_over

    # The questions

    def questions(self, step: str, run: Callable[..., list[Ended]]) -> None:
        """Check that nothing is duplicated, lost or misread. `run`: runs commands of the version that is running."""
        self._items_are_right()
        self._bills_are_right()
        asked = (["problems", "--json"], ["problems", "--ignored", "--json"], ["verify", "--json"])
        listed, hidden, verified = (one.json() for one in run(*asked))
        shown = {row["key"]: cause_of(row["cause"]) for row in listed}
        assert (
            shown.items() >= {key: cause for key, cause in self.problems.items() if key not in self.ignored}.items()
        ), f"{step}: not all problems are shown"
        assert {row["key"] for row in hidden} == self.ignored, step
        assert not [key for key in shown if key.startswith("remote:")], f"{step}: NetSuite answers again"
        assert {row["key"] for row in verified["findings"]} == self.findings, f"{step}: {verified}"
        assert not verified["unreadable"], f"{step}: {verified}"
        assert not verified.get("not_compared"), f"{step}: {verified}"
        self._say(f"{step}: {verified['codes']} codes, {verified['invoices']} invoices, {len(shown)} problems, right")

    # Flower

    @contextmanager
    def flower(self) -> Iterator[None]:
        """Flower of this version runs for the block; afterwards it has shown the work of every worker, of both versions, readably."""
        port = unused_port()
        env = {"FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": ":".join(LOGIN)}
        self.site.start("flower", [script(), "flower"], env)

        def asked(path: str) -> Any:
            try:
                return requests.get(f"http://127.0.0.1:{port}{path}", auth=LOGIN, timeout=30).json()
            except requests.ConnectionError:
                return None

        eventually(lambda: asked("/api/tasks") is not None, 60, every=0.2)
        yield
        tasks = asked("/api/tasks?limit=10000").values()
        workers = {task["worker"].partition("@")[0] for task in tasks}
        assert workers == {f"old{number}" for number in (1, 3)} | {f"new{number}" for number in (2, 4)}
        for task in tasks:
            arguments = literal_eval(task["kwargs"])
            if task["name"] == TaskName.CREATE_ITEMS:
                assert set(arguments) == {"project_id", "wbs_code_id"}
            if task["state"] == "SUCCESS" and task["result"]:
                assert isinstance(literal_eval(task["result"]), dict), task
        # The comparison of 0.1.0 fails with the first request that does.
        unended = [
            task
            for task in tasks
            if task["state"] not in SHOWN_STATES
            and not (task["name"] == TaskName.RECONCILE and task["worker"].startswith("old"))
        ]
        assert not unended, unended

    def _items_are_right(self) -> None:
        assert self.site.stage.netsuite.duplicates() == []
        taken: dict[str, CodeKey] = {}
        for project in self.site.stage.procore.company.projects.values():
            records = self.site.container.ledger.codes(project.id)
            for code in project.budgeted_codes():
                key, record = CodeKey(project.id, code.id), records.get(code.id)
                if str(key) in self.problems or record is None:
                    assert str(key) in self.problems, f"{key} was lost"
                    continue
                assert record.done, f"{key} is {record.state}"
                assert record.remote_id not in taken, f"{key} and {taken[record.remote_id]} have one Item"
                taken[record.remote_id] = key
                assert self.site.stage.netsuite.items.get(record.remote_id) is not None
        for key, item_id in self.adopted.items():
            adopted = self.site.container.ledger.code(key)
            assert adopted is not None
            assert (adopted.state, adopted.remote_id) == (State.ADOPTED, item_id), f"{key} has lost its Item"
        writes = Counter(
            entry["external_id"] for entry in self.site.stage.netsuite.writes("item") if entry["by"] == "client"
        )
        assert not [each for each, count in writes.items() if count > 1]

    def _bills_are_right(self) -> None:
        for invoice in self.site.stage.procore.company.invoices.values():
            bills = self.office.bills(invoice)
            expected_bills = int(invoice.status == "approved" and invoice.id not in self.unbilled)
            assert len(bills) == expected_bills, f"invoice {invoice.number} has {len(bills)} bills"
            if bills:
                assert bills[0].total == invoice.summary().current_payment_due

    # The play

    def play(self) -> None:
        """Play all steps in order."""
        with self.flower():
            first = self.with_the_earlier_version()
            worker = self.upgrade(first)
            decided = self.with_this_version(worker, first)
            adopted = self.roll_back(decided)
            self.upgrade_again(*adopted)

    def with_the_earlier_version(self) -> Invoice:
        """Adopted Items (one renamed since), bills, a saved plan; problems of which a person resolves one and ignores one. Killed with
        writes, messages, a run and a pause. Gives a billed invoice.
        """
        project, codes = self.project("31-500")
        adopted, plain, given_up, later = list(codes.values())[:4]
        renamed = self.item_by_hand(project, adopted)
        inactive = self.office.netsuite.make_item(f"{project.number}-{given_up.flat_code}")
        self.office.netsuite.edit_item(inactive.id, isinactive=True)
        inactive_item = str(CodeKey(project.id, given_up.id))
        self.problems[inactive_item] = "item_inactive"
        billed = self.invoice(project, plain, "900.00", "A-1")
        left, settled = (self.invoice(project, plain, "-900.00", number, bill=False) for number in ("C-1", "C-2"))
        credit, self.settled = (str(InvoiceKey(project.id, one.id)) for one in (left, settled))
        self.problems[credit] = "needs_vendor_credit"
        self.invoice(project, adopted, "700.00", "A-2")
        worker = self.old_worker()
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest()
        self.rename_item(renamed)
        self.office.procore.add_code(project.id, "09-500.S", "100.00")
        self.bill_by_hand(billed, settled.invoice_number, "vendorCredit")
        handled = self.old_commands(
            ["scan", "--project", str(project.id), "--dry-run", "--save", self._plan("earlier")],
            ["problems", "resolve", self.settled, "--note", "entered by hand"],
            ["problems", "ignore", inactive_item, "--until-changed", "--note", "known"],
        )
        assert [one.code for one in handled] == [0, 0, 0], handled
        self.ignored.add(inactive_item)
        with self.in_flight("31-501"):
            self.netsuite_refuses()
            self.invoice(project, later, "300.00", "A-3")
            # These have no response when the worker is killed.
            self.site.send(TaskName.EXPORT_APPROVED, trigger="the portal")
            self.site.send(TaskName.CREATE_ITEMS, project_id=project.id, wbs_code_id=later.id)
            self.is_paused()
            self.kill(worker)
        self.schedule(self.old_beat(), *SCHEDULED, "resume")
        # It answers again while no worker runs: the pause and its problem are the earlier version's alone.
        self.office.clear_faults()
        return billed

    def upgrade(self, first: Invoice) -> Program:
        """Workers of this version begin with what was left; a plan of the earlier one is refused and made again."""
        worker = self.new_worker()
        self.rest()
        refused, saved, applied = self.new_commands(
            ["apply", self._plan("earlier")],
            ["scan", "--project", str(first.project_id), "--dry-run", "--save", self._plan("anew")],
            ["apply", self._plan("anew"), "--wait"],
        )
        assert (refused.code, "not a plan of version" in refused.err) == (1, True), refused
        assert (saved.code, applied.code) == (0, 0), (saved, applied)
        self.everything()
        eventually(lambda: len(self.site.container.runs.latest(2)) == 2)
        self.rest()
        self.questions("upgraded", self.new_commands)
        assert not self.site.container.ledger.is_problem(self.settled), "its credit was entered by hand"
        return worker

    def with_this_version(self, worker: Program, billed: Invoice) -> list[Invoice]:
        """Decisions, an adopted Item (renamed since), a comparison that waits in its lane, a plan. Killed with claims on what is in progress
        and with a pause. Gives the invoices that were decided about.
        """
        project, codes = self.project("31-502")
        adopted, plain = list(codes.values())[:2]
        renamed = self.item_by_hand(project, adopted)
        excluded = self.invoice(project, plain, "450.00", "X-1", bill=False)
        marked = self.invoice(project, plain, "460.00", "X-2", bill=False)
        bill_id = self.bill_by_hand(billed, "BY-HAND-7")
        of = ["--project", str(project.id), "--note", "by hand"]
        noted = self.new_commands(
            ["invoices", "exclude", str(excluded.id), *of],
            ["invoices", "mark-billed", str(marked.id), "--bill", bill_id, *of],
        )
        assert [one.code for one in noted] == [0, 0], noted
        self.invoice(project, adopted, "650.00", "A-4")
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest()
        self.rename_item(renamed)
        self.office.procore.add_code(project.id, "09-500.S", "100.00")
        (saved,) = self.new_commands(["scan", "--project", str(project.id), "--dry-run", "--save", self._plan("this")])
        assert saved.code == 0, saved
        with self.in_flight("31-503"):
            self.netsuite_refuses()
            self.invoice(project, plain, "350.00", "A-5")
            self.site.send(TaskName.EXPORT_APPROVED, trigger="the portal")
            self.is_paused()
            self.kill(worker)
            assert self.site.redis.hlen(f"{PREFIX}begun") >= IN_FLIGHT
        # What only this version knows waits in its lane.
        self.site.container.work.request(Lane.UPKEEP, [RECONCILE_ALL])
        # It sends no `resume` while enough messages wait for upkeep.
        self.schedule(self.new_beat(), *SCHEDULED)
        return [excluded, marked]

    def roll_back(self, decided: list[Invoice]) -> tuple[list[Invoice], Project, WbsCode]:
        """Workers of the earlier version continue; as docs/upgrade.md says, decided invoices get a status that is not exported before.
        NetSuite refuses them too at first.
        """
        for invoice in decided:
            self.office.procore.set_invoice_status(invoice.id, "under_review")
        scheduled = ScheduleRuns(self.site.redis, PREFIX).last()
        worker = self.old_worker()
        only_newer = frozenset({Lane.UPKEEP})
        eventually(lambda: self.site.redis.exists(f"{PREFIX}hold:netsuite"))
        self.office.clear_faults()
        self.rest(left=only_newer)
        (refused,) = self.old_commands(["apply", self._plan("this")])
        assert (refused.code, "no plan of version" in refused.err) == (1, True), refused
        project, codes = self.project("31-504")
        adopted = next(iter(codes.values()))
        self.item_by_hand(project, adopted)
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest(left=only_newer)
        self.findings.add(self.settled)  # 0.1.0 makes no credits, and says that it cannot compare one.
        self.questions("way back", self.old_commands)
        self.findings.remove(self.settled)
        assert ScheduleRuns(self.site.redis, PREFIX).last() == scheduled
        # Both at once, as in a rolling restart: the newer one begins while the older one works.
        second_project, _ = self.project("31-505")
        self.scan(second_project.id)
        self.new_worker()
        self.everything()
        worker.ask_to_end()
        assert worker.wait(40) == 0
        for invoice in decided:
            self.office.procore.set_invoice_status(invoice.id, "approved")
        return decided, project, adopted

    def upgrade_again(self, decided: list[Invoice], project: Project, code: WbsCode) -> None:
        """This version knows the decisions still, and which Items the earlier one has adopted."""
        text = code.flat_code
        self.rest()
        self.office.procore.rename_code(project.id, code.id, "12-300.S")
        second_code = self.office.procore.add_code(project.id, text, "100.00")
        self.findings.add(str(CodeKey(project.id, code.id)))
        self.problems[str(CodeKey(project.id, second_code.id))] = "item_belongs_to_other_code"
        self.everything()
        eventually(lambda: self.site.container.ledger.code(CodeKey(project.id, second_code.id)))
        self.rest()
        self.questions("upgraded again", self.new_commands)
        assert not self.site.container.ledger.is_problem(self.settled), "its credit was entered by hand"
        assert set(self.site.container.stores.decisions.all()) == {
            InvoiceKey(one.project_id, one.id) for one in decided
        }
        assert self.site.container.stores.breakers.pauses() == []

    def _plan(self, name: str) -> str:
        return str(self.site.folder / f"plan-{name}.json")
