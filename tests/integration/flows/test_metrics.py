"""The metrics: the current state in Redis, in a number of commands that does not grow with the number of records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.exceptions import NoPermissionError

from config.process_secrets import NOT_HELD
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.commands import run_command
from tests.kit.installation import Installation, facts_of
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.problems import CATALOGUE, Cause
from worker.domain.scopes import Remote
from worker.domain.work import Claim, Lane, RunKind
from worker.inspect.liveness import RECEIVES
from worker.inspect.metric_families import CATALOGUE_OF_METRICS
from worker.store.gate import Precedence
from worker.store.verifications import LastVerification

pytestmark = pytest.mark.real


class Samples(dict[str, float]):
    """Samples by `name{label,label}`, with the labels' values in the order of the catalogue."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        for family in self.families.values():
            for sample in family.samples:
                name = sample.name.removeprefix("wbs_sync_")
                values = ",".join(sample.labels[label] for label in CATALOGUE_OF_METRICS[sample.name][1])
                self[f"{name}{{{values}}}" if values else name] = sample.value

    def of(self, name: str) -> dict[str, float]:
        """Return the samples of one metric that are not 0, by their labels."""
        values = {
            key.partition("{")[2].rstrip("}"): value for key, value in self.items() if key.startswith(f"{name}{{")
        }
        return {labels: value for labels, value in values.items() if value}


def scrape(office: Installation) -> Samples:
    return Samples(office.container.metrics.text())


@pytest.fixture
def commands(office: Installation) -> Iterator[list[str]]:
    """Collect the commands that are sent to Redis from here on."""
    sent: list[str] = []
    execute = office.container.redis.execute_command

    def noting(*args: object, **options: object) -> object:
        sent.append(str(args[0]))
        return execute(*args, **options)

    with mock.patch.object(office.container.redis, "execute_command", noting):
        yield sent


def test_scans_exports_and_comparisons_have_metrics_of_their_result(synced: Installation) -> None:
    office = synced.reopened(scan_cron="0 4 * * *")
    scan, export = (office.container.runs.current(kind) for kind in RunKind)
    assert scan
    assert export
    at = office.container.now()
    counts = {"right": 930, "explained": 74, "finding": 0, "information": 0, "unreadable_project": 0}
    office.container.stores.verifications.note(LastVerification(at - 60, at, counts))
    now, facts = office.container.now(), scrape(office)
    status = office.container.overview.status()
    for run in (scan, export):
        assert (
            facts.of("last_run_results").items()
            >= {f"{run.kind},{k}": n for k, n in _outcomes(run.counts).items()}.items()
        )
        assert run.ended_at
        assert facts[f"last_run_finished_timestamp_seconds{{{run.kind}}}"] == pytest.approx(run.ended_at, abs=0.01)
        assert facts[f"last_run_duration_seconds{{{run.kind}}}"] == pytest.approx(
            run.ended_at - run.started_at, abs=0.01
        )
    assert facts.of("problems") == {
        f"{cause},{office_owner(cause)}": count for cause, count in status["problems"].items()
    }
    stand = {
        f"{kind},{state}": status[f"{kind}s"].get(state, 0)
        for kind in ("code", "invoice")
        for state in ("created", "adopted")
    }
    assert facts.of("records_total") == {key: count for key, count in stand.items() if count}
    blocked = {f"{kind},blocked": status[f"{kind}s"]["blocked"] for kind in ("code", "invoice")}
    assert facts.of("unfinished_records") == blocked, "records that are done are not counted"
    assert facts["verify_findings"] == 0
    assert facts.of("last_run_results").items() >= {"verify,right": 930, "verify,explained": 74}.items()
    assert facts["last_run_duration_seconds{verify}"] == pytest.approx(60, abs=0.01)
    assert scan.started_at < facts["run_due_timestamp_seconds{scan}"] <= scan.started_at + 86_400
    assert facts.of("run_due_timestamp_seconds").keys() == {"scan"}, "nothing else has a schedule"
    assert (facts["ledger_open"], facts["netsuite_slots"], facts["netsuite_slots_in_use"]) == (1, 4, 0)
    assert abs(facts["scrape_timestamp_seconds"] - now) < 60
    assert facts.families.keys() == {name.removesuffix("_total") for name in CATALOGUE_OF_METRICS}
    assert all(family.documentation for family in facts.families.values())


