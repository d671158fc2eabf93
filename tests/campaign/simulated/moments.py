"""What happens once in a schedule in addition to the strikes: people who change, request or settle something just when it matters."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from config.names import QueueName, TaskName
from tests.campaign.simulated.faults import Fault, Kind
from tests.campaign.simulated.remotes import Request
from tests.campaign.simulated.workers import Message
from tests.campaign.simulated.world import Invoice
from worker.container import Container
from worker.domain.errors import SyncError
from worker.engine.adoptions import COPIED_EVERY_SECONDS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig

QUEUES_OF_KIND = ((QueueName.SCANS, QueueName.ITEMS), (QueueName.EXPORTS,))
"""The two kinds of worker, by their queues; upkeep is served by both."""
WEEK_AND_A_DAY = 8 * 86_400.0
AGAIN_AFTER = 15.0
CUTS = (Kind.PC_5XX, Kind.PC_REFUSED, Kind.PC_LOST, Kind.PC_429, Kind.PC_404, Kind.NS_5XX_BEFORE, Kind.NS_MAINTENANCE,
        Kind.NS_429, Kind.NS_REFUSED, Kind.NS_LOST_AFTER)  # fmt: skip
"""What strikes a comparison."""


class Moments:
    """The moments of one schedule."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._faults = {fault.kind: fault for fault in rig.striker.faults}
        self._dice = {kind: random.Random(fault.seed) for kind, fault in self._faults.items()}
        self._done: set[Kind] = set()
        self.moved: set[int] = set()

    def begin(self, start: float) -> None:
        """Plan those that have a time."""
        rig = self._rig
        if fault := self._faults.get(Kind.ONE_KIND_AWAY):
            rig.scheduler.at(start + fault.at, partial(self._one_kind_away, fault))
        tries: dict[Kind, Callable[[], bool]] = {
            Kind.PROJECT_INACTIVATED: self._inactivate_project,
            Kind.ADOPTED_LOST: self._lose_adopted,
            Kind.DECIDED: self._decide,
            Kind.NIGHTLY: self._compare,
            Kind.WEEK_LATER: self._pause_all,
        }
        for kind, happens in tries.items():
            if fault := self._faults.get(kind):
                rig.scheduler.at(start + fault.at, partial(self._try, kind, happens))
        if Kind.REQUEST_DURING in self._faults and self._dice[Kind.REQUEST_DURING].random() < 0.5:
            rig.netsuite.closed = True

    def _try(self, kind: Kind, happens: Callable[[], bool]) -> None:
        """Now, or as soon as there is something that it can happen to."""
        rig = self._rig
        if rig.faults_over:
            return
        if happens():
            rig.striker.struck[kind] += 1
        else:
            again = 0.5 if kind is Kind.WEEK_LATER else AGAIN_AFTER
            rig.scheduler.at(rig.scheduler.now + again, partial(self._try, kind, happens))

    def _once(self, kind: Kind) -> bool:
        """Whether this kind is planned, and its moment is now."""
        if kind not in self._faults or kind in self._done or self._rig.faults_over:
            return False
        self._done.add(kind)
        self._rig.striker.struck[kind] += 1
        return True

    # With a time

    def _one_kind_away(self, fault: Fault) -> None:
        queues = self._dice[fault.kind].choice(QUEUES_OF_KIND)
        self._rig.note("ABSENT", *queues, round(fault.lasts))
        self._rig.striker.struck[fault.kind] += 1
        self._rig.floor.send_away(queues, fault.lasts)

    def _inactivate_project(self) -> bool:
        project = self._dice[Kind.PROJECT_INACTIVATED].choice(list(self._rig.company.projects.values()))
        project.active = False
        self._rig.note("EDIT", "project inactive", project.number)
        return True

    def _lose_adopted(self) -> bool:
        """An adopted Item is renamed by a person, then Redis is emptied. It was adopted long enough ago to be in the copies of DATA_DIR."""
        rig, dice = self._rig, self._dice[Kind.ADOPTED_LOST]
        old = [key for key, at in rig.adopted_at.items() if at < rig.scheduler.now - COPIED_EVERY_SECONDS]
        if not old:
            return False
        rig.floor.all_keep_up()
        item_id = rig.adopted[dice.choice(sorted(old))]
        rig.scheduler.at(rig.scheduler.now + 2, partial(self._rename, item_id))
        rig.scheduler.at(rig.scheduler.now + dice.uniform(3, 60), rig.strikes.lose_all)
        return True

    def _decide(self) -> bool:
        """A person excludes an invoice from the export; often Redis is emptied when every machine has had the time to copy that."""
        rig, dice = self._rig, self._dice[Kind.DECIDED]
        approved = [
            one for one in rig.company.invoices.values() if one.now.status == "approved" and not one.now.origin_id
        ]
        if not approved:
            return False
        invoice = dice.choice(approved)
        rig.note("DECISION", "not to be exported", invoice.id)
        rig.floor.operator(f"excludes-{invoice.id}", partial(self._exclude, invoice))
        rig.scheduler.at(rig.scheduler.now + COPIED_EVERY_SECONDS + 10, rig.floor.all_keep_up)
        if dice.random() < 0.5:
            rig.scheduler.at(rig.scheduler.now + COPIED_EVERY_SECONDS + dice.uniform(15, 60), rig.strikes.lose_all)
        return True

    def _exclude(self, invoice: Invoice, box: Container) -> None:
        """What is refused, since its bill exists or may exist, or while a remote does not answer, was not decided."""
        with contextlib.suppress(SyncError):
            box.invoice_decisions.exclude(f"id:{invoice.id}", str(invoice.project_id), by="ana", note="paid by card")
            self._rig.decided[invoice.id] = self._rig.scheduler.now

    def _rename(self, item_id: str) -> None:
        item = self._rig.netsuite.state.items.get(item_id)
        if item is not None:
            self._rig.netsuite.edit_item(item_id, itemid=f"renamed {item.itemid}")
            self._rig.note("EDIT", "adopted Item renamed", item_id)

    def _compare(self) -> bool:
        """The nightly comparison is due; its message is not lost on the way."""
        self._send(TaskName.RECONCILE, {})
        return True

    def _pause_all(self) -> bool:
        """Workers, beat and Redis pause together for more than a week, as on a machine that is switched off."""
        rig = self._rig
        unanswered = any(one.waiting or one.arrived_at is None for one in rig.wires.log[-200:])
        if unanswered or rig.wires.uncommitted or not rig.beats.open_runs():
            return False
        rig.note("EIGHT DAYS LATER")
        rig.scheduler.now += WEEK_AND_A_DAY
        rig.skipped_seconds += WEEK_AND_A_DAY
        rig.troubles.leaps.append(rig.scheduler.now)
        return True

    def cut_verify(self, at: float) -> None:
        """Let a comparison begin, and faults strike it from `at` seconds of the schedule on."""
        rig, dice = self._rig, self._dice[Kind.VERIFY_CUT]
        windows = [Fault(kind, at, dice.uniform(3, 50), dice.choice((0.1, 0.3, 1.0)), seed=dice.getrandbits(32))
                   for kind in dice.sample(CUTS, dice.randint(1, 2))]  # fmt: skip
        rig.striker.replace(windows)
        if dice.random() < 0.4:
            kill = Fault(Kind.KILL, seed=dice.getrandbits(32))
            rig.scheduler.at(rig.scheduler.now + dice.uniform(0.1, 4), partial(rig.strikes.strike_now, kill))
        rig.striker.struck[Kind.VERIFY_CUT] += 1
        self._compare()

    def _send(self, task: TaskName, arguments: dict[str, object]) -> None:
        self._rig.floor.deliver(Message(task.value, arguments, self._rig.scheduler.now), 0.02)

    # At something that the remotes see

    def slow_comparison(self, request: Request) -> bool:
        """Whether this request is of a nightly comparison that takes longer than the broker waits for its end."""
        message = request.thread.note.get("message")
        slow = Kind.NIGHTLY in self._faults and self._faults[Kind.NIGHTLY].seed % 2 == 0
        return slow and isinstance(message, Message) and message.task == TaskName.RECONCILE

    def loses_bill(self, request: Request) -> tuple[Kind, random.Random] | None:
        """The answer to the first bill is lost, and its invoice is withdrawn while the bill is unconfirmed."""
        if not request.is_bill or not self._once(Kind.WITHDRAWN_IN_DOUBT):
            return None
        rig, dice = self._rig, self._dice[Kind.WITHDRAWN_IN_DOUBT]
        invoice = rig.company.invoices[int(request.external_id.rpartition("-")[2])]
        rig.scheduler.at(rig.scheduler.now + 1, partial(self._withdraw, invoice))
        return dice.choice((Kind.NS_LOST_BEFORE, Kind.NS_SLOW_COMMIT)), dice

    def _withdraw(self, invoice: Invoice) -> None:
        if not invoice.now.origin_id:
            invoice.change(self._rig.scheduler.now, status="revise_and_resubmit")
            self._rig.note("EDIT", "invoice withdrawn while its bill is in doubt", invoice.id)

    def refuses_origin_ids(self, request: Request) -> bool:
        """Whether Procore refuses an origin id now; the first time, the invoice's amounts are moved between codes a little later."""
        rig = self._rig
        if Kind.LINES_MOVED not in self._faults or rig.faults_over:
            return False
        if self._once(Kind.LINES_MOVED):
            invoice = rig.company.invoices[int(request.path.rpartition("/")[2])]
            rig.scheduler.at(rig.scheduler.now + 5, partial(self._move_amounts, invoice))
        return True

    def _move_amounts(self, invoice: Invoice) -> None:
        """The total stays as it is: a cent-for-cent move from one code to another."""
        rig, lines = self._rig, invoice.now.lines
        codes = list(rig.company.projects[invoice.project_id].codes)
        if len(lines) > 1:
            moved = (
                replace(lines[0], gross=lines[0].gross + 1),
                replace(lines[1], gross=lines[1].gross - 1),
                *lines[2:],
            )
        else:
            other = next(code for code in codes if code != lines[0].code_id)
            moved = (replace(lines[0], code_id=other),)
        invoice.change(rig.scheduler.now, lines=moved)
        self.moved.add(invoice.id)
        rig.note("EDIT", "amounts moved between codes", invoice.id, invoice.now.due)

    def procore_answered(self, request: Request) -> None:
        """A scan has just read the project's budget: a code is added to it, and somebody asks for the project's scan at once."""
        rig, dice = self._rig, self._dice.get(Kind.REQUEST_DURING)
        listed = "/budget_line_items" in request.path and not request.params.get("filters[wbs_code_id]")
        if dice is None or rig.netsuite.closed or not listed or not rig.setup.budget_endpoint:
            return
        project = rig.company.projects.get(int(request.path.split("/")[-2]))
        late = [one for one in project.codes.values() if not one.budgeted and one.active] if project else []
        if project and late and self._scans(request) and self._once(Kind.REQUEST_DURING):
            late[0].budgeted = True
            rig.note("EDIT", "code budgeted", late[0].flat)
            name, ids = f"asks-for-{project.id}", [project.id]
            rig.asked_during[f"code:{project.id}:{late[0].id}"] = rig.scheduler.now
            rig.floor.operator(name, lambda box: box.wbs_scan.request("person", ids))

    def _scans(self, request: Request) -> bool:
        message = request.thread.note.get("message")
        return isinstance(message, Message) and message.task == TaskName.SCAN_PROJECT

    def netsuite_refused(self, request: Request) -> float:
        """A bill was refused because its period is closed: it is opened while the refusal is on its way, and asked for again.

        Gives how much longer that way takes.
        """
        rig = self._rig
        if not (rig.netsuite.closed and request.is_bill and self._once(Kind.REQUEST_DURING)):
            return 0.0
        rig.netsuite.closed = False
        invoice = rig.company.invoices[int(request.external_id.rpartition("-")[2])]
        rig.note("EDIT", "period opened, and asked for again", invoice.id)
        rig.asked_during[f"invoice:{invoice.project_id}:{invoice.id}"] = rig.scheduler.now
        self._send(TaskName.EXPORT, {"project_id": invoice.project_id, "invoice_id": invoice.id})
        return self._dice[Kind.REQUEST_DURING].uniform(0.5, 4)

    # When nothing is left to do

    def settle_by_hand(self) -> list[Invoice]:
        """A person enters the bills of approved invoices that cannot be exported because their payment due is off."""
        rig, settled = self._rig, []
        if Kind.SETTLED_BY_HAND not in self._faults:
            return []
        for invoice in rig.company.invoices.values():
            vendor = rig.company.vendors[invoice.vendor_id]
            entered = any(bill.tranid.lower() == invoice.number.lower() for bill in rig.netsuite.bills())
            off = invoice.now.cents_off and invoice.now.status == "approved" and invoice.now.due != Decimal(0)
            # Whose vendor is in question has two problems, of which a bill settles one.
            if off and not entered and not vendor.inactive and vendor.origin_id == vendor.internal_id:
                rig.netsuite.enter_bill(invoice, rig.company.projects[invoice.project_id], exact=False)
                settled.append(invoice)
        rig.striker.struck[Kind.SETTLED_BY_HAND] += len(settled)
        return settled
