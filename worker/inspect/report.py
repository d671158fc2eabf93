"""The data of the status report, from the ledger, the lanes and the gate alone, without querying a remote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from decimal import Decimal
from operator import add
from typing import Any

from worker.domain import money
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import DONE, Record, State
from worker.domain.plans import Requests
from worker.domain.problems import Owner
from worker.domain.work import Lane
from worker.inspect.overview import Overview, ledger_notice
from worker.inspect.pages import Link
from worker.inspect.pauses import Pauses, PauseView
from worker.store.gate import Use
from worker.store.runs import Run
from worker.store.stores import Stores

LATEST_RUNS = 20


@dataclass(frozen=True, slots=True)
class StatusCounts:
    """Numbers of codes or invoices: `done`: in NetSuite; `waiting`: queued or unconfirmed; `blocked`: by a problem; `skipped`: not ready or
    not in scope.
    """

    done: int = 0
    waiting: int = 0
    blocked: int = 0
    skipped: int = 0

    @property
    def wanted(self) -> int:
        """Number of records that are in NetSuite or should be."""
        return self.done + self.waiting + self.blocked

    def __add__(self, other: StatusCounts) -> StatusCounts:
        return StatusCounts(*map(add, astuple(self), astuple(other)))


@dataclass(frozen=True, slots=True)
class InvoiceTotals:
    """Totals of some invoices: `payment_due` is the sum over the `known` ones, in the company's base currency.

    An amount is not known if the invoice was only listed, could not be read or is in another currency.
    """

    invoices: int = 0
    known: int = 0
    payment_due: Decimal = money.ZERO

    @classmethod
    def of(cls, records: Iterable[Record]) -> InvoiceTotals:
        """Return the totals of these invoices' records."""
        amounts = [record.payment_due for record in records]
        known = [amount for amount in amounts if amount is not None]
        return cls(len(amounts), len(known), sum(known, money.ZERO))


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """One project with records. `number` and `name` are empty if Procore has none or no longer lists the project."""

    id: int
    number: str
    name: str
    codes: StatusCounts
    invoices: StatusCounts


@dataclass(frozen=True, slots=True)
class ReportedProblem:
    """A blocked record by name, and since when (unix seconds). `key`: for commands; `links`: to the records."""

    about: str
    sentence: str
    since: float
    key: str = ""
    links: Sequence[Link] = ()


@dataclass(frozen=True, slots=True)
class ProblemsOfCause:
    """All open problems of one cause, oldest first, and the next step."""

    cause: str
    next_step: str
    problems: Sequence[ReportedProblem]


@dataclass(frozen=True, slots=True)
class ProblemsOfOwner:
    """All problems of one owner, most frequent cause first. `held_back`: the invoices without a bill because of them."""

    owner: str
    causes: Sequence[ProblemsOfCause]
    held_back: InvoiceTotals = InvoiceTotals()

    @property
    def count(self) -> int:
        """The number of problems."""
        return sum(len(cause.problems) for cause in self.causes)


@dataclass(frozen=True, slots=True)
class RunRow:
    """A scan or an export of all. Unix seconds; while it runs, `seconds` is None and `open_keys` is the number of works left.

    `requests`: requests of all workers for scans (for exports) during the run; None if an older version did not count them.
    """

    kind: str
    trigger: str
    began_at: float
    seconds: float | None
    open_keys: int
    counts: Mapping[str, int]
    requests: Requests | None = None


@dataclass(frozen=True, slots=True)
class GateUse:
    """NetSuite's slots: in use now, available, and samples of the last hours, oldest first."""

    in_use: int
    slots: int
    noted: Sequence[Use]


@dataclass(frozen=True, slots=True)
class Report:
    """The state at the time `at` (unix seconds of Redis' clock). `invoices`: totals by ledger state."""

    at: float
    company_id: int
    account_id: str
    ledger_open: bool
    ledger_notice: str
    projects: Sequence[ProjectRow]
    invoices: Mapping[str, InvoiceTotals]
    problems: Sequence[ProblemsOfOwner]
    waiting: int
    in_hand: int
    runs: Sequence[RunRow]
    gate: GateUse
    pauses: Sequence[PauseView] = ()

    @property
    def codes(self) -> StatusCounts:
        """The codes of all projects, by status."""
        return sum((project.codes for project in self.projects), StatusCounts())

    @property
    def bills(self) -> StatusCounts:
        """The invoices of all projects, by status."""
        return sum((project.invoices for project in self.projects), StatusCounts())

    @property
    def all_invoices(self) -> InvoiceTotals:
        """The totals of invoices in all states."""
        totals = self.invoices.values()
        due = sum((one.payment_due for one in totals), money.ZERO)
        return InvoiceTotals(sum(one.invoices for one in totals), sum(one.known for one in totals), due)

    @property
    def open_problems(self) -> int:
        """Number of problems of all owners."""
        return sum(owner.count for owner in self.problems)


