"""An upgrade, the way back, and the upgrade once more, with real workers of both versions on one Redis and one DATA_DIR.

Each worker but one is killed while NetSuite works on writes of which no answer will be read, with messages in the broker and work in the
lanes. After each step the same questions are asked: of the books, of the ledger, of the broker and of the commands of the version that runs.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config.names import QueueName, TaskName
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from tests.integration.flows.office import Office
from tests.real.site import ALL_QUEUES, PREFIX, QUICK, READY, Ended, Program, Site
from tests.support import eventually
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import State
from worker.domain.work import RECONCILE_ALL, Lane

EARLIER_QUICK = {
    "worker.store.work.IN_HAND_SECONDS": 3,
    **{name: value for name, value in QUICK.items() if not name.startswith(("worker.store.work.", "worker.clients."))},
}
"""The times of `QUICK` as 0.1.0 has them."""
IN_FLIGHT = 2
"""Writes that NetSuite works on when their worker is killed."""
COMMIT_SECONDS = 2.0
REST_SECONDS = 60.0


class Rehearsal:
    """The installation, and what has to be true of it whatever version runs. `earlier`: the folder with the code of the earlier version."""

    def __init__(
        self, site: Site, earlier: Path, *, codes: int, say: Callable[[str], None] = lambda _line: None
    ) -> None:
        self.site = site
        self.office = Office(site.stage, site.container)
        self._earlier = {"PYTHONPATH": str(earlier)}
        self._codes = codes
        self._say = say
        self._started = 0
        self.adopted: dict[CodeKey, str] = {}
        self.unbilled: set[int] = set()
        self.problems: dict[str, str] = {}
        self.findings: set[str] = set()

    # Processes

    def old_worker(self, queues: str = ALL_QUEUES) -> Program:
        """A worker of the earlier version, ready, with Celery's command line, as that one started it."""
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
        """A worker of this version, ready."""
        self._started += 1
        return self._worker(["worker", "-n", f"new{self._started}@%h", "-Q", queues, "-c", "4"], QUICK, {})

    def _worker(self, arguments: list[str], times: Mapping[str, float], env: Mapping[str, str]) -> Program:
        changes = [part for name, value in times.items() for part in ("--set", f"{name}={value}")]
        command = [sys.executable, "-m", "tests.real.launcher", *changes, "--", *arguments]
        program = self.site.start(arguments[arguments.index("-n") + 1].partition("@")[0], command, env)
        program.says(READY)
        return program

    def old_command(self, *arguments: str) -> Ended:
        """A command of the earlier version."""
        return self.site.command(*arguments, env=self._earlier)

    def new_command(self, *arguments: str) -> Ended:
        """A command of this version."""
        return self.site.command(*arguments)

    def kill(self, worker: Program) -> None:
        """kill -9; then a quarter of an hour passes, after which Redis delivers what that worker had fetched once more."""
        worker.kill()
        index = f"{PREFIX}unacked_index"
        for tag in self.site.redis.zrange(index, 0, -1):
            self.site.redis.zadd(index, {tag: 1})

    # What people and other applications do

    def project(self, number: str) -> tuple[Project, dict[str, WbsCode]]:
        """A new project, its codes by their text."""
        project = self.office.new_project(number, [f"05-{place}.S" for place in range(120, 120 + self._codes)])
        return project, {code.flat_code: code for code in project.budgeted_codes()}

    def item_by_hand(self, project: Project, code: WbsCode) -> str:
        """The Item of a code is made by a person, so that it is adopted; its id."""
        item = self.office.netsuite.make_item(f"{project.number}-{code.flat_code}")
        self.adopted[CodeKey(project.id, code.id)] = item.id
        return item.id

    def rename_item(self, item_id: str) -> None:
        """A person gives an adopted Item a name that says nothing of its code."""
        self.office.netsuite.edit_item(item_id, itemid=f"Renamed {item_id}", displayname=f"Renamed {item_id}")
        key = next(key for key, adopted in self.adopted.items() if adopted == item_id)
        self.findings.add(str(key))

    def invoice(self, project: Project, code: WbsCode, amount: str, number: str, *, bill: bool = True) -> Invoice:
        """A new approved invoice of one line."""
        invoice = self.office.new_invoice(project, (code.flat_code, amount), invoice_number=number)
        if not bill:
            self.unbilled.add(invoice.id)
        return invoice

    def scan(self, *project_ids: int) -> None:
        """Another application asks for a scan."""
        self.site.send(
            TaskName.SCAN_PROJECTS, trigger="the portal", **({"project_ids": project_ids} if project_ids else {})
        )

    def everything(self) -> None:
        """A scan and an export of everything are asked for."""
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
        eventually(lambda: self._under_way(project) >= IN_FLIGHT, every=0.01)
        yield
        self.site.stage.faults("netsuite", [])

    def _under_way(self, project: Project) -> int:
        states = Counter(record.state for record in self.site.container.ledger.codes(project.id).values())
        return states[State.INTENT]

    # How it goes on

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
        found = {name: what for name, what in self.site.left_over().items() if name not in left}
        found |= {queue: count for queue in QueueName if (count := self.site.redis.llen(PREFIX + queue))}
        if unacknowledged := self.site.redis.hlen(f"{PREFIX}unacked"):
            found["unacknowledged"] = unacknowledged
        return found

    # The questions

    def questions(self, step: str, command: Callable[..., Ended]) -> None:
        """No double, nothing lost, nothing misread. `command`: those of the version that runs."""
        self._items_are_right()
        self._bills_are_right()
        shown = {row["key"]: row["cause"] for row in command("problems", "--json").json()}
        assert shown.items() >= self.problems.items(), f"{step}: not all problems are shown"
        verified = command("verify", "--json")
        found = verified.json()
        assert {row["key"] for row in found["findings"]} == self.findings, f"{step}: {found}"
        assert not found["unreadable"], f"{step}: {found}"
        assert not found.get("not_compared"), f"{step}: {found}"
        self._say(f"{step}: {found['codes']} codes, {found['invoices']} invoices, {len(shown)} problems, right")

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
            wanted = int(invoice.status == "approved" and invoice.id not in self.unbilled)
            assert len(bills) == wanted, f"invoice {invoice.number} has {len(bills)} bills"
            if bills:
                assert bills[0].total == invoice.summary().current_payment_due

    # The play

    def play(self) -> None:
        """Everything, in its order."""
        first = self.with_the_earlier_version()
        worker = self.upgrade(first)
        excluded = self.with_this_version(worker)
        adopted = self.way_back(excluded)
        self.upgrade_again(*adopted)

    def with_the_earlier_version(self) -> Project:
        """Adopted Items (one renamed since), open problems, bills, a saved plan; killed with writes, messages and a run under way."""
        project, codes = self.project("31-500")
        adopted, plain, given_up, later = list(codes.values())[:4]
        renamed = self.item_by_hand(project, adopted)
        inactive = self.office.netsuite.make_item(f"{project.number}-{given_up.flat_code}")
        self.office.netsuite.edit_item(inactive.id, isinactive=True)
        self.problems[str(CodeKey(project.id, given_up.id))] = "item_inactive"
        self.invoice(project, plain, "900.00", "A-1")
        credit = self.invoice(project, plain, "-900.00", "C-1", bill=False)
        self.problems[str(InvoiceKey(project.id, credit.id))] = "needs_vendor_credit"
        self.invoice(project, adopted, "700.00", "A-2")
        worker = self.old_worker()
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest()
        self.rename_item(renamed)
        self.office.procore.add_code(project.id, "09-500.S", "100.00")
        saved = self.old_command("scan", "--project", str(project.id), "--dry-run", "--save", self._plan("earlier"))
        assert saved.code == 0, saved.err
        with self.in_flight("31-501"):
            # Nobody has answered these when the worker is killed.
            self.site.send(TaskName.EXPORT_APPROVED, trigger="the portal")
            self.site.send(TaskName.CREATE_ITEMS, project_id=project.id, wbs_code_id=later.id)
            self.kill(worker)
        self.invoice(project, later, "300.00", "A-3")
        self.site.send(TaskName.RECONCILE)
        return project

    def upgrade(self, first: Project) -> Program:
        """Workers of this version begin with what was left; a plan of the earlier one is refused and made anew."""
        worker = self.new_worker()
        self.rest()
        refused = self.new_command("apply", self._plan("earlier"))
        assert (refused.code, "no plan of version" in refused.err) == (1, True), refused
        for arguments in (
            ("scan", "--project", str(first.id), "--dry-run", "--save", self._plan("anew")),
            ("apply", self._plan("anew"), "--wait"),
        ):
            done = self.new_command(*arguments)
            assert done.code == 0, done
        self.everything()
        eventually(lambda: len(self.site.container.work.latest(2)) == 2)
        self.rest()
        self.questions("upgraded", self.new_command)
        return worker

    def with_this_version(self, worker: Program) -> Invoice:
        """A decision, an adopted Item (renamed since), a comparison that waits in its lane, a plan; killed with claims on what is in progress."""
        project, codes = self.project("31-502")
        adopted, plain = list(codes.values())[:2]
        renamed = self.item_by_hand(project, adopted)
        excluded = self.invoice(project, plain, "450.00", "X-1", bill=False)
        noted = self.new_command(
            "invoices", "exclude", str(excluded.id), "--project", str(project.id), "--note", "by hand"
        )
        assert noted.code == 0, noted
        self.invoice(project, adopted, "650.00", "A-4")
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest()
        self.rename_item(renamed)
        self.office.procore.add_code(project.id, "09-500.S", "100.00")
        saved = self.new_command("scan", "--project", str(project.id), "--dry-run", "--save", self._plan("this"))
        assert saved.code == 0, saved
        with self.in_flight("31-503"):
            self.site.send(TaskName.EXPORT_APPROVED, trigger="the portal")
            self.kill(worker)
            assert self.site.redis.hlen(f"{PREFIX}begun") >= IN_FLIGHT
        # What only this version knows waits in its lane.
        self.site.container.work.request(Lane.UPKEEP, [RECONCILE_ALL])
        self.invoice(project, plain, "350.00", "A-5")
        return excluded

    def way_back(self, excluded: Invoice) -> tuple[Project, WbsCode]:
        """Workers of the earlier version go on; as docs/upgrade.md says, decided invoices get a status that is not exported before."""
        self.office.procore.set_invoice_status(excluded.id, "under_review")
        worker = self.old_worker()
        only_newer = frozenset({Lane.UPKEEP})
        self.rest(left=only_newer)
        refused = self.old_command("apply", self._plan("this"))
        assert (refused.code, "no plan of version" in refused.err) == (1, True), refused
        project, codes = self.project("31-504")
        adopted = next(iter(codes.values()))
        self.item_by_hand(project, adopted)
        self.everything()
        eventually(lambda: len(self.site.container.ledger.codes(project.id)) == self._codes)
        self.rest(left=only_newer)
        self.questions("way back", self.old_command)
        # Both at once, as in a rolling restart: the newer one begins while the older one works.
        another, _ = self.project("31-505")
        self.scan(another.id)
        self.new_worker()
        self.everything()
        worker.ask_to_end()
        assert worker.wait(40) == 0
        self.office.procore.set_invoice_status(excluded.id, "approved")
        return project, adopted

    def upgrade_again(self, project: Project, code: WbsCode) -> None:
        """This version knows the decision still, and which Items the earlier one has adopted."""
        text = code.flat_code
        self.rest()
        self.office.procore.rename_code(project.id, code.id, "12-300.S")
        other = self.office.procore.add_code(project.id, text, "100.00")
        self.findings.add(str(CodeKey(project.id, code.id)))
        self.problems[str(CodeKey(project.id, other.id))] = "item_of_other_code"
        self.everything()
        eventually(lambda: self.site.container.ledger.code(CodeKey(project.id, other.id)))
        self.rest()
        self.questions("upgraded again", self.new_command)

    def _plan(self, name: str) -> str:
        return str(self.site.folder / f"plan-{name}.json")
