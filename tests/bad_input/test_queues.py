"""Garbage in the queues of a real worker: the worker stays alive, logs each message, and does the work behind them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.names import QueueName, TaskName
from tests.bad_input.envelopes import envelope, known_faults
from tests.kit.books import assert_one_bill_per_invoice, assert_one_item_per_code, invoices
from tests.kit.programs import Program
from tests.kit.site import PREFIX, Site
from tests.kit.waiting import eventually

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site.open(tmp_path_factory.mktemp("site"), profile="large:1x6:2") as opened:
        yield opened


@pytest.fixture(scope="module")
def workers(site: Site) -> list[Program]:
    site.beat()  # resumes what waits, as it may on a busy machine
    return [site.worker("items", threads=2), site.worker("invoices", threads=2)]


def failure(site: Site, task_id: str) -> str:
    """Return the error that the sender reads as the result; empty while there is none."""
    stored = site.redis.get(f"{PREFIX}celery-task-meta-{task_id}")
    result = json.loads(stored) if stored else {}
    return str(result["result"]["exc_message"]) if result.get("status") == "FAILURE" else ""


def test_garbage_ends_no_worker_and_work_behind_it_is_done(site: Site, workers: list[Program]) -> None:
    faults = known_faults()
    for raw in faults.values():
        site.redis.lpush(f"{PREFIX}items", raw)
    site.ended(site.start_scan())
    for invoice in invoices(site.stage):
        site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id)
    for raw in faults.values():
        site.redis.lpush(f"{PREFIX}exports", raw)
    eventually(lambda: all(invoice.origin_id for invoice in invoices(site.stage)))
    site.comes_to_rest()
    assert all(program.alive for program in workers)
    assert_one_item_per_code(site.stage)
    assert_one_bill_per_invoice(site.stage)
    # None of it goes back to its queue to be read again and again.
    eventually(lambda: not any(site.redis.llen(f"{PREFIX}{queue}") for queue in QueueName))
    eventually(lambda: not site.redis.hlen(f"{PREFIX}unacked"))
    refused = len([name for name in faults if not name.startswith("harmless: ")])
    logs = "".join(program.log for program in workers)
    assert logs.count("Task messages.refused[") >= 2 * refused
    assert "CRITICAL" not in logs


def test_the_sender_and_the_log_get_the_fault_of_a_message(site: Site, workers: list[Program]) -> None:
    raw = envelope(TaskName.EXPORT, [[], {}], id="sent-by-the-portal")
    site.redis.lpush(f"{PREFIX}exports", raw)
    message = eventually(lambda: failure(site, "sent-by-the-portal"))
    expected = (
        "a message for invoices.export from gen1@portal in the queue exports: "
        "body: it is not a list of arguments, keyword arguments and options"
    )
    assert expected in message
    # The result is stored before it is logged.
    eventually(lambda: expected in workers[1].log)


def test_a_task_with_wrong_arguments_fails_with_their_names(site: Site, workers: list[Program]) -> None:
    raw = envelope(TaskName.CREATE_ITEM, [[], {"project_id": "seven", "wbs_code_id": 0}, None], id="wrong-arguments")
    site.redis.lpush(f"{PREFIX}items", raw)
    message = eventually(lambda: failure(site, "wrong-arguments"))
    assert "project_id: Input should be a valid integer; wbs_code_id: Input should be greater than 0" in message


KOMBU_ALONE = """
import sys
from kombu import Connection, Queue
from kombu.transport.redis import Channel

with Connection(sys.argv[1], transport_options={"global_keyprefix": "alone:"}) as connection:
    channel = connection.channel()
    assert type(channel) is Channel
    channel.client.lpush("exports", sys.argv[2])
    with connection.Consumer(Queue("exports"), on_message=lambda message: message.ack()):
        connection.drain_events(timeout=30)
"""


@pytest.mark.parametrize("name", ["text", "no properties", "a list"])
def test_without_the_validator_garbage_ends_a_worker(redis_url: str, tmp_path: Path, name: str) -> None:
    """If this fails, kombu accepts such messages itself and `worker/runtime/broker.py` may have become superfluous."""
    command = [sys.executable, "-c", KOMBU_ALONE, redis_url, known_faults()[name].decode()]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].startswith(("json.", "KeyError", "TypeError"))