def office_owner(cause: str) -> str:
    return CATALOGUE[Cause(cause)].owner


def _outcomes(counts: Mapping[str, int]) -> dict[str, int]:
    kinds = ("created", "adopted", "already", "skipped", "blocked", "unknown", "waiting")
    return {kind: counts[kind] for kind in kinds if counts.get(kind)}


def test_each_state_is_counted_once_with_its_oldest(office: Installation) -> None:
    ledger, at = office.container.ledger, 1_700_000_000.0
    code, second_code, invoice = CodeKey(7, 1), CodeKey(7, 2), InvoiceKey(7, 1)
    for key, sent_at in ((code, at + 5), (second_code, at + 3)):
        ledger.write(key, Record(State.UNKNOWN, at=at, sent_at=sent_at))
    facts = scrape(office)
    assert facts.of("unfinished_records") == {"code,unknown": 2}
    assert facts["oldest_unfinished_timestamp_seconds{code,unknown}"] == at + 3, "as old as its write"
    ledger.write(second_code, Record(State.CREATED, "an Item", "5", at=at))
    ledger.write(code, Record(State.BLOCKED, at=at, cause=Cause.ITEM_REJECTED, facts={"name": "x", "answer": "no"}))
    ledger.write(invoice, Record(State.ADOPTED, "a bill", "6", at=at, write_back_due=True))
    ledger.add_waiting(7, {3: Record(State.WAITING, at=at)})
    facts = scrape(office)
    assert facts.of("unfinished_records") == {"code,blocked": 1, "code,waiting": 1, "invoice,write_back": 1}
    seen = ledger.code(code)
    assert seen
    assert facts["oldest_unfinished_timestamp_seconds{code,blocked}"] == seen.seen, "as old as the oldest known time"
    assert facts.of("records_total") == {"code,created": 1, "invoice,adopted": 1}
    ledger.write(code, Record(State.SKIPPED, at=at, detail="not budgeted"))
    ledger.write(invoice, Record(State.ADOPTED, "a bill", "6", at=at))
    ledger.write(CodeKey(7, 3), Record(State.CREATED, "an Item", "7", at=at))
    assert scrape(office).of("unfinished_records") == {}
    assert scrape(office).of("oldest_unfinished_timestamp_seconds") == {}
    # A person lets the ledger forget a code that was blocked; the scan then finds its Item.
    ledger.write(code, Record(State.BLOCKED, at=at, cause=Cause.ITEM_REJECTED, facts={"name": "x", "answer": "no"}))
    office.container.redis.hdel(office.redis_key("codes:7"), "1")
    ledger.write(code, Record(State.ADOPTED, "an Item", "8", at=at))
    assert scrape(office).of("unfinished_records") == {}


