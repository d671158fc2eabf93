"""Flower as an engineer sees it in a real browser: requests and their results, as text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import requests

from config.names import TaskName
from simulators.company.billing import Invoice
from simulators.netsuite.records import Bill, Item
from tests.kit import browser
from tests.kit.books import invoices, item_identities
from tests.kit.ports import unused_port
from tests.kit.site import Site
from tests.kit.waiting import eventually

pytestmark = pytest.mark.real

LOGIN = "engineer:a-password-of-flower"


@dataclass
class Seen:
    """An installation whose Flower saw a scan, an exported invoice and a refused message."""

    site: Site
    item: Item
    invoice: Invoice
    bill: Bill


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    env = {"FLOWER_PORT": str(unused_port()), "FLOWER_BASIC_AUTH": LOGIN}
    with Site.open(tmp_path_factory.mktemp("site"), profile="large:1x60:1", env=env) as site:
        site.flower()
        site.worker("items")
        site.worker("invoices", threads=2)
        site.beat()
        eventually(lambda: workers_seen(site) == 2, 90, every=0.2)
        site.ended(site.start_scan())
        first = []
        for identity in item_identities(site.stage):
            project_id, code_id = (int(part) for part in identity.split("-")[-2:])
            first.append(site.send(TaskName.CREATE_ITEM, project_id=project_id, wbs_code_id=code_id))
        invoice = invoices(site.stage)[0]
        first.append(site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id))
        # Each worker takes messages from its own queue: what is sent now could be received before the last of these.
        eventually(lambda: ended(site, first), every=0.2)
        # The last ones enqueued are on the first page.
        key = next(iter(item_identities(site.stage)))
        item, (bill,) = site.stage.netsuite.item_by_external_id(key), site.stage.netsuite.bills
        assert item is not None
        project_id, code_id = (int(part) for part in key.split("-")[-2:])
        last = [
            site.send(TaskName.CREATE_ITEM, project_id=project_id, wbs_code_id=code_id),
            site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id),
            site.send(TaskName.CREATE_ITEM, project_id="seven", wbs_code_id=code_id),
        ]
        eventually(lambda: ended(site, last), every=0.2)
        yield Seen(site, item, invoice, bill)


def url(site: Site) -> str:
    return f"http://127.0.0.1:{site.env['FLOWER_PORT']}"


def asked(site: Site, path: str) -> Any:
    """Return Flower's response to a logged-in user; None while it does not listen yet."""
    user, _, password = LOGIN.partition(":")
    try:
        return requests.get(url(site) + path, auth=(user, password), timeout=60).json()
    except requests.ConnectionError:
        return {}


def workers_seen(site: Site) -> int:
    """Return how many workers Flower knows; from then on it also receives the events of their tasks."""
    return len(asked(site, "/workers?json=1").get("data", ()))


def states(site: Site) -> Counter[str]:
    return Counter(task["state"] for task in asked(site, "/api/tasks?limit=10000").values())


def ended(site: Site, task_ids: list[str]) -> bool:
    """Return whether Flower knows the end of each of these tasks."""
    tasks = asked(site, "/api/tasks?limit=10000")
    return all(tasks.get(task_id, {}).get("state") in ("SUCCESS", "FAILURE") for task_id in task_ids)


def rows(document: str) -> list[list[str]]:
    """Return the texts of the table's cells, row by row."""
    table = re.search(r'<table id="tasks-table".*?</table>', document, re.DOTALL)
    assert table, document[:2000]
    body = table[0].partition("<tbody")[2]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in re.findall(r"<tr.*?</tr>", body, re.DOTALL)]
    return [[unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


def test_nothing_is_shown_without_the_login(seen: Seen) -> None:
    pages = ("/", "/tasks", "/workers", "/broker", "/api/tasks")
    assert {requests.get(url(seen.site) + page, timeout=60).status_code for page in pages} == {401}


def test_every_task_that_has_ended_is_seen_to_have_ended(seen: Seen) -> None:
    """Sixty codes over eight threads: an event that gets lost leaves its task running forever in Flower."""
    eventually(lambda: set(states(seen.site)) == {"SUCCESS", "FAILURE"}, every=0.2)
    assert states(seen.site)["SUCCESS"] >= 60
    names = {task["name"] for task in asked(seen.site, "/api/tasks?limit=10000").values()}
    # What beat does every few seconds would hide all the rest.
    assert TaskName.RESUME not in names


@pytest.mark.skipif(browser.PROGRAM is None, reason="chromium is not installed (apt-get install chromium)")
def test_tasks_are_listed_with_readable_arguments_and_results(seen: Seen, tmp_path: Path) -> None:
    with browser.logged_in(url(seen.site), LOGIN) as door:
        document, picture = browser.seen(f"{door}/tasks", tmp_path)
    listed = [(name, state, json.loads(arguments), result) for name, state, arguments, result, *_ in rows(document)]
    # The last of each: two workers may take messages up in another order than they were sent in.
    refused = next(row for row in listed if row[1] == "FAILURE")
    exported = next(row for row in listed if row[0] == "invoices.export")
    made = next(row for row in listed if row[:2] == ("wbs.create_item", "SUCCESS"))
    assert refused[0] == "wbs.create_item"
    assert refused[2]["project_id"] == "seven"
    assert refused[3] == "InvalidMessage('project_id: Input should be a valid integer')"
    invoice = seen.invoice
    assert exported[:3] == (
        "invoices.export", "SUCCESS", {"project_id": invoice.project_id, "invoice_id": invoice.id},
    )  # fmt: skip
    assert exported[3] == f'{{"outcome": "already", "bill": "{invoice.invoice_number}", "bill_id": "{seen.bill.id}"}}'
    assert made[3] == f'{{"outcome": "already", "item": "{seen.item.itemid}", "item_id": "{seen.item.id}"}}'
    # A page that did not load its styles or its table is a few kilobytes of nothing.
    assert picture.stat().st_size > 30_000
