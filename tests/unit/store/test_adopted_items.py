"""An Item is adopted by one code: by the ledger's records, which an index finds and a file preserves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.store.adopted_items import AdoptedItems
from worker.store.ledger import Ledger
from worker.store.local_file import Copy
from worker.store.locks import LeaseKeeper, Locks

CODE, OTHER = CodeKey(17, 901), CodeKey(18, 901)
ADOPTED = Record(State.ADOPTED, "24-017-01-100.S", "5871", at=5.0)


@pytest.fixture
def ledger(client: Redis) -> Ledger:
    opened = Ledger(client, PREFIX)
    opened.state.open(since=0)
    return opened


@pytest.fixture
def adopted(client: Redis, ledger: Ledger, tmp_path: Path) -> AdoptedItems:
    return AdoptedItems(client, PREFIX, ledger, Copy(tmp_path / "adopted-items.json", "mine"))


def test_an_item_is_adopted_by_one_code(
    client: Redis, ledger: Ledger, adopted: AdoptedItems, keeper: LeaseKeeper
) -> None:
    assert ledger.write(CODE, ADOPTED)
    assert ledger.write(CODE, ADOPTED)
    assert not ledger.write(OTHER, ADOPTED)
    assert ledger.code(OTHER) is None
    # Bills have separate ids.
    assert ledger.write(InvoiceKey(17, 417), ADOPTED)
    assert adopted.by(18, ["5871", "6012"]) == {"5871": CODE}

    with Locks(client, PREFIX, keeper).hold(str(CODE)) as lock:
        assert lock is not None
        assert ledger.forget(CODE, ADOPTED, lock, AuditEvent(EventKind.CLEARED))
    assert ledger.write(OTHER, ADOPTED)
    assert adopted.by(18, ["5871"]) == {"5871": OTHER}


def as_an_older_version(client: Redis, ledger: Ledger, key: CodeKey, record: Record) -> None:
    """Write a record without the index."""
    index = client.hgetall(f"{PREFIX}adopted")
    ledger.write(key, record)
    client.delete(f"{PREFIX}adopted")
    if index:
        client.hset(f"{PREFIX}adopted", mapping=index)


def test_what_an_older_version_adopts_at_any_time_is_known(
    client: Redis, ledger: Ledger, adopted: AdoptedItems
) -> None:
    for number, item_id in enumerate(("5871", "5872"), 901):
        adopted.index()
        record = Record(State.ADOPTED, "x", item_id)
        as_an_older_version(client, ledger, CodeKey(17, number), record)
        # In its own project at once, elsewhere with the next index.
        assert adopted.by(17, [item_id]) == {item_id: CodeKey(17, number)}
        assert adopted.by(18, [item_id]) == {}
        adopted.index()
        assert adopted.by(18, [item_id]) == {item_id: CodeKey(17, number)}
        assert not ledger.write(OTHER, record)


def test_what_an_older_version_forgets_is_free_again(client: Redis, ledger: Ledger, adopted: AdoptedItems) -> None:
    ledger.write(CODE, ADOPTED)
    client.hdel(f"{PREFIX}codes:17", "901")
    assert adopted.by(17, ["5871"]) == {}
    assert ledger.write(OTHER, ADOPTED)
    assert adopted.by(17, ["5871"]) == {"5871": OTHER}


def test_the_mark_of_an_older_version_among_the_ids_is_no_item(
    client: Redis, ledger: Ledger, adopted: AdoptedItems
) -> None:
    client.hset(f"{PREFIX}adopted", "all", 1)
    ledger.write(CODE, ADOPTED)
    adopted.keep_copy("100.5")
    assert adopted.copied() == {CODE: "5871"}


def test_the_copy_is_of_one_ledger_and_one_owner(
    client: Redis, ledger: Ledger, adopted: AdoptedItems, tmp_path: Path
) -> None:
    file = tmp_path / "adopted-items.json"
    assert not adopted.has_copy()
    assert adopted.copy_is_of("100.5")
    adopted.keep_copy("100.5")
    assert adopted.has_copy()
    assert adopted.copied() == {}
    ledger.write(CODE, ADOPTED)
    adopted.keep_copy("100.5")
    assert adopted.copy_is_of("100.5")
    assert not adopted.copy_is_of("200.5")
    other_owner = AdoptedItems(client, PREFIX, ledger, Copy(file, "other"))
    assert other_owner.copied() == {}
    other_owner.keep_copy("100.5")
    assert adopted.copied() == other_owner.copied() == {CODE: "5871"}


@pytest.mark.parametrize("content", ["", "[]", '{"mine": 7}', '{"mine": {"ledger": 7, "items": 8}}'])
def test_an_unreadable_file_counts_as_missing(adopted: AdoptedItems, tmp_path: Path, content: str) -> None:
    (tmp_path / "adopted-items.json").write_text(content)
    assert adopted.copied() == {}
