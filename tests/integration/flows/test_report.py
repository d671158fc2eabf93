"""The report's data: from the ledger, the lanes, the gate and the runs, without a request to a remote."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call_json
from tests.kit.commands import run_command
from tests.kit.installation import Installation, facts_of
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.plans import Requests
from worker.domain.problems import Cause
from worker.domain.work import Lane
from worker.inspect.report import InvoiceTotals, Report, StatusCounts
from worker.store.gate import Precedence

pytestmark = pytest.mark.real


@pytest.fixture
def seeded(open_office: OpenInstallation) -> Installation:
    """Open an installation whose ledger has a record of each state, in two projects, one of which is no longer listed."""
    office = open_office()
    project = next(iter(office.procore.company.projects.values()))
    office.container.scans.projects.refresh()
    ledger, at = office.container.ledger, office.container.now()
    blocked = {"cause": Cause.VENDOR_NOT_LINKED, "facts": facts_of(Cause.VENDOR_NOT_LINKED, vendor="Acme")}
    for place, state in enumerate(State):
        problem = blocked if state is State.BLOCKED else {}
        ledger.write(CodeKey(project.id, place + 1), Record(state, f"code {place}", at=at, **problem))  # type: ignore[arg-type]
        ledger.write(InvoiceKey(project.id, place + 1), Record(state, f"invoice {place}", at=at, **problem))  # type: ignore[arg-type]
    ledger.write(CodeKey(77, 1), Record(State.CREATED, "gone", at=at))
    office.container.work.add(Lane.ITEMS, ["code:77:1", "code:77:2"])
    return office


def gathered(office: Installation) -> Report:
    return office.container.reports.report()


def test_states_are_counted_for_each_project_and_for_all(seeded: Installation) -> None:
    report = gathered(seeded)
    project = next(iter(seeded.procore.company.projects.values()))
    one_of_each = StatusCounts(done=2, waiting=3, blocked=1, skipped=1)
    assert {(row.id, row.number, row.name, row.codes, row.invoices) for row in report.projects} == {
        (project.id, project.number, project.name, one_of_each, one_of_each),
        (77, "", "", StatusCounts(done=1), StatusCounts()),
    }
    assert (report.codes, report.bills) == (StatusCounts(3, 3, 1, 1), one_of_each)
    assert report.codes.wanted == 7
    assert {state: due.invoices for state, due in report.invoices.items()} == {state.value: 1 for state in State}
    assert (report.waiting, report.in_hand, report.ledger_notice) == (2, 0, "")
    assert abs(report.at - seeded.container.now()) < 60
    settings = seeded.container.settings
    assert (report.company_id, report.account_id) == (settings.procore_company_id, settings.netsuite_account_id)


def test_other_programs_find_the_same_keys_in_the_report(seeded: Installation) -> None:
    assert set(call_json(seeded, "report")) == {
        "at", "company_id", "account_id", "ledger_open", "ledger_notice", "projects", "invoices", "problems", "waiting", "in_hand", "runs",
        "gate", "pauses",
    }  # fmt: skip


def test_problems_are_grouped_by_owner_and_cause(seeded: Installation) -> None:
    seeded.container.ledger.report("netsuite", Cause.REMOTE_DOWN, facts_of(Cause.REMOTE_DOWN, remote="NetSuite"), at=5)
    report = gathered(seeded)
    counts = {owner.owner: {cause.cause: len(cause.problems) for cause in owner.causes} for owner in report.problems}
    assert counts == {"ERP administrator": {"vendor_not_linked": 2}, "integration engineer": {"remote_down": 1}}
    assert report.open_problems == 3
    linked = report.problems[0].causes[0]
    assert "Acme" in linked.problems[0].sentence
    assert linked.next_step
    assert report.problems[1].causes[0].problems[0].since == 5


def test_after_a_scan_and_an_export_it_agrees_with_what_status_says(synced: Installation) -> None:
    report, status = gathered(synced), synced.container.overview.status()
    assert {state: due.invoices for state, due in report.invoices.items()} == status["invoices"]
    codes = Counter(status["codes"])
    assert (report.codes.done, report.codes.blocked) == (codes["created"] + codes["adopted"], codes["blocked"])
    assert sum(due.invoices for due in report.invoices.values()) == report.bills.wanted + report.bills.skipped
    causes = {cause.cause: len(cause.problems) for owner in report.problems for cause in owner.causes}
    assert causes == status["problems"]
    assert [run.kind for run in report.runs] == ["export", "scan"]
    assert [dict(run.counts) for run in report.runs] == [status["runs"][kind]["counts"] for kind in ("export", "scan")]
    assert all(run.seconds is not None and run.seconds >= 0 and run.open_keys == 0 for run in report.runs)


def test_amounts_by_state_are_the_sums_of_what_procore_and_netsuite_hold(synced: Installation) -> None:
    """To the cent, read from the simulated systems themselves; what cannot be known is shown as not known."""
    report = gathered(synced)
    billed, due_by_state = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
    unknown = Counter[str]()
    for project_id in synced.container.ledger.projects():
        for invoice_id, record in synced.container.ledger.invoices(project_id).items():
            payment_due = due_in_procore(synced, invoice_id)
            if payment_due is None:
                unknown[record.state.value] += 1
                continue
            due_by_state[record.state.value] += payment_due
            if record.done and (bill := synced.netsuite.bills.get(record.remote_id)):
                billed[record.state.value] += bill.total
    assert set(report.invoices) == {"created", "adopted", "blocked", "skipped"}
    for state, due in report.invoices.items():
        assert (due.payment_due, due.invoices - due.known) == (due_by_state[state], unknown[state]), state
        assert state == "skipped" or due.payment_due
    assert (billed["created"], billed["adopted"]) == (due_by_state["created"], due_by_state["adopted"])
    assert unknown == {"blocked": 1}
    owners = {owner.owner: owner.held_back for owner in report.problems}
    assert sum((due.payment_due for due in owners.values()), Decimal(0)) == due_by_state["blocked"]
    assert sum(due.invoices for due in owners.values()) == report.invoices["blocked"].invoices
    assert owners["project accountant"].known == owners["project accountant"].invoices - 1


def due_in_procore(office: Installation, invoice_id: int) -> Decimal | None:
    """Return the payment due that Procore itself states; None for another currency."""
    project_id = office.procore.invoice(invoice_id).project_id
    answer = office.container.exports.remotes.procore.get_invoice(project_id, invoice_id)
    return answer.payment_due if answer.currency == answer.base_currency else None


def test_runs_show_the_number_of_requests_to_both_remotes(office: Installation) -> None:
    office = office.reopened(project_ids=str(office.procore.project("24-003").id))
    before = got(office)
    scan = office.scan()
    between = got(office)
    export = office.export_all()
    assert (scan.requests, export.requests) == (between - before, got(office) - between)
    assert [run.requests for run in gathered(office).runs] == [export.requests, scan.requests]


def test_no_amount_is_invented_for_records_without_one() -> None:
    """These were recorded from one of Procore's lists after Redis was lost, or are in another currency."""
    records = [Record(State.CREATED, "listed", "1"), Record(State.SKIPPED, "nothing due", payment_due=Decimal(0))]
    assert InvoiceTotals.of(records) == InvoiceTotals(invoices=2, known=1, payment_due=Decimal(0))


