"""Takes the pictures of docs/flower.md: `python -m tests.real.pictures`. Needs Chromium.

A simulated company, real workers and a real Flower; addresses and passwords of this machine are on none of the pages that are shown.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from config.names import TaskName
from tests.kit import browser
from tests.kit.books import invoices
from tests.kit.ports import unused_port
from tests.kit.programs import ROOT
from tests.kit.site import PREFIX, Site
from tests.kit.waiting import eventually
from tests.real.test_flower_pages import LOGIN, asked, states, url, workers_seen

FOLDER = ROOT / "docs" / "flower"


def main() -> None:
    """Do the work of an afternoon, and take pictures of it."""
    if browser.PROGRAM is None:
        sys.exit("chromium is not installed (apt-get install chromium)")
    FOLDER.mkdir(exist_ok=True)
    env = {"FLOWER_PORT": str(unused_port()), "FLOWER_BASIC_AUTH": LOGIN}
    with tempfile.TemporaryDirectory() as name, Site.open(Path(name), profile="test", slots=5, env=env) as site:
        pages = work(site)
        with browser.logged_in(url(site), LOGIN) as door:
            for picture, (path, width, height) in pages.items():
                _, made = browser.seen(door + path, Path(name), width=width, height=height)
                shutil.move(made, FOLDER / f"{picture}.png")
                sys.stdout.write(f"{picture}: {(FOLDER / f'{picture}.png').stat().st_size} bytes\n")


def work(site: Site) -> dict[str, tuple[str, int, int]]:
    """Run a scan, an export of all, and valid and invalid messages of other apps; return the pages to show, each with its size."""
    site.flower()
    site.worker("items")
    site.worker("invoices")
    beat = site.beat()
    eventually(lambda: workers_seen(site) == 2, 90, every=0.2)
    site.ended(site.start_scan())
    run, _ = site.container.export_runs.request("test")
    site.send(TaskName.EXPORT_APPROVED, trigger="test")
    site.ended(run)
    site.comes_to_rest()
    beat.end()
    invoice = next(one for one in invoices(site.stage) if (one.origin_id or "").startswith("ns-vendorbill-"))
    project = site.stage.procore.company.projects[invoice.project_id]
    code = project.budgeted_codes()[0]
    ids = {"project_id": project.id, "invoice_id": invoice.id}
    new = site.stage.procore.add_invoice(project.id, invoice.vendor_id, [(code.flat_code, "12500.00")])
    site.redis.lpush(f"{PREFIX}items", "not even JSON")
    site.send(TaskName.SCAN_PROJECTS, trigger="the portal", project_ids=[project.id])
    site.send(TaskName.CREATE_ITEM, project_id=project.id, wbs_code_id=code.id)
    site.send(TaskName.CREATE_ITEM, project_id="seven", wbs_code_id=code.id)
    exported = site.send(TaskName.EXPORT, project_id=project.id, invoice_id=new.id)
    site.send(TaskName.EXPORT, **ids)
    eventually(lambda: states(site)["FAILURE"] == 2 and new.origin_id, every=0.2)
    eventually(lambda: set(states(site)) <= {"SUCCESS", "FAILURE", "IGNORED"}, every=0.2)
    tasks = asked(site, "/api/tasks?limit=10000")
    refused = next(task_id for task_id, task in tasks.items() if task["name"] == "messages.refused")
    worker = next(name for name in asked(site, "/api/workers?refresh=1") if name.startswith("items"))
    return {
        "tasks": ("/tasks", 1640, 640),
        "task": (f"/task/{exported}", 1200, 700),
        "refused": (f"/task/{refused}", 1200, 700),
        "workers": ("/workers", 1200, 520),
        "worker": (f"/worker/{worker}", 1200, 560),
        "report": ("/report", 1200, 900),
    }


if __name__ == "__main__":
    main()
