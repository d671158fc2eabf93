"""`wbs-sync status`: one task, invoice or code by the id that the asker knows, in the same terms as the tasks' results; no remote is queried."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from unittest import mock

import jsonschema
import pytest
from redis.exceptions import NoPermissionError

from tests.alerts.prometheus import rules
from tests.integration.flows.test_problem_commands import call, call_json
from tests.kit.installation import Installation
from tests.unit.promql import Facts
from tools.message_schemas import result_schemas
from worker.cli import session
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import Lane
from worker.inspect.liveness import RECEIVES
from worker.store.presence import Presence

pytestmark = pytest.mark.real

CODE = "05-120.S"


def store_result(office: Installation, task_id: str, **kept: object) -> None:
    """Store what Celery's result backend has of a task."""
    prefix = office.container.settings.redis_key_prefix
    office.container.redis.set(f"{prefix}celery-task-meta-{task_id}", json.dumps({"task_id": task_id, **kept}))


def test_status_follows_an_invoice_and_a_code_from_start_to_end(office: Installation) -> None:
    project = office.new_project("31-900", [CODE])
    (code,) = project.budgeted_codes()
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="A-9")
    key, of_invoice = InvoiceKey(project.id, invoice.id), ("status", "--invoice", str(invoice.id))
    named = (*of_invoice, "--project", str(project.id))
    no_work_yet = {"key": str(key), "outcome": None, "in_progress": False, "next_attempt_at": None}
    seen_by_no_export = "Not yet: no export has seen it. The next export will; start one with `wbs-sync export`."
    assert call_json(office, *named) == call_json(office, *of_invoice) == no_work_yet | {"reason": seen_by_no_export}

    office.container.work.add(Lane.EXPORTS, [str(key)])
    waiting = {"outcome": "waiting", "reason": "no worker has started it yet", "next_attempt_at": 0}
    assert call_json(office, *named) == no_work_yet | waiting

    outcome = office.export(invoice)
    before, bill = office.mark(), office.bill(invoice)
    ended = {"outcome": "already", "bill": "A-9", "bill_id": bill.id}
    # By now the ledger knows its project.
    assert call_json(office, *of_invoice) == no_work_yet | ended
    item = office.item_of(project, code)
    assert item is not None
    assert call_json(office, "status", "--code", str(code.id), "--project", str(project.id)) == {
        "key": str(CodeKey(project.id, code.id)),
        "outcome": "already",
        "item": item.itemid,
        "item_id": item.id,
        "in_progress": False,
        "next_attempt_at": None,
    }
    result = outcome.result(noun="bill")
    jsonschema.validate(result, result_schemas()["invoices.export"])
    arguments = {"project_id": project.id, "invoice_id": invoice.id}
    store_result(office, "a1", status="SUCCESS", name="invoices.create_bill", kwargs=arguments, result=result)
    assert call_json(office, "status", "--task", "a1") == {
        "task": "a1",
        "name": "invoices.create_bill",
        "arguments": arguments,
        "status": "SUCCESS",
        "result": {"outcome": "created", "bill": "A-9", "bill_id": bill.id},
        "now": no_work_yet | ended,
    }
    rows = [line.split("│") for line in call(office, "status", "--task", "a1").stdout.splitlines() if "│" in line]
    assert ["bill id", bill.id] in [[cell.strip() for cell in row[1:3]] for row in rows]
    assert office.requests(before) == []


def test_status_shows_a_blocked_invoices_cause_and_a_runs_counts(office: Installation) -> None:
    """`status` for an invoice has the outcome and the cause, and for a task the counts of its run."""
    project = office.new_project("31-901", [CODE])
    invoice = office.new_invoice(project, (CODE, "-900.00"), invoice_number="C-1")
    office.export(invoice)
    blocked = call_json(office, "status", "--invoice", str(invoice.id))
    assert (blocked["outcome"], blocked["cause"]) == ("blocked", "needs_vendor_credit")
    run = office.scan(project.id)
    store_result(
        office, "a2", status="SUCCESS", name="wbs.scan_projects", kwargs={}, result={"run": run.id, "joined": False}
    )
    assert call_json(office, "status", "--task", "a2")["now"]["counts"] == dict(run.counts)


def test_a_failed_a_running_and_an_unknown_task_are_shown_as_that(office: Installation) -> None:
    failure = {"exc_type": "InvalidMessage", "exc_message": ["project_id: Field required"]}
    store_result(office, "a3", status="FAILURE", name="invoices.export", kwargs={}, result=failure)
    failed = call_json(office, "status", "--task", "a3")
    assert (failed["status"], failed["result"], failed["now"]) == ("FAILURE", failure, None)
    store_result(office, "a4", status="STARTED", name="ledger.reconcile", kwargs={}, result={"pid": 1, "hostname": "a"})
    assert call_json(office, "status", "--task", "a4")["result"] is None
    unknown = call(office, "status", "--task", "a5")
    assert (unknown.exit_code, "Task a5 not found" in unknown.stderr) == (1, True)
    two = call(office, "status", "--task", "a5", "--invoice", "1")
    assert (two.exit_code, "Pass one of --task ID" in two.stderr) == (2, True)
    assert "--project" in call(office, "status", "--code", "5").stderr


