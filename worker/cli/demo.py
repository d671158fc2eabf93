"""`wbs-sync demo`: sync a simulated company on this machine alone."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click

from config.loading import is_ours, load_settings
from config.names import TaskName
from worker.cli.check import print_check
from worker.cli.output import FAILED, Fault, err, out, print_json, styled, table
from worker.cli.runs import print_problems, print_run, run_report
from worker.cli.session import open_container, send, wait_until, watch
from worker.cli.simulate import SimulatorsProcess
from worker.cli.stack import Stack
from worker.cli.verify import as_dict, print_verified, run_verification
from worker.container import Container
from worker.store.runs import Run

SLOTS = 15
START_TIMEOUT_SECONDS = 60.0
"""Seconds to wait until workers and beat run. They usually need a few; a busy machine takes longer."""
DEMO_SETTINGS = {
    "NETSUITE_CONCURRENCY": str(SLOTS),
    "FLOWER_PORT": "0",
    "LOG_LEVEL": "INFO",
}
"""Simulates a Premium-tier NetSuite account: 15 concurrent requests."""
NETSUITE_BEHAVIOUR = {"concurrency_limit": SLOTS, "read_latency": 0.03, "write_latency": 0.12}
PROCORE_BEHAVIOUR = {"latency": 0.02, "spike_limit": 1000, "hourly_limit": 14_400}
"""Faster than the real systems, and with the raised rate limits that Procore grants on request."""
SEEDED_CAUSES = frozenset(
    {
        "blocked_codes",
        "document_number_taken",
        "foreign_currency",
        "item_inactive",
        "item_type_mismatch",
        "line_missing_code",
        "lines_do_not_tie",
        "name_has_colon",
        "name_not_unique",
        "name_too_long",
        "needs_vendor_credit",
        "period_closed",
        "project_not_linked",
        "project_not_readable",
        "project_number_missing",
        "vendor_ambiguous",
        "vendor_not_linked",
    }
)
"""Seeded error cases of the simulated company: each must end as exactly this problem."""


@click.command()
@click.option("--keep", is_flag=True, help="Keep everything running until Ctrl-C.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed for the simulated data.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value at the end instead of tables.")
def demo(keep: bool, seed: int, as_json: bool) -> None:
    """Simulate a contractor with 24 projects: create its Items, export its approved invoices, and verify the result.

    Needs no account, no Redis and no network. The exit code is 0 if every result is as expected, including the seeded error cases.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="wbs-sync-demo-"))
    _isolate(folder)
    out.quiet = as_json
    try:
        with SimulatorsProcess.start(profile="demo", seed=seed, data_dir=folder) as simulators:
            report, faults = _run(simulators, folder, keep=keep)
    finally:
        out.quiet = False
        os.chdir(folder.parent)
        shutil.rmtree(folder, ignore_errors=True)
    report["seconds"] = round(time.monotonic() - began, 1)
    if as_json:
        print_json(report)
    for fault in faults:
        err.print(styled(("Failed:", "red"), f" {fault}"), soft_wrap=True)
    if not faults and not as_json:
        out.print(styled(("All checks passed", "green"), f" ({report['seconds']} s)."))
    sys.exit(FAILED if faults else 0)


def _isolate(folder: Path) -> None:
    """Clear settings from the environment and leave the current directory, so that the demo cannot reach a real installation."""
    for name in [name for name in os.environ if is_ours(name)]:
        del os.environ[name]
    os.chdir(folder)


def _run(simulators: SimulatorsProcess, folder: Path, *, keep: bool) -> tuple[dict[str, Any], list[str]]:
    """Run the demo, and return its report and what failed."""
    simulators.admin("netsuite", "PATCH", "settings", NETSUITE_BEHAVIOUR)
    simulators.admin("procore", "PATCH", "settings", PROCORE_BEHAVIOUR)
    os.environ |= simulators.settings | DEMO_SETTINGS | {"DATA_DIR": str(folder / "data")}
    stack = Stack.prepare(load_settings())
    try:
        stack.supervisor.start()
        out.print(f"Flower: {stack.flower_url}  (login {stack.flower_login})", soft_wrap=True)
        out.print(f"Report: {stack.report_url}", soft_wrap=True)
        result = _show(simulators, open_container())
        if keep:
            out.print()
            out.print("Still running. Press Ctrl-C to stop.")
            stack.supervisor.run_until_stopped(stack.keep_server)
    finally:
        stack.stop()
    if stack.supervisor.faults:
        raise Fault(" ".join(stack.supervisor.faults))
    return result


