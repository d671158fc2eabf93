"""Other apps send work to the workers by task name alone, as the examples do, and Procore sends it by webhooks."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema
import kombu
import pytest
import requests

from config.names import TaskName
from simulators.company.billing import Invoice
from tests.kit.books import invoices, item_identities
from tests.kit.ports import unused_port
from tests.kit.programs import ROOT, Program
from tests.kit.site import PREFIX, Site
from tests.kit.waiting import eventually
from tests.unit.domain.test_webhooks import V2, V4
from tools.message_schemas import result_schemas
from worker.domain.identities import bill_external_id, item_external_id

pytestmark = pytest.mark.real

EXAMPLES = ROOT / "examples"
NODE = shutil.which("node")
AUTHORIZATION = "Bearer a-secret-that-procore-was-told"
SOON = {"worker.sync.webhooks.GATHER_SECONDS": 0, "worker.runtime.webhooks.RESPONSE_TIMEOUT_SECONDS": 0.5}
NOTHING: Mapping[str, str] = {}
OPTIONS = {"global_keyprefix": PREFIX}
"""All that an app needs to know in addition to the address: REDIS_KEY_PREFIX of the installation."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    env = {
        "WEBHOOK_PORT": str(unused_port()),
        "WEBHOOK_AUTHORIZATION": AUTHORIZATION,
        # Beat takes it for every second, where a test says so.
        "EXPORT_CRON": "0 4 1 1 *",
    }
    with Site.open(tmp_path_factory.mktemp("site"), profile="large:1x10:6", env=env) as opened:
        opened.worker("items", threads=2)
        opened.worker("invoices", threads=2)
        yield opened


@pytest.fixture
def workers(site: Site) -> Iterator[list[Program]]:
    """Run the workers; check that they outlive each test."""
    yield site.programs
    assert [program.name for program in site.programs if not program.alive] == []


def result_of(site: Site, task_id: str) -> dict[str, Any]:
    """Return what a program that reads Redis finds under the task's id, once the task has ended."""

    def ended() -> dict[str, Any]:
        text = site.redis.get(f"{PREFIX}celery-task-meta-{task_id}")
        result: dict[str, Any] = json.loads(text) if text else {}
        return result if result.get("status") in ("SUCCESS", "FAILURE") else {}

    return eventually(ended)


