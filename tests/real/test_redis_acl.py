"""The minimal permissions of docs/redis.md are enough for everything, including `check`."""

from __future__ import annotations

import re

import pytest
from celery import Celery

from config.celery_options import celery_options
from config.names import QUEUE_OF_TASK, TaskName
from tests.kit.books import assert_one_bill_per_invoice, invoices
from tests.kit.programs import ROOT
from tests.kit.site import PREFIX, set_up_user
from tests.kit.waiting import eventually
from tests.real.conftest import OpenSite

pytestmark = pytest.mark.real

PASSWORD = "a-password-of-letters"
PAGE = (ROOT / "docs" / "redis.md").read_text()


def rules(user: str) -> list[str]:
    """Return the rules of a user: what follows its name in a line of a users.acl file."""
    (line,) = re.findall(rf"^user {user} (.*)$", PAGE, re.MULTILINE)
    return str(line).replace(">PASSWORD", f">{PASSWORD}").split()


def test_the_permissions_of_the_page_are_enough(open_site: OpenSite) -> None:
    site = open_site(profile="large:1x3:3", redis_user=("wbs-sync", PASSWORD, rules("wbs-sync")))
    site.worker("items")
    site.worker("invoices")
    site.beat()
    site.ended(site.start_scan(), 60)
    set_up_user(site.admin_redis, "enqueue", rules("enqueue"))
    app = Celery(set_as_current=False)
    url = site.env["REDIS_URL"].replace("wbs-sync:", "enqueue:")
    app.conf.update(celery_options(redis_url=url, key_prefix=PREFIX))
    for invoice in invoices(site.stage):
        queue = QUEUE_OF_TASK[TaskName.EXPORT].value
        kwargs = {"project_id": invoice.project_id, "invoice_id": invoice.id}
        app.send_task(TaskName.EXPORT.value, kwargs=kwargs, queue=queue, ignore_result=True)
    app.close()
    eventually(lambda: all(invoice.origin_id for invoice in invoices(site.stage)), 60)
    site.comes_to_rest()
    assert_one_bill_per_invoice(site.stage)
    assert site.command("verify").code == 0
    # What is requested from a server as a whole, and not from wbs-sync's own keys, may be refused; it is not what anything depends on.
    refused = {(entry["reason"], entry["object"]) for entry in site.admin_redis.acl_log()}
    assert refused <= {("key", name) for name in ("scans", "items", "exports", "upkeep")}
    checked = site.command("check", "--json")
    assert [row for row in checked.json() if row["ok"] is False] == []
    assert checked.code == 0
