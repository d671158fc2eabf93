"""Other apps hand work to the workers by name alone: with a bare Celery app, and with kombu and no Celery at all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import kombu
import pytest

from tests.real.books import invoices
from tests.real.site import PREFIX, Program, Site
from tests.support import eventually
from worker.domain.identities import bill_external_id, item_external_id

pytestmark = pytest.mark.real

ANOTHER_APP = """
import json, sys
from celery import Celery
url, prefix, task, arguments = sys.argv[1:]
app = Celery("portal", broker=url, backend=url)
app.conf.broker_transport_options = app.conf.result_backend_transport_options = {"global_keyprefix": prefix}
sent = app.send_task(task, kwargs=json.loads(arguments), queue="items")
print(json.dumps(sent.get(timeout=30)))
"""
NOTHING: Mapping[str, str] = {}
OPTIONS = {"global_keyprefix": PREFIX}
"""All that an app needs to know beside the address: REDIS_KEY_PREFIX of the installation."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site"), profile="large:1x10:3") as opened:
        opened.worker("items", threads=2)
        opened.worker("invoices", threads=2)
        yield opened


@pytest.fixture
def workers(site: Site) -> Iterator[list[Program]]:
    """The workers, which must outlive each test."""
    yield site.programs
    assert [program.name for program in site.programs if not program.alive] == []


def result_of(site: Site, task_id: str) -> dict[str, Any]:
    """What any program that reads Redis finds under the task's id, once the task has ended."""

    def ended() -> dict[str, Any]:
        text = site.redis.get(f"{PREFIX}celery-task-meta-{task_id}")
        found: dict[str, Any] = json.loads(text) if text else {}
        return found if found.get("status") in ("SUCCESS", "FAILURE") else {}

    return eventually(ended, 20)


def send_by_kombu(
    site: Site, queue: str, task: str, arguments: object, *, ours: Mapping[str, str] = NOTHING, **properties: Any
) -> str:
    """A message as docs/enqueue.md describes it: the second version of Celery's protocol, built by hand."""
    task_id = str(uuid.uuid4())
    headers = {**ours, "lang": "py", "task": task, "id": task_id, "root_id": task_id, "parent_id": None, "group": None}
    body = [[], arguments, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    with kombu.Connection(site.server.url, transport_options=OPTIONS) as connection, connection.Producer() as producer:
        producer.publish(body, routing_key=queue, headers=headers, correlation_id=task_id, **properties)
    return task_id


def codes(site: Site) -> list[tuple[int, int]]:
    project = next(iter(site.stage.procore.company.projects.values()))
    return [(project.id, code.id) for code in project.budgeted_codes()]


def test_a_bare_celery_app_enqueues_by_name_and_reads_the_result(site: Site, workers: list[Program]) -> None:
    project_id, code_id = codes(site)[0]
    # Producers are deployed before consumers: what these do not know yet is ignored.
    arguments = {"project_id": project_id, "wbs_code_id": code_id, "urgency": "high", "asked_by": {"user": 7}}
    command = [sys.executable, "-c", ANOTHER_APP, site.server.url, PREFIX, "wbs.create_item", json.dumps(arguments)]
    result = subprocess.run(command, cwd=site.folder, capture_output=True, text=True, timeout=60, check=True).stdout
    item = site.stage.netsuite.item_by_external_id(
        item_external_id(site.stage.procore.company.company_id, project_id, code_id)
    )
    assert item is not None
    assert json.loads(result) == {"outcome": "created", "item": item.itemid, "item_id": item.id}


def test_plain_kombu_enqueues_too(site: Site, workers: list[Program]) -> None:
    invoice = invoices(site.stage)[0]
    arguments = {"project_id": invoice.project_id, "invoice_id": invoice.id, "source": "portal"}
    task_id = send_by_kombu(site, "exports", "invoices.export", arguments, ours={"correlation_id": "portal-4711"})
    external_id = bill_external_id(site.stage.procore.company.company_id, invoice.id)
    # The chain ends under the id that was sent.
    result = result_of(site, task_id)
    bill = site.stage.netsuite.bill_by_external_id(external_id)
    assert bill is not None
    assert bill.total == invoice.summary().current_payment_due
    assert (result["status"], result["result"]) == (
        "SUCCESS",
        {"outcome": "created", "bill": invoice.invoice_number, "bill_id": bill.id},
    )
    # Its own id stands in the line of every request that came of it, through all steps of the chain.
    written = written_for(site, "portal-4711")
    assert written.count("POST /services/rest/record/v1/vendorBill") == 1
    assert written.count("POST /services/rest/record/v1/otherChargePurchaseItem") == len(invoice.lines)
    assert written[-1].startswith("PATCH /rest/v1.1/requisitions/")


def test_one_id_leads_from_a_command_to_the_requests(site: Site, workers: list[Program]) -> None:
    invoice = invoices(site.stage)[1]
    told = site.command("export", str(invoice.id), "--project", str(invoice.project_id), "--wait", "--json").json()
    assert told["outcome"] == "created"
    assert "POST /services/rest/record/v1/vendorBill" in written_for(site, told["correlation_id"])


def written_for(site: Site, correlation_id: str) -> list[str]:
    """Method and path of the writes that the workers' logs tell under an id, in order."""
    lines = [
        line for program in site.programs for line in program.log.splitlines() if line.endswith(f" [{correlation_id}]")
    ]
    assert lines
    return [
        found[1] for line in sorted(lines) if (found := re.search(r"INFO worker.clients.http: \w+ (\w+ [^:]+):", line))
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"project_id": "a", "wbs_code_id": 1}, "project_id"),
        ({"project_id": 1}, "wbs_code_id"),
        ({"project_id": -1, "wbs_code_id": 1}, "project_id"),
        ({"project_id": 1, "wbs_code_id": None}, "wbs_code_id"),
        ({}, "project_id"),
    ],
)
def test_wrong_arguments_are_a_failure_that_names_them(
    site: Site, workers: list[Program], arguments: dict[str, Any], words: str
) -> None:
    result = result_of(site, send_by_kombu(site, "items", "wbs.create_item", arguments))
    assert (result["status"], result["result"]["exc_type"]) == ("FAILURE", "InvalidMessage")
    assert words in str(result["result"]["exc_message"])


@pytest.mark.parametrize(
    ("task", "arguments", "properties"),
    [
        pytest.param("wbs.no_such_task", {}, {}, id="unknown task"),
        pytest.param("wbs.create_item", ["a", "list"], {}, id="arguments that are no object"),
        pytest.param("wbs.create_item", {}, {"serializer": "pickle"}, id="pickle, which is code"),
        pytest.param("wbs.create_item", {}, {"content_type": "text/plain", "content_encoding": "utf-8"}, id="no JSON"),
    ],
)
def test_what_is_no_message_of_ours_kills_nobody(
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
    # The next message of the same queue is worked off as ever.
    project_id, code_id = codes(site)[-1]
    after = send_by_kombu(site, "items", "wbs.create_item", {"project_id": project_id, "wbs_code_id": code_id})
    assert result_of(site, after)["status"] == "SUCCESS"
    # And nothing is left to meet the next worker.
    eventually(lambda: site.redis.llen(f"{PREFIX}items") + site.redis.hlen(f"{PREFIX}unacked") == 0)