def _show(simulators: SimulatorsProcess, container: Container) -> tuple[dict[str, Any], list[str]]:
    _heading("1. Check: configuration, connections and permissions")
    if not wait_until(lambda: not container.liveness.now().faults, seconds=START_TIMEOUT_SECONDS):
        raise Fault(f"{' '.join(container.liveness.now().faults)} The logs are in {container.settings.data_dir}/logs.")
    checks = list(container.checks.run())
    for check in checks:
        print_check(check)
    _heading("2. Scan: create an Item for every budgeted WBS code")
    first = _scan(container)
    _heading("3. Export: create a vendor bill for every approved invoice, missing Items first")
    exported = _followed(container, container.export_runs.request("demo"), TaskName.EXPORT_APPROVED)
    not_written = container.overview.without_a_write()
    rows = ((row["outcome"], row["count"], row["reason"], row["example"]) for row in not_written)
    table("Adopted and skipped", ("outcome", "count", "reason", "example"), rows)
    print_problems(exported["problems"], title="Needs attention, by cause", by_cause=True)
    _heading("4. Scan again: nothing is sent twice")
    before = _netsuite_requests(simulators)
    second = _scan(container)
    sent = _netsuite_requests(simulators) - before
    out.print(f"NetSuite requests during the second scan: {sent}, of which {_writes(second)} write")
    _heading("5. Verify: compare Procore with NetSuite")
    verified = run_verification(container)
    print_verified(verified)
    duplicates = simulators.admin("netsuite", "GET", "duplicates")
    out.print(f"Duplicates in the simulated NetSuite: {len(duplicates['duplicates'])}")
    report = {
        "scan": first,
        "export": exported,
        "without_a_write": not_written,
        "second_scan": second,
        "verify": as_dict(verified),
        "duplicates": duplicates,
    }
    faults = [f"{check.name}: {check.message}" for check in checks if check.ok is False]
    faults += _unseeded(exported["problems"])
    faults += [finding.sentence for finding in verified.findings]
    faults += verified.not_compared.values()
    if _writes(second):
        faults.append(f"the second scan wrote {_writes(second)} records")
    if duplicates["duplicates"]:
        faults.append(f"NetSuite has duplicates: {duplicates}")
    return report, faults


def _scan(container: Container) -> dict[str, Any]:
    return _followed(container, container.wbs_scan.request("demo"), TaskName.SCAN_PROJECTS)


def _followed(container: Container, started: tuple[Run, bool], task: TaskName) -> dict[str, Any]:
    """Send the message of a started run, and return and print its report when it has ended."""
    run, joined = started
    send(task, trigger="demo")
    report = run_report(container, watch(container, run), joined=joined)
    print_run(run.kind, report)
    return report


def _writes(report: dict[str, Any]) -> int:
    return int(report["counts"].get("created", 0)) + int(report["counts"].get("adopted", 0))


def _netsuite_requests(simulators: SimulatorsProcess) -> int:
    return sum(Counter(simulators.admin("netsuite", "GET", "stats")["requests"]).values())


def _unseeded(problems: list[dict[str, Any]]) -> list[str]:
    """Return problems that were not seeded, and seeded cases that did not become a problem."""
    causes = {row["cause"] for row in problems}
    unexpected = [row["sentence"] for row in problems if row["cause"] not in SEEDED_CAUSES]
    return unexpected + [
        f"the seeded case {cause} did not become a problem" for cause in sorted(SEEDED_CAUSES - causes)
    ]


def _heading(title: str) -> None:
    out.print()
    out.print(styled((title, "bold cyan")))
