"""A saved plan is signed, so that what is applied is what was approved.

Each line carries a code over all of its fields and the plan's id, made with a key that only the installation has: a line that was changed,
or that comes from another plan or program, does not fit. Whole lines may be taken out. The plan's id is a digest over everything that
the plan says; whoever approves a plan can write it down.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, replace
from typing import Any

from worker.domain.plans import Plan, PlanLine

ID_LENGTH = 12
"""Hexadecimal digits of a plan's id: short enough to be written down, too long to be met by chance."""


def signed(plan: Plan, key: str) -> Plan:
    """The plan with its id, the number of its lines, and a code for each line and for the head."""
    lines = tuple(replace(line, fingerprint="") for line in plan.lines)
    plain = replace(plan, id="", count=len(lines), signature="", lines=lines)
    plan_id = hashlib.sha256(_text(asdict(plain))).hexdigest()[:ID_LENGTH]
    lines = tuple(replace(line, fingerprint=_line_code(line, plan_id, key)) for line in lines)
    whole = replace(plain, id=plan_id, lines=lines)
    return replace(whole, signature=_head_code(whole, key))


def has_signed_head(plan: Plan, key: str) -> bool:
    """Whether the head is as the installation with this key wrote it."""
    return bool(key) and hmac.compare_digest(plan.signature.encode(), _head_code(plan, key).encode())


def edited_lines(plan: Plan, key: str) -> list[PlanLine]:
    """Lines that this installation did not write into this plan as they are."""
    return [
        line
        for line in plan.lines
        if not hmac.compare_digest(line.fingerprint.encode(), _line_code(line, plan.id, key).encode())
    ]


def _line_code(line: PlanLine, plan_id: str, key: str) -> str:
    return _code(key, {"plan": plan_id, **asdict(replace(line, fingerprint=""))})


def _head_code(plan: Plan, key: str) -> str:
    return _code(key, asdict(replace(plan, signature="", lines=())))


def _code(key: str, content: dict[str, Any]) -> str:
    return hmac.new(key.encode(), _text(content), hashlib.sha256).hexdigest()[:32]


def _text(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True).encode()
