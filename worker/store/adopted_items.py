"""Which code has adopted which Item: known from the ledger's records alone, since an adopted Item need not carry our external id.

An index finds the code of an Item without reading all records. A copy of it in DATA_DIR outlives a lost Redis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from worker.domain.identities import INTERNAL_ID, CodeKey
from worker.domain.outcomes import State
from worker.store import local_file
from worker.store.client import Redis
from worker.store.keys import Keys
from worker.store.ledger import Ledger


class AdoptedItems:
    """The index, and its copy. `owner`: whose ledger this is (key prefix, company and account), under which the copy is kept."""

    def __init__(self, client: Redis, prefix: str, ledger: Ledger, *, owner: str, file: Path) -> None:
        self._client = client
        self._index = Keys(prefix).adopted
        self._ledger = ledger
        self._owner = owner
        self._file = file

    def by(self, project_id: int, item_ids: Sequence[str]) -> dict[str, CodeKey]:
        """Which codes have adopted some Items, by the Items' internal ids.

        The index is believed where the code's record agrees. The records of the project in which the Items are wanted are read
        too: a worker of an older version adopts without the index, and mostly another code of the same project has the Item.
        """
        found = self._indexed(item_ids)
        wanted = set(item_ids) - found.keys()
        others = self._ledger.adopted(project_id) if wanted else {}
        return found | {item_id: CodeKey(project_id, number) for number, item_id in others.items() if item_id in wanted}

    def ids(self) -> set[str]:
        """The ids of all Items in the index."""
        return set(self._client.hgetall(self._index))

    def of_others(self, project_id: int) -> dict[int, CodeKey]:
        """For each code of a project (by id) whose Item by the ledger is another code's: that other code.

        The Item is the code's for which it was made, or else the one's that the index names.
        """
        done = {number: record for number, record in self._ledger.codes(project_id).items() if record.done}
        owners = self._indexed(list({record.remote_id for record in done.values()}))
        # Made for a code comes last, so that it overrides.
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
        """Put every adopted Item of the ledger into the index; workers of an older version keep none."""
        with self._client.pipeline(transaction=False) as together:
            for project_id in self._ledger.projects():
                for number, item_id in self._ledger.adopted(project_id).items():
                    together.hsetnx(self._index, item_id, str(CodeKey(project_id, number)))
            together.execute()

    def keep_copy(self, ledger_opened_at: str) -> None:
        """Copy the index into DATA_DIR, as that of the ledger that was opened then; nothing is written that is there already."""
        stored = self._client.hgetall(self._index)
        items = {item_id: code for item_id, code in sorted(stored.items()) if INTERNAL_ID.fullmatch(item_id)}
        copy = {"ledger": ledger_opened_at, "items": items}
        kept = local_file.read(self._file)
        if kept.get(self._owner) != copy:
            local_file.write(self._file, {**kept, self._owner: copy})

    def copy_is_of(self, ledger_opened_at: str) -> bool:
        """Whether the copy is of this ledger, or there is none."""
        kept = self._copy()
        return not kept or kept.get("ledger") == ledger_opened_at

    def has_copy(self) -> bool:
        """Whether this machine knows what was adopted, though it be nothing."""
        return bool(self._copy())

    def copied(self) -> dict[CodeKey, str]:
        """The Items' ids in the copy, by the codes that have adopted them."""
        items = self._copy().get("items")
        return {
            CodeKey.parse(code): str(item_id) for item_id, code in (items if isinstance(items, dict) else {}).items()
        }

    def _indexed(self, item_ids: Sequence[str]) -> dict[str, CodeKey]:
        held = zip(item_ids, self._client.hmget(self._index, item_ids) if item_ids else (), strict=True)
        holders = {item_id: CodeKey.parse(code) for item_id, code in held if code}
        records = self._ledger.records_of(holders.values())
        return {
            item_id: key
            for item_id, key in holders.items()
            if (record := records.get(key)) and record.state is State.ADOPTED and record.remote_id == item_id
        }

    def _copy(self) -> Mapping[str, object]:
        kept = local_file.read(self._file).get(self._owner)
        return kept if isinstance(kept, dict) else {}
