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
from worker.domain.findings import FINDINGS, FindingKind
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import DONE, Record, State
from worker.domain.problems import Cause, cause_of
from worker.domain.series import Series
from worker.domain.story import Happening, What, told_by
from worker.domain.work import RUN_OF_LANE, Lane, scan_of
from worker.store import locks
from worker.store.connection import Redis
from worker.store.journal import TELL, Journal, words_of
from worker.store.locks import RUNNING_SERVER, Lock
from worker.store.open_problems import OPEN, OpenProblem, problem_of, problem_text
from worker.store.series import STOPPED, SeriesState, series_key, state_of
from worker.store.sizes import Sizes

BRIEF_TRIGGER = 16
"""Bytes of a trigger that a record keeps: there are as many records as codes. The run itself names it whole."""
_FIRST_SEEN = f"""
local function brief(text)
  if #text <= {BRIEF_TRIGGER} then return text end
  -- No half character at the end.
  return string.match(string.sub(text, 1, {BRIEF_TRIGGER}), '^(.-)[\\192-\\255]?[\\128-\\191]*$')
end
-- Who asked for work: the trigger of the run that goes on and waits for it, '' when none does.
local function trigger(current, prefix, ...)
  local run = redis.call('GET', current)
  for _, key in ipairs(run and {{...}} or {{}}) do
    if redis.call('SISMEMBER', prefix .. 'run:' .. run .. ':open', key) == 1 then
      return brief(redis.call('HGET', prefix .. 'run:' .. run, 'trigger') or '')
    end
  end
  return ''
end
-- A record keeps for good when its code or invoice was first seen, and who had asked for it.
local function first_seen(record, seen, by)
  if not seen then return record end
  local asked = by and by ~= '' and ',"by":' .. cjson.encode(by) or ''
  return string.sub(record, 1, -2) .. ',"seen":' .. seen .. asked .. '}}'
end
"""
UNFINISHED = (State.WAITING.value, State.INTENT.value, State.UNKNOWN.value, State.BLOCKED.value, "write_back")
"""How a code or an invoice may stand that is not at its end. `write_back`: the bill stands, Procore does not know yet."""
_INDEX = f"""
-- What is not at its end stands in a sorted set for each state, by the time since which: so that nobody reads the ledger to count it.
local function standing(record)
  if record.state == 'created' or record.state == 'adopted' then return record.write_back_due and 'write_back' end
  return record.state ~= 'skipped' and record.state
end
local function index(prefix, key, old, new, seen)
  local stem = prefix .. 'unfinished:' .. string.match(key, '^%a+') .. ':'
  local now = standing(new)
  -- One of which nothing is known may stand anywhere: somebody has let the ledger forget it.
  local places = old and {{standing(old) or nil}} or {{{", ".join(repr(state) for state in UNFINISHED)}}}
  for _, place in ipairs(places) do
    if place ~= now then redis.call('ZREM', stem .. place, key) end
  end
  if not now then return end
  -- A doubt is as old as its write, all else as old as what is known of the code or invoice.
  local doubt = now == 'intent' or now == 'unknown'
  redis.call('ZADD', stem .. now, doubt and new.sent_at or seen or new.at or 0, key)
end
"""
_MISSING = f"""
-- The problem that `verify` opened because nothing stood and nothing said why.
local function missing(key)
  local kind = string.match(key, '^code:') and '{FindingKind.ITEM_MISSING}' or '{FindingKind.BILL_MISSING}'
  return '{FINDINGS}' .. kind .. ':' .. key
end
"""
_HAS_ADOPTED = """
-- Whether a code's record says that it has adopted an Item. The index of adopted Items alone may be outdated: a worker of an older
-- version may have forgotten the code without it.
local function has_adopted(prefix, code, item_id)
  local project, number = string.match(code, '^code:(%d+):(%d+)$')
  local stored = project and redis.call('HGET', prefix .. 'codes:' .. project, number)
  local record = stored and cjson.decode(stored)
  return record and record.state == 'adopted' and record.remote_id == item_id
end
"""
_WRITE = (
    OPEN
    + _MISSING
    + _HAS_ADOPTED
    + TELL
    + _FIRST_SEEN
    + _INDEX
    + """
-- KEYS: records, problems, projects, lock, journal, current run, series. ARGV: field, record, fence, is done, problem key, problem,
-- 'ended' or '', project, the lock's token for an intent or '', words and next time for the journal, who asked or '' for
-- the run's trigger, prefix, the keys under which a run may wait for it
-- Returns 1 = recorded, 0 = not, -1 = its series is stopped; after 1 the fields of its series, for a record that was just created
-- An intent is only noted under the lock as it stands now: whoever takes the lock later will read it.
if ARGV[8] ~= '' then
  if redis.call('GET', KEYS[4]) ~= ARGV[8] then return {0} end
  if redis.call('HEXISTS', KEYS[7], '"""
    + STOPPED
    + """') == 1 then return {-1} end
end
local old = redis.call('HGET', KEYS[1], ARGV[1])
local stored = old and cjson.decode(old)
if stored and ARGV[4] == '0' then
  if stored.state == 'created' or stored.state == 'adopted' then return {0} end
  if (stored.fence or 0) > tonumber(ARGV[3]) then return {0} end
end
local record = cjson.decode(ARGV[2])
if record.state == 'adopted' and record.remote_id and string.match(ARGV[5], '^code:') then
  local holder = redis.call('HGET', ARGV[12] .. 'adopted', record.remote_id)
  if holder and holder ~= ARGV[5] and has_adopted(ARGV[12], holder, record.remote_id) then return {0} end
  redis.call('HSET', ARGV[12] .. 'adopted', record.remote_id, ARGV[5])
end
local seen, by = stored and stored.seen, stored and stored.by
if not stored then
  seen = redis.call('TIME')[1]
  by = ARGV[11] ~= '' and ARGV[11] or trigger(KEYS[6], ARGV[12], ARGV[13], ARGV[14])
end
redis.call('HSET', KEYS[1], ARGV[1], first_seen(ARGV[2], seen, by))
redis.call('SADD', KEYS[3], ARGV[7])
tell(KEYS[5], ARGV[9], ARGV[10])
index(ARGV[12], ARGV[5], stored, record, seen)
if ARGV[4] == '1' and not (stored and (stored.state == 'created' or stored.state == 'adopted')) then
  redis.call('HINCRBY', ARGV[12] .. 'totals', string.match(ARGV[5], '^%a+') .. ':' .. record.state, 1)
end
-- A problem stays open while its work goes on: only an end closes it.
if ARGV[6] == 'ended' then close(KEYS[2], ARGV[5])
elseif ARGV[6] ~= '' then open(KEYS[2], ARGV[5], ARGV[6]) end
-- Now the Item or the bill stands, or something says why not: what `verify` told is no longer so.
if ARGV[6] ~= '' then
  close(KEYS[2], missing(ARGV[5]))
  -- The problem says what a finding of the same kind said before.
  if record.cause then close(KEYS[2], '"""
    + FINDINGS
    + """' .. record.cause .. ':' .. ARGV[5]) end
end
if record.state ~= 'created' then return {1} end
return {1, unpack(redis.call('HGETALL', KEYS[7]))}
"""
)
_REPORT = (
    OPEN
    + TELL
    + """
-- KEYS: problems, journal. ARGV: problem key, problem, words and next time for the journal
tell(KEYS[2], ARGV[3], ARGV[4])
return open(KEYS[1], ARGV[1], ARGV[2])
"""
)
_OPEN_LEDGER = (
    RUNNING_SERVER
    + """
-- KEYS: ledger's state, rebuild so far, store. ARGV: since, seconds after the store began in which others may report a loss,
-- 1 when nothing is known of adopted Items
local now = redis.call('TIME')
redis.call('DEL', KEYS[2])
local opened_at = string.format('%d.%06d', now[1], now[2])
local store = redis.call('HMGET', KEYS[3], 'since', 'lost')
local since, met = ARGV[1], opened_at
if store[2] and tonumber(store[2]) > tonumber(since) then since = store[2] end
local reported_by = tonumber(store[1] or '0') + tonumber(ARGV[2])
if reported_by > tonumber(met) then met = string.format('%.6f', reported_by) end
redis.call('HSET', KEYS[1], 'since', since, 'opened_at', opened_at, 'met', met)
if ARGV[3] == '1' and tonumber(since) > 0 then redis.call('HSET', KEYS[1], 'adoptions_lost', 1) end
local server = running_server()
if server then redis.call('HSET', KEYS[1], 'server', server, 'looked_through', server) end
return 1
"""
)
_NEW_SERVER = (
    RUNNING_SERVER
    + """
-- KEYS: ledger's state. ARGV: seconds that it has to run. Returns its run id, '' when there is nothing to look through
local state = redis.call('HMGET', KEYS[1], 'since', 'looked_through')
local server, runs_for = running_server()
if not state[1] or not server or server == state[2] or runs_for < tonumber(ARGV[1]) then return '' end
return server
"""
)
_PLAN = (
    TELL
    + _FIRST_SEEN
    + _INDEX
    + """
-- KEYS: records, projects, current run. ARGV: project, key of the scan, who asked or '' for the run's trigger, prefix, what the
-- codes' journals begin with, (field, record)... Returns the fields that were taken.
local taken, now = {}, redis.call('TIME')[1]
local by = ARGV[3] ~= '' and ARGV[3] or trigger(KEYS[3], ARGV[4], ARGV[2])
for i = 6, #ARGV, 2 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  local stored = old and cjson.decode(old) or {seen = now, by = by}
  local state = stored.state
  if not (state == 'created' or state == 'adopted' or state == 'intent' or state == 'unknown') then
    redis.call('HSET', KEYS[1], ARGV[i], first_seen(ARGV[i + 1], stored.seen, stored.by))
    index(ARGV[4], 'code:' .. ARGV[1] .. ':' .. ARGV[i], stored, cjson.decode(ARGV[i + 1]), stored.seen)
    if state == 'blocked' then tell(ARGV[5] .. ARGV[i], '"planned",' .. cjson.encode({by = by}), 0) end
    taken[#taken + 1] = ARGV[i]
  end
end
redis.call('SADD', KEYS[2], ARGV[1])
return taken
"""
)

