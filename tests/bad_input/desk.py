"""A small company's back office over the wire: two invoices to export and a project to scan, and the records that must exist in the end.

No Celery and no processes here: what workers do with messages `WiredInstallation` does with calls, so that an example costs some ten
milliseconds. Ledger, locks, gate and lanes are in a real Valkey, under a prefix of the example's own.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from functools import partialmethod
from pathlib import Path
from typing import Any
from unittest import mock

from starlette.types import ASGIApp

from config.loading import load_settings
from config.settings import Settings
from simulators.company import Company, build_company
from simulators.company.billing import Invoice
from simulators.company.subcontracts import bill_series, plan_works
from simulators.netsuite.app import NetSuiteState
from simulators.netsuite.app import build_app as netsuite_app
from simulators.netsuite.keys import make_key_file
from simulators.netsuite.records import Bill
from simulators.procore.app import ProcoreState
from simulators.procore.app import build_app as procore_app
from tests.bad_input.wire import Wire
from tests.kit.container import OpenContainer, Redis
from worker.clients.netsuite import api
from worker.domain import outcomes
from worker.domain.identities import InvoiceKey, bill_external_id, item_external_id
from worker.domain.outcomes import Outcome, OutcomeKind
from worker.domain.problems import CATALOGUE, Cause
from worker.domain.scopes import Remote
from worker.domain.work import Lane
from worker.engine import remote_failures, settlement
from worker.reconcile import comparison_failures
from worker.store.connection import connect
from worker.store.limits import RateLimits
from worker.store.locks import LeaseKeeper
from worker.sync import invoice_export, invoice_items

PROCORE, NETSUITE = "https://procore.example", "https://netsuite.example"
ELSEWHERE = "another-erp-17"
ENDS = (OutcomeKind.CREATED, OutcomeKind.ADOPTED, OutcomeKind.ALREADY, OutcomeKind.SKIPPED, OutcomeKind.BLOCKED)
_numbers = itertools.count(1)


def small_company() -> Company:
    """Return a company of one project with three budgeted codes and one approved invoice, with the same ids each time."""
    return build_company(1, "large:1x3:1")


class SharedParts:
    """What all examples of a test process share: settings except the prefix, a key pair, connections and threads."""

    def __init__(self, settings: Settings, public_key: str, redis_url: str) -> None:
        self.settings = settings
        self.public_key = public_key
        self.redis: Redis = connect(redis_url)
        self.keeper = LeaseKeeper()
        self.loop = asyncio.new_event_loop()
        self.pool = ThreadPoolExecutor(4)

    @classmethod
    def open(cls, folder: Path, redis_url: str) -> SharedParts:
        """Return the shared parts with a new key; every other setting is that of the simulated account."""
        key = folder / "key.pem"
        public_key = make_key_file(key)
        books = small_company().netsuite
        settings: dict[str, Any] = {
            "procore_base_url": PROCORE, "procore_auth_url": PROCORE, "procore_client_id": "app-1",
            "procore_client_secret": "canary-of-the-procore-secret", "procore_company_id": small_company().company_id,
            "netsuite_account_id": books.account_id, "netsuite_base_url": NETSUITE, "netsuite_client_id": "integration-1",
            "netsuite_certificate_id": "certificate-1", "netsuite_private_key_file": key, "netsuite_concurrency": 4,
            "netsuite_subsidiary_id": books.subsidiary_id, "netsuite_expense_account_id": books.expense_account_id,
            "netsuite_tax_schedule_id": books.tax_schedule_id, "netsuite_retainage_item_id": books.retainage_item_id,
            "netsuite_settle_seconds": 0,
        }  # fmt: skip
        return cls(load_settings(_env_file=None, **settings), public_key, redis_url)

    def __repr__(self) -> str:
        return "office"

    def close(self) -> None:
        """Close what was opened."""
        self.pool.shutdown()
        self.redis.close()
        self.loop.close()


class WiredContainer(OpenContainer):
    """The product's container, except for the HTTP socket and for a Redis connection that all examples share."""

    def __init__(self, settings: Settings, shared: SharedParts, wire: Wire) -> None:
        super().__init__(settings, redis_url="redis://nobody")
        self.redis, self.keeper = shared.redis, shared.keeper
        # The shared threads, so that no example leaves a thread behind.
        self.__dict__["read_threads"] = self.__dict__["item_threads"] = shared.pool
        for transport in (self.connections.procore_transport, self.connections.netsuite_transport):
            wire.attach(transport)


