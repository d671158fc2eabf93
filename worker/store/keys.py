"""The names of all Redis keys. Other processes, other versions and the scripts use the same keys, so a name never changes.

The scripts derive some keys from the prefix (`prefix .. 'run:'`); a test compares them with this module.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.domain.work import Lane, RunKind


class Key:
    """A key without variable parts."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, keys: Keys, _: type[Keys]) -> str:
        """Return the key with its prefix."""
        return f"{keys.prefix}{self._name}"


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of an installation. `prefix`: REDIS_KEY_PREFIX, which every key begins with."""

    prefix: str

    # Ledger: records of codes and invoices

    ledger = Key("ledger")
    """Hash: the ledger's state."""
    rebuild = Key("ledger:rebuild")
    """Hash: counts of a rebuild in progress."""
    ledger_projects = Key("ledger:projects")
    """Set: ids of the projects that have records."""
    store = Key("store")
    """Hash: the id of this store, when it got the id, and whether a process has reported the loss of an earlier store."""
    belongs_to = Key("belongs_to")
    """Text: the Procore company and NetSuite account of this ledger."""

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
        """Sorted set: codes or invoices (`kind`) in an unfinished state, by when each was first seen, or its write in doubt was sent."""
        return f"{self.prefix}unfinished:{kind}:{state}"

    totals = Key("totals")
    """Hash: `kind:state` -> codes and invoices that were created or adopted since this ledger began."""
    adopted = Key("adopted")
    """Hash: Item id -> key of the code that has adopted it."""
    rejected_items = Key("rejected_items")
    """Set: Items under a former name that people have decided do not belong to a project."""
    bill_claims = Key("bill_claims")
    """Hash: document number or bill -> key of the invoice that claims it."""
    invoice_decisions = Key("invoice_decisions")
    """Hash: invoice key -> a person's decision about it."""

    def series(self, series: Series) -> str:
        """Hash: differences of the newest records of a series, and whether it is stopped."""
        return f"{self.prefix}series:{series}"

    def journal(self, record: CodeKey | InvoiceKey | str) -> str:
        """List: events of one code or invoice. With "": the beginning of all such keys."""
        return f"{self.prefix}journal:{record}"

    # Problems

    problems = Key("problems")
    """Hash: problem key -> open problem."""

    def problems_of(self, cause: Cause) -> str:
        """Sorted set: open problems of a cause that are not ignored, by when each was opened."""
        return f"{self.prefix}problems:of:{cause.stored}"

    def ignored_problems_of(self, cause: Cause) -> str:
        """Sorted set: ignored open problems of a cause, by when each was opened."""
        return f"{self.prefix}problems:ignored:{cause.stored}"

    def problem_acts(self, problem_key: str) -> str:
        """List: acts of people on a problem, newest first."""
        return f"{self.prefix}problems:acts:{problem_key}"

    # Lanes: waiting work and work in progress

    def waiting(self, lane: Lane) -> str:
        """Sorted set: waiting work, by when it is due."""
        return f"{self.prefix}waiting:{lane}"

    def dispatched(self, lane: Lane) -> str:
        """Sorted set: work in progress, by when its dispatch or claim ends."""
        return f"{self.prefix}hand:{lane}"

    begun = Key("begun")
    """Hash: work -> claim of the worker that has begun it."""
    unbegun = Key("unbegun")
    """Hash: work -> messages that no worker has begun."""
    deaths = Key("tries")
    """Hash: work -> workers that died with it."""
    failures = Key("failures")
    """Hash: work -> failed attempts."""
    again = Key("again")
    """Set: work in progress that is repeated after its attempt."""
    asked = Key("asked")
    """Hash: work -> correlation id of the request that caused it."""
    invoices_since = Key("since:invoice")
    """Sorted set: invoices that are unfinished work, by when each became work."""

    # Runs

    runs = Key("runs")
    """Sorted set: ids of runs, by when they began."""

    def run(self, run_id: str) -> str:
        """Hash: one run."""
        return f"{self.prefix}run:{run_id}"

    def open_keys(self, run_id: str) -> str:
        """Set: work that a run waits for."""
        return f"{self.prefix}run:{run_id}:open"

    def current_run(self, kind: RunKind | None) -> str:
        """Text: the id of the current run of a kind. With None (work that is part of no run): a key that is never written."""
        return f"{self.prefix}run:current:{kind}" if kind else f"{self.prefix}run:none"

    def last_whole_run(self, kind: RunKind) -> str:
        """Hash: the last ended run over everything."""
        return f"{self.prefix}run:last:{kind}"

    # Locks, slots, rate limits and pauses

    def lock(self, name: str) -> str:
        """Text: the token of the lock's holder."""
        return f"{self.prefix}lock:{name}"

    fence = Key("fence")
    """Number: the highest fence of all locks so far."""
    slots = Key("gate")
    """Sorted set: tokens of requests to NetSuite in flight, by when each lease ends."""

    def waiting_for_slot(self, precedence: str) -> str:
        """Sorted set: tokens of requests that wait for a slot, by when each counts as gone."""
        return f"{self.prefix}gate:waiting:{precedence}"

    def handed_slot(self, token: str) -> str:
        """List: a waiting request blocks on it until a slot is passed to it. With "": the beginning of all such keys."""
        return f"{self.prefix}gate:handed:{token}"

    slot_caps = Key("gate:caps")
    """Sorted set: limits of slots that running processes announce, by when each expires."""
    exports_in_a_row = Key("gate:exports_in_a_row")
    """Number: exports that got a slot in a row while a scan waited."""
    slot_use = Key("gate:use")
    """Stream: samples of the number of slots in use."""
    sent = Key("sent")
    """Hash: `remote:precedence` -> requests sent by all workers."""

    def limits(self, remote: str) -> str:
        """Hash: state of a remote's rate limits."""
        return f"{self.prefix}limits:{remote}"

    pauses = Key("pauses")
    """Hash: scope -> its failures and pause."""
    pauses_begun = Key("pauses:begun")
    """Hash: remote -> pauses that have begun."""

    def token(self, remote: str) -> str:
        """JSON: the access token of a remote, a secret."""
        return f"{self.prefix}token:{remote}"

    def minting(self, remote: str) -> str:
        """Text: exists while a worker logs in to a remote."""
        return f"{self.prefix}token:{remote}:minting"

    certificate_expiry = Key("certificate_expiry")
    """Text: when NetSuite's certificate expires."""

    # Data read from the remotes

    projects = Key("projects")
    """Hash: project id -> row of the list of projects."""

    def fresh_projects(self, token: str) -> str:
        """Hash: a list of projects that is being read."""
        return f"{self.prefix}projects:{token}"

    projects_listed_at = Key("projects:listed_at")
    """Text: when reading the list of projects began; missing when the list is outdated."""
    projects_outdated_at = Key("projects:outdated_at")
    """Text: when a change of the list was last reported."""
    projects_reading = Key("projects:reading")
    """Text: the token of the worker that is reading the list."""
    projects_looked_at = Key("projects:looked_at")
    """Hash: inactive project -> when its invoices were listed."""
    invoices_refused = Key("projects:invoices_refused")
    """Hash: inactive project -> Procore's refusal to list its invoices."""

    def cache(self, account: str, name: str) -> str:
        """JSON: a cached response of a NetSuite account."""
        return f"{self.prefix}cache:{account}:{name}"

    def reads(self, project_id: int) -> str:
        """Hash: invoice id -> the last read of the invoice by an export, and what the list showed then."""
        return f"{self.prefix}reads:{project_id}"

    reads_asked_at = Key("reads:asked_at")
    """Text: when it was last requested to read all blocked invoices again."""
    reads_unblocked = Key("reads:unblocked")
    """Hash: blocker -> when an invoice last found it resolved."""

    def verification(self, name: str) -> str:
        """Data of all verifications by name, such as `current` or `last`. With "": the beginning of all such keys."""
        return f"{self.prefix}verify:{name}"

    def verification_part(self, verification_id: str, name: str) -> str:
        """Data of one verification by name, such as `state` or `results`."""
        return f"{self.prefix}verify:{verification_id}:{name}"

    # Processes, messages and the rest

    presence = Key("presence")
    """Hash: process -> its last announcement."""
    schedule = Key("schedule")
    """Hash: entry of beat's schedule -> when it last ran."""
    plan_key = Key("plans:key")
    """Text: the key that signs plans, a secret."""
    base_currencies = Key("currencies")
    """Set: base currencies of all invoices so far, as Procore reports them."""
    webhook_answers = Key("webhooks:answers")
    """Hash: response -> requests to the webhook receiver."""

    def webhook(self, event_id: str) -> str:
        """Text: exists for a while after a webhook event was received."""
        return f"{self.prefix}webhook:{event_id}"

    write_probe = Key("check")
    """Text: written by `check` to find out whether the server accepts writes."""

    def queue(self, name: str) -> str:
        """List: one of Celery's queues."""
        return f"{self.prefix}{name}"

    def task_result(self, task_id: str) -> str:
        """JSON: the result of a task, which Celery keeps for a day."""
        return f"{self.prefix}celery-task-meta-{task_id}"