def send_by_kombu(
    site: Site, queue: str, task: str, arguments: object, *, ours: Mapping[str, str] = NOTHING, **properties: Any
) -> str:
    """Send a message as docs/enqueue.md describes it: version 2 of Celery's protocol, built by hand."""
    task_id = str(uuid.uuid4())
    headers = {**ours, "lang": "py", "task": task, "id": task_id, "root_id": task_id, "parent_id": None, "group": None}
    body = [[], arguments, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    with kombu.Connection(site.server.url, transport_options=OPTIONS) as connection, connection.Producer() as producer:
        producer.publish(body, routing_key=queue, headers=headers, correlation_id=task_id, **properties)
    return task_id


def codes(site: Site) -> list[tuple[int, int]]:
    project = next(iter(site.stage.procore.company.projects.values()))
    return [(project.id, code.id) for code in project.budgeted_codes()]


def run(site: Site, *command: str) -> list[str]:
    """Run an example that only has the address (the prefix is the default), and return its lines of output."""
    env = {"PATH": os.environ["PATH"], "REDIS_URL": site.server.url}
    done = subprocess.run(command, env=env, cwd=site.folder, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def exported(site: Site, invoice: Invoice) -> dict[str, str]:
    """Return the expected result of an invoice's export, from the records in NetSuite."""
    bill = site.stage.netsuite.bill_by_external_id(bill_external_id(site.stage.procore.company.company_id, invoice.id))
    assert bill is not None
    assert bill.total == invoice.summary().current_payment_due
    result = {"outcome": "created", "bill": invoice.invoice_number, "bill_id": bill.id}
    jsonschema.validate(result, result_schemas()["invoices.export"])
    return result


def test_python_with_celery_alone_exports_an_invoice_and_shows_its_state(site: Site, workers: list[Program]) -> None:
    """The id of the task leads to the result, although another task ended the chain."""
    invoice = invoices(site.stage)[0]
    ids = (str(invoice.project_id), str(invoice.id))
    task_id, result = run(site, sys.executable, str(EXAMPLES / "send_with_celery.py"), *ids)
    assert ast.literal_eval(result) == exported(site, invoice)
    # What `wbs-sync status --task` shows: what was sent is kept, though the chain ended with another task.
    kept = site.container.stores.task_result(task_id)
    assert kept is not None
    assert (kept["status"], kept["name"], kept["result"]) == (
        "SUCCESS", "invoices.create_bill", exported(site, invoice),
    )  # fmt: skip
    assert kept["kwargs"] == {"project_id": invoice.project_id, "invoice_id": invoice.id}


def test_python_with_kombu_alone_starts_a_scan(site: Site, workers: list[Program]) -> None:
    (task_id,) = run(site, sys.executable, str(EXAMPLES / "send_with_kombu.py"))
    result = result_of(site, task_id)["result"]
    jsonschema.validate(result, result_schemas()["wbs.scan_projects"])
    run_id = result["run"]
    started = site.container.runs.run(run_id)
    assert started is not None
    assert (started.trigger, result["joined"]) == ("the portal", False)
    site.ended(started)
    assert all(site.stage.netsuite.item_by_external_id(one) for one in item_identities(site.stage))


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_node_without_a_package_exports_an_invoice(site: Site, workers: list[Program]) -> None:
    invoice = invoices(site.stage)[1]
    ids = (str(invoice.project_id), str(invoice.id))
    _, result = run(site, str(NODE), str(EXAMPLES / "send.mjs"), *ids)
    assert json.loads(result) == exported(site, invoice)
    # Once more, and a wrong id: it reads the records, and the reasons.
    assert json.loads(run(site, str(NODE), str(EXAMPLES / "send.mjs"), *ids)[1])["outcome"] == "already"
    refused = json.loads(run(site, str(NODE), str(EXAMPLES / "send.mjs"), ids[0], "-5")[1])
    assert (refused["exc_type"], "invoice_id" in str(refused["exc_message"])) == ("InvalidMessage", True)


def test_additional_fields_of_a_newer_producer_are_ignored(site: Site, workers: list[Program]) -> None:
    invoice = invoices(site.stage)[2]
    # Producers are deployed before consumers: what these do not know yet is ignored.
    arguments = {"project_id": invoice.project_id, "invoice_id": invoice.id, "urgency": "high", "asked_by": {"user": 7}}
    task_id = send_by_kombu(site, "exports", "invoices.export", arguments, ours={"correlation_id": "portal-4711"})
    # The chain ends under the id that was sent.
    result = result_of(site, task_id)
    assert (result["status"], result["result"]) == ("SUCCESS", exported(site, invoice))
    # Its own id is in the line of every request that it caused, through all steps of the chain.
    written = written_for(site, "portal-4711")
    assert written.count("POST /services/rest/record/v1/vendorBill") == 1
    assert written[-1].startswith("PATCH /rest/v1.1/requisitions/")


def test_one_id_leads_from_a_command_to_the_requests(site: Site, workers: list[Program]) -> None:
    invoice = invoices(site.stage)[3]
    result = site.command("export", str(invoice.id), "--project", str(invoice.project_id), "--wait", "--json").json()
    assert result["outcome"] == "created"
    assert "POST /services/rest/record/v1/vendorBill" in written_for(site, result["correlation_id"])


def written_for(site: Site, correlation_id: str) -> list[str]:
    """Return method and path of the writes that the workers logged under an id, in order."""
    lines = [
        line for program in site.programs for line in program.log.splitlines() if line.endswith(f" [{correlation_id}]")
    ]
    assert lines
    return [
        match[1] for line in sorted(lines) if (match := re.search(r"INFO worker.clients.http: \w+ (\w+ [^:]+):", line))
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"project_id": "a", "wbs_code_id": 1}, "project_id"),
        ({"project_id": 1}, "wbs_code_id"),
        ({"project_id": -1, "wbs_code_id": 1}, "project_id"),
        ({"project_id": 1, "wbs_code_id": None}, "wbs_code_id"),
        ({}, "project_id"),
    ],
)
def test_wrong_arguments_are_a_failure_that_names_them(
    site: Site, workers: list[Program], arguments: dict[str, Any], sentence: str
) -> None:
    result = result_of(site, send_by_kombu(site, "items", "wbs.create_item", arguments))
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "InvalidMessage")
    assert sentence in str(result["result"]["exc_message"])