@dataclass(frozen=True, slots=True)
class Reports:
    """Builds the report."""

    stores: Stores
    overview: Overview
    pauses: Pauses

    def report(self) -> Report:
        """Return the current report. Reads every record of the ledger, one project at a time."""
        invoices: dict[str, Record] = {}
        projects = [self._project(project_id, invoices) for project_id in self.stores.ledger.projects()]
        by_state = {state: [one for one in invoices.values() if one.state is state] for state in State}
        depths = [self.stores.work.depth(lane) for lane in Lane]
        return Report(
            at=self.stores.now(),
            company_id=self.stores.installation.company_id,
            account_id=self.stores.installation.account_id,
            ledger_open=self.stores.ledger.state.is_open(),
            ledger_notice=ledger_notice(self.stores.ledger.state),
            projects=sorted(projects, key=lambda row: (row.number or row.name, row.id)),
            invoices={state.value: InvoiceTotals.of(records) for state, records in by_state.items() if records},
            problems=_by_owner(self.overview.problems(), invoices),
            waiting=sum(waiting for waiting, _ in depths),
            in_hand=sum(in_hand for _, in_hand in depths),
            runs=[_run_row(run) for run in self.stores.runs.latest(LATEST_RUNS)],
            gate=GateUse(self.stores.gate.in_use(), self.stores.gate.caps()[0], self.stores.gate.use()),
            pauses=self.pauses.all(),
        )

    def _project(self, project_id: int, all_invoices: dict[str, Record]) -> ProjectRow:
        """Return one project's row; its invoices are added to all invoices, by key."""
        project = self.stores.listed_projects.get(project_id)
        number, name = (project.number or "", project.name) if project else ("", "")
        invoices = self.stores.ledger.invoices(project_id)
        all_invoices |= {str(InvoiceKey(project_id, invoice_id)): record for invoice_id, record in invoices.items()}
        codes = self.stores.ledger.codes(project_id)
        return ProjectRow(project_id, number, name, _status_counts(codes.values()), _status_counts(invoices.values()))


def _status_counts(records: Iterable[Record]) -> StatusCounts:
    states = Counter(record.state for record in records)
    done, blocked, skipped = sum(states[state] for state in DONE), states[State.BLOCKED], states[State.SKIPPED]
    return StatusCounts(done, states.total() - done - blocked - skipped, blocked, skipped)


def _by_owner(rows: Iterable[Mapping[str, Any]], invoices: Mapping[str, Record]) -> list[ProblemsOfOwner]:
    """Return the owners in a fixed order, without those that have no problem. `invoices`: all of them by key."""
    by_owner: dict[str, dict[str, list[Mapping[str, Any]]]] = {owner.value: {} for owner in Owner}
    for row in rows:
        by_owner[row["owner"]].setdefault(row["cause"], []).append(row)
    return [
        ProblemsOfOwner(
            owner,
            [_of_cause(problems) for problems in sorted(causes.values(), key=len, reverse=True)],
            _held_back(causes, invoices),
        )
        for owner, causes in by_owner.items()
        if causes
    ]


def _held_back(causes: Mapping[str, Sequence[Mapping[str, Any]]], invoices: Mapping[str, Record]) -> InvoiceTotals:
    """Return the totals of invoices that have a problem themselves and no bill."""
    keys = {row["key"] for rows in causes.values() for row in rows} & set(invoices)
    return InvoiceTotals.of(invoices[key] for key in keys if not invoices[key].done)


def _of_cause(rows: Sequence[Mapping[str, Any]]) -> ProblemsOfCause:
    problems = [ReportedProblem(row["record"], row["sentence"], row["since"], row["key"], row["links"]) for row in rows]
    return ProblemsOfCause(rows[0]["cause"], rows[0]["next_step"], problems)


def _run_row(run: Run) -> RunRow:
    seconds = None if run.ended_at is None else round(run.ended_at - run.started_at, 2)
    return RunRow(run.kind.value, run.trigger, run.started_at, seconds, run.open_keys, dict(run.counts), run.requests)
