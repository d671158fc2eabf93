"""How a record of the ledger is stored: as a small JSON text, which the scripts and other versions read too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from worker.domain.outcomes import Record, State, stored_due
from worker.domain.problems import cause_of

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
