"""What this version leaves in Redis, for the tests of the next ones: `python -m tests.upgrade.record > tests/upgrade/written/DATE-NAME.json`.

A project whose codes and invoices are in every state that a record can have, and every message that a worker or an app sends.
The company is simulated; no secret is in it, since tokens are left out.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from config.names import QUEUE_OF_TASK, TaskName
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.identities import InvoiceKey
from worker.domain.work import Lane, scan_of
from worker.local.embedded import EmbeddedServer

NUMBER = "31-500"
CODES = ["05-120.S", "05-121.S", "05-122.S", "05-123.S", "05-124.S"]
ARGUMENTS: dict[str, dict[str, Any]] = {
    "wbs.scan_projects": {"trigger": "the portal", "project_ids": [17]},
    "wbs.scan_project": {"project_id": 17},
    "wbs.plan_codes": {"project_id": 17},
    "wbs.create_item": {"project_id": 17, "wbs_code_id": 901},
    "wbs.create_items": {"project_id": 17, "wbs_code_id": 901},
    "invoices.export_approved": {"trigger": "schedule"},
    "invoices.export_project": {"project_id": 17},
    "invoices.export": {"project_id": 17, "invoice_id": 417},
    "invoices.make_items": {"project_id": 17, "invoice_id": 417, "wbs_code_ids": [901, 902]},
    "invoices.create_bill": {"project_id": 17, "invoice_id": 417},
    "ledger.resume": {},
    "ledger.reconcile": {},
}


def main() -> None:
    """Write the records to standard output."""
    with tempfile.TemporaryDirectory() as name, EmbeddedServer.start(Path(name) / "redis") as server:
        office = Installation.open(Path(name), server.url, netsuite_settle_seconds=900)
        try:
            ids = records(office)
            written = {"ids": ids, "redis": dump(office), "messages": messages(office)}
        finally:
            office.close()
    sys.stdout.write(json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def records(office: Installation) -> dict[str, Any]:
    """Do some work of every kind, and return the names of the records."""
    project = office.new_project(NUMBER, CODES)
    codes = {code.flat_code: code for code in project.budgeted_codes()}
    made, adopted, unknown, blocked, waiting = (codes[name] for name in CODES)
    # A person made two Items, and made one of them inactive.
    office.netsuite.make_item(f"{NUMBER}-{adopted.flat_code}")
    given_up = office.netsuite.make_item(f"{NUMBER}-{blocked.flat_code}")
    office.netsuite.edit_item(given_up.id, isinactive=True)
    run, _ = office.container.start_scan("the portal", [project.id])
    office.container.runner.run(scan_of(project.id))
    office.make_item(project, made)
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": ITEM_PATH}])
    office.make_item(project, unknown)
    office.clear_faults()
    billed = office.new_invoice(project, (made.flat_code, "900.00"), invoice_number="A-1")
    credit = office.new_invoice(project, (made.flat_code, "-900.00"), invoice_number="C-1")
    without_bill = office.new_invoice(project, (waiting.flat_code, "500.00"), invoice_number="A-2")
    draft = office.new_invoice(project, (made.flat_code, "100.00"), invoice_number="D-1", status="draft")
    for invoice in (billed, credit, draft):
        office.export(invoice)
    office.container.work.add(Lane.EXPORTS, [str(InvoiceKey(project.id, without_bill.id))])
    invoices = {"billed": billed, "credit": credit, "lacking": without_bill, "draft": draft}
    return {
        "project": project.id,
        "codes": {name: code.id for name, code in codes.items()},
        "invoices": {name: invoice.id for name, invoice in invoices.items()},
        "run": run.id,
    }


def dump(office: Installation) -> dict[str, Any]:
    """Return all keys without their prefix, except those of this process alone (tokens, locks, facts of the account)."""
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    read = {
        "string": redis.get,
        "hash": redis.hgetall,
        "set": lambda key: sorted(redis.smembers(key)),
        "zset": lambda key: dict(redis.zrange(key, 0, -1, withscores=True)),
        "list": lambda key: redis.lrange(key, 0, -1),
    }
    kept = {}
    for key in sorted(redis.keys(f"{prefix}*")):
        name = key.removeprefix(prefix)
        if not re.match(r"token|lock|gate|limit|cache|netsuite:|procore:|account|links|slots|unacked|_kombu", name):
            kind = redis.type(key)
            kept[name] = {"type": kind, "value": read[kind](key)}
    return kept


def messages(office: Installation) -> list[dict[str, str]]:
    """Every task's message as this version's own app sends it, and the chain of an export, raw: [{"queue": ..., "raw": ...}]."""
    prefix = office.container.settings.redis_key_prefix
    os.environ |= office.stage.env
    os.environ |= {"REDIS_URL": office.container.redis_url, "REDIS_KEY_PREFIX": prefix}
    from celery import chain

    from worker.app import app

    for task in TaskName:
        app.send_task(task.value, kwargs=ARGUMENTS[task.value], ignore_result=True)
    ids = ARGUMENTS["invoices.export"]
    chain(
        app.signature("invoices.make_items", kwargs=ARGUMENTS["invoices.make_items"], immutable=True),
        app.signature("invoices.create_bill", kwargs=ids, immutable=True),
    ).apply_async()
    # The name of the machine is not recorded.
    return [
        {"queue": queue, "raw": re.sub(r'"gen\d+@[^"]*"', '"gen1@producer"', raw)}
        for queue in sorted({queue.value for queue in QUEUE_OF_TASK.values()})
        for raw in office.container.redis.lrange(prefix + queue, 0, -1)
    ]


if __name__ == "__main__":
    main()