def test_problems_are_counted_by_cause_until_they_are_closed_or_ignored(office: Installation) -> None:
    ledger, handling = office.container.ledger, office.container.stores.handling
    for place, since in enumerate((50.0, 40.0)):
        ledger.report(
            f"invoice:7:{place}", Cause.PERIOD_CLOSED, facts_of(Cause.PERIOD_CLOSED, date="2026-01-01"), at=since
        )
    ledger.report("remote:netsuite", Cause.NETSUITE_LOGIN, {"answer": "no"}, at=60)
    period, login = "period_closed,project accountant", "netsuite_login,integration engineer"
    facts = scrape(office)
    assert facts.of("problems") == {period: 2, login: 1}
    assert facts.of("oldest_problem_timestamp_seconds") == {"project accountant": 40, "integration engineer": 60}
    newest, oldest = sorted(ledger.problems(), key=lambda one: -one.since)[1:]
    assert handling.ignore(oldest, by="a person", at=70, note="known")
    facts = scrape(office)
    assert (facts.of("problems"), facts.of("ignored_problems")) == ({period: 1, login: 1}, {period: 1})
    assert facts["oldest_problem_timestamp_seconds{project accountant}"] == 50
    ledger.report(oldest.key, Cause.PERIOD_CLOSED, facts_of(Cause.PERIOD_CLOSED, date="2026-02-01"), at=80)
    assert scrape(office).of("problems") == {period: 2, login: 1}, "its sentence changed, so it is shown again"
    ledger.report(oldest.key, Cause.BILL_REJECTED, facts_of(Cause.BILL_REJECTED), at=90)
    refused = "bill_rejected,ERP administrator"
    assert scrape(office).of("problems") == {period: 1, login: 1, refused: 1}
    assert handling.resolve(newest, by="a person", at=100, note="")
    assert ledger.resolve("remote:netsuite")
    assert not ledger.resolve("remote:netsuite")
    ledger.write(InvoiceKey(7, 1), Record(State.SKIPPED, at=110, detail="withdrawn"))
    facts = scrape(office)
    assert (facts.of("problems"), facts.of("ignored_problems"), facts.of("oldest_problem_timestamp_seconds")) == (
        {},
        {},
        {},
    )


def test_lanes_runs_remotes_and_the_gate_have_metrics_of_their_state(office: Installation) -> None:
    container, at = office.container, office.container.now()
    assert "last_resume_timestamp_seconds" not in scrape(office), "no worker has run yet"
    container.wbs_scan.request("a person", [7])
    container.work.add(Lane.ITEMS, ["code:7:1", "code:7:2"], at=at - 100)
    container.work.add(Lane.ITEMS, ["code:7:3"], at=at + 1000)
    container.work.add(Lane.EXPORTS, ["invoice:7:1"], at=at + 1000)
    container.work.take(Lane.ITEMS, limit=1)
    container.work.failed("code:7:3")
    container.stores.breakers.pause(Remote.NETSUITE, first=30)
    container.stores.gate.note_use()
    container.stores.procore_limits.observe(
        {"X-Rate-Limit-Limit": "3600", "X-Rate-Limit-Remaining": "9", "X-Rate-Limit-Reset": str(int(at) + 1800)}
    )
    with container.stores.gate.slot(Precedence.EXPORT):
        facts = scrape(office)
    assert facts.of("waiting_work") == {"scans": 1, "items": 2, "exports": 1}
    assert facts.of("work_in_progress") == {"items": 1}
    assert facts.of("oldest_due_work_timestamp_seconds") == {"items": pytest.approx(at - 100, abs=0.01)}
    assert (facts["retrying_work"], facts["netsuite_slots_in_use"]) == (1, 1)
    assert facts.of("consecutive_pauses") == {"netsuite,all work": 1}
    assert facts["consecutive_pauses{procore,all work}"] == 0
    assert (facts["procore_rate_limit_requests{hour}"], facts["procore_rate_limit_requests_left{hour}"]) == (3600, 9)
    assert facts["run_pending_work{scan}"] == 1
    for name in ("run_in_progress_since_timestamp_seconds{scan}", "last_resume_timestamp_seconds"):
        assert at - 0.01 <= facts[name] <= container.now(), name
    container.work.close(Lane.SCANS, "scan:7", None)
    assert container.runs.last_whole(RunKind.SCAN) is None, "a scan of one project says nothing about all of them"
    container.stores.breakers.close(Remote.NETSUITE)
    assert scrape(office).of("consecutive_pauses") == {}


