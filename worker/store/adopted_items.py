"""Which code has adopted which Item. Only the ledger's records show it: an adopted Item need not have an external id of wbs-sync.

An index finds the code of an Item without reading all records. A copy of the index in DATA_DIR survives a lost Redis.
"""

from __future__ import annotations

from collections.abc import Sequence

from worker.domain.identities import INTERNAL_ID, CodeKey
from worker.domain.outcomes import State
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.ledger import Ledger
from worker.store.local_file import Copy


class AdoptedItems:
    """The index and its copy on this machine."""

    def __init__(self, client: Redis, prefix: str, ledger: Ledger, copy: Copy) -> None:
        self._client = client
        self._index = Keys(prefix).adopted
        self._ledger = ledger
        self._copy = copy

    def by(self, project_id: int, item_ids: Sequence[str]) -> dict[str, CodeKey]:
        """Return the codes that have adopted some Items, by the Items' internal ids.

        An index entry counts only if the code's record agrees. Also reads the records of the project that needs the Items, since a worker of an
        older version adopts without the index: most often, another code of the same project has the Item.
        """
        found = self._indexed(item_ids)
        wanted = set(item_ids) - found.keys()
        others = self._ledger.adopted(project_id) if wanted else {}
        return found | {item_id: CodeKey(project_id, number) for number, item_id in others.items() if item_id in wanted}

    def ids(self) -> set[str]:
        """Return the ids of all Items in the index."""
        return set(self._client.hgetall(self._index))

    def of_others(self, project_id: int) -> dict[int, CodeKey]:
        """Return the codes of a project (by id) whose Item belongs to another code in the ledger, each with that other code.

        An Item belongs to the code for which it was created, else to the code in the index.
        """
        done = {number: record for number, record in self._ledger.codes(project_id).items() if record.done}
        owners = self._indexed(list({record.remote_id for record in done.values()}))
        # Created records come last, so that they override.
        for number, record in sorted(done.items(), key=lambda pair: (pair[1].state is State.CREATED, -pair[0])):
            key = CodeKey(project_id, number)
            if record.state is State.CREATED:
                owners[record.remote_id] = key
            else:
                owners.setdefault(record.remote_id, key)
        return {
            number: owners[record.remote_id]
            for number, record in done.items()
            if owners[record.remote_id] != CodeKey(project_id, number)
        }

    def index(self) -> None:
        """Add every adopted Item of the ledger to the index: workers of an older version do not maintain it."""
        with self._client.pipeline(transaction=False) as together:
            for project_id in self._ledger.projects():
                for number, item_id in self._ledger.adopted(project_id).items():
                    together.hsetnx(self._index, item_id, str(CodeKey(project_id, number)))
            together.execute()

    def keep_copy(self, ledger_opened_at: str) -> None:
        """Copy the index of the ledger with this `opened_at` to DATA_DIR, if the copy differs."""
        stored = sorted(self._client.hgetall(self._index).items())
        items = {item_id: code for item_id, code in stored if INTERNAL_ID.fullmatch(item_id)}
        self._copy.write({"ledger": ledger_opened_at, "items": items})

    def copy_is_of(self, ledger_opened_at: str) -> bool:
        """Return whether the copy is of this ledger, or missing."""
        kept = self._copy.read()
        return not kept or kept.get("ledger") == ledger_opened_at

    def has_copy(self) -> bool:
        """Return whether this machine has a copy, even an empty one."""
        return bool(self._copy.read())

    def copied(self) -> dict[CodeKey, str]:
        """Return the Item ids in the copy by the codes that have adopted them."""
        items = self._copy.read().get("items")
        return {CodeKey.parse(code): str(each) for each, code in (items if isinstance(items, dict) else {}).items()}

    def _indexed(self, item_ids: Sequence[str]) -> dict[str, CodeKey]:
        """Return the code of each Item that is in the index and in the code's record, by Item id."""
        entries = zip(item_ids, self._client.hmget(self._index, item_ids) if item_ids else (), strict=True)
        keys = {item_id: CodeKey.parse(code) for item_id, code in entries if code}
        records = self._ledger.records_of(keys.values())
        return {
            item_id: key
            for item_id, key in keys.items()
            if (record := records.get(key)) and record.state is State.ADOPTED and record.remote_id == item_id
        }
