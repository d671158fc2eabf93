"""The ledger: a record of each code and invoice, and the journal of its events. It is an index, never the only record: NetSuite is the source of
truth.

One hash for each project and kind, one small JSON text for each record, which the scripts and other versions read too. Every write is a
script, which refuses to replace a record that is in NetSuite by one that is not, or a record of a later lock holder by one of an earlier holder.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Generic, TypeVar

from worker.domain.audit_trail import AuditEvent, EventKind, JournalEntry, event_args, event_of_record
from worker.domain.errors import SeriesStopped
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import DONE, Record, State, stored_due
from worker.domain.problems import Cause, cause_of, record_of
from worker.domain.series import Series
from worker.domain.work import Lane, scan_of
from worker.store.client import Redis, Value
from worker.store.keys import Keys
from worker.store.ledger_state import LedgerState
from worker.store.locks import Lock
from worker.store.open_problems import OpenProblem, problem_of, problem_text
from worker.store.scripts import Script, flag, number, sizes, texts
from worker.store.series import SeriesState, state_of

UNFINISHED = (State.WAITING.value, State.INTENT.value, State.UNKNOWN.value, State.BLOCKED.value, "write_back")
"""Unfinished states of a code or invoice. `write_back`: the bill exists, but its id is not saved in Procore yet."""

LEAVES_WITHIN_SECONDS = 1.0
"""Seconds after its intent within which a write must be sent: its settle window is counted from the intent."""

FOR_AN_INVOICE = "an invoice"
"""What requested a code that an invoice needs."""

KeyT = TypeVar("KeyT", CodeKey, InvoiceKey)
_FIELDS = frozenset(field.name for field in fields(Record))


def encode(record: Record) -> str:
    """Return the text of a record, without fields that have their default, and without those that only a waiting code needs if its Item
    exists.

    The fence guards an unconfirmed write only: any process may look up a blocked or waiting code again. The scripts keep the time it was first
    seen.
    """
    stored = {name: value for name, value in asdict(record).items() if value and name not in ("seen", "by")}
    if record.payment_due is not None:
        stored["payment_due"] = str(record.payment_due)
    if record.cause:
        stored["cause"] = record.cause.stored
    if not record.in_doubt:
        stored.pop("fence", None)
    if record.done:
        for name in ("code", "description", "attempts", "sent_at", "for_invoice"):
            stored.pop(name, None)
    return json.dumps(stored, separators=(",", ":"), ensure_ascii=False)


def decode(text: str | None) -> Record | None:
    """Parse the text of a record; None for no text."""
    return _record(json.loads(text)) if text else None


def decode_all(texts: Mapping[str, str]) -> dict[int, Record]:
    """Parse the records of a project by id, all at once, which takes a third of the time of parsing one by one."""
    read = json.loads(f"[{','.join(texts.values())}]")
    return {int(number): _record(stored) for number, stored in zip(texts, read, strict=True)}


def _record(stored: dict[str, Any]) -> Record:
    stored["state"] = State(stored["state"])
    if "cause" in stored:
        stored["cause"] = cause_of(stored["cause"])
    if "facts" in stored or "payment_due" in stored:
        stored["payment_due"] = stored_due(stored.get("payment_due"), stored.get("facts", {}))
    # A newer version may have more fields (docs/upgrade.md). This is rare, so other records are not filtered.
    if not _FIELDS.issuperset(stored):
        stored = {name: value for name, value in stored.items() if name in _FIELDS}
    return Record(**stored)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Codes or invoices (`kind`) in one unfinished state: their number, and the key of the oldest. `since`: when the write in doubt of the
    oldest was sent, else when the record was first seen (unix seconds).
    """

    kind: str
    state: str
    count: int
    oldest: str
    since: float


@dataclass(frozen=True, slots=True)
class Restored(Generic[KeyT]):
    """The result of restoring records: how many were new, and the keys for which the ledger has another Item or bill."""

    new: int
    otherwise: Sequence[KeyT]