def test_metrics_cost_the_same_number_of_commands_for_any_amount(office: Installation, commands: list[str]) -> None:
    scrape(office)
    missing_processes = len(commands)
    office.processes_run()
    commands.clear()
    scrape(office)
    empty = len(commands)
    container = office.container
    container.ledger.add_waiting(1, {1: Record(State.WAITING, "code 1", at=1)})
    container.work.add(Lane.ITEMS, ["code:1:1"])
    container.work.add(Lane.EXPORTS, ["invoice:1:1"])
    commands.clear()
    scrape(office)
    with_few_records = len(commands)
    for project in range(20):
        waiting = {number: Record(State.WAITING, f"code {number}", at=1) for number in range(1, 51)}
        container.ledger.add_waiting(project + 1, waiting)
        container.work.add(Lane.ITEMS, [f"code:{project + 1}:{number}" for number in waiting])
    commands.clear()
    facts = scrape(office)
    assert (facts["unfinished_records{code,waiting}"], facts["waiting_work{items}"]) == (1000, 1000)
    assert len(commands) <= with_few_records
    assert (missing_processes, empty, with_few_records) == (45, 43, 60), "docs/monitoring.md has these numbers"
    assert not {"HVALS", "KEYS", "SCAN", "HSCAN", "SMEMBERS"} & set(commands)


def test_the_oldest_invoice_and_code_are_shown_with_why_they_wait(office: Installation) -> None:
    """The metric names the reason at each stage of their work, and neither is shown once it is done."""
    container, work = office.container, office.container.work
    assert scrape(office).of("oldest_waiting_timestamp_seconds") == {}
    began = container.now()

    def reasons() -> list[str]:
        facts = scrape(office).of("oldest_waiting_timestamp_seconds")
        assert all(began - 1 <= since <= container.now() for since in facts.values())
        return sorted(facts)

    container.ledger.add_waiting(7, {1: Record(State.WAITING, "26-1-A", at=began)})
    work.add(Lane.EXPORTS, ["invoice:7:1"])
    assert reasons() == ["code,in_no_lane", "invoice,due"]
    work.add(Lane.ITEMS, ["code:7:1"])
    work.take(Lane.EXPORTS, limit=1)
    assert reasons() == ["code,due", "invoice,not_begun"]
    work.claim(Lane.EXPORTS, "invoice:7:1", Claim.IN_LANE)
    work.claim(Lane.ITEMS, "code:7:1", Claim.IN_LANE)
    assert reasons() == ["code,in_progress", "invoice,in_progress"]
    event = AuditEvent(EventKind.WAITING_FOR_ITEMS, {"count": "3"}, began + 900)
    container.ledger.journal.add(InvoiceKey(7, 1), event)
    work.postpone(Lane.EXPORTS, "invoice:7:1", at=began + 900)
    work.postpone(Lane.ITEMS, "code:7:1", at=began + 900)
    assert reasons() == ["code,scheduled", "invoice,scheduled"]
    _, oldest = (one["sentence"] for one in reversed(container.overview.status()["oldest_waiting"]))
    assert "3" in oldest, "what has to come first"
    container.stores.breakers.pause(Remote.NETSUITE, first=600, cause=Cause.REMOTE_DOWN, answer="503")
    assert reasons() == ["code,paused", "invoice,paused"]
    container.stores.breakers.close(Remote.NETSUITE)
    container.ledger.write(InvoiceKey(7, 1), Record(State.UNKNOWN, "A-1", at=began, sent_at=began))
    container.ledger.report("series:items", Cause.UNEXPECTED, {"answer": "x"}, at=began)
    assert reasons() == ["code,series_stopped", "invoice,unconfirmed"]
    work.claim(Lane.EXPORTS, "invoice:7:1")
    work.close(Lane.EXPORTS, "invoice:7:1", None)
    container.ledger.write(CodeKey(7, 1), Record(State.CREATED, "26-1-A", "5", at=began))
    assert reasons() == []


