"""`wbs-sync problems` by its commands: shown, resolved, ignored, filtered; and no bill depends on any of it."""

from __future__ import annotations

import importlib
import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation, facts_of
from worker.cli import output, wbs_sync
from worker.cli.runs import is_complete
from worker.domain.identities import CodeKey
from worker.domain.outcomes import OutcomeKind, State
from worker.domain.problems import Cause, FindingKind
from worker.engine import remote_failures, settlement
from worker.store.open_problems import Handling
from worker.sync.export_ends import ExportEnds

pytestmark = pytest.mark.real

CODE = "05-120.S"
ME = pwd.getpwuid(os.getuid()).pw_name
REAL = {"PROCORE_BASE_URL": "https://api.procore.com", "NETSUITE_BASE_URL": ""}
"""Addresses as in production; the commands below ask no remote."""


def call(office: Installation, *arguments: str, **env: str) -> Result:
    """Run a command in this installation as a person does."""
    settings = office.container.settings
    own = office.stage.env | {"REDIS_URL": office.container.redis_url, "REDIS_KEY_PREFIX": settings.redis_key_prefix}
    with pytest.MonkeyPatch.context() as patch:
        # Its width is decided when it is first imported.
        patch.setattr(output.out, "width", 400)
        ended = CliRunner().invoke(wbs_sync, list(arguments), env=own | env)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended


def call_json(office: Installation, *arguments: str, **env: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(call(office, *arguments, "--json", **env).stdout)


def listed(office: Installation, *options: str) -> set[str]:
    return {row["key"] for row in call_json(office, "problems", *options)}


def credit(office: Installation) -> tuple[Project, Invoice, str]:
    """Return an invoice with a negative amount, a problem that only a person can resolve: (project, invoice, key)."""
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "-900.00"), invoice_number="C-1")
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert office.problems(key) == {key: "needs_vendor_credit"}
    return project, invoice, key


def unlinked(office: Installation) -> tuple[Project, Invoice, str]:
    """Return an invoice whose project NetSuite does not have: (project, invoice, key)."""
    project = office.new_project("31-800", [CODE], linked=False)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="U-1")
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert office.problems(key) == {key: "project_not_linked"}
    return project, invoice, key


def closed_period(office: Installation) -> tuple[Project, Invoice, str]:
    """Return an invoice whose posting period is closed: (project, invoice, key)."""
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    office.stage.settings("netsuite", closed_before="2027-01-01")
    invoice = office.new_invoice(project, (CODE, "900.00"), invoice_number="A-7")
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    assert office.problems() == {key: "period_closed"}
    return project, invoice, key


def open_the_period(office: Installation) -> None:
    office.stage.settings("netsuite", closed_before="2026-01-01")


# Shown


def test_everything_about_a_problem_is_shown(office: Installation) -> None:
    project, _, key = closed_period(office)
    shown = call_json(office, "problems", "show", key)
    assert shown["record"] == f"31-800 {project.name}, invoice A-7"
    assert "invoice A-7 (Blue Spruce Electric) of 2026-05-31 cannot be billed" in shown["sentence"]
    assert (shown["cause"], shown["class"], shown["owner"]) == (
        "period_closed",
        "data in NetSuite",
        "project accountant",
    )
    assert shown["next_step"].startswith("Reopen the period")
    assert shown["fix_at"].startswith("In NetSuite")
    assert shown["last_attempt"]["state"] == "blocked"
    assert shown["next_attempt"] == {"in_progress": False, "at": None, "with": "export"}
    assert (shown["open"], shown["ignored"], shown["notes"], shown["links"]) == (True, None, [], [])

    ended = call(office, "problems", "show", key)
    assert ended.exit_code == 1
    lines = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines() if line[:1].strip())
    assert lines["since"].endswith(" UTC")
    assert lines["since"].startswith("20")
    assert lines["owner"] == "project accountant"
    assert f"wbs-sync problems retry {key}" in lines["next"]
    assert shown["sentence"] in ended.stdout


def test_work_that_waits_is_shown_with_its_time(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settlement, "back_off", lambda failures: (600.0, 600.0))
    _, invoice, key = closed_period(office)
    office.stage.faults("procore", [{"kind": "error_before", "path": "/requisitions", "value": 500}])
    office.export(invoice)
    shown = call_json(office, "problems", "show", key)
    assert shown["next_attempt"]["at"] == pytest.approx(office.container.now() + 600, abs=60)
    assert shown["last_attempt"]["failures"] == 1
    assert "1 attempts failed" in call(office, "problems", "show", key).stdout