_FORGET = (
    TELL
    + """
-- KEYS: records, lock, journal, adopted Items. ARGV: field, the lock's token, internal id, words and next time for the journal, code
local old = redis.call('HGET', KEYS[1], ARGV[1])
local stored = old and cjson.decode(old)
if redis.call('GET', KEYS[2]) ~= ARGV[2] or not stored then return 0 end
if not (stored.state == 'created' or stored.state == 'adopted') or stored.remote_id ~= ARGV[3] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
if redis.call('HGET', KEYS[4], ARGV[3]) == ARGV[6] then redis.call('HDEL', KEYS[4], ARGV[3]) end
tell(KEYS[3], ARGV[4], ARGV[5])
return 1
"""
)
_RESOLVE = (
    OPEN
    + """
-- KEYS: problems. ARGV: problem keys. Returns how many were open
local closed = 0
for _, key in ipairs(ARGV) do closed = closed + close(KEYS[1], key) end
return closed
"""
)

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
        self._state = f"{prefix}ledger"
        self._rebuild = f"{prefix}ledger:rebuild"
        self._projects = f"{prefix}ledger:projects"
        self._problems = f"{prefix}problems"
        self._adopted = f"{prefix}adopted"
        self.journal = Journal(client, prefix)
        self._sizes = Sizes(client)
        self._write = client.register_script(_WRITE)
        self._plan = client.register_script(_PLAN)
        self._report = client.register_script(_REPORT)
        self._forget = client.register_script(_FORGET)
        self._resolve = client.register_script(_RESOLVE)
        self._open = client.register_script(_OPEN_LEDGER)
        self._new_server = client.register_script(_NEW_SERVER)

    def code(self, key: CodeKey) -> Record | None:
        """What is known of one WBS code."""
        return _decoded(self._client.hget(self._codes(key.project_id), str(key.wbs_code_id)))

    def codes(self, project_id: int, wbs_code_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Known codes of a project: all, or those asked for."""
        return self._read(self._codes(project_id), wbs_code_ids)

    def adopted(self, project_id: int) -> dict[int, str]:
        """The ids of the Items that codes of a project have adopted. Hardly any code has, so only their records are parsed."""
        texts = self._client.hgetall(self._codes(project_id))
        adopted = {int(field): _record(text) for field, text in texts.items() if f'"{State.ADOPTED}"' in text}
        return {
            number: record.remote_id
            for number, record in adopted.items()
            if record.state is State.ADOPTED and record.remote_id
        }

    def invoice(self, key: InvoiceKey) -> Record | None:
        """What is known of one invoice."""
        return _decoded(self._client.hget(self._invoices(key.project_id), str(key.invoice_id)))

    def invoices(self, project_id: int, invoice_ids: Iterable[int] | None = None) -> dict[int, Record]:
        """Known invoices of a project: all, or those asked for."""
        return self._read(self._invoices(project_id), invoice_ids)

    def project_of(self, invoice_id: int) -> int | None:
        """The project of an invoice that has a record; None for any other. Asks once for each project."""
        known = (number for number in self.projects() if self.invoice(InvoiceKey(number, invoice_id)))
        return next(known, None)

    def place(self, key: CodeKey | InvoiceKey) -> tuple[str, int]:
        """Where in Redis a record stands: for who takes its lock, which then has the record (`read_with`)."""
        return self._records(key), _field(key)

    def read_with(self, lock: Lock) -> Record | None:
        """The record that was read with a lock."""
        return _decoded(lock.text)

    def projects(self) -> list[int]:
        """Projects of which anything is known."""
        return sorted(int(project_id) for project_id in self._client.smembers(self._projects))

    def write(self, key: CodeKey | InvoiceKey, record: Record, told: Happening | None = None) -> bool:
        """Record what is known now; False when the ledger already holds something later or more certain.

        Nor does it take one Item for two codes. A blocked record opens a problem in the same step; one that is done or skipped closes it.
        Both close the findings of `verify` that the Item or the bill is missing; a blocked one also closes a finding of the same kind as
        its problem. The journal gets `told`, or an entry made from the record.
        """
        return self._written(key, record, "", "", told)[0]

    def write_created(self, key: CodeKey | InvoiceKey, record: Record) -> SeriesState:
        """Record what was created just now. Returns the state of its series after that, which decides whether it is read back."""
        return self._written(key, record, "", "")[1]

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
        args = [
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
        keys = [self._records(key), self._problems, self._projects, lock_key, self.journal.place(key), self._run(key)]
        result, *fields = self._write(keys=[*keys, series_key(self._prefix, series)], args=args)
        if int(result) < 0:
            raise SeriesStopped(f"the series of {series} is stopped")
        return bool(result), state_of(dict(zip(fields[::2], fields[1::2], strict=True)))

    def plan_codes(self, project_id: int, records: Mapping[int, Record], *, by: str = "") -> list[int]:
        """Note codes that need an Item, but none that has one or whose write is in doubt. Gives those noted.

        Their problems stay open until the Item stands. `by`: who asked; "" for the scan that goes on.
        """
        pairs = [part for field, record in records.items() for part in (field, _encoded(record))]
        any_code = CodeKey(project_id, 0)
        keys = [self._codes(project_id), self._projects, self._run(any_code)]
        journals = self.journal.place(any_code).removesuffix("0")
        args = [project_id, scan_of(project_id), by, self._prefix, journals, *pairs]
        return [int(field) for field in self._plan(keys=keys, args=args)]

    def forget(self, key: CodeKey | InvoiceKey, record: Record, lock: Lock, told: Happening) -> bool:
        """Know nothing any more of what is recorded as done; its journal stays, and gets `told`.

        False when the lock is lost or the record says something else by now.
        """
        keys = [self._records(key), lock.key, self.journal.place(key), self._adopted]
        args = [_field(key), lock.token, record.remote_id, *words_of(told), str(key)]
        return bool(self._forget(keys=keys, args=args))

    def restore(self, records: Mapping[KeyT, Record]) -> Restored[KeyT]:
        """Take in what stands in NetSuite for codes or invoices of which nothing is known. What is known is kept."""
        keys = list(records)
        if not keys:
            return Restored(0, [])
        with self._client.pipeline(transaction=False) as together:
            for key in keys:
                together.hsetnx(self._records(key), str(_field(key)), _encoded(records[key]))
            for project_id in {key.project_id for key in keys}:
                together.sadd(self._projects, project_id)
            new = [bool(answer) for answer in together.execute()[: len(keys)]]
        known = [key for key, is_new in zip(keys, new, strict=True) if not is_new]
        stands = self.records_of(known)
        others = [key for key in known if stands[key].done and stands[key].remote_id != records[key].remote_id]
        return Restored(sum(new), others)

    def records_of(self, keys: Iterable[KeyT]) -> dict[KeyT, Record]:
        """The records of codes or invoices of many projects, of those that have one: one command for each project."""
        places: dict[str, list[KeyT]] = {}
        for key in keys:
            places.setdefault(self._records(key), []).append(key)
        found: dict[KeyT, Record] = {}
        for place, some in places.items():
            records = self._read(place, [_field(key) for key in some])
            found |= {key: records[_field(key)] for key in some if _field(key) in records}
        return found

    def unfinished(self) -> list[Unfinished]:
        """All that is not at its end, by kind and state, those of which there is none too. One command, however many there are."""
        places = [(kind, state) for kind in ("code", "invoice") for state in UNFINISHED]
        found = self._sizes([f"{self._prefix}unfinished:{kind}:{state}" for kind, state in places])
        return [Unfinished(kind, state, *one) for (kind, state), one in zip(places, found, strict=True)]

    def totals(self) -> dict[tuple[str, str], int]:
        """How many codes and invoices came to stand since this ledger began, by kind and `created` or `adopted`."""
        stored = self._client.hgetall(f"{self._prefix}totals")
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
        return str(self._new_server(keys=[self._state], args=[runs_for]))

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
            keys=[self._state, self._rebuild, f"{self._prefix}store"],
            args=[since, locks.KEPT_SECONDS, int(not adoptions_known)],
        )

    def rebuild_so_far(self) -> dict[str, int]:
        """The counts that a rebuild has kept; empty when none is under way or was interrupted."""
        return {name: int(count) for name, count in self._client.hgetall(self._rebuild).items()}

    def keep_rebuild(self, counts: Mapping[str, int]) -> None:
        """Keep how far a rebuild has come, for the one that goes on with it and for those who watch. Opening the ledger ends it."""
        self._client.hset(self._rebuild, mapping=dict(counts))

    def server_stops_in_order(self) -> None:
        """The server is about to write everything to disk and end: whoever starts it next has lost nothing."""
        self._client.hdel(self._state, "server")

    def report(self, key: str, cause: Cause, facts: Mapping[str, str], *, at: float) -> bool:
        """Open a problem that belongs to no single code or invoice. True when it was not open before: say it once."""
        of_one = key.startswith(("code:", "invoice:"))
        told = words_of(Happening(What.BLOCKED, {"cause": cause, **facts}) if of_one else None)
        args = [key, problem_text(cause, facts, at), *told]
        return bool(self._report(keys=[self._problems, f"{self.journal.stem}{key}"], args=args))

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
        return f"{self._prefix}run:current:{kind}"

    def _records(self, key: CodeKey | InvoiceKey) -> str:
        return self._codes(key.project_id) if isinstance(key, CodeKey) else self._invoices(key.project_id)

    def _codes(self, project_id: int) -> str:
        return f"{self._prefix}codes:{project_id}"

    def _invoices(self, project_id: int) -> str:
        return f"{self._prefix}invoices:{project_id}"


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