class WiredInstallation:
    """The installation of one example."""

    def __init__(self, shared: SharedParts, **settings: Any) -> None:
        self.company = small_company()
        (self.project,) = self.company.projects.values()
        self.invoices = [*self.company.invoices.values(), self._series()]
        self.procore, self.netsuite = ProcoreState(self.company), NetSuiteState(self.company.netsuite)
        self.procore.settings.spike_limit = None
        self.procore.client_id, self.procore.client_secret = "app-1", "canary-of-the-procore-secret"
        self.netsuite.doorkeeper.client_id = "integration-1"
        self.netsuite.doorkeeper.register("certificate-1", shared.public_key)
        apps: dict[str, ASGIApp] = {
            "procore.example": procore_app(self.procore),
            "netsuite.example": netsuite_app(self.netsuite),
        }
        self.wire = Wire(apps, shared.loop)
        own = shared.settings.model_copy(update={"redis_key_prefix": f"desk-{next(_numbers)}:", **settings})
        self.container = WiredContainer(own, shared, self.wire)
        self.container.recovery.ensure_ledger()
        # As some seconds after a first start, before which nothing is sent.
        self.container.redis.hset(f"{own.redis_key_prefix}ledger", "met", 0)
        self.wire.seen.clear()

    def _series(self) -> Invoice:
        """Return the third invoice of a subcontract, with stored materials that became work; another ERP has the two before it."""
        vendor = next(iter(self.company.vendors.values()))
        works = plan_works(self.company.rng, list(self.project.codes.values())[:2], changes=True)
        commitment = self.company.open_subcontract(self.project, vendor, works)
        first, second, third = bill_series(self.company, commitment, 3, ["approved"] * 3)
        first.origin_id = second.origin_id = ELSEWHERE
        return third

    # Work

    def export(self, invoice: Invoice) -> Outcome:
        """Make one attempt at one invoice, as the three tasks do."""
        return self.container.export(InvoiceKey(invoice.project_id, invoice.id))

    def scan(self) -> None:
        """Run one scan and all work that is due because of it."""
        self.container.start_scan("test")
        self.work_off()

    def work_off(self) -> None:
        """Do what is due, for a few rounds at most; work that is due again immediately is left to the next call."""
        for _ in range(30):
            for key in (keys := self.container.dispatch.next(Lane)):
                self.container.work_on(key)
            if not keys:
                return

    def heal(self) -> None:
        """Both remotes respond normally again, everything is requested again, and all waits have ended."""
        self.wire.meddle = lambda exchange: None
        self.wire.kept_back = lambda kind: False
        self.container.stores.cache.forget("item_name_limit", "procore:budget_line_items")
        for _ in range(6):
            self.container.stores.breakers.lift(list(Remote))
            self.container.redis.delete(f"{self.prefix}limits:procore")
            self.container.scans.projects.outdate()
            self.container.start_scan("test")
            self.container.start_export("test")
            for lane in Lane:
                self.container.work.add(lane, self.waiting(lane), at=0)
            self.work_off()
            if not self._left():
                return

    def _left(self) -> list[Any]:
        """Return what is still to be done or fixed."""
        unbilled = [one for one in self.invoices if not str(one.origin_id).startswith("ns-vendorbill-")]
        depths = [lane for lane in Lane if self.container.work.depth(lane) != (0, 0)]
        return [*unbilled, *depths, *self.container.ledger.problems()]

    def waiting(self, lane: Lane) -> list[str]:
        """The keys that wait in a lane."""
        return [str(key) for key in self.container.redis.zrange(f"{self.prefix}waiting:{lane}", 0, -1)]

    @property
    def prefix(self) -> str:
        """Return the prefix of this example's keys."""
        return self.container.settings.redis_key_prefix

    # What must be true

    def assert_ended_well(self, outcome: Outcome, key: str) -> None:
        """Done, skipped with a reason, waiting with a time, or a problem with a cause and a clear sentence."""
        problems = {problem.key: problem for problem in self.container.ledger.problems()}
        for problem in problems.values():
            assert_clear(problem.problem.sentence, problem.problem.cause)
        if outcome.kind in (OutcomeKind.WAITING, OutcomeKind.UNKNOWN):
            waits = [lane for lane in Lane if self.container.work.waits_until(lane, key) is not None]
            assert outcome.again_at is not None or waits, outcome
            assert waits, f"{key} is {outcome} and waits nowhere"
        elif outcome.kind is OutcomeKind.BLOCKED:
            assert outcome.cause, outcome
            assert_clear(outcome.reason, outcome.cause)
            assert key in problems or f"project:{self.project.id}:commitments" in problems, (key, outcome, problems)
        elif outcome.kind is OutcomeKind.SKIPPED:
            assert outcome.reason, outcome

    def assert_only_true_records(self) -> None:
        """Every Item and bill that was written is expected, to the letter and to the cent, and exists once."""
        expected = {
            self.item_external_id(code.id): f"{self.project.number}-{code.flat_code}"
            for code in self.project.codes.values()
        }
        for entry in self._written("item"):
            assert expected.get(entry["external_id"]) == entry["name"], entry
        truths = {self.bill_external_id(invoice): invoice for invoice in self.invoices}
        for entry in self._written("vendorBill"):
            bill = self.netsuite.bill_by_external_id(entry["external_id"])
            invoice = truths.get(entry["external_id"])
            assert bill is not None, entry
            assert invoice is not None, entry
            assert (bill.entity, bill.tranid) == (self.company.vendor_links[invoice.vendor_id], invoice.invoice_number)
            assert bill.trandate == invoice.billing_date.isoformat()
            assert (
                bill.total
                == sum((line.amount for line in bill.lines), Decimal(0))
                == invoice.summary().current_payment_due
            )
            assert {line.customer for line in bill.lines} == {self.company.job_links[self.project.id]}
            assert self._lines(bill) == self._lines_of(invoice)
        self.assert_nothing_twice()

    def assert_nothing_twice(self) -> None:
        """No Item and no bill exists twice, and no bill was sent again before it was looked up."""
        assert self.netsuite.duplicates() == []
        for name in ("item", "vendorBill"):
            assert max(Counter(entry["external_id"] for entry in self._written(name)).values(), default=0) <= 1
        looked_up: set[str] = set()
        for exchange in self.wire.seen:
            if exchange.kind in ("bill", "bills by query"):
                looked_up |= {
                    self.bill_external_id(one)
                    for one in self.invoices
                    if str(one.id).encode() in exchange.path.encode() + exchange.sent
                }
            elif exchange.kind == "new bill" and exchange.status not in (401, 429):
                assert any(one.encode() in exchange.sent and one in looked_up for one in looked_up), (
                    "a bill was sent that was not looked up first"
                )
                looked_up = {one for one in looked_up if one.encode() not in exchange.sent}

    def assert_ties(self) -> None:
        """Whatever was read: each bill's lines total its amount, and that is what Procore said was due."""
        for entry in self._written("vendorBill"):
            bill = self.netsuite.bill_by_external_id(entry["external_id"])
            assert bill is not None
            assert bill.total == sum((line.amount for line in bill.lines), Decimal(0)) >= 0
            assert bill.total == bill.total.quantize(Decimal("0.01"))

    def assert_all_done(self) -> None:
        """Each budgeted code has its Item, each of the two invoices its bill and its origin id, and nothing is left."""
        for code in self.project.budgeted_codes():
            assert self.netsuite.item_by_external_id(self.item_external_id(code.id)), (
                code.flat_code,
                self.transcript(),
            )
        for invoice in self.invoices:
            bill = self.netsuite.bill_by_external_id(self.bill_external_id(invoice))
            assert bill, (invoice.invoice_number, self.transcript())
            assert invoice.origin_id == f"ns-vendorbill-{bill.id}", self.transcript()
        assert self.container.ledger.problems() == [], self.transcript()
        assert {lane: depth for lane in Lane if (depth := self.container.work.depth(lane)) != (0, 0)} == {}, (
            self.transcript()
        )

    def transcript(self) -> str:
        """Return the requests and responses of this example, and the open problems."""
        steps = "\n".join(f"{one.kind}: {one.status} {one.body[:120]!r}" for one in self.wire.seen[-8:])
        open_problems = "\n".join(f"{one.key}: {one.problem.sentence}" for one in self.container.ledger.problems())
        return f"\n{steps}\n{open_problems}"

    def item_external_id(self, code_id: int) -> str:
        return item_external_id(self.company.company_id, self.project.id, code_id)

    def bill_external_id(self, invoice: Invoice) -> str:
        return bill_external_id(self.company.company_id, invoice.id)

    def _written(self, record_type: str) -> list[dict[str, Any]]:
        return [entry for entry in self.netsuite.writes(record_type) if entry["by"] == "client"]

    def _lines(self, bill: Bill) -> tuple[Counter[tuple[str, Decimal]], Decimal]:
        """Return a bill's lines as (Item name, amount), and the total of the lines on the retainage Item."""
        retained = self.container.settings.netsuite_retainage_item_id
        names = {line.item: self.netsuite.items.get(line.item) for line in bill.lines}
        codes = Counter(
            (item.itemid, line.amount) for line in bill.lines if (item := names[line.item]) and item.id != retained
        )
        return codes, sum((line.amount for line in bill.lines if line.item == retained), Decimal(0))

    def _lines_of(self, invoice: Invoice) -> tuple[Counter[tuple[str, Decimal]], Decimal]:
        """Return the expected lines and total, from the company's own books."""
        billed = [line for line in invoice.lines if line.gross]
        codes = Counter(
            (f"{self.project.number}-{line.contract_line.code.flat_code}", line.gross)
            for line in billed
            if line.contract_line.code
        )
        return codes, -sum((line.retainage for line in invoice.lines), Decimal(0))


