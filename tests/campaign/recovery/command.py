"""`python -m tests.campaign recovery`: the rehearsal, printed as a table for people and as figures for the report."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.campaign import figures
from tests.campaign.recovery.rehearsal import CODES_PER_PROJECT, Plan, Rehearsal
from worker.cli.output import out, table


def add_to(commands: Any) -> None:
    """The command."""
    command = commands.add_parser(
        "recovery", help="Redis lost, workers killed, a thousand codes blocked: what it costs"
    )
    command.set_defaults(job=_recovery)
    command.add_argument(
        "--codes", type=int, default=50_000, help=f"codes of the company, {CODES_PER_PROJECT} a project"
    )
    command.add_argument("--json", metavar="FILE", help="write the figures to this file")


def _recovery(options: argparse.Namespace) -> int:
    began = time.monotonic()
    plan = Plan(codes=options.codes // CODES_PER_PROJECT * CODES_PER_PROJECT)
    with tempfile.TemporaryDirectory(prefix="wbs-sync-recovery-") as folder:
        rehearsal = Rehearsal(Path(folder) / "site", plan, lambda words: out.print(words, soft_wrap=True))
        try:
            rehearsal.play()
        except AssertionError as error:
            sys.stderr.write(f"Failed: {error}\n")
            return 1
    rows = [
        (step.step, f"{step.seconds:.1f}", step.procore_requests, step.netsuite_requests, step.checked)
        for step in rehearsal.steps
    ]
    table(f"Recovery at {plan.codes:,} codes", ("step", "seconds", "to Procore", "to NetSuite", "checked"), rows)
    out.print(f"{rehearsal.redis_bytes_per_code} bytes of Redis for a code; {time.monotonic() - began:.0f} s in all.")
    if options.json:
        figures.write(options.json, _figures(rehearsal))
    return 0


def _figures(rehearsal: Rehearsal) -> dict[str, Any]:
    plan = rehearsal.plan
    return {
        "codes": plan.codes,
        "steps": [asdict(step) for step in rehearsal.steps],
        "redis_bytes_per_code": rehearsal.redis_bytes_per_code,
        "netsuite": {
            "slots": plan.slots,
            "read_seconds": plan.read_seconds,
            "write_seconds": plan.write_seconds,
            "settle_seconds": plan.settle_seconds,
        },
        "machine": {"cores": os.cpu_count() or 1, "system": platform.platform(), "python": platform.python_version()},
    }
