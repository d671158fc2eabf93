"""A run of all invoices that finds nothing new: its requests to Procore and NetSuite, for many that are billed, claimed by others, or blocked."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.figures import Sheet
from benchmarks.installation import Installation, until
from config.names import TaskName
from simulators.company import build_company
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Record, State

PROJECTS, INVOICES, BLOCKED, PAGE = 40, 5_000, 500, 100
"""Of the invoices half are billed and half claimed by another integration; the blocked ones come on top."""
READS_APART_SECONDS = 2.5


def reruns(*, runs: int) -> Sheet:
    """Measure scheduled runs one after the other."""
    sheet = Sheet(
        "reruns",
        f"{PROJECTS} projects, {INVOICES:,} invoices that are billed or claimed by others, {BLOCKED} blocked ones; Procore's pages of {PAGE}",
    )
    first, second, procore, netsuite, read, asked = [], [], [], [], [], []
    for _ in range(runs):
        with (
            tempfile.TemporaryDirectory() as folder,
            Installation(Path(folder), profile=f"large:{PROJECTS}x5", slots=5) as site,
        ):
            pages = _fill(site)
            site.work(("items", "invoices"), threads=16)
            first.append(_blocked_read(site, "schedule") / BLOCKED)
            time.sleep(READS_APART_SECONDS)
            second.append(_blocked_read(site, "schedule") / BLOCKED)
            time.sleep(READS_APART_SECONDS)
            read.append(_blocked_read(site, "schedule") / BLOCKED)
            traffic = site.remotes.traffic()
            procore.append(len(traffic.procore) / pages)
            netsuite.append(len(traffic.netsuite))
            asked.append(_blocked_read(site, "command line") / BLOCKED)
    sheet.add("blocked invoices read by the first run / all of them", "", first)
    sheet.add("blocked invoices read by the second run, which repeats the reads / all of them", "", second)
    sheet.add("blocked invoices read by each later run within some hours / all of them", "", read, at_most=0.1)
    sheet.add("a later run: Procore requests / pages of the lists", "", procore, at_most=1.1)
    sheet.add("a later run: NetSuite requests", "", netsuite, at_most=0)
    sheet.add("blocked invoices read by a run that a person starts / all of them", "", asked, at_least=1)
    return sheet


def _fill(site: Installation) -> int:
    """Create the invoices in Procore and their records in the ledger; return the number of pages of the lists of projects and invoices."""
    company = build_company(1, site.profile)
    vendor = next(iter(company.vendors))
    site.container.recovery.ensure_ledger()
    a_project = INVOICES // PROJECTS
    for place, (project_id, project) in enumerate(company.projects.items()):
        line = [[next(iter(project.codes)), "900.00"]]
        billed: dict[InvoiceKey, Record] = {}
        for number in range(a_project + BLOCKED // PROJECTS + (place < BLOCKED % PROJECTS)):
            added: dict[str, Any] = {"project_id": project_id, "vendor": vendor, "lines": line}
            invoice_id = site.remotes.edit("add_invoice", invoice_number=f"R-{project_id}-{number}", **added)
            if number < a_project // 2:
                origin_id = f"ns-vendorbill-{invoice_id}"
                billed[InvoiceKey(project_id, invoice_id)] = Record(State.CREATED, f"R-{number}", str(invoice_id))
            elif number < a_project:
                origin_id = f"sage-{invoice_id}"
            else:
                site.remotes.edit("edit_invoice", invoice_id=invoice_id, shown={"billing_date": None})
                continue
            site.remotes.edit("edit_invoice", invoice_id=invoice_id, origin_id=origin_id)
        site.container.ledger.restore(billed)
    each = a_project + -(-BLOCKED // PROJECTS)
    return 1 + PROJECTS * -(-each // PAGE)


def _blocked_read(site: Installation, trigger: str) -> int:
    """Run all invoices once, and return how many single invoices the run read."""
    site.remotes.forget()
    run, _ = site.container.export_runs.request(trigger)
    site.send(TaskName.EXPORT_APPROVED, trigger=trigger)
    until(lambda: (now := site.container.runs.run(run.id)) is not None and now.ended, "the run has ended", timeout=900)
    return len({one["path"] for one in site.remotes.traffic().procore if "/requisitions/" in one["path"]})