def test_a_remotes_problem_is_shown_with_the_end_of_its_hold(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_failures, "REFUSED_PAUSE_SECONDS", 600.0)
    project = office.new_project("31-800", [CODE])
    office.netsuite.doorkeeper.unmap_certificates()
    office.scan(project.id)
    shown = call_json(office, "problems", "show", "remote:netsuite")
    assert (shown["record"], shown["class"]) == ("NetSuite", "access or settings")
    # At most two minutes, because a fix by a person may come at any time.
    assert shown["next_attempt"]["at"] == pytest.approx(office.container.now() + 120, abs=60)


def test_a_project_known_by_its_id_is_shown_with_its_name(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    facts = {"project": f"id {project.id}", "what": "data", "answer": "404 Not found"}
    office.container.ledger.report(f"scan:{project.id}", Cause.PROJECT_NOT_READABLE, facts, at=1.0)
    assert f"project 31-800 {project.name}" in office.sentence(f"scan:{project.id}")


def test_names_and_notes_are_shown_literally(office: Installation) -> None:
    facts = {"invoice": "A\x1b[2J", "vendor": "[red]B[/red]", "date": "\u202e1", "period": "May"}
    office.container.ledger.report("invoice:1:2", Cause.PERIOD_CLOSED, facts, at=1.0)
    call(office, "problems", "ignore", "invoice:1:2", "--until-changed", "--note", "\u202e[/]")
    text = call(office, "problems", "show", "invoice:1:2").stdout
    assert "A\\x1b[2J ([red]B[/red])" in text
    assert f"by {ME}: \\u202e[/]" in text
    assert not {"\x1b", "\u202e"} & set(text)


@pytest.mark.parametrize("key", ["invoice:1:2", "x", "", "caf\udce9", "remote:mars", "code:x:y", "verify:z"])
@pytest.mark.parametrize("command", [["show"], ["resolve", "--note", "done"], ["ignore", "--until-changed"]])
def test_a_key_without_any_record_is_reported(office: Installation, command: list[str], key: str) -> None:
    ended = call(office, "problems", command[0], key, *command[1:])
    assert ended.exit_code == 1
    assert "wbs-sync problems` " in ended.stderr


# Links


def test_links_lead_to_both_records_in_production(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    item = office.netsuite.make_item(f"31-800-{CODE}", isinactive=True)
    office.scan(project.id)
    company, account = office.procore.company.company_id, office.container.settings.netsuite_account_id.lower()
    site = f"https://app.procore.com/webclients/host/companies/{company}/projects/{project.id}/tools"
    key = str(CodeKey(project.id, project.code_named(CODE).id))
    links = [
        {"system": "Procore", "record": "project", "url": f"{site}/projecthome"},
        {
            "system": "NetSuite",
            "record": f"Item {item.id}",
            "url": f"https://{account.replace('_', '-')}.app.netsuite.com/app/common/item/item.nl?id={item.id}",
        },
    ]
    assert call_json(office, "problems", "show", key, **REAL)["links"] == links
    assert call_json(office, "problems", **REAL)[0]["links"] == links
    text = call(office, "problems", "show", key, **REAL).stdout
    assert all(link["url"] in text for link in links)
    assert call_json(office, "problems", "show", key)["links"] == [], "none into a simulator"


def test_links_of_an_invoice_lead_to_its_bill(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.settings("procore", patch_forbidden=True)
    office.export(invoice)
    bill = office.bill(invoice)
    urls = [link["url"] for link in call_json(office, "problems", **REAL)[0]["links"]]
    assert urls[0].endswith(f"/projects/{project.id}/tools/invoicing/subcontractor")
    assert urls[1].endswith(f".app.netsuite.com/app/accounting/transactions/vendbill.nl?id={bill.id}")


def test_a_finding_of_verify_links_to_the_record_in_the_ledger(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    code = project.code_named(CODE)
    item = office.item(f"31-800-{CODE}")
    office.container.ledger.report(
        f"verify:item_renamed:code:{project.id}:{code.id}", FindingKind.ITEM_RENAMED.cause, {"finding": "x"}, at=1.0
    )
    (row,) = call_json(office, "problems", **REAL)
    assert row["project_id"] == project.id
    assert [link["record"] for link in row["links"]] == ["project", f"Item {item.id}"]


# Resolved


def test_a_resolved_problem_reopens_with_its_note_when_the_cause_recurs(office: Installation) -> None:
    _, invoice, key = unlinked(office)
    ended = call(office, "problems", "resolve", key, "--note", "created the project")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Resolved: Project 31-800")
    assert call(office, "problems").exit_code == 0
    closed = call_json(office, "problems", "show", key)
    assert (closed["open"], closed["notes"][0]["note"]) == (False, "created the project")
    assert call(office, "problems", "show", key).exit_code == 0

    office.export(invoice)
    assert office.problems() == {key: "project_not_linked"}, "the cause remains, so it recurs"
    (note,) = call_json(office, "problems", "show", key)["notes"]
    assert (note["act"], note["by"], note["note"]) == ("resolved", ME, "created the project")
    assert note["at"] == pytest.approx(office.container.now(), abs=60)
    assert f"by {ME}: created the project" in call(office, "problems", "show", key).stdout


def test_a_problem_that_was_fixed_and_resolved_stays_closed(office: Installation) -> None:
    _, invoice, key = closed_period(office)
    call(office, "problems", "resolve", key, "--note", "opened the period")
    open_the_period(office)
    office.export(invoice)
    assert office.problems() == {}
    assert office.bill(invoice)
    assert call(office, "problems", "show", key).exit_code == 0


def test_verify_finds_an_invoice_that_was_resolved_and_has_no_bill(office: Installation) -> None:
    """Marking a problem as resolved hides nothing."""
    _, _, key = unlinked(office)
    assert key not in [finding.key for finding in office.container.verification.verify().findings]
    call(office, "problems", "resolve", key, "--note", "done")
    assert key in [finding.key for finding in office.container.verification.verify().findings]


@pytest.mark.parametrize("act", [["resolve", "--note", "it is there"], ["ignore", "--until-changed"]])
def test_a_bill_in_doubt_is_never_sent_again_whatever_a_person_does(
    open_office: OpenInstallation, act: list[str]
) -> None:
    """Resolving or ignoring its problem leaves the record as it is, so the bill is looked up."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.faults("netsuite", [{"kind": "cut_after", "method": "POST", "path": "vendorBill", "times": 1},
                                     {"kind": "error_before", "method": "GET", "path": "vendorBill", "value": 500}])  # fmt: skip
    assert office.export(invoice).kind is not OutcomeKind.CREATED
    # A problem in addition to the doubt: while its bill is looked up, the invoice's sum is wrong.
    office.procore.edit_invoice(invoice.id, off_by="5.00")
    office.export(invoice)
    key = f"invoice:{project.id}:{invoice.id}"
    office.container.ledger.report(key, Cause.LINES_DO_NOT_TIE, facts_of(Cause.LINES_DO_NOT_TIE), at=1.0)
    before = office.invoice_record(invoice)
    assert before is not None
    assert before.in_doubt
    assert call(office, "problems", act[0], key, *act[1:]).exit_code == 0
    assert office.invoice_record(invoice) == before, "the record that work depends on is unchanged"

    office.procore.edit_invoice(invoice.id, off_by="0.00")
    office.clear_faults()
    office.retry(key)
    office.export(invoice)
    assert len(office.posts(BILL_PATH)) == 1
    record = office.invoice_record(invoice)
    assert record is not None
    assert (record.state, record.remote_id) == (State.CREATED, office.bill(invoice).id)
    assert office.container.ledger.problems() == []


def test_a_problem_resolved_while_its_work_runs_is_reopened_by_the_result(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, invoice, key = unlinked(office)
    block, resolved = ExportEnds.block, []

    def resolved_meanwhile(*arguments: Any) -> Any:
        resolved.append(call(office, "problems", "resolve", key, "--note", "done").exit_code)
        assert office.problems() == {}
        return block(*arguments)

    monkeypatch.setattr(ExportEnds, "block", resolved_meanwhile)
    office.export(invoice)
    assert resolved == [0]
    assert office.problems() == {key: "project_not_linked"}


@pytest.mark.parametrize("act", [["resolve", "--note", "done"], ["ignore", "--until-changed"]])
def test_a_problem_that_changes_during_the_command_stays_unchanged(
    office: Installation, monkeypatch: pytest.MonkeyPatch, act: list[str]
) -> None:
    _, _, key = unlinked(office)

    def changing(do: Callable[..., bool]) -> Callable[..., bool]:
        def changed_first(*args: Any, **options: Any) -> bool:
            office.container.ledger.report(key, Cause.PROJECT_NOT_LINKED, facts_of(Cause.PROJECT_NOT_LINKED), at=1.0)
            return do(*args, **options)

        return changed_first

    for done in ("resolve", "ignore"):
        monkeypatch.setattr(Handling, done, changing(getattr(Handling, done)))
    ended = call(office, "problems", act[0], key, *act[1:])
    assert ended.exit_code == 1
    assert f"{key} has just changed" in ended.stderr
    assert listed(office) == {key}


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("  ", "Describe in --note what was done"),
        ("x" * 1001, "the limit is 1000"),
        ("a\x1b[2Jb", "U+001B"),
        ("caf\udce9", "U+DCE9"),
    ],
)
def test_a_note_that_cannot_be_kept_closes_nothing(office: Installation, note: str, sentence: str) -> None:
    _, _, key = credit(office)
    ended = call(office, "problems", "resolve", key, "--note", note)
    assert ended.exit_code == 2
    assert sentence in ended.stderr
    assert listed(office) == {key}


def test_a_note_is_required(office: Installation) -> None:
    assert call(office, "problems", "resolve", "invoice:1:2").exit_code == 2


# Ignored


def test_an_ignored_problem_is_hidden_until_it_changes(office: Installation) -> None:
    _, invoice, key = credit(office)
    ended = call(office, "problems", "ignore", key, "--until-changed", "--note", "waits for the vendor")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("Ignored until it changes: Invoice C-1")
    assert call(office, "problems").exit_code == 0
    assert listed(office) == set()
    assert office.problems() == {}, "nor in the summary of scan and export"
    assert listed(office, "--ignored") == {key}
    assert call(office, "problems", "--ignored").exit_code == 0
    (row,) = call_json(office, "problems", "--ignored")
    assert (row["ignored"]["by"], row["ignored"]["note"]) == (ME, "waits for the vendor")
    shown = call(office, "problems", "show", key)
    assert shown.exit_code == 0
    assert "ignored until it changes" in shown.stdout

    office.export(invoice)
    assert listed(office) == set(), "the same again"
    office.procore.edit_invoice(invoice.id, invoice_number="C-2")
    office.export(invoice)
    assert listed(office) == {key}, "its sentence changed"
    assert listed(office, "--ignored") == set()
    assert call(office, "problems").exit_code == 1
    assert [note["act"] for note in call_json(office, "problems", "show", key)["notes"]] == ["ignored"]


def test_an_ignored_problem_is_closed_when_its_cause_is_fixed(office: Installation) -> None:
    _, invoice, key = closed_period(office)
    call(office, "problems", "ignore", key, "--until-changed")
    open_the_period(office)
    office.export(invoice)
    assert office.bill(invoice)
    assert listed(office, "--ignored") == set()


def test_no_problem_can_be_ignored_permanently(office: Installation) -> None:
    _, _, key = credit(office)
    ended = call(office, "problems", "ignore", key)
    assert ended.exit_code == 2
    assert "--until-changed" in ended.stderr
    assert listed(office) == {key}


def test_a_run_is_ok_if_everything_that_it_left_blocked_is_ignored(office: Installation) -> None:
    project = office.new_project(None, [CODE, "05-121.S"])
    run = office.scan(project.id)
    assert run.counts["blocked"] == 2
    keys = sorted(office.problems())
    call(office, "problems", "ignore", keys[0], "--until-changed")
    assert not is_complete(office.container, run), "one of the two is left"
    call(office, "problems", "ignore", keys[1], "--until-changed")
    assert is_complete(office.container, run)
    assert is_complete(office.container, office.scan(project.id)), "the same again"

    office.container.ledger.report("invoice:1:2", Cause.UNEXPECTED, {"answer": "x"}, at=1.0)
    assert is_complete(office.container, run), "a scan does not report invoices"
    call(office, "problems", "resolve", keys[0], "--note", "done")
    assert not is_complete(office.container, run), "still blocked, and not ignored"


def test_a_run_with_unconfirmed_work_is_never_ok(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("31-800", [CODE])
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": "Item", "times": 1}])
    run = office.scan(project.id)
    assert not is_complete(office.container, run)


def test_status_counts_ignored_problems_separately(office: Installation) -> None:
    _, _, key = credit(office)
    assert (call_json(office, "status")["problems"], call_json(office, "status")["ignored_problems"]) == (
        {"needs_vendor_credit": 1},
        0,
    )
    call(office, "problems", "ignore", key, "--until-changed")
    assert (call_json(office, "status")["problems"], call_json(office, "status")["ignored_problems"]) == ({}, 1)
    assert "Open problems: 0; 1 ignored" in call(office, "status").stdout


def test_a_retry_of_all_skips_ignored_problems_unless_named_by_key(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.import_module("worker.cli.problems.retry"), "send", lambda *_, **__: None)
    _, _, key = credit(office)
    call(office, "problems", "ignore", key, "--until-changed")
    assert call_json(office, "problems", "retry", "--all")["dispatched"] == {}
    assert call_json(office, "problems", "retry", key)["dispatched"] == {"invoices": 1}


# The list


def test_the_list_is_filtered_and_grouped(office: Installation) -> None:
    project = office.new_project(None, [CODE, "05-121.S"])
    office.scan(project.id)
    codes = set(office.problems())
    _, _, invoice = credit(office)
    office.container.ledger.report("remote:procore", Cause.PROCORE_LOGIN, {"answer": "401"}, at=1.0)
    assert listed(office) == {*codes, invoice, "remote:procore"}
    assert listed(office, "--owner", "integration engineer") == {"remote:procore"}
    assert listed(office, "--cause", "project_number_missing") == codes
    assert listed(office, "--class", "data in NetSuite") == {invoice}
    assert listed(office, "--class", "access or settings") == {"remote:procore"}
    assert listed(office, "--project", str(project.id)) == codes
    assert listed(office, "--project", str(project.id), "--class", "data in NetSuite") == set()
    assert call(office, "problems", "--project", "999999").exit_code == 1  # there is none
    people = call(office, "problems").stdout
    assert all(key in people for key in (*codes, invoice)), "with the keys that other commands accept"
    (row,) = [
        line for line in call(office, "problems", "--by-cause").stdout.splitlines() if "project_number_missing" in line
    ]
    assert "2" in row
    assert "project accountant" in row


def test_an_unknown_cause_is_an_error_and_not_an_empty_list(office: Installation) -> None:
    credit(office)
    ended = call(office, "problems", "--cause", "needs_vendor_credits")
    assert ended.exit_code == 2
    assert "there is no cause 'needs_vendor_credits'" in ended.stderr
    assert call(office, "problems", "--cause", "needs_vendor_credit").exit_code == 1


@pytest.mark.parametrize("options", [["--ignored"], ["--class", "data in Procore"], ["--project", "1"]])
def test_options_of_the_list_do_not_apply_to_its_subcommands(office: Installation, options: list[str]) -> None:
    ended = call(office, "problems", *options, "show", "x")
    assert ended.exit_code == 2
    assert "after `show`" in ended.stderr


def test_every_subcommand_of_problems_has_help() -> None:
    group = wbs_sync.get_command(click.Context(wbs_sync), "problems")
    assert isinstance(group, click.Group)
    assert set(group.commands) == {"show", "retry", "resolve", "continue", "ignore"}
    assert all(command.help for command in group.commands.values())


def test_an_unknown_error_of_netsuite_is_shown_with_its_message(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    fault = {"kind": "error_before", "method": "POST", "path": ITEM_PATH, "value": 400}
    office.stage.faults("netsuite", [fault])
    office.scan(project.id)
    (key,) = office.problems()
    shown = call_json(office, "problems", "show", key)
    assert shown["cause"] == "item_rejected"
    assert "UNEXPECTED_ERROR An unexpected error occurred. Error ID: k3x9simulated" in shown["sentence"]


def test_an_unknown_error_of_procore_is_shown_with_its_message(office: Installation) -> None:
    project = office.new_project("31-800", [CODE])
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    for status, cause in ((418, "unreadable_response"), (406, "unexpected")):
        office.stage.faults("procore", [{"kind": "error_before", "path": "/requisitions/", "value": status}])
        office.export(invoice)
        (row,) = call_json(office, "problems")
        assert (row["cause"], row["class"]) == (cause, "unexpected")
        assert str(status) in row["sentence"]


def test_a_user_without_a_name_is_shown_by_number(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_user(_: int) -> Any:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", no_user)
    _, _, key = unlinked(office)
    call(office, "problems", "resolve", key, "--note", "done")
    assert call_json(office, "problems", "show", key)["notes"][0]["by"] == f"user {os.getuid()}"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore the `.env` of the person who runs the tests."""
    monkeypatch.chdir(tmp_path)


def test_an_ignored_problem_still_explains_why_there_is_no_bill(office: Installation) -> None:
    _, invoice, key = credit(office)
    call(office, "problems", "ignore", key, "--until-changed")
    explanation = office.container.explain.invoice(str(invoice.id), None)
    assert "totals -" in explanation["explanation"]
    assert explanation["explanation"].endswith("This problem is ignored until it changes.")


def test_an_unknown_project_is_not_a_project_without_problems(office: Installation) -> None:
    project = office.new_project("27-900", ())
    office.container.scans.projects.refresh()
    none = call(office, "problems", "--project", "27-900")
    assert (none.exit_code, "0 open problems" in none.stdout) == (0, True)
    assert call(office, "problems", "--project", str(project.id)).exit_code == 0
    unknown = call(office, "problems", "--project", "4711")
    assert (unknown.exit_code, "There is no project with the id, number or name 4711" in unknown.stderr) == (1, True)