class Journal:
    """Reads the journals of codes and invoices, and adds events that change no record.

    Each journal is a list of lines. The script that writes a record also adds the event, so that it costs no extra command. A repeated event
    only increments the count of the last line. The length of a journal is limited, and it expires some time after its last line.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._keys = Keys(prefix)
        self._append = Script(client, "journal/append", flag)

    def add(self, key: CodeKey | InvoiceKey, event: AuditEvent) -> None:
        """Add a line, or increment the count of the last one if it has the same event."""
        self._append(keys=[self._keys.journal(key)], args=event_args(event))

    def of(self, key: CodeKey | InvoiceKey) -> list[JournalEntry]:
        """Return the lines of a journal, oldest first, without events of a kind that only a newer version knows."""
        lines = self._client.lrange(self._keys.journal(key), 0, -1)
        return [entry for line in lines if (entry := JournalEntry.of(line))]


class Ledger:
    """Records of codes and invoices, and the index of open problems."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._keys = keys = Keys(prefix)
        self._problems = keys.problems
        self.state = LedgerState(client, prefix)
        self.journal = Journal(client, prefix)
        self._sizes = Script(client, "sorted_sets/sizes", sizes)
        self._write = Script(client, "ledger/write", texts)
        self._add_waiting = Script(client, "ledger/add_waiting", texts)
        self._report = Script(client, "problems/report", flag)
        self._forget = Script(client, "ledger/forget", flag)
        self._resolve = Script(client, "problems/resolve", number)

    def code(self, key: CodeKey) -> Record | None:
        """Return the record of one WBS code."""
        return decode(self._client.hget(self._keys.codes(key.project_id), str(key.wbs_code_id)))

    def record(self, key: CodeKey | InvoiceKey) -> Record | None:
        """Return the record of one code or invoice."""
        return self.code(key) if isinstance(key, CodeKey) else self.invoice(key)

    def codes(self, project_id: int, wbs_code_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Return the records of a project's codes: all, or the given ones."""
        return self._read(self._keys.codes(project_id), wbs_code_ids)

    def adopted(self, project_id: int) -> dict[int, str]:
        """Return the ids of the Items that codes of a project have adopted, by code id. Such codes are rare, so only their records are
        parsed.
        """
        texts = self._client.hgetall(self._keys.codes(project_id))
        adopted = decode_all({field: text for field, text in texts.items() if f'"{State.ADOPTED}"' in text})
        return {
            number: record.remote_id
            for number, record in adopted.items()
            if record.state is State.ADOPTED and record.remote_id
        }

    def invoice(self, key: InvoiceKey) -> Record | None:
        """Return the record of one invoice."""
        return decode(self._client.hget(self._keys.invoices(key.project_id), str(key.invoice_id)))

    def invoices(self, project_id: int, invoice_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Return the records of a project's invoices: all, or the given ones."""
        return self._read(self._keys.invoices(project_id), invoice_ids)

    def project_of(self, invoice_id: int) -> int | None:
        """Return the project of an invoice that has a record, else None. One command for each project."""
        known = (number for number in self.projects() if self.invoice(InvoiceKey(number, invoice_id)))
        return next(known, None)

    def place(self, key: CodeKey | InvoiceKey) -> tuple[str, int]:
        """Return the Redis key and field of a record, for a caller that reads it when it takes its lock (`read_with`)."""
        return self._keys.records(key), _field(key)

    def read_with(self, lock: Lock) -> Record | None:
        """Return the record that was read with a lock."""
        return decode(lock.text)

    def projects(self) -> list[int]:
        """Return the ids of the projects that have records."""
        return sorted(int(project_id) for project_id in self._client.smembers(self._keys.ledger_projects))

    def write(self, key: CodeKey | InvoiceKey, record: Record, event: AuditEvent | None = None) -> bool:
        """Write a record; return False if the ledger already has a later or more certain one, or if another code has adopted the Item.

        A blocked record also opens a problem; one that is done or skipped closes it. Both close the finding that the Item or bill is missing,
        and a blocked one also closes the finding of the same kind as its problem. The journal gets `event`, or an event made from the record.
        """
        return self._written(key, record, "", "", event)[0]

    def write_created(self, key: CodeKey | InvoiceKey, record: Record, lock: Lock) -> SeriesState:
        """Record what was just created, and release its lock in the same step, so that the next holder finds the record done. Return the
        state of its series, which decides whether the new record is read back.
        """
        _, series = self._written(key, record, lock.key, lock.token)
        lock.is_released = True
        return series

    def intend(self, key: CodeKey | InvoiceKey, intent: Record, lock: Lock) -> bool:
        """Record the intent to send a write now. Return False if it must not be sent. Raises SeriesStopped if its series is stopped.

        The intent makes a lost lock harmless: the next holder finds it and waits. It is refused without the lock, which an emptied Redis does
        not have either. The clock is checked last, so that a process that was suspended in between sends nothing long after its intent.
        """
        noted, _ = self._written(key, intent, lock.key, lock.token)
        return noted and lock.now() <= intent.sent_at + LEAVES_WITHIN_SECONDS

    def _written(
        self, key: CodeKey | InvoiceKey, record: Record, lock_key: str, token: str, event: AuditEvent | None = None
    ) -> tuple[bool, SeriesState]:
        problem = "ended" if record.ended else ""
        if record.state is State.BLOCKED:
            problem = problem_text(record.cause, record.facts, record.at)
        of_code = isinstance(key, CodeKey)
        args: list[Value] = [_field(key), encode(record), record.fence, int(record.done), str(key), problem]
        args += [key.project_id, token, *event_args(event or event_of_record(record, of_code=of_code))]
        args += [FOR_AN_INVOICE if record.for_invoice else "", self._prefix, str(key), scan_of(key.project_id)]
        series = Series.ITEMS if of_code else Series.BILLS
        # The script needs a key in the place of the lock even if it does not check one: any key will do.
        keys = [self._keys.records(key), self._problems, self._keys.ledger_projects, lock_key or self._keys.ledger]
        keys += [self._keys.journal(key), self._run(key), self._keys.series(series)]
        result, *fields = self._write(keys=keys, args=args)
        if int(result) < 0:
            raise SeriesStopped(f"writing {series} is stopped")
        return result != "0", state_of(dict(zip(fields[::2], fields[1::2], strict=True)))

    def add_waiting(self, project_id: int, records: Mapping[int, Record], *, by: str = "") -> list[int]:
        """Record codes that need an Item, except those that have one or an unconfirmed write. Return the recorded ones.

        Their problems stay open until the Item exists. `by`: what requested them; "" = the run that waits for the project's scan.
        """
        pairs: list[Value] = [part for field, record in records.items() for part in (field, encode(record))]
        any_code = CodeKey(project_id, 0)
        keys = [self._keys.codes(project_id), self._keys.ledger_projects, self._run(any_code)]
        journals = self._keys.journal(any_code).removesuffix("0")
        args: list[Value] = [project_id, scan_of(project_id), by, self._prefix, journals, *pairs]
        return [int(field) for field in self._add_waiting(keys=keys, args=args)]

    def forget(self, key: CodeKey | InvoiceKey, record: Record, lock: Lock, event: AuditEvent) -> bool:
        """Clear a record that is done, and add `event` to its journal. Return False if the lock is lost or the record has changed."""
        keys = [self._keys.records(key), lock.key, self._keys.journal(key), self._keys.adopted]
        args: list[Value] = [_field(key), lock.token, record.remote_id, *event_args(event), str(key)]
        return self._forget(keys=keys, args=args)

    def restore(self, records: Mapping[KeyT, Record]) -> Restored[KeyT]:
        """Add records that were restored from NetSuite, for codes or invoices without one. Existing records are kept."""
        keys = list(records)
        if not keys:
            return Restored(0, [])
        with self._client.pipeline(transaction=False) as together:
            for key in keys:
                together.hsetnx(self._keys.records(key), str(_field(key)), encode(records[key]))
            for project_id in {key.project_id for key in keys}:
                together.sadd(self._keys.ledger_projects, project_id)
            new = [bool(answer) for answer in together.execute()[: len(keys)]]
        known = [key for key, is_new in zip(keys, new, strict=True) if not is_new]
        existing = self.records_of(known)
        others = [key for key in known if existing[key].done and existing[key].remote_id != records[key].remote_id]
        return Restored(sum(new), others)

    def records_of(self, keys: Iterable[KeyT]) -> dict[KeyT, Record]:
        """Return the records of codes or invoices of any projects. One command for each of these projects."""
        places: dict[str, list[KeyT]] = {}
        for key in keys:
            places.setdefault(self._keys.records(key), []).append(key)
        found: dict[KeyT, Record] = {}
        for place, some in places.items():
            records = self._read(place, [_field(key) for key in some])
            found |= {key: records[_field(key)] for key in some if _field(key) in records}
        return found

    def unfinished(self) -> list[Unfinished]:
        """Return the unfinished records by kind and state, including empty states. One command, whatever their number."""
        places = [(kind, state) for kind in ("code", "invoice") for state in UNFINISHED]
        found = self._sizes(keys=[self._keys.unfinished(kind, state) for kind, state in places])
        return [Unfinished(kind, state, *one) for (kind, state), one in zip(places, found, strict=True)]

    def totals(self) -> dict[tuple[str, str], int]:
        """Return how many codes and invoices got an Item or bill since this ledger was created, by kind and `created` or `adopted`."""
        stored = self._client.hgetall(self._keys.totals)
        return {
            (kind, state.value): int(stored.get(f"{kind}:{state}", 0))
            for kind in ("code", "invoice")
            for state in sorted(DONE)
        }

    def report(self, key: str, cause: Cause, facts: Mapping[str, str], *, at: float) -> bool:
        """Open a problem under a key that need not be of a code or invoice. Return whether it was not open before, so that it is logged once."""
        event = AuditEvent(EventKind.BLOCKED, {"cause": cause.stored, **facts}) if record_of(key) else None
        args: list[Value] = [key, problem_text(cause, facts, at), *event_args(event)]
        return self._report(keys=[self._problems, self._keys.journal(key)], args=args)

    def resolve(self, *keys: str) -> bool:
        """Close problems, by key. Return whether any was open."""
        return bool(self._resolve(keys=[self._problems], args=keys))

    def is_problem(self, key: str) -> bool:
        """Return whether a problem is open under this key."""
        return bool(self._client.hexists(self._problems, key))

    def problem(self, key: str) -> OpenProblem | None:
        """Return the problem that is open under this key, else None."""
        text = self._client.hget(self._problems, key)
        return problem_of(key, text) if text else None

    def problems_of(self, keys: Sequence[CodeKey | InvoiceKey]) -> dict[int, OpenProblem]:
        """Return the open problems for some codes or invoices of one project, by code or invoice id."""
        texts = self._client.hmget(self._problems, [str(key) for key in keys]) if keys else []
        return {_field(key): problem_of(str(key), text) for key, text in zip(keys, texts, strict=True) if text}

    def problems(self) -> list[OpenProblem]:
        """Return all open problems, oldest first, including ignored ones."""
        stored = self._client.hgetall(self._problems)
        return sorted((problem_of(key, text) for key, text in stored.items()), key=lambda one: (one.since, one.key))

    def _read(self, records: str, fields: Iterable[int] | None) -> dict[int, Record]:
        if fields is None:
            return decode_all(self._client.hgetall(records))
        wanted = [str(field) for field in fields]
        texts = self._client.hmget(records, wanted) if wanted else []
        return decode_all({field: text for field, text in zip(wanted, texts, strict=True) if text})

    def _run(self, key: CodeKey | InvoiceKey) -> str:
        """Return the Redis key with the id of the run that may wait for a code or invoice."""
        lane = Lane.ITEMS if isinstance(key, CodeKey) else Lane.EXPORTS
        return self._keys.current_run(lane.run)


def _field(key: CodeKey | InvoiceKey) -> int:
    return key.wbs_code_id if isinstance(key, CodeKey) else key.invoice_id
