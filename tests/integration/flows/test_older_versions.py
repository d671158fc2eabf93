"""A new version next to an old one: what older versions left in Redis is read and processed, what newer ones add does no harm.

`tests/upgrade/written/` holds what they wrote, each by its own code (tests/upgrade/record.py).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from config.names import TaskName
from tasks.messages import MESSAGES, read
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call_json
from tests.kit.installation import Installation
from tests.upgrade.record import CODES, NUMBER, records
from worker.base import dispatch_due, resume_work
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import State
from worker.domain.problems import Cause
from worker.domain.work import Lane
from worker.runtime.broker import admitted
from worker.runtime.current import use

pytestmark = pytest.mark.real

WRITTEN = {
    path.stem: json.loads(path.read_text())
    for path in sorted((Path(__file__).parents[2] / "upgrade" / "written").iterdir())
}


def put(office: Installation, keys: dict[str, Any]) -> None:
    """Replace everything that this installation has in Redis by the keys of an older version."""
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    for key in redis.keys(f"{prefix}*"):
        redis.delete(key)
    for name, kept in keys.items():
        value = kept["value"]
        match kept["type"]:
            case "string":
                redis.set(prefix + name, value)
            case "hash":
                redis.hset(prefix + name, mapping=value)
            case "set":
                redis.sadd(prefix + name, *value)
            case "zset":
                redis.zadd(prefix + name, value)
            case "list":
                redis.rpush(prefix + name, *value)


@pytest.mark.parametrize("version", WRITTEN)
def test_messages_of_an_older_version_are_accepted(version: str) -> None:
    for sent in WRITTEN[version]["messages"]:
        message, task = admitted(sent["queue"], sent["raw"].encode()), json.loads(sent["raw"])["headers"]["task"]
        assert message["headers"]["task"] == task
        _, arguments, options = json.loads(base64.b64decode(message["body"]))
        understood(task, arguments)
        for follows in (options or {}).get("chain") or ():
            understood(follows["task"], follows["kwargs"])


def understood(task: str, arguments: dict[str, Any]) -> None:
    taken = read(MESSAGES[TaskName(task)], arguments).model_dump(mode="json")
    assert {name: taken[name] for name in arguments} == arguments


@pytest.mark.parametrize("version", WRITTEN)
def test_records_of_an_older_version_are_processed(open_office: OpenInstallation, version: str) -> None:
    office, written = open_office(netsuite_settle_seconds=0), WRITTEN[version]
    # An equal company and equal books, with the older ledger.
    ids = records(office)
    assert {name: ids[name] for name in ("project", "codes", "invoices")} == {
        name: written["ids"][name] for name in ("project", "codes", "invoices")
    }
    put(office, written["redis"])
    project_id, container, mark = ids["project"], office.container, office.mark()
    codes = {name: CodeKey(project_id, ids["codes"][name]) for name in CODES}
    invoices = {name: InvoiceKey(project_id, number) for name, number in ids["invoices"].items()}
    states = [record.state if (record := container.ledger.code(key)) else None for key in codes.values()]
    assert states == [State.CREATED, State.ADOPTED, State.UNKNOWN, State.BLOCKED, State.WAITING]
    assert {row["cause"] for row in call_json(office, "problems")} == {"item_inactive", "needs_vendor_credit"}
    run = container.runs.run(written["ids"]["run"])
    assert run is not None
    assert (run.trigger, run.ended, run.counts["adopted"]) == ("the portal", False, 1)
    assert office.requests(mark) == []

    # A ledger without its state is restored first, as after a loss.
    container.recovery.ensure_ledger()
    office.settle()
    done = [
        call_json(office, "status", "--code", str(key.wbs_code_id), "--project", str(project_id))
        for key in codes.values()
    ]
    assert [one["outcome"] for one in done] == ["already", "already", "already", "blocked", "already"]
    assert all(len(office.items(f"{NUMBER}-{name}")) == 1 for name in CODES)
    outcomes = {name: container.overview.of(key)["outcome"] for name, key in invoices.items()}
    assert outcomes == {"billed": "already", "credit": "blocked", "lacking": "already", "draft": "skipped"}
    assert len(office.bills(office.procore.invoice(ids["invoices"]["lacking"]))) == 1
    assert office.netsuite.duplicates() == []
    ended = container.runs.run(written["ids"]["run"])
    assert ended is not None
    assert ended.ended


def test_additions_of_a_newer_version_are_ignored(office: Installation) -> None:
    """Workers of a newer version start first, so both versions share a ledger for a while."""
    project = office.new_project("31-501", CODES[:1])
    (code,) = project.budgeted_codes()
    office.scan(project.id)
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    key, ledger = CodeKey(project.id, code.id), office.container.ledger

    def add(name: str, field: int, text: str) -> None:
        redis.hset(prefix + name, str(field), redis.hget(prefix + name, str(field))[:-1] + text)

    before = ledger.code(key)
    add(f"codes:{project.id}", code.id, ',"colour":"green","approved":{"by":"x"}}')
    assert ledger.code(key) == before
    add("projects", project.id, ',{"region":"west"}]')
    assert office.container.stores.listed_projects.get(project.id) is not None
    ledger.journal.add(key, AuditEvent(EventKind.CHECKED))
    redis.rpush(f"{prefix}journal:{key}", '1795532709,1795532709,1,0,"painted",{"colour":"green"}')
    assert [entry.event.kind for entry in ledger.journal.of(key)] == [EventKind.CHECKED]
    run = office.container.runs.latest(1)[0]
    redis.hset(f"{prefix}run:{run.id}", "colour", "green")
    assert office.container.runs.run(run.id) == run


def test_work_of_a_kind_of_a_newer_version_stops_no_other_work(office: Installation) -> None:
    """It waits for the newer version, and the rest of its lane is dispatched."""
    office.container.work.add(Lane.SCANS, ["paint:17", "scan:17", "scan:18"])
    app = mock.Mock(spec_set=["send_task"])
    use(office.container)
    try:
        assert dispatch_due(app, [Lane.SCANS]) == 2
    finally:
        use(None)
    assert [call.kwargs["kwargs"]["project_id"] for call in app.send_task.call_args_list] == [17, 18]
    # In progress until it is overdue, then dispatched again.
    assert office.container.work.is_in_progress(Lane.SCANS, "paint:17")


@pytest.mark.parametrize("scope", ["netsuite", "netsuite:vendorBill:create"])
def test_a_problem_of_an_unknown_pause_closes_with_the_next_response(office: Installation, scope: str) -> None:
    """0.1.0 keeps its pauses under other keys; those of this version are forgotten after a week without use."""
    project = office.new_project("31-502", CODES[:1])
    office = office.reopened(project_ids=str(project.id))
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    redis.set(f"{prefix}hold:netsuite", 1.0)
    redis.set(f"{prefix}trouble:netsuite", 4)
    facts = {"remote": "NetSuite", "times": "5", "answer": "503", "what": "create vendor bills", "lane": "exports"}
    cause = Cause.NETSUITE_PERMISSION if ":" in scope else Cause.REMOTE_DOWN
    office.container.ledger.report(f"remote:{scope}", cause, facts, at=1.0)
    use(office.container)
    try:
        resume_work(mock.Mock(spec_set=["send_task"]))
    finally:
        use(None)
    assert office.problems("remote:") == {f"remote:{scope}": cause.value}, "nothing has answered yet"
    assert office.container.stores.breakers.pauses() == []
    office.scan(project.id)
    assert office.problems("remote:") == ({} if scope == "netsuite" else {f"remote:{scope}": cause.value})
    office.export(office.new_invoice(project, (CODES[0], "90.00"), invoice_number="P-1"))
    office.export_all()
    assert office.problems("remote:") == {}
