"""What the points of a probe work with: both remotes, one Item and one bill to ask about, and a list of everything that was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from time import monotonic, sleep
from typing import Any

from worker.clients.netsuite.sandbox import BILLS, Created, Partner, SandboxNetSuite, Standing
from worker.clients.procore.sandbox import SandboxProcore
from worker.domain.errors import Blocked, SyncError
from worker.domain.identities import is_internal_id, probe_external_ids_of
from worker.domain.invoices import Bill, BillLine
from worker.domain.items import ItemNeed
from worker.domain.posting_periods import PostingPeriod
from worker.domain.refusals import can_be_told_apart, shape_of
from worker.domain.wbs_codes import Project
from worker.services.probe.point import Unsettled

LOOK_PAUSES = (0.25, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between looks for a record that was just made: a minute in all."""
NAME = "wbs-sync probe"
AMOUNT = Decimal("1.00")
PROJECT_FIELDS = ("customer", "job")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person may decide about a probe. Ids are NetSuite's internal ids; `invoices`: (project, invoice) of Procore that may be
    spoilt.
    """

    vendor_id: str = ""
    job_id: str = ""
    closed_day: date | None = None
    invoices: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """The identity of one record of the probe; `name` is the name of an Item or the number of a bill."""

    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Made:
    """A record that was made: the monotonic moment of its answer tells how old it is."""

    label: Label
    record_type: str
    created: Created
    at: float

    @property
    def id(self) -> str:
        """Its internal id."""
        return self.created.id


class Bench:
    """One run of the probe. `token` makes its records' names its own."""

    def __init__(
        self,
        netsuite: SandboxNetSuite,
        procore: SandboxProcore,
        *,
        token: str,
        wishes: Wishes,
        projects: Callable[[], Sequence[Project]],
        has_tax_schedule: bool,
        slots: int,
    ) -> None:
        self.netsuite = netsuite
        self.procore = procore
        self.wishes = wishes
        self.made: list[Standing] = []
        self.origin_id = probe_external_ids_of(procore.company_id) + token
        self.origin_invoices: list[Mapping[str, Any]] = []
        self.tax_schedule_refused = False
        self.project_field = ""
        self.item_refusal = ""
        self.bill_refusal = ""
        self._token = token
        self._projects = projects
        self._names = [NAME]
        self._has_tax_schedule = has_tax_schedule
        self._slots = slots
        self._count = 0

    # Identities and bodies

    def label(self, name: str = "") -> Label:
        """A fresh identity; the name too, unless one is given."""
        self._count += 1
        own = f"{self._token}-{self._count}"
        label = Label(probe_external_ids_of(self.procore.company_id) + own, name or f"{NAME} {own}")
        self._names.append(label.name)
        return label

    def item_body(self, label: Label, *, without: str = "", **changes: Any) -> dict[str, Any]:
        """The body that wbs-sync would send for an Item, changed as asked."""
        body = self.netsuite.item_body(ItemNeed(label.external_id, label.name, "made by wbs-sync probe")) | changes
        if self.tax_schedule_refused:
            body.pop("taxSchedule", None)
        body.pop(without, None)
        return body

    def bill_body(
        self,
        label: Label,
        *,
        day: date | None = None,
        amount: Decimal = AMOUNT,
        field: str = "",
        period: PostingPeriod | None = None,
    ) -> Any:
        """The body that wbs-sync would send for a bill of one line on the probe's Item."""
        bill = Bill(
            external_id=label.external_id,
            vendor_id=self.vendor.id,
            job_id=self.job.id if self.job else "",
            document_number=label.name,
            date=day or datetime.now(UTC).date(),
            memo="made by wbs-sync probe",
            lines=(BillLine(self.item.id, amount, "made by wbs-sync probe"),),
            posting_period=period,
        )
        return self.netsuite.bill_body(bill, field or self.project_field or PROJECT_FIELDS[0])

    # Records to ask about, made when they are first asked for

    @cached_property
    def item(self) -> Made:
        """An Item as the settings have it. Raises Unsettled where the account refuses even that: then nothing else can be asked."""
        if not self.item_refusal:
            try:
                return self._own_item()
            except Blocked as error:
                self.item_refusal = self.shape(error)
        raise Unsettled("no Item can be made (item_as_set)")

    @cached_property
    def bill(self) -> Made:
        """A bill as the settings have it, in whichever field the account takes the project. Raises Unsettled as `item` does."""
        if not self.bill_refusal:
            try:
                return self._own_bill()
            except Blocked as error:
                self.bill_refusal = self.shape(error)
        raise Unsettled("no bill can be made (bill_as_set)")

    @cached_property
    def vendor(self) -> Partner:
        """The vendor of the probe's bills."""
        asked = self.wishes.vendor_id
        found = self.netsuite.vendor(asked) if asked else self.netsuite.first_vendor()
        if found is None:
            raise Unsettled("NetSuite has no vendor for it: name one with --vendor")
        return found

    @cached_property
    def job(self) -> Partner | None:
        """The project of the probe's bills: the one asked for, else one that Procore is linked to, else any."""
        asked = [self.wishes.job_id] if self.wishes.job_id else []
        linked = [one.origin_id for one in self._projects() if is_internal_id(one.origin_id)][:100]
        return self.netsuite.first_job(asked or linked) or (None if asked else self.netsuite.first_job([]))

    def readable_projects(self) -> Sequence[Project]:
        """Procore projects that are in scope; Unsettled when there is none."""
        projects = self._projects()
        if not projects:
            raise Unsettled("the app sees no active project")
        return projects

    # Doing

    def make(self, record_type: str, label: Label, body: dict[str, Any]) -> Made:
        """Create a record and remember that it is to be taken away."""
        created = self.netsuite.create(record_type, body, external_id=label.external_id)
        self.made.append(Standing(record_type, created.id))
        return Made(label, record_type, created, monotonic())

    def make_item(self, label: Label, *, without: str = "", **changes: Any) -> Made:
        """Create an Item like the probe's own but for what is changed; that one is made first, so a refusal is for the change."""
        _ = self.item
        return self.make(self.netsuite.item_type, label, self.item_body(label, without=without, **changes))

    def make_bill(
        self, label: Label, *, day: date | None = None, amount: Decimal = AMOUNT, period: PostingPeriod | None = None
    ) -> Made:
        """Create a bill like the probe's own but for what is changed; that one is made first."""
        _ = self.bill
        return self.make(BILLS, label, self.bill_body(label, day=day, amount=amount, period=period))

    def at_once(self, *calls: Callable[[], Made]) -> list[Made | SyncError]:
        """What becomes of these calls, all sent at the same time. Raises Unsettled where the cap does not let them."""
        if self._slots < len(calls):
            raise Unsettled(f"NETSUITE_CONCURRENCY is {self._slots}: nothing is sent at the same time")

        def outcome(call: Callable[[], Made]) -> Made | SyncError:
            try:
                return call()
            except SyncError as error:
                return error

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(outcome, calls))

    def seconds_until(self, seen: Callable[[], bool], made: Made) -> float | None:
        """How old a record was when it was first seen: 0 for the first look, None when a minute of looks did not show it."""
        if seen():
            return 0.0
        for pause in LOOK_PAUSES:
            sleep(pause)
            if seen():
                return round(monotonic() - made.at + 0.05, 1)
        return None

    # Words

    def shape(self, error: SyncError) -> str:
        """An error's words without names, numbers and ids."""
        return shape_of(str(error), [*self._names, *self._names_of_others])

    def tells_apart(self, shape: str, record_type: str) -> bool:
        """Whether words stand for one rule alone: not those of a record that lacks what every record needs."""
        return can_be_told_apart(shape, self._ordinary_refusals(record_type))

    @cached_property
    def _names_of_others(self) -> list[str]:
        """What words of a remote may repeat: names of projects, of the vendor and of the job, as far as they can be read."""
        names: list[str] = []
        with suppress(SyncError, Unsettled):
            names += [name for one in self._projects() for name in (one.name, one.number or "")]
        with suppress(SyncError, Unsettled):
            names += self.vendor.names
        with suppress(SyncError, Unsettled):
            names += self.job.names if self.job else ()
        return names

    def _own_item(self) -> Made:
        label = self.label()
        try:
            return self.make(self.netsuite.item_type, label, self.item_body(label))
        except Blocked:
            if not self._has_tax_schedule:
                raise
            body = self.item_body(label, without="taxSchedule")
        made = self.make(self.netsuite.item_type, label, body)
        self.tax_schedule_refused = True
        return made

    def _own_bill(self) -> Made:
        refusal: Blocked | None = None
        for field in PROJECT_FIELDS:
            label = self.label()
            try:
                made = self.make(BILLS, label, self.bill_body(label, field=field))
            except Blocked as error:
                refusal = refusal or error
                continue
            if self.job is None or self._names_project(made, field):
                self.project_field = field if self.job else ""
                return made
        raise refusal or Unsettled("a bill is taken, but neither field keeps its project")

    def _ordinary_refusals(self, record_type: str) -> list[str]:
        label = self.label()
        body = self.bill_body(label) if record_type == BILLS else self.item_body(label)
        body.pop("entity" if record_type == BILLS else "itemId")
        try:
            self.make(record_type, label, body)
        except SyncError as error:
            return [str(error)]
        return []

    def _names_project(self, made: Made, field: str) -> bool:
        lines = self.netsuite.record(BILLS, made.id).get("item", {}).get("items", [])
        project = lines[0].get(field) if lines else None
        return isinstance(project, dict) and self.job is not None and str(project.get("id")) == self.job.id
