"""One run of the probe: both clients, a trial Item and a trial bill to vary, and a list of everything that was created."""

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

from probe.answers import Unsettled
from probe.clients.netsuite import BILLS, Created, ProbeRecord, SandboxNetSuite, VendorOrJob
from probe.clients.procore import SandboxProcore
from probe.identities import external_id_prefix
from probe.refusal_shapes import is_specific, shape_of
from worker.domain.bills import Bill, BillLine
from worker.domain.errors import Blocked, SyncError
from worker.domain.identities import is_internal_id
from worker.domain.items import ItemNeed
from worker.domain.posting_periods import PostingPeriod
from worker.domain.wbs_codes import Project

LOOKUP_INTERVALS_SECONDS = (0.25, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between the look-ups of a new record: one minute in total."""
NAME = "wbs-sync probe"
NOTE = "created by wbs-sync probe"
AMOUNT = Decimal("1.00")
PROJECT_FIELDS = ("customer", "job")
MAX_LINKED_PROJECTS = 100


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """The options of the command. Ids are NetSuite's internal ids; `invoices`: (project id, invoice id) in Procore that may stay locked."""

    vendor_id: str = ""
    job_id: str = ""
    closed_day: date | None = None
    invoices: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Label:
    """The identity of one trial record; `name` is an Item's name or a bill's reference number."""

    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """A record that the probe created. `at`: monotonic time of the response, from which the age is calculated."""

    label: Label
    record_type: str
    created: Created
    at: float

    @property
    def id(self) -> str:
        """Return its internal id."""
        return self.created.id


class ProbeSession:
    """One run of the probe. `token`: makes the names of its records unique; `slots`: maximum number of concurrent requests to NetSuite."""

    def __init__(
        self,
        netsuite: SandboxNetSuite,
        procore: SandboxProcore,
        *,
        token: str,
        options: ProbeOptions,
        projects: Callable[[], Sequence[Project]],
        has_tax_schedule: bool,
        slots: int,
    ) -> None:
        self.netsuite = netsuite
        self.procore = procore
        self.options = options
        self.created: list[ProbeRecord] = []
        self.origin_id = external_id_prefix(procore.company_id) + token
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
        """Return a new identity, with the given name or a new one."""
        self._count += 1
        own = f"{self._token}-{self._count}"
        label = Label(external_id_prefix(self.procore.company_id) + own, name or f"{NAME} {own}")
        self._names.append(label.name)
        return label

    def item_body(self, label: Label, *, without: str = "", **changes: Any) -> dict[str, Any]:
        """Return the body that wbs-sync would send for an Item, without one field or with changed fields."""
        body = self.netsuite.item_body(ItemNeed(label.external_id, label.name, NOTE)) | changes
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
        """Return the body that wbs-sync would send for a bill with one line for the trial Item."""
        bill = Bill(
            external_id=label.external_id,
            vendor_id=self.vendor.id,
            job_id=self.job.id if self.job else "",
            document_number=label.name,
            date=day or datetime.now(UTC).date(),
            memo=NOTE,
            lines=(BillLine(self.item.id, amount, NOTE),),
            posting_period=period,
        )
        return self.netsuite.bill_body(bill, field or self.project_field or PROJECT_FIELDS[0])

    # Trial records, created when they are first used

    @cached_property
    def item(self) -> TrialRecord:
        """Return the trial Item, with the values of the settings. Raises Unsettled if the account refuses it: then no other point can be
        tried.
        """
        if not self.item_refusal:
            try:
                return self._create_trial_item()
            except Blocked as error:
                self.item_refusal = self.shape(error)
        raise Unsettled("no Item can be created (item_as_set)")

    @cached_property
    def bill(self) -> TrialRecord:
        """Return the trial bill, with the project in the field that the account accepts. Raises Unsettled, as `item` does."""
        if not self.bill_refusal:
            try:
                return self._create_trial_bill()
            except Blocked as error:
                self.bill_refusal = self.shape(error)
        raise Unsettled("no bill can be created (bill_as_set)")

    @cached_property
    def vendor(self) -> VendorOrJob:
        """Return the vendor of the trial bills. Raises Unsettled if there is none."""
        chosen = self.options.vendor_id
        vendor = self.netsuite.vendor(chosen) if chosen else self.netsuite.first_vendor()
        if vendor is None:
            raise Unsettled("NetSuite has no vendor for it: name one with --vendor")
        return vendor

    @cached_property
    def job(self) -> VendorOrJob | None:
        """Return the project of the trial bills: that of the options, else one that is linked to Procore, else any; None if there is none."""
        chosen = [self.options.job_id] if self.options.job_id else []
        linked = [one.origin_id for one in self._projects() if is_internal_id(one.origin_id)][:MAX_LINKED_PROJECTS]
        return self.netsuite.first_job(chosen or linked) or (None if chosen else self.netsuite.first_job([]))

    def readable_projects(self) -> Sequence[Project]:
        """Return the Procore projects in scope. Raises Unsettled if there is none."""
        projects = self._projects()
        if not projects:
            raise Unsettled("the app sees no active project")
        return projects

    # Requests

    def create(self, record_type: str, label: Label, body: dict[str, Any]) -> TrialRecord:
        """Create a record, and remember it for the cleanup."""
        created = self.netsuite.create(record_type, body, external_id=label.external_id)
        self.created.append(ProbeRecord(record_type, created.id))
        return TrialRecord(label, record_type, created, monotonic())

    def create_item(self, label: Label, *, without: str = "", **changes: Any) -> TrialRecord:
        """Create an Item that differs from the trial Item in one field. The trial Item is created first, so that a refusal is about this
        field.
        """
        _ = self.item
        return self.create(self.netsuite.item_type, label, self.item_body(label, without=without, **changes))

    def create_bill(
        self, label: Label, *, day: date | None = None, amount: Decimal = AMOUNT, period: PostingPeriod | None = None
    ) -> TrialRecord:
        """Create a bill that differs from the trial bill in one field. The trial bill is created first."""
        _ = self.bill
        return self.create(BILLS, label, self.bill_body(label, day=day, amount=amount, period=period))

    def at_once(self, *calls: Callable[[], TrialRecord]) -> list[TrialRecord | SyncError]:
        """Return the results of calls that are sent at the same time. Raises Unsettled if there are not enough slots for that."""
        if self._slots < len(calls):
            raise Unsettled(f"NETSUITE_CONCURRENCY is {self._slots}: nothing is sent at the same time")

        def outcome(call: Callable[[], TrialRecord]) -> TrialRecord | SyncError:
            try:
                return call()
            except SyncError as error:
                return error

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(outcome, calls))

    def seconds_until_seen(self, is_seen: Callable[[], bool], record: TrialRecord) -> float | None:
        """Return the record's age (seconds) when a look-up first shows it: 0 for the first look-up, None if no look-up within a minute does."""
        if is_seen():
            return 0.0
        for interval in LOOKUP_INTERVALS_SECONDS:
            sleep(interval)
            if is_seen():
                return round(monotonic() - record.at + 0.05, 1)
        return None

    # Response texts

    def shape(self, error: SyncError) -> str:
        """Return an error's text without names, numbers and ids."""
        return shape_of(str(error), [*self._names, *self._names_of_others])

    def is_specific(self, shape: str, record_type: str) -> bool:
        """Return whether a refusal's text belongs to one rule: a record without a required field must be refused with another text."""
        return is_specific(shape, self._ordinary_refusals(record_type))

    @cached_property
    def _names_of_others(self) -> list[str]:
        """Return names that a response may repeat: of projects, the vendor and the job, as far as they can be read."""
        names: list[str] = []
        with suppress(SyncError, Unsettled):
            names += [name for one in self._projects() for name in (one.name, one.number or "")]
        with suppress(SyncError, Unsettled):
            names += self.vendor.names
        with suppress(SyncError, Unsettled):
            names += self.job.names if self.job else ()
        return names

    def _create_trial_item(self) -> TrialRecord:
        label = self.label()
        try:
            return self.create(self.netsuite.item_type, label, self.item_body(label))
        except Blocked:
            if not self._has_tax_schedule:
                raise
            body = self.item_body(label, without="taxSchedule")
        record = self.create(self.netsuite.item_type, label, body)
        self.tax_schedule_refused = True
        return record

    def _create_trial_bill(self) -> TrialRecord:
        refusal: Blocked | None = None
        for field in PROJECT_FIELDS:
            label = self.label()
            try:
                record = self.create(BILLS, label, self.bill_body(label, field=field))
            except Blocked as error:
                refusal = refusal or error
                continue
            if self.job is None or self._names_project(record, field):
                self.project_field = field if self.job else ""
                return record
        raise refusal or Unsettled("a bill is accepted, but neither field keeps its project")

    def _ordinary_refusals(self, record_type: str) -> list[str]:
        label = self.label()
        body = self.bill_body(label) if record_type == BILLS else self.item_body(label)
        body.pop("entity" if record_type == BILLS else "itemId")
        try:
            self.create(record_type, label, body)
        except SyncError as error:
            return [str(error)]
        return []

    def _names_project(self, record: TrialRecord, field: str) -> bool:
        lines = self.netsuite.record(BILLS, record.id).get("item", {}).get("items", [])
        project = lines[0].get(field) if lines else None
        return isinstance(project, dict) and self.job is not None and str(project.get("id")) == self.job.id