def test_metrics_show_the_state_of_processes_queues_and_webhooks(
    office: Installation,
) -> None:
    container = office.container
    facts = scrape(office)
    assert facts.of("workers") == {}
    assert "webhook_receivers" not in facts, "no receiver has ever run"
    office.processes_run()
    container.stores.presence.announce("webhooks@test", queues=RECEIVES, clock_ahead=0.0)
    counts = container.stores.webhook_counts
    for answer in ("accepted", "unauthorized", "unauthorized"):
        counts.add(answer)
    counts.save()
    counts.save()
    container.redis.lpush(office.redis_key("exports"), "a message")
    facts = scrape(office)
    assert facts.of("workers") == {"scans": 1, "items": 1, "exports": 1, "upkeep": 2}
    assert facts.of("queue_messages") == {"exports": 1}
    seen = facts.of("process_last_seen_timestamp_seconds")
    assert seen.keys() == {"items@test", "invoices@test", "beat@test", "webhooks@test"}
    assert (facts["webhook_receivers"], facts.of("webhook_requests_total")) == (1, {"accepted": 1, "unauthorized": 2})
    alive = container.liveness.now()
    assert (len(alive.workers), alive.has_beat, alive.warnings) == (2, True, [])


def test_the_server_the_disk_and_the_certificate_are_shown(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_certificate_expires="2027-05-31", scan_cron="0 4 * * *")
    facts = scrape(office)
    assert 0 < facts["redis_memory_used_bytes"] < facts["redis_memory_limit_bytes"]
    assert (facts["redis_append_only"], facts.of("redis_save_failing")) == (1, {})
    assert facts["netsuite_certificate_expiry_timestamp_seconds"] == pytest.approx(1811807999.0, abs=2)
    assert facts["data_directory_free_bytes"] > 0
    assert facts.of("schedule_set") == {"scan": 1}
    refused = mock.Mock(side_effect=NoPermissionError("NOPERM this user has no permissions to run the 'info' command"))
    with mock.patch.object(office.container.redis, "info", refused):
        assert "redis_memory_used_bytes" not in scrape(office), "the other metrics are shown"


def test_a_lost_ledger_is_shown_in_the_metrics(office: Installation) -> None:
    office.container.redis.delete(office.redis_key("ledger"))
    office.container.ledger.state.save_rebuild({"items": 30})
    facts = scrape(office)
    assert (facts["ledger_open"], facts["ledger_rebuilt_items"]) == (0, 30)


def test_the_command_prints_the_same_and_writes_a_file_whole(office: Installation, tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        ended = run_command(office.container, "metrics", *arguments)
        assert (ended.code, ended.err) == (0, "")
        return ended.out

    office.container.stores.gate.note_use()
    assert Samples(run()).keys() == scrape(office).keys()
    file = tmp_path / "wbs-sync.prom"
    file.write_text("old")
    assert run("--out", str(file)) == ""
    assert Samples(file.read_text()).keys() == scrape(office).keys()
    assert list(tmp_path.glob("*prom*")) == [file], "no incomplete file is left"


def test_a_process_without_the_key_learns_the_certificates_end(open_office: OpenInstallation) -> None:
    """A process that does not have the key knows from the workers when the certificate expires."""
    office = open_office()
    worker = office.reopened(netsuite_certificate_expires="2027-05-31")
    worker.container.connections.note_certificate_expiry()
    flower = office.reopened(netsuite_private_key_file=str(NOT_HELD))
    assert flower.container.connections.certificate_expiry == worker.container.connections.certificate_expiry
    end = f"wbs_sync_netsuite_certificate_expiry_timestamp_seconds {worker.container.connections.certificate_expiry!r}"
    assert end.partition(" ")[0] in flower.container.metrics.text()
    office.container.connections.note_certificate_expiry()
    assert flower.container.connections.certificate_expiry is None