@pytest.mark.parametrize(
    ("task", "arguments", "properties"),
    [
        pytest.param("wbs.no_such_task", {}, {}, id="unknown task"),
        pytest.param("wbs.create_item", ["a", "list"], {}, id="arguments that are no object"),
        pytest.param("wbs.create_item", {}, {"serializer": "pickle"}, id="pickle, which is code"),
        pytest.param("wbs.create_item", {}, {"content_type": "text/plain", "content_encoding": "utf-8"}, id="no JSON"),
    ],
)
def test_foreign_messages_end_no_worker(
    site: Site, workers: list[Program], task: str, arguments: object, properties: dict[str, Any]
) -> None:
    if "content_type" in properties:
        with (
            kombu.Connection(site.server.url, transport_options=OPTIONS) as connection,
            connection.Producer() as sender,
        ):
            sender.publish("no JSON", routing_key="items", **properties)
    else:
        send_by_kombu(site, "items", task, arguments, **properties)
    # The next message of the same queue is processed as usual.
    project_id, code_id = codes(site)[-1]
    after = send_by_kombu(site, "items", "wbs.create_item", {"project_id": project_id, "wbs_code_id": code_id})
    assert result_of(site, after)["status"] == "SUCCESS"
    # And no message is left for the next worker.
    eventually(lambda: site.redis.llen(f"{PREFIX}items") + site.redis.hlen(f"{PREFIX}unacked") == 0)


def test_webhooks_are_processed_and_the_schedule_finds_what_they_miss(site: Site, workers: list[Program]) -> None:
    """Any number of events leads to one Item, and a request without the authorization is refused."""
    procore, company = site.stage.procore, site.stage.procore.company
    receiver = site.webhooks(times=SOON)
    address = f"http://127.0.0.1:{site.env['WEBHOOK_PORT']}/procore"

    def post(body: Any, authorization: str | None = AUTHORIZATION) -> int:
        headers = {"Authorization": authorization} if authorization else {}
        return requests.post(address, json=body, headers=headers, timeout=60).status_code

    def accepted(body: Any) -> None:
        # On a busy machine Redis may take longer than this receiver waits for it; Procore, too, sends again what was refused.
        eventually(lambda: post(body) == 204, every=0.2)

    def worked_off(done: Callable[[], Any]) -> None:
        """Send `ledger.resume`, as beat does, until the condition is true."""
        eventually(lambda: site.send(TaskName.RESUME) and done(), every=0.2)

    # As after any scan; events of projects that none has listed are left to the next one.
    site.container.scans.projects.refresh()
    # A code that is budgeted now gets its Item, by however many events.
    project = next(iter(company.projects.values()))
    code = procore.add_code(project.id, "05-190.S", budget=0)
    event = V2 | {"company_id": company.company_id, "project_id": project.id, "resource_id": 1}
    assert [post(event, None), post(event, "Bearer a-guess-of-somebody-else")] == [401, 401]
    for _ in range(3):
        accepted(event)
    external_id = item_external_id(company.company_id, project.id, code.id)
    worked_off(lambda: site.stage.netsuite.item_by_external_id(external_id))

    # So does an invoice, once it is approved. While Redis is silent the event is refused, and taken when it comes again.
    *_, announced, missed = invoices(site.stage)
    event = V4 | {
        "company_id": str(company.company_id),
        "project_id": str(project.id),
        "resource_id": str(announced.id),
    }
    event |= {"id": "01JMYXMZRBVKK0PC6XS8SA4QRE", "resource_type": "Draw Requests"}
    os.kill(site.server.pid, signal.SIGSTOP)
    try:
        assert post(event) == 503
    finally:
        os.kill(site.server.pid, signal.SIGCONT)
    accepted(event)
    worked_off(lambda: announced.origin_id)
    exported(site, announced)
    # One id leads from the event to the bill, in the receiver's log and in the worker's.
    assert "POST /services/rest/record/v1/vendorBill" in written_for(site, f"webhook-{event['id']}")
    assert (
        f"'Draw Requests' {announced.id} of project {project.id} changed: queued [webhook-{event['id']}]"
        in receiver.log
    )

    # A body that cannot be an event must not make Procore stop further deliveries.
    accepted({"hello": 1})
    accepted([[[]]])
    # A body that is too long is not even read.
    with contextlib.suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        assert post("x" * 70_000) == 400
    accepted({"hello": 1})
    assert "a-secret" not in receiver.log + "".join(program.log for program in workers)

    # Approved while no receiver listens: the schedule finds it.
    receiver.end()
    site.programs.remove(receiver)
    assert receiver.wait(1) == 0
    with pytest.raises(requests.ConnectionError):
        post(event)
    assert missed.origin_id is None
    sweep = site.beat(cron_seconds=1)
    eventually(lambda: missed.origin_id)
    exported(site, missed)
    sweep.end()
    site.programs.remove(sweep)
