"""The ledger: what we know of every code and invoice. An index, never the only record: NetSuite holds the truth.

One hash per project and kind, one small JSON text per record. Every write is a script that refuses to go back: from a record
that NetSuite is known to hold to one that it is not, or from a later holder of the lock to an earlier one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from dataclasses import fields as fields_of
from typing import Any, Generic, TypeVar

from worker.domain.errors import SeriesStopped
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import DONE, Record, State
from worker.domain.problems import Cause, cause_of
from worker.domain.series import Series
from worker.domain.story import Happening, What, told_by
from worker.domain.work import RUN_OF_LANE, Lane, scan_of
from worker.store import locks
from worker.store.client import Redis, Value
from worker.store.journal import Journal, words_of
from worker.store.keys import Keys
from worker.store.locks import Lock
from worker.store.open_problems import OpenProblem, problem_of, problem_text
from worker.store.scripts import Script, flag, number, text, texts
from worker.store.series import SeriesState, state_of
from worker.store.sizes import Sizes

UNFINISHED = (State.WAITING.value, State.INTENT.value, State.UNKNOWN.value, State.BLOCKED.value, "write_back")
"""How a code or an invoice may stand that is not at its end. `write_back`: the bill stands, Procore does not know yet."""

LEAVES_WITHIN_SECONDS = 1.0
"""A write that cannot leave so soon after its intent was made does not leave: its settle time is counted from the intent."""

FOR_AN_INVOICE = "an invoice"
"""Who asked for a code that an invoice needs."""

KeyT = TypeVar("KeyT", CodeKey, InvoiceKey)
_FIELDS = frozenset(field.name for field in fields_of(Record))


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Codes or invoices (`kind`) in one state that is no end: how many, and which of them is so for longest, since when (unix seconds):
    since its write may have been sent where that is in doubt, else since it was first seen.
    """

    kind: str
    state: str
    count: int
    oldest: str
    since: float


@dataclass(frozen=True, slots=True)
class Restored(Generic[KeyT]):
    """What came of taking in records: how many were new, and the keys of which the ledger says that another record stands."""

    new: int
    otherwise: Sequence[KeyT]