def test_the_oldest_invoice_and_code_that_wait_are_named_with_the_reason(office: Installation) -> None:
    project = office.new_project("31-910", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="A-9")
    office = office.reopened(project_ids=str(project.id))
    office.processes_run()
    office.container.start_export("test")
    office.stage.faults("netsuite", [{"kind": "error_before", "value": 503}])
    office.work_off()
    [oldest] = call_json(office, "status")["oldest_waiting"]
    assert (oldest["record"], oldest["key"]) == ("invoice", str(InvoiceKey(project.id, invoice.id)))
    line = next(one for one in call(office, "status").stdout.splitlines() if one.startswith("Oldest waiting invoice: "))
    assert "waiting since " in line
    assert "503" in line, "the last answer"
    office.clear_faults()
    office.settle()
    assert call_json(office, "status")["oldest_waiting"] == []


@contextlib.contextmanager
def rejecting(office: Installation, setting: str, value: int) -> Iterator[None]:
    """Let Redis reject every write within the block."""
    office.container.redis.config_set(setting, value)
    try:
        yield
    finally:
        office.container.redis.config_set(setting, 0)


def silence(office: Installation) -> None:
    """Let every process that runs look as if it had announced itself for the last time long ago."""
    presence = office.redis_key("presence")
    for process, announced in office.container.redis.hgetall(presence).items():
        office.container.redis.hset(presence, process, json.dumps(json.loads(announced) | {"until_": 0, "seen": 1}))


def alerts_about_processes(office: Installation) -> list[str]:
    """Return which alerts say that a process is missing or hangs."""
    facts = Facts.of(office.container.metrics.text(), office.container.now())
    names = ("WbsSyncQueueWithoutWorker", "WbsSyncProcessSilent", "WbsSyncWebhookReceiverDown")
    return [name for name in names if facts.fires(rules()[name]["expr"])]


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [("maxmemory", 1, "Redis is full"), ("min-replicas-to-write", 1, "it has too few replicas")],
)
def test_silence_is_no_sign_of_missing_workers_while_redis_rejects_writes(
    office: Installation, setting: str, value: int, sentence: str
) -> None:
    """No process can announce itself then: a running one looks like a missing one, or like one that hangs."""
    stores = office.container.stores
    office.processes_run()
    stores.presence.announce("webhooks@test", queues=RECEIVES, clock_ahead=0.0)
    stores.webhook_counts.add("accepted")
    stores.webhook_counts.save()
    silence(office)
    silent = call(office, "status")
    assert (silent.exit_code, "No worker is running for" in silent.stderr) == (1, True), "Redis accepts announcements"
    assert len(alerts_about_processes(office)) == 3
    with rejecting(office, setting, value):
        shown, checked = call(office, "status"), {one.name: one for one in office.container.checks.run()}
        processes = call_json(office, "status")["processes"]
        assert alerts_about_processes(office) == []
    assert shown.exit_code == 1
    assert "It is not known which workers are running" in shown.stderr
    assert sentence in shown.stderr
    for wrong in ("No worker is running", "Beat is not running", "it hangs", "wbs-sync up"):
        assert wrong not in shown.stderr
    assert "Running: not known" in shown.stdout
    assert sentence in processes["not_known_because"]
    assert (processes["queues_without_worker"], processes["beat"]) == (None, None), "nothing is claimed"
    assert (checked["Redis accepts writes"].ok, checked["Workers"].ok) == (False, None)
    assert checked["Workers"].message == "not checked: see 'Redis accepts writes' above"
    assert checked["Clocks"].message.startswith("this machine, Redis, Procore, NetSuite"), "clocks are read"


def test_a_user_who_may_not_write_still_sees_that_workers_are_missing(office: Installation) -> None:
    """What this user may not do says nothing about the workers', which have another one."""
    refused = NoPermissionError("this user has no permissions to run the 'evalsha' command")
    with mock.patch.object(Presence, "require_announcements", side_effect=refused):
        alive = office.container.liveness.now()
    assert alive.rejection is None
    assert "No worker is running for" in alive.faults[0]


def test_a_command_that_waits_says_why_it_is_not_known_who_works(
    office: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "CHECK_WORKERS_SECONDS", 0.0)
    monkeypatch.setattr(session, "POLL_SECONDS", 0.0)
    left = iter([3, 2, 1, 0])
    with rejecting(office, "maxmemory", 1):
        session.follow(office.container, lambda: next(left), count=3, noun="codes")
    said = capsys.readouterr().err
    assert said.count("It is not known which workers are running") == 1
    assert "The work stays queued." in said


def test_a_rebuild_counts_as_begun_only_once_it_has(office: Installation) -> None:
    office.processes_run()
    office.container.redis.delete(office.redis_key("ledger"))
    state = office.container.ledger.state

    def notices() -> list[str]:
        """Return what `status`, its JSON, `check` and the report page say of the ledger."""
        check = next(one for one in office.container.checks.run() if one.name == "Ledger")
        page = office.container.reports.report().ledger_notice
        return [
            call(office, "status").stdout.splitlines()[0],
            call_json(office, "status")["ledger"]["notice"],
            check.message,
            page,
        ]

    assert set(notices()) == {
        "There is no ledger yet. A worker restores it from NetSuite before its first piece of work."
    }
    state.save_rebuild({"items": 30})
    begun = (
        "A rebuild of the ledger from NetSuite has begun: 30 Items so far. Nothing is written before it is complete."
    )
    assert set(notices()) == {begun}
    state.open(since=0)
    assert call_json(office, "status")["ledger"] == {"open": True, "rebuilt_so_far": 0, "notice": ""}
