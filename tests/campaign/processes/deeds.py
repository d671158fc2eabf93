"""What people and other apps do in a round: they request work, edit records in Procore, and edit in NetSuite."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis.exceptions
import requests
from kombu.exceptions import OperationalError

from config.names import TaskName
from tests.campaign.processes.plan import ByHand, Deed, Fault, Plan, Step
from tests.campaign.processes.story import Story
from tests.kit.site import Site
from tests.kit.trace import key_of

AWAY = (redis.exceptions.RedisError, OperationalError)
"""What a command or another app meets while Redis is gone or refuses."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A message of another app."""

    id: str
    key: str
    task: str
    at: float


class Deeds:
    """Does them on a site. `sent`: messages of other apps; `accepted`: runs that a person was promised; `edited`: what an accountant wrote."""

    def __init__(self, site: Site, plan: Plan, story: Story, struck: Counter[Fault]) -> None:
        self._site, self._plan, self._story, self._struck = site, plan, story, struck
        self.sent: list[Sent] = []
        self.accepted: list[tuple[Deed, float]] = []
        self.edited: dict[tuple[str, str, str], str] = {}
        company = site.stage.procore.company
        codes = max(len(project.codes) for project in company.projects.values())
        self._spare = [each.flat_code for each in company.code_list.usual(codes + 40)][codes:]

    def before(self) -> None:
        """Items that people made before anything began."""
        company = self._site.stage.procore.company
        codes = [(project, code) for project in company.projects.values() for code in project.budgeted_codes()]
        chosen = random.Random(self._plan.setup.seed).sample(codes, len(self._plan.setup.by_hand))
        for (project, code), how in zip(chosen, self._plan.setup.by_hand, strict=True):
            record_type = "serviceSaleItem" if how is ByHand.OTHER_TYPE else "otherChargePurchaseItem"
            self._site.stage.netsuite.make_item(
                f"{project.number}-{code.flat_code}", record_type, isinactive=how is ByHand.INACTIVE
            )

    def do(self, step: Step, dice: random.Random, *, redis_is_away: bool) -> None:
        """One deed."""
        people: dict[Deed, Callable[[random.Random], object]] = {
            Deed.ADD_CODE: self._add_code,
            Deed.ADD_INVOICE: self._add_invoice,
            Deed.ITEM_BY_HAND: self._make_items,
            Deed.EDIT_ITEM: self._edit_item,
            Deed.EDIT_BILL: self._edit_bill,
        }
        if step.what in people:
            people[Deed(step.what)](dice)
        elif redis_is_away:
            self._story.tell(f"({step.what}: Redis is away)")
        else:
            try:
                self._ask(step, dice)
            except AWAY:
                self._story.tell(f"({step.what}: Redis is away)")

    def _ask(self, step: Step, dice: random.Random) -> None:
        box = self._site.container
        self._story.tell("ASKED:", step.what, "twice" if step.twice else "")
        if step.what is Deed.SCAN:
            self.accepted.append((Deed.SCAN, box.wbs_scan.request("person")[0].started_at))
            self._site.send(TaskName.SCAN_PROJECTS, trigger="person")
        elif step.what is Deed.EXPORT_ALL:
            self.accepted.append((Deed.EXPORT_ALL, box.export_runs.request("person")[0].started_at))
            self._site.send(TaskName.EXPORT_APPROVED, trigger="person")
        else:
            self._send(step, dice)

    def _send(self, step: Step, dice: random.Random) -> None:
        company = self._site.stage.procore.company
        project = dice.choice(list(company.projects.values()))
        invoice = dice.choice([one for one in company.invoices.values() if one.status == "approved"])
        code = dice.choice(project.budgeted_codes())
        messages: dict[Fault | Deed, tuple[TaskName, dict[str, Any]]] = {
            Deed.SCAN_MESSAGE: (TaskName.SCAN_PROJECTS, {"trigger": "app"}),
            Deed.SCAN_PROJECT_MESSAGE: (TaskName.SCAN_PROJECT, {"project_id": project.id}),
            Deed.ITEM_MESSAGE: (TaskName.CREATE_ITEM, {"project_id": project.id, "wbs_code_id": code.id}),
            Deed.EXPORT_ALL_MESSAGE: (TaskName.EXPORT_APPROVED, {"trigger": "app"}),
            Deed.EXPORT_PROJECT_MESSAGE: (TaskName.EXPORT_PROJECT, {"project_id": project.id}),
            Deed.EXPORT_MESSAGE: (TaskName.EXPORT, {"project_id": invoice.project_id, "invoice_id": invoice.id}),
            Deed.VERIFY_MESSAGE: (TaskName.RECONCILE, {}),
        }
        task, arguments = messages[step.what]
        sent = self._site.send(task, **arguments)
        self.sent.append(Sent(sent, key_of(task, arguments), task.value, time.time()))
        if step.twice:
            self._site.send_again(sent, task, **arguments)
            self._struck[Fault.TWICE] += 1

    def _add_code(self, dice: random.Random) -> None:
        if self._spare:
            project = dice.choice(list(self._site.stage.procore.company.projects))
            self._in_procore("add_code", project_id=project, flat_code=self._spare.pop(), budget="2500.00")

    def _add_invoice(self, dice: random.Random) -> None:
        company = self._site.stage.procore.company
        project = dice.choice(list(company.projects.values()))
        codes = dice.sample(project.budgeted_codes(), dice.randint(1, 4))
        lines = [[code.id, f"{dice.randrange(100, 900_000) / 100:.2f}"] for code in codes]
        vendor = dice.choice(list(company.vendors))
        self._in_procore("add_invoice", project_id=project.id, vendor=vendor, lines=lines)

    def _in_procore(self, action: str, **arguments: Any) -> None:
        url = f"{self._site.stage.urls['procore']}/_admin/edit"
        answer = requests.post(url, json={"action": action, **arguments}, timeout=20)
        answer.raise_for_status()
        self._story.tell("PROCORE", action, answer.json()["id"])

    def _make_items(self, dice: random.Random) -> None:
        """Items of codes whose own are perhaps just being made. Where uniqueness has a window, no client could see them in time."""
        if self._plan.setup.window is not None:
            return
        netsuite, company = self._site.stage.netsuite, self._site.stage.procore.company
        names = [
            f"{project.number}-{code.flat_code}"
            for project in company.projects.values()
            for code in project.budgeted_codes()
        ]
        dice.shuffle(names)
        with netsuite.lock:
            made = [
                netsuite.make_item(name).itemid for name in [one for one in names if not netsuite.items_named(one)][:3]
            ]
        if made:
            self._story.tell(f"the accountant makes Items by hand: {', '.join(made)}")

    def _edit_item(self, dice: random.Random) -> None:
        made = self._site.stage.netsuite.writes("item")
        if made:
            item_id, words = dice.choice(made)["id"], f"as the accountant wants it ({dice.randrange(1000)})"
            self._site.stage.netsuite.edit_item(item_id, displayname=words)
            self.edited["item", item_id, "displayname"] = words
            self._story.tell(f"the accountant edits Item {item_id}")

    def _edit_bill(self, dice: random.Random) -> None:
        made = self._site.stage.netsuite.writes("vendorBill")
        if made:
            bill_id, words = dice.choice(made)["id"], f"as the accountant wants it ({dice.randrange(1000)})"
            self._site.stage.netsuite.edit_bill(bill_id, memo=words)
            self.edited["bill", bill_id, "memo"] = words
            self._story.tell(f"the accountant edits bill {bill_id}")