class Ledger:
    """Records of codes and invoices, and the index of open problems that goes with them."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._keys = keys = Keys(prefix)
        self._state, self._problems = keys.ledger, keys.problems
        self.journal = Journal(client, prefix)
        self._sizes = Sizes(client)
        self._write = Script(client, "ledger/write", texts)
        self._plan = Script(client, "ledger/plan_codes", texts)
        self._report = Script(client, "problems/report", flag)
        self._forget = Script(client, "ledger/forget", flag)
        self._resolve = Script(client, "problems/resolve", number)
        self._open = Script(client, "ledger/open", flag)
        self._new_server = Script(client, "ledger/new_server", text)

    def code(self, key: CodeKey) -> Record | None:
        """What is known of one WBS code."""
        return _decoded(self._client.hget(self._keys.codes(key.project_id), str(key.wbs_code_id)))

    def codes(self, project_id: int, wbs_code_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Known codes of a project: all, or those asked for."""
        return self._read(self._keys.codes(project_id), wbs_code_ids)

    def adopted(self, project_id: int) -> dict[int, str]:
        """The ids of the Items that codes of a project have adopted. Hardly any code has, so only their records are parsed."""
        texts = self._client.hgetall(self._keys.codes(project_id))
        adopted = {int(field): _record(text) for field, text in texts.items() if f'"{State.ADOPTED}"' in text}
        return {
            number: record.remote_id
            for number, record in adopted.items()
            if record.state is State.ADOPTED and record.remote_id
        }

    def invoice(self, key: InvoiceKey) -> Record | None:
        """What is known of one invoice."""
        return _decoded(self._client.hget(self._keys.invoices(key.project_id), str(key.invoice_id)))

    def invoices(self, project_id: int, invoice_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Known invoices of a project: all, or those asked for."""
        return self._read(self._keys.invoices(project_id), invoice_ids)

    def project_of(self, invoice_id: int) -> int | None:
        """The project of an invoice that has a record; None for any other. Asks once for each project."""
        known = (number for number in self.projects() if self.invoice(InvoiceKey(number, invoice_id)))
        return next(known, None)

    def place(self, key: CodeKey | InvoiceKey) -> tuple[str, int]:
        """Where in Redis a record stands: for who takes its lock, which then has the record (`read_with`)."""
        return self._keys.records(key), _field(key)

    def read_with(self, lock: Lock) -> Record | None:
        """The record that was read with a lock."""
        return _decoded(lock.text)

    def projects(self) -> list[int]:
        """Projects of which anything is known."""
        return sorted(int(project_id) for project_id in self._client.smembers(self._keys.ledger_projects))

    def write(self, key: CodeKey | InvoiceKey, record: Record, told: Happening | None = None) -> bool:
        """Record what is known now; False when the ledger already holds something later or more certain.

        Nor does it take one Item for two codes. A blocked record opens a problem in the same step; one that is done or skipped closes it.
        Both close the findings of `verify` that the Item or the bill is missing; a blocked one also closes a finding of the same kind as
        its problem. The journal gets `told`, or an entry made from the record.
        """
        return self._written(key, record, "", "", told)[0]

    def write_created(self, key: CodeKey | InvoiceKey, record: Record, lock: Lock) -> SeriesState:
        """Record what was created just now, and release its lock in the same step: whoever takes it finds the record done. Returns the
        state of its series after that, which decides whether it is read back.
        """
        _, series = self._written(key, record, lock.key, lock.token)
        lock.is_released = True
        return series

    def intend(self, key: CodeKey | InvoiceKey, intent: Record, lock: Lock) -> bool:
        """Note that a write leaves now; False when it must not leave. Raises SeriesStopped when no record of its series may.

        Together with the intent this makes a lost lock harmless: who takes it afterwards finds the intent and waits. An emptied
        Redis holds no lock either. The clock is asked last, so that a process which stood still meanwhile sends nothing later than
        its intent says.
        """
        noted, _ = self._written(key, intent, lock.key, lock.token)
        return noted and lock.now() <= intent.sent_at + LEAVES_WITHIN_SECONDS

    def _written(
        self, key: CodeKey | InvoiceKey, record: Record, lock_key: str, token: str, told: Happening | None = None
    ) -> tuple[bool, SeriesState]:
        problem = "ended" if record.ended else ""
        if record.state is State.BLOCKED:
            problem = problem_text(record.cause, record.facts, record.at)
        args: list[Value] = [
            _field(key),
            _encoded(record),
            record.fence,
            int(record.done),
            str(key),
            problem,
            key.project_id,
            token,
            *words_of(told or told_by(record, of_code=isinstance(key, CodeKey))),
            FOR_AN_INVOICE if record.for_invoice else "",
            self._prefix,
            str(key),
            scan_of(key.project_id),
        ]
        # A script names all its keys; where no lock matters any key of ours will do.
        lock_key = lock_key or self._state
        series = Series.ITEMS if isinstance(key, CodeKey) else Series.BILLS
        keys = [
            self._keys.records(key),
            self._problems,
            self._keys.ledger_projects,
            lock_key,
            self._keys.journal(key),
            self._run(key),
        ]
        result, *fields = self._write(keys=[*keys, self._keys.series(series)], args=args)
        if int(result) < 0:
            raise SeriesStopped(f"writing {series} is stopped")
        return result != "0", state_of(dict(zip(fields[::2], fields[1::2], strict=True)))

    def plan_codes(self, project_id: int, records: Mapping[int, Record], *, by: str = "") -> list[int]:
        """Note codes that need an Item, but none that has one or whose write is in doubt. Gives those noted.

        Their problems stay open until the Item stands. `by`: who asked; "" for the scan that goes on.
        """
        pairs: list[Value] = [part for field, record in records.items() for part in (field, _encoded(record))]
        any_code = CodeKey(project_id, 0)
        keys = [self._keys.codes(project_id), self._keys.ledger_projects, self._run(any_code)]
        journals = self._keys.journal(any_code).removesuffix("0")
        args: list[Value] = [project_id, scan_of(project_id), by, self._prefix, journals, *pairs]
        return [int(field) for field in self._plan(keys=keys, args=args)]

    def forget(self, key: CodeKey | InvoiceKey, record: Record, lock: Lock, told: Happening) -> bool:
        """Know nothing any more of what is recorded as done; its journal stays, and gets `told`.

        False when the lock is lost or the record says something else by now.
        """
        keys = [self._keys.records(key), lock.key, self._keys.journal(key), self._keys.adopted]
        args: list[Value] = [_field(key), lock.token, record.remote_id, *words_of(told), str(key)]
        return self._forget(keys=keys, args=args)

    def restore(self, records: Mapping[KeyT, Record]) -> Restored[KeyT]:
        """Take in what stands in NetSuite for codes or invoices of which nothing is known. What is known is kept."""
        keys = list(records)
        if not keys:
            return Restored(0, [])
        with self._client.pipeline(transaction=False) as together:
            for key in keys:
                together.hsetnx(self._keys.records(key), str(_field(key)), _encoded(records[key]))
            for project_id in {key.project_id for key in keys}:
                together.sadd(self._keys.ledger_projects, project_id)
            new = [bool(answer) for answer in together.execute()[: len(keys)]]
        known = [key for key, is_new in zip(keys, new, strict=True) if not is_new]
        stands = self.records_of(known)
        others = [key for key in known if stands[key].done and stands[key].remote_id != records[key].remote_id]
        return Restored(sum(new), others)

    def records_of(self, keys: Iterable[KeyT]) -> dict[KeyT, Record]:
        """The records of codes or invoices of many projects, of those that have one: one command for each project."""
        places: dict[str, list[KeyT]] = {}
        for key in keys:
            places.setdefault(self._keys.records(key), []).append(key)
        found: dict[KeyT, Record] = {}
        for place, some in places.items():
            records = self._read(place, [_field(key) for key in some])
            found |= {key: records[_field(key)] for key in some if _field(key) in records}
        return found

    def unfinished(self) -> list[Unfinished]:
        """All that is not at its end, by kind and state, those of which there is none too. One command, however many there are."""
        places = [(kind, state) for kind in ("code", "invoice") for state in UNFINISHED]
        found = self._sizes([self._keys.unfinished(kind, state) for kind, state in places])
        return [Unfinished(kind, state, *one) for (kind, state), one in zip(places, found, strict=True)]

    def totals(self) -> dict[tuple[str, str], int]:
        """How many codes and invoices came to stand since this ledger began, by kind and `created` or `adopted`."""
        stored = self._client.hgetall(self._keys.totals)
        return {
            (kind, state.value): int(stored.get(f"{kind}:{state}", 0))
            for kind in ("code", "invoice")
            for state in sorted(DONE)
        }

    def is_open(self) -> bool:
        """Whether there is a ledger: without one nothing is written to NetSuite."""
        return bool(self._client.exists(self._state))

    def opened_at(self) -> str:
        """Which ledger this is: a text that no other one has, "" when there is none."""
        since, opened_at = self._client.hmget(self._state, ["since", "opened_at"])
        return str(opened_at or since or "")

    def new_server(self, *, runs_for: float) -> str:
        """The server (its run id) whose ledger was not yet looked through for lost ends, when it runs for so many seconds; else ""."""
        return self._new_server(keys=[self._state], args=[runs_for])

    def looked_through(self, server: str) -> None:
        """Nothing without an end lies in this server's ledger."""
        self._client.hset(self._state, "looked_through", server)

    def has_lost_adoptions(self) -> bool:
        """Whether this ledger followed one that was lost, and no machine has said yet which Items were adopted in that one."""
        return bool(self._client.hget(self._state, "adoptions_lost"))

    def adoptions_are_known(self) -> None:
        """A machine has restored what was adopted in the ledger before."""
        self._client.hdel(self._state, "adoptions_lost")

    def open(self, *, since: float, adoptions_known: bool = True) -> None:
        """From here on the ledger is the record. `since`: the last moment at which an intent may have been lost, 0 for never.

        A loss of the store that a process reported before counts too. In a store that has just begun nothing is written before
        every living process has had the time to report one.
        """
        self._open(
            keys=[self._state, self._keys.rebuild, self._keys.store],
            args=[since, locks.KEPT_SECONDS, int(not adoptions_known)],
        )

    def rebuild_so_far(self) -> dict[str, int]:
        """The counts that a rebuild has kept; empty when none is under way or was interrupted."""
        return {name: int(count) for name, count in self._client.hgetall(self._keys.rebuild).items()}

    def keep_rebuild(self, counts: Mapping[str, int]) -> None:
        """Keep how far a rebuild has come, for the one that goes on with it and for those who watch. Opening the ledger ends it."""
        self._client.hset(self._keys.rebuild, mapping=dict(counts))

    def server_stops_in_order(self) -> None:
        """The server is about to write everything to disk and end: whoever starts it next has lost nothing."""
        self._client.hdel(self._state, "server")

    def report(self, key: str, cause: Cause, facts: Mapping[str, str], *, at: float) -> bool:
        """Open a problem that belongs to no single code or invoice. True when it was not open before: say it once."""
        of_one = key.startswith(("code:", "invoice:"))
        told = words_of(Happening(What.BLOCKED, {"cause": cause, **facts}) if of_one else None)
        args: list[Value] = [key, problem_text(cause, facts, at), *told]
        return self._report(keys=[self._problems, self._keys.journal(key)], args=args)

    def resolve(self, *keys: str) -> bool:
        """Close such problems; True when one was open."""
        return bool(self._resolve(keys=[self._problems], args=keys))

    def is_problem(self, key: str) -> bool:
        """Whether one is open under this key."""
        return bool(self._client.hexists(self._problems, key))

    def problem(self, key: str) -> OpenProblem | None:
        """The one that is open under this key."""
        text = self._client.hget(self._problems, key)
        return problem_of(key, text) if text else None

    def problems_of(self, keys: Sequence[CodeKey | InvoiceKey]) -> dict[int, OpenProblem]:
        """The problems that are open for some codes or invoices of one project, by code or invoice id."""
        texts = self._client.hmget(self._problems, [str(key) for key in keys]) if keys else []
        return {_field(key): problem_of(str(key), text) for key, text in zip(keys, texts, strict=True) if text}

    def problems(self) -> list[OpenProblem]:
        """All open problems, oldest first; those that somebody ignores too."""
        stored = self._client.hgetall(self._problems)
        return sorted((problem_of(key, text) for key, text in stored.items()), key=lambda one: (one.since, one.key))

    def _read(self, records: str, fields: Iterable[int] | None) -> dict[int, Record]:
        if fields is None:
            return _records(self._client.hgetall(records))
        wanted = [str(field) for field in fields]
        texts = self._client.hmget(records, wanted) if wanted else []
        return _records({field: text for field, text in zip(wanted, texts, strict=True) if text})

    def _run(self, key: CodeKey | InvoiceKey) -> str:
        """Where the run stands that may wait for it."""
        kind = RUN_OF_LANE[Lane.ITEMS if isinstance(key, CodeKey) else Lane.EXPORTS]
        return self._keys.current_run(kind)


def _field(key: CodeKey | InvoiceKey) -> int:
    return key.wbs_code_id if isinstance(key, CodeKey) else key.invoice_id


def _encoded(record: Record) -> str:
    """Small: fields at their default are left out, and what only a waiting code needs is dropped once its Item stands.

    The fence guards a write in doubt and nothing else: a code that is blocked or waits may be planned anew by anybody. When it was
    first seen is the scripts' to keep.
    """
    fields = {name: value for name, value in asdict(record).items() if value and name not in ("seen", "by")}
    if not record.in_doubt:
        fields.pop("fence", None)
    if record.done:
        for name in ("code", "description", "attempts", "sent_at", "for_invoice"):
            fields.pop(name, None)
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)


def _decoded(text: Any) -> Record | None:
    return _record(text) if text else None


def _records(texts: Mapping[str, str]) -> dict[int, Record]:
    """Parse all records of a project at once, which takes a third of the time of parsing one by one."""
    read = json.loads(f"[{','.join(texts.values())}]")
    return {int(field): _record_of(fields) for field, fields in zip(texts, read, strict=True)}


def _record(text: str) -> Record:
    return _record_of(json.loads(text))


def _record_of(fields: dict[str, Any]) -> Record:
    fields["state"] = State(fields["state"])
    if "cause" in fields:
        fields["cause"] = cause_of(fields["cause"])
    # A newer version may have put in more (docs/upgrade.md). Rare, so the others do not pay for it.
    if not _FIELDS.issuperset(fields):
        fields = {name: value for name, value in fields.items() if name in _FIELDS}
    return Record(**fields)