def assert_clear(sentence: str, cause: Cause) -> None:
    """Check that a person can read a sentence: no name of a Python class, no missing fact, and not too long."""
    assert cause in CATALOGUE
    assert 10 < len(sentence) < 3000, sentence
    for trace in ("Traceback", "object at 0x", "Error(", "Error:", "NoneType", "UnexpectedAnswer"):
        assert trace not in sentence, sentence


@contextmanager
def without_waits() -> Iterator[None]:
    """Shorten the product's waits to nothing within the block; their order stays the same."""
    with (
        mock.patch.object(api, "BACK_OFF_SECONDS", (0.0, 0.0)),
        mock.patch.object(settlement, "back_off", return_value=(0.0, 0.0)),
        mock.patch.object(remote_failures, "REFUSED_PAUSE_SECONDS", 0.01),
        mock.patch.object(settlement, "LONGEST_BACK_OFF_SECONDS", 0.01),
        mock.patch.object(outcomes, "FIRST_CHECK_SECONDS", 0.0),
        mock.patch.object(comparison_failures, "RETRY_SECONDS", 0.0),
        mock.patch.object(invoice_export, "ITEMS_LATE_SECONDS", 0.0),
        mock.patch.object(invoice_items, "BUSY_WAIT_SECONDS", 0.0),
        mock.patch.object(invoice_items, "DEADLINE_SECONDS", 0.3),
        mock.patch.object(RateLimits, "wait", partialmethod(RateLimits.wait, timeout=0.0)),
    ):
        yield