def got(office: Installation) -> Requests:
    """Return the requests that both remotes received so far, without logins."""
    procore = [one for one in office.procore.journal.requests() if "/oauth/" not in one["path"]]
    return Requests(len(procore), len(office.requests()))


def test_the_report_needs_no_request_to_a_remote_and_writes_nothing(synced: Installation) -> None:
    # A key may expire meanwhile; none may be added.
    before, asked = set(synced.container.redis.scan_iter(synced.redis_key("*"))), synced.mark()
    calls = synced.procore.journal.requests()
    gathered(synced)
    assert set(synced.container.redis.scan_iter(synced.redis_key("*"))) <= before
    assert (synced.mark(), synced.procore.journal.requests()) == (asked, calls)


def test_a_run_in_progress_has_no_duration_yet(office: Installation) -> None:
    office.container.wbs_scan.request("schedule")
    (run,) = gathered(office).runs
    assert (run.kind, run.trigger, run.seconds, run.open_keys, dict(run.counts)) == ("scan", "schedule", None, 1, {})


def test_the_report_shows_slots_in_use_now_and_before(office: Installation) -> None:
    office.container.stores.gate.note_use()
    with office.container.stores.gate.slot(Precedence.SCAN):
        office.container.stores.gate.note_use()
        gate = gathered(office).gate
    assert [use.in_use for use in gate.noted] == [0, 1]
    assert (gate.in_use, gate.slots) == (1, office.container.settings.netsuite_concurrency)


# The command


def run(office: Installation, *arguments: str) -> tuple[int, str, str]:
    """Run `wbs-sync report` in an installation; return exit code, standard output and standard error."""
    ended = run_command(office.container, "report", *arguments, width=80)
    return ended.code, ended.out, ended.err


def test_the_command_writes_one_file_and_says_where(
    synced: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(synced)[0] == 0
    code, output, _ = run(synced, "--out", "other.html")
    assert (code, output.split()) == (0, ["Written:", str(tmp_path / "other.html")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.html", "wbs-sync-report.html"]
    page = (tmp_path / "other.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert all(row.name in page for row in gathered(synced).projects if "&" not in row.name and "'" not in row.name)


def test_as_json_it_prints_the_data_and_writes_only_what_is_asked_for(
    synced: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, output, _ = run(synced, "--json")
    value = json.loads(output)
    report = gathered(synced)
    assert code == 0
    assert {row["id"]: row["codes"]["done"] for row in value["projects"]} == {
        row.id: row.codes.done for row in report.projects
    }
    assert value["invoices"]["created"] == {
        "invoices": report.invoices["created"].invoices,
        "known": report.invoices["created"].known,
        "payment_due": str(report.invoices["created"].payment_due),
    }
    assert value["runs"][0]["requests"] == asdict(report.runs[0].requests or Requests())
    assert list(tmp_path.iterdir()) == []
    assert json.loads(run(synced, "--json", "--out", "page.html")[1])["invoices"] == value["invoices"]
    assert (tmp_path / "page.html").exists()


def test_a_file_that_cannot_be_written_is_reported_in_a_sentence(synced: Installation, tmp_path: Path) -> None:
    code, output, complaint = run(synced, "--out", str(tmp_path / "no-such-folder" / "page.html"))
    assert (code, output) == (1, "")
    assert "No such file or directory" in complaint
    assert "Traceback" not in complaint


def test_a_run_and_the_page_count_the_same_things_by_the_same_names(synced: Installation) -> None:
    """A project that cannot be read is neither a blocked code nor a blocked invoice, and the Items of an export are in its line."""
    report = gathered(synced)
    export, scan = report.runs
    assert scan.counts["projects_blocked"] == export.counts["projects_blocked"] == 1
    assert export.counts["blocked"] == report.bills.blocked
    assert scan.counts["blocked"] == report.codes.blocked
    assert scan.counts["created"] + scan.counts["adopted"] + export.counts["items"] == report.codes.done
