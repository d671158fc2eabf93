"""Signs a saved plan, so that what is applied is what was approved.

Each line has a signature over all of its fields and the plan's id, made with a key that only the installation has. The signature of a line
that was changed, or comes from another plan or program, does not match. Whole lines may be removed. The plan's id is a digest of the plan,
which an approver can write down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, replace
from typing import Any

from worker.domain.plans import Plan, PlanLine

ID_LENGTH = 12
"""Hexadecimal digits of a plan's id: short enough to write down, too long to match by chance."""


def signed(plan: Plan, key: str) -> Plan:
    """Return the plan with its id, its number of lines, and a signature for each line and for the head."""
    lines = tuple(replace(line, signature="") for line in plan.lines)
    unsigned = replace(plan, id="", line_count=len(lines), signature="", lines=lines)
    plan_id = hashlib.sha256(_text(asdict(unsigned))).hexdigest()[:ID_LENGTH]
    lines = tuple(replace(line, signature=_line_signature(line, plan_id, key)) for line in lines)
    whole = replace(unsigned, id=plan_id, lines=lines)
    return replace(whole, signature=_head_signature(whole, key))


def has_signed_head(plan: Plan, key: str) -> bool:
    """Return whether the head is unchanged since the installation with this key wrote it."""
    return bool(key) and _matches(plan.signature, _head_signature(plan, key))


def edited_lines(plan: Plan, key: str) -> list[PlanLine]:
    """Return the lines that this installation did not write into this plan in this form."""
    return [line for line in plan.lines if not _matches(line.signature, _line_signature(line, plan.id, key))]


def _matches(signature: str, expected: str) -> bool:
    return hmac.compare_digest(signature.encode(), expected.encode())


def _line_signature(line: PlanLine, plan_id: str, key: str) -> str:
    return _signature(key, {"plan": plan_id, **asdict(replace(line, signature=""))})


def _head_signature(plan: Plan, key: str) -> str:
    return _signature(key, asdict(replace(plan, signature="", lines=())))


def _signature(key: str, content: dict[str, Any]) -> str:
    return hmac.new(key.encode(), _text(content), hashlib.sha256).hexdigest()[:32]


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
