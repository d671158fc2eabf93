"""How every Redis key is spelled. Other processes, other versions and the scripts read the same keys: a spelling never changes.

The scripts derive some keys from the prefix (`prefix .. 'run:'`); a test holds them against this module.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.domain.work import Lane, RunKind


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of an installation. `prefix`: REDIS_KEY_PREFIX, which every key begins with."""

    prefix: str

    # Ledger: records of codes and invoices

    @property
    def ledger(self) -> str:
        """Hash: the ledger's state."""
        return f"{self.prefix}ledger"

    @property
    def rebuild(self) -> str:
        """Hash: counts of a rebuild in progress."""
        return f"{self.prefix}ledger:rebuild"

    @property
    def ledger_projects(self) -> str:
        """Set: ids of the projects that have records."""
        return f"{self.prefix}ledger:projects"

    @property
    def store(self) -> str:
        """Hash: the id of this store, since when it exists, and whether a process has reported the loss of another one."""
        return f"{self.prefix}store"

    @property
    def belongs_to(self) -> str:
        """Text: the Procore company and NetSuite account of this ledger."""
        return f"{self.prefix}belongs_to"

    def codes(self, project_id: int) -> str:
        """Hash: code id -> record."""
        return f"{self.prefix}codes:{project_id}"

    def invoices(self, project_id: int) -> str:
        """Hash: invoice id -> record."""
        return f"{self.prefix}invoices:{project_id}"

    def records(self, key: CodeKey | InvoiceKey) -> str:
        """The hash that has the record of a code or an invoice."""
        return self.codes(key.project_id) if isinstance(key, CodeKey) else self.invoices(key.project_id)

    def unfinished(self, kind: str, state: str) -> str:
        """Sorted set: codes or invoices (`kind`) in a state that is no end, by the time since which."""
        return f"{self.prefix}unfinished:{kind}:{state}"

    @property
    def totals(self) -> str:
        """Hash: `kind:state` -> codes and invoices that were created or adopted since this ledger began."""
        return f"{self.prefix}totals"

    @property
    def adopted(self) -> str:
        """Hash: Item id -> key of the code that has adopted it."""
        return f"{self.prefix}adopted"

    @property
    def rejected_items(self) -> str:
        """Set: Items that former installations made and that no code can adopt."""
        return f"{self.prefix}rejected_items"

    @property
    def bill_claims(self) -> str:
        """Hash: document number or bill -> key of the invoice that claims it."""
        return f"{self.prefix}bill_claims"

    @property
    def invoice_decisions(self) -> str:
        """Hash: invoice key -> what a person decided about it."""
        return f"{self.prefix}invoice_decisions"

    def series(self, series: Series) -> str:
        """Hash: how the newest records of a series compared, and whether it is stopped."""
        return f"{self.prefix}series:{series}"

    def journal(self, record: CodeKey | InvoiceKey | str) -> str:
        """List: what happened to one code or invoice. With "": the beginning of all journals."""
        return f"{self.prefix}journal:{record}"

    # Problems

    @property
    def problems(self) -> str:
        """Hash: problem key -> open problem."""
        return f"{self.prefix}problems"

    def problems_of(self, cause: Cause) -> str:
        """Sorted set: open problems of a cause that nobody ignores, by the time since which."""
        return f"{self.prefix}problems:of:{cause}"

    def ignored_problems_of(self, cause: Cause) -> str:
        """Sorted set: open problems of a cause that somebody ignores, by the time since which."""
        return f"{self.prefix}problems:ignored:{cause}"

    def problem_acts(self, problem_key: str) -> str:
        """List: what people did about a problem, newest first."""
        return f"{self.prefix}problems:acts:{problem_key}"

    # Lanes: work that waits and work in progress

    def waiting(self, lane: Lane) -> str:
        """Sorted set: work that waits, by when it is due."""
        return f"{self.prefix}waiting:{lane}"

    def dispatched(self, lane: Lane) -> str:
        """Sorted set: work in progress, by when its dispatch or claim ends."""
        return f"{self.prefix}hand:{lane}"

    @property
    def begun(self) -> str:
        """Hash: work -> claim by which it is in progress."""
        return f"{self.prefix}begun"

    @property
    def unbegun(self) -> str:
        """Hash: work -> messages that no worker has begun."""
        return f"{self.prefix}unbegun"

    @property
    def deaths(self) -> str:
        """Hash: work -> workers that died with it."""
        return f"{self.prefix}tries"

    @property
    def failures(self) -> str:
        """Hash: work -> failed attempts."""
        return f"{self.prefix}failures"

    @property
    def again(self) -> str:
        """Set: work in progress that is repeated after its attempt."""
        return f"{self.prefix}again"

    @property
    def asked(self) -> str:
        """Hash: work -> correlation id of the request that it goes back to."""
        return f"{self.prefix}asked"

    @property
    def invoices_since(self) -> str:
        """Sorted set: invoices that are work without an end, by the time since which."""
        return f"{self.prefix}since:invoice"

    # Runs

    @property
    def runs(self) -> str:
        """Sorted set: ids of runs, by when they began."""
        return f"{self.prefix}runs"

    def run(self, run_id: str) -> str:
        """Hash: one run."""
        return f"{self.prefix}run:{run_id}"

    def open_keys(self, run_id: str) -> str:
        """Set: work that a run waits for."""
        return f"{self.prefix}run:{run_id}:open"

    def current_run(self, kind: RunKind | None) -> str:
        """Text: the id of the current run of a kind. None: a key that is never written, for work that is part of no run."""
        return f"{self.prefix}run:current:{kind}" if kind else f"{self.prefix}run:none"

    def last_whole_run(self, kind: RunKind) -> str:
        """Hash: the last run over everything that has ended."""
        return f"{self.prefix}run:last:{kind}"

    # Locks, slots, rate limits and pauses

    def lock(self, name: str) -> str:
        """Text: the token of the lock's holder."""
        return f"{self.prefix}lock:{name}"

    @property
    def fence(self) -> str:
        """Number: the last fence of all locks."""
        return f"{self.prefix}fence"

    @property
    def slots(self) -> str:
        """Sorted set: tokens of requests to NetSuite in flight, by when each lease ends."""
        return f"{self.prefix}gate"

    def waiting_for_slot(self, precedence: str) -> str:
        """Sorted set: tokens of requests that wait for a slot."""
        return f"{self.prefix}gate:waiting:{precedence}"

    def handed_slot(self, token: str) -> str:
        """List: a waiting request blocks on it until a slot is handed over. With "": the beginning of all of them."""
        return f"{self.prefix}gate:handed:{token}"

    @property
    def slot_caps(self) -> str:
        """Sorted set: caps that running processes announce, by when each ends."""
        return f"{self.prefix}gate:caps"

    @property
    def exports_in_a_row(self) -> str:
        """Number: exports that got a slot in a row while a scan waited."""
        return f"{self.prefix}gate:exports_in_a_row"

    @property
    def slot_use(self) -> str:
        """Stream: how many slots were in use."""
        return f"{self.prefix}gate:use"

    @property
    def sent(self) -> str:
        """Hash: `remote:precedence` -> requests that all workers have sent."""
        return f"{self.prefix}sent"

    def limits(self, remote: str) -> str:
        """Hash: what is known of a remote's rate limits."""
        return f"{self.prefix}limits:{remote}"

    @property
    def pauses(self) -> str:
        """Hash: scope -> its trouble and pause."""
        return f"{self.prefix}pauses"

    @property
    def pauses_begun(self) -> str:
        """Hash: remote -> pauses that have begun."""
        return f"{self.prefix}pauses:begun"

    def token(self, remote: str) -> str:
        """JSON: the access token of a remote, a secret."""
        return f"{self.prefix}token:{remote}"

    def minting(self, remote: str) -> str:
        """Text: exists while a worker logs in to a remote."""
        return f"{self.prefix}token:{remote}:minting"

    @property
    def certificate_expiry(self) -> str:
        """Text: when NetSuite's certificate expires."""
        return f"{self.prefix}certificate_expiry"

    # What was read from the remotes

    @property
    def projects(self) -> str:
        """Hash: project id -> row of the list of projects."""
        return f"{self.prefix}projects"

    def fresh_projects(self, token: str) -> str:
        """Hash: a list of projects that is being read."""
        return f"{self.prefix}projects:{token}"

    @property
    def projects_listed_at(self) -> str:
        """Text: when reading the list of projects began; missing when the list is outdated."""
        return f"{self.prefix}projects:listed_at"

    @property
    def projects_outdated_at(self) -> str:
        """Text: when somebody last reported that the list changed."""
        return f"{self.prefix}projects:outdated_at"

    @property
    def projects_reading(self) -> str:
        """Text: the token of the worker that reads the list."""
        return f"{self.prefix}projects:reading"

    @property
    def projects_looked_at(self) -> str:
        """Hash: inactive project -> when its invoices were listed."""
        return f"{self.prefix}projects:looked_at"

    @property
    def invoices_refused(self) -> str:
        """Hash: inactive project -> Procore's refusal to list its invoices."""
        return f"{self.prefix}projects:invoices_refused"

    def cache(self, account: str, name: str) -> str:
        """JSON: an answer of a NetSuite account that is kept for a while."""
        return f"{self.prefix}cache:{account}:{name}"

    def reads(self, project_id: int) -> str:
        """Hash: invoice id -> what the list showed when an export last read the invoice."""
        return f"{self.prefix}reads:{project_id}"

    @property
    def reads_asked_at(self) -> str:
        """Text: when somebody last asked for everything blocked to be read again."""
        return f"{self.prefix}reads:asked_at"

    @property
    def reads_unblocked(self) -> str:
        """Hash: blocker -> when an invoice last found it gone."""
        return f"{self.prefix}reads:unblocked"

    def verification(self, name: str) -> str:
        """What is kept under a name for all verifications, such as `current` or `last`. With "": the beginning of all of them."""
        return f"{self.prefix}verify:{name}"

    def verification_part(self, verification_id: str, name: str) -> str:
        """A part of one verification, such as `state` or `results`."""
        return f"{self.prefix}verify:{verification_id}:{name}"

    # Processes, messages and the rest

    @property
    def presence(self) -> str:
        """Hash: process -> its last announcement."""
        return f"{self.prefix}presence"

    @property
    def schedule(self) -> str:
        """Hash: entry of beat's schedule -> its last run."""
        return f"{self.prefix}schedule"

    @property
    def plan_key(self) -> str:
        """Text: the key that signs plans, a secret."""
        return f"{self.prefix}plans:key"

    @property
    def webhook_answers(self) -> str:
        """Hash: answer -> requests to the receiver of webhooks."""
        return f"{self.prefix}webhooks:answers"

    def webhook(self, event_id: str) -> str:
        """Text: exists for a while after an event was received."""
        return f"{self.prefix}webhook:{event_id}"

    @property
    def write_probe(self) -> str:
        """Text: written by `check` to find out whether the server accepts writes."""
        return f"{self.prefix}check"

    def queue(self, name: str) -> str:
        """List: one of Celery's queues."""
        return f"{self.prefix}{name}"

    def task_result(self, task_id: str) -> str:
        """JSON: what Celery keeps of a task for a day."""
        return f"{self.prefix}celery-task-meta-{task_id}"
