"""An installation in the process of a test: both remotes over HTTP, a real ledger, and the product's services called directly.

Without Celery: what the workers do with messages, `Installation` does with calls, in this process and in order, so that a test decides
when the next thing happens. Everything below the tasks is the product's own: services, store, clients, HTTP, Valkey.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from config.processes import QUEUES_OF_WORKER
from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from simulators.stage import Stage
from tests.kit.company import Company
from tests.kit.container import OpenContainer, settings_of
from tests.kit.waiting import eventually
from worker.context import correlated
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Outcome, Record
from worker.domain.problems import CATALOGUE, Cause
from worker.domain.work import Lane, lane_of
from worker.inspect.retries import Retry
from worker.store.runs import Run
from worker.sync.items import FRESH_SECONDS

T = TypeVar("T")


class Installation(Company):
    """One company, its two systems, and wbs-sync between them."""

    def __init__(self, stage: Stage, container: OpenContainer) -> None:
        super().__init__(stage)
        self.container = container

    @classmethod
    def open(
        cls, folder: Path, redis_url: str, *, seed: int = 1, world: Mapping[str, Any] | None = None, **settings: Any
    ) -> Installation:
        """Start both remotes and wire the product to them, with a separate ledger on the server, as after its first start.

        `world`: settings of the simulators; `settings`: those of wbs-sync, by their names in lower case.
        """
        stage = Stage.start(folder, seed=seed, profile="test", **{"spike_limit": None, **(world or {})})
        office = cls(stage, cls._wired(stage, redis_url, f"office-{secrets.token_hex(4)}:", settings))
        office.container.recovery.ensure_ledger()
        stage.netsuite.journal.clear()
        return office

    @staticmethod
    def _wired(stage: Stage, redis_url: str, prefix: str, settings: Mapping[str, Any]) -> OpenContainer:
        # Not the data directory of the person who runs the tests: it may contain the profile of another account.
        data_dir = Path(stage.env["NETSUITE_PRIVATE_KEY_FILE"]).parent / "data"
        own = {"data_dir": data_dir, "redis_key_prefix": prefix, "netsuite_concurrency": 4}
        return OpenContainer(settings_of(stage.env, **{**own, **settings}), redis_url=redis_url)

    def reopened(self, **settings: Any) -> Installation:
        """Return this company and its ledger as after a restart with other settings."""
        prefix = self.container.settings.redis_key_prefix
        return Installation(self.stage, self._wired(self.stage, self.container.redis_url, prefix, settings))

    def close(self) -> None:
        """Stop both remotes."""
        self.container.redis.close()
        self.stage.stop()

    # Work that people start, and the work of the workers

    def scan(self, *project_ids: int) -> Run:
        """Scan all projects, or these, and do everything that is due because of it."""
        run, _ = self.container.start_scan("test", project_ids)
        self.work_off()
        return self.run(run)

    def export_all(self) -> Run:
        """Export all approved invoices, and do everything that is due because of it."""
        run, _ = self.container.start_export("test")
        self.work_off()
        return self.run(run)

    def export(self, invoice: Invoice) -> Outcome:
        """Export one invoice, its Items first, and return the outcome; no other waiting work is done."""
        return self.container.export(InvoiceKey(invoice.project_id, invoice.id))

    def make_item(self, project: Project, code: WbsCode) -> Outcome:
        """Create the Item of one code, as if another app had enqueued it, and return the outcome."""
        return self.container.runner.run(str(CodeKey(project.id, code.id)))

    def work_off(self, *lanes: Lane) -> None:
        """Do all work of these lanes (of all lanes by default) that is due now, as enough workers would."""
        while given := self.container.dispatch.next(lanes or Lane):
            for key, correlation_id in given.items():
                with correlated(correlation_id):
                    self.container.work_on(key)

    def processes_run(self, *, clock_ahead: float = 0.0, threads: int = 16) -> None:
        """Announce workers and beat, as running ones do every two seconds; beat's clock may be wrong."""
        presence = self.container.stores.presence
        for name, queues in QUEUES_OF_WORKER.items():
            presence.announce(f"{name}@test", queues=queues, clock_ahead=0.0, threads=threads)
        presence.announce("beat@test", queues=(), clock_ahead=clock_ahead)

    def settle(self, timeout: float = 90.0) -> None:
        """Work until nothing waits, however late it is due. Raises AssertionError after `timeout` seconds."""
        eventually(self._nothing_waits, timeout)

    def settle_window_passes(self, key: CodeKey | InvoiceKey) -> None:
        """The write of this code or invoice was sent a settle window ago by now, and what waits is due.

        For tests of what happens before and after it: with a window of seconds, a busy machine would decide which.
        """
        kind, number = ("codes", key.wbs_code_id) if isinstance(key, CodeKey) else ("invoices", key.invoice_id)
        place = self.redis_key(f"{kind}:{key.project_id}")
        record = json.loads(self.container.redis.hget(place, str(number)))
        record["sent_at"] -= self.container.settings.netsuite_settle_seconds
        self.container.redis.hset(place, str(number), json.dumps(record))
        self.hurry()

    def pauses_pass(self) -> None:
        """End every pause that has begun, and make due what waits.

        For tests of what happens meanwhile: a pause of tenths of a second may be over before a busy machine has looked.
        """
        place = self.redis_key("pauses")
        for scope, text in self.container.redis.hgetall(place).items():
            self.container.redis.hset(place, scope, json.dumps(json.loads(text) | {"ends": self.container.now()}))
        self.hurry()

    def plans_grow_old(self, project: Project) -> None:
        """Make the plans of a project's codes so old that they are no longer trusted."""
        place = self.redis_key(f"codes:{project.id}")
        for number, text in self.container.redis.hgetall(place).items():
            record = json.loads(text)
            self.container.redis.hset(place, number, json.dumps(record | {"at": record["at"] - 2 * FRESH_SECONDS}))

    def hurry(self) -> None:
        """Make all waiting work due now, as a person's new request does."""
        for lane in Lane:
            self.container.work.add(lane, self.waiting(lane), at=0)

    def retry(self, *keys: str) -> Retry:
        """Run `problems retry` for these problems, or for all open ones, and do everything that is due because of it."""
        asked = self.container.retries.retry(keys or [one.key for one in self.container.ledger.problems()])
        self.work_off()
        return asked

    def overdue(self) -> None:
        """End the claims and dispatches of dead workers now."""
        for lane in Lane:
            hand = self.redis_key(f"hand:{lane}")
            for key in self.container.redis.zrange(hand, 0, -1):
                self.container.redis.zadd(hand, {key: 0})

    def waiting(self, lane: Lane) -> list[str]:
        """Return the keys that wait in a lane."""
        return [str(key) for key in self.container.redis.zrange(self.redis_key(f"waiting:{lane}"), 0, -1)]

    def due(self, key: str) -> float:
        """How many seconds from now waiting work is looked at; AssertionError when it does not wait at all. On a slow machine that may be
        past: `due_at` is compared with a moment before the work instead.
        """
        return self.due_at(key) - self.container.now()

    def due_at(self, key: str) -> float:
        """Return when waiting work is due (unix seconds by Redis' clock). Raises AssertionError if it does not wait."""
        at = self.container.work.waits_until(lane_of(key), key)
        assert at is not None, f"{key} waits in no lane"
        return at

    def at_once(self, *calls: Callable[[], T]) -> list[T]:
        """Make all these calls at the same time, each in a thread, as workers do."""
        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result() for future in [pool.submit(call) for call in calls]]

    def _nothing_waits(self) -> bool:
        self.work_off()
        return not any(sum(self.container.work.depth(lane)) for lane in Lane)

    def redis_key(self, name: str) -> str:
        """Return the full name of one of this installation's keys in Redis."""
        return self.container.settings.redis_key_prefix + name

    # State of wbs-sync that tests read

    def run(self, run: Run) -> Run:
        """Return the current state of a run."""
        now = self.container.runs.run(run.id)
        assert now is not None
        return now

    def problems(self, about: str = "") -> dict[str, str]:
        """Return the open problems, causes by key; with `about`, only those whose key begins with it."""
        problems = self.container.overview.problems()
        return {one["key"]: one["cause"] for one in problems if one["key"].startswith(about)}

    def sentence(self, key: str) -> str:
        """Return the sentence of an open problem."""
        return next(str(one["sentence"]) for one in self.container.overview.problems() if one["key"] == key)

    def code_record(self, project: Project, code: WbsCode) -> Record | None:
        """Return the ledger's record of a code."""
        return self.container.ledger.code(CodeKey(project.id, code.id))

    def invoice_record(self, invoice: Invoice) -> Record | None:
        """Return the ledger's record of an invoice."""
        return self.container.ledger.invoice(InvoiceKey(invoice.project_id, invoice.id))


def facts_of(cause: Cause, **given: str) -> dict[str, str]:
    """Return a fact for each placeholder of a cause's sentence: the given one, or `x`."""
    return dict.fromkeys(CATALOGUE[cause].facts, "x") | given
