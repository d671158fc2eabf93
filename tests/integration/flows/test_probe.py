"""`wbs-sync probe` with the real command: simulated accounts give every answer of every point, and the command reports it. No record
is left, no production account gets a request, and neither profile nor report contains a secret or a name.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from config.profile import Effects, Profile, load_profile, settle_seconds
from config.setting_faults import InvalidSettings
from probe import session
from probe.cleanup import Cleanup, CleanupResult
from probe.identities import external_id_prefix
from probe.points import POINTS, items
from probe.profile import write_profile
from probe.session import ProbeSession, TrialRecord
from simulators.common.settings import CommonSettings, change_settings
from simulators.company.accounts import ACCOUNT
from tests.integration.flows.conftest import OpenInstallation
from tests.integration.flows.test_problem_commands import call
from tests.kit.company import ITEM_PATH, SUITEQL_PATH, VENDOR
from tests.kit.installation import Installation
from worker.cli import wbs_sync
from worker.domain.errors import AlreadyExists, Blocked
from worker.domain.items import ItemNeed
from worker.domain.outcomes import OutcomeKind
from worker.domain.problems import Cause

pytestmark = pytest.mark.real

CODE = "05-120.S"
PROFILE = Path("data/netsuite-profile.json")
VAGUE = "Fehler."
TAKEN = "Der Datensatz ist bereits vorhanden, Nummer 17 von Blue Spruce Electric."
CLOSED = "Die Buchungsperiode ist geschlossen und nimmt nichts mehr an."

WORLDS: Mapping[str, tuple[dict[str, Any], dict[str, str]]] = {
    "as documented, or likely": (
        {},
        {
            "budget_line_items": "available", "code_pages": "linked", "rate_limit": "reported", "project_numbers": "unique",
            "line_amounts": "this_period", "tax_in_payment_due": "separate", "item_name_length": "reported",
            "display_name_length": "60_or_more", "bill_absent": "404", "item_as_set": "accepted", "item_location": "given",
            "item_seen_by_id": "at_once", "item_seen_by_query": "at_once", "item_duplicate_name": "recognized",
            "item_duplicate_id": "recognized", "item_name_case": "same", "item_name_too_long": "refused",
            "external_id_length": "whole", "expense_account": "needed", "subsidiary": "needed",
            "tax_schedule_needed": "optional", "tax_schedule": "kept", "items_at_once": "one", "bill_as_set": "accepted",
            "project_field": "customer", "bill_location": "given", "bill_seen_by_id": "at_once",
            "bill_seen_by_query": "at_once", "bill_duplicate_id": "recognized", "bill_duplicate_number": "recognized",
            "bill_closed_period": "recognized", "posting_periods": "readable", "bill_other_period": "refused",
            "bill_negative": "refused", "bills_at_once": "one",
            "erp_status": "synced", "origin_id_twice": "422", "origin_id_cleared": "refused",
        },
    ),
    "otherwise, and in German": (
        {
            "budget_lines_v2": False, "links_pages": False, "hourly_limit": None, "line_amounts": "to_date",
            "tax_in_payment_due": True, "catalog_tells_lengths": False, "unknown_bill_eid_status": 400,
            "location_on_create": False, "duplicate_words": TAKEN, "closed_period_words": CLOSED,
            "item_names_ignore_case": False, "long_item_names": "take", "external_id_max_length": 50,
            "long_external_ids": "cut", "default_expense_account": "148", "one_world": False,
            "tax_schedule_over_rest": "drop", "uniqueness": "window", "uniqueness_window": 0.1, "project_field": "job",
            "date_outside_period": "allow", "refuse_negative_bills": False, "patch_marks_synced": False, "duplicate_origin_status": 409,
            "origin_id_clearable": True,
        },
        {
            "budget_line_items": "missing", "code_pages": "by_count", "rate_limit": "silent", "line_amounts": "to_date",
            "tax_in_payment_due": "included", "item_name_length": "silent", "display_name_length": "silent",
            "bill_absent": "400", "item_location": "missing", "item_duplicate_name": "learned",
            "item_duplicate_id": "learned", "item_name_case": "different", "item_name_too_long": "accepted",
            "external_id_length": "cut", "expense_account": "optional", "subsidiary": "optional",
            "tax_schedule": "dropped", "items_at_once": "both", "project_field": "job", "bill_location": "missing",
            "bill_duplicate_id": "learned", "bill_duplicate_number": "learned", "bill_closed_period": "learned",
            "bill_other_period": "kept",
            "bill_negative": "accepted", "bills_at_once": "both", "erp_status": "unchanged", "origin_id_twice": "409",
            "origin_id_cleared": "cleared",
        },
    ),
    "late, and with few words": (
        {
            "duplicate_words": VAGUE, "closed_period_words": VAGUE,
            "long_item_names": "cut",
            "external_id_max_length": 50, "tax_schedule_over_rest": "refuse", "links_pages": False, "most_codes": 2,
            "display_name_max_length": 40, "line_amounts": "scheduled", "status_when_synced": "ready_to_export",
            "duplicate_origin_status": 200,
        },
        {
            "code_pages": "cut_short", "line_amounts": "neither", "display_name_length": "less_than_60",
            "item_seen_by_id": "later", "item_seen_by_query": "later",
            "item_duplicate_name": "ambiguous", "item_duplicate_id": "ambiguous", "item_name_too_long": "cut",
            "external_id_length": "refused", "tax_schedule": "refused", "bill_seen_by_id": "later",
            "bill_seen_by_query": "later", "bill_duplicate_id": "ambiguous",
            "bill_duplicate_number": "ambiguous", "bill_closed_period": "ambiguous", "erp_status": "other",
            "origin_id_twice": "accepted",
        },
    ),
    "nothing is unique, nothing is seen": (
        {
            "uniqueness": "off", "eid_lag": 3600, "suiteql_lag": 3600, "tax_schedule_required": True,
            "closed_dates_move": True, "date_outside_period": "ignore",
        },
        {
            "item_seen_by_id": "not_within_a_minute", "item_seen_by_query": "not_within_a_minute",
            "item_duplicate_name": "accepted", "item_duplicate_id": "accepted", "tax_schedule_needed": "needed",
            "bill_seen_by_id": "not_within_a_minute", "bill_seen_by_query": "not_within_a_minute",
            "bill_duplicate_id": "accepted", "bill_duplicate_number": "accepted", "bill_closed_period": "moved",
            "bill_other_period": "ignored",
        },
    ),
    "names and numbers are generated": (
        {"auto_generated_numbers": ["item", "vendorBill"]},
        {"item_as_set": "name_replaced", "bill_as_set": "number_replaced"},
    ),
    "tax is added": ({"bill_tax": "8.25"}, {"item_as_set": "accepted", "bill_as_set": "tax_added"}),
    "numbers are generated, and tax is added": (
        {"auto_generated_numbers": ["vendorBill"], "bill_tax": "8.25"},
        {"bill_as_set": "number_replaced_and_tax_added"},
    ),
    "no bill can be posted": ({"closed_before": "2999-01-01"}, {"item_as_set": "accepted", "bill_as_set": "refused"}),
    "every period is open, and no bill is looked up in vain": (
        {
            "closed_before": "", "unknown_bill_eid_status": 400, "unknown_bill_words": VAGUE,
            "missing_permissions": ["accountingPeriod"],
        },
        {"posting_periods": "not_readable", "bill_closed_period": "accepted", "bill_absent": "not_recognized"},
    ),
}  # fmt: skip
"""Accounts: the settings of the simulators that differ from the default, and the expected answers."""
OTHER_ANSWERS = {
    "project_numbers": {"repeated"},
    "tax_in_payment_due": {"neither"},
    "item_as_set": {"refused"},
}
"""Answers that no setting of an account gives: they have their own tests below."""


LATE = "late, and with few words"
GERMAN = "otherwise, and in German"


@pytest.fixture(scope="module")
def office(open_shared: OpenInstallation) -> Installation:
    """Open one installation for all tests: each restores it. One invoice has tax."""
    opened = open_shared(world={"hourly_limit": 100_000})
    opened.procore.edit_invoice(taxed(opened), tax=Decimal("10.00"))
    return opened


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a separate data directory, and look-ups without pauses."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(session, "LOOKUP_INTERVALS_SECONDS", (0.0, 0.0))


@pytest.fixture(autouse=True)
def as_before(office: Installation) -> Iterator[None]:
    """Restore the account's settings after each test, and check that no trial record is left."""
    both: tuple[CommonSettings, CommonSettings] = (office.procore.settings, office.netsuite.settings)
    before = [{each.name: getattr(one, each.name) for each in fields(one)} for one in both]
    yield
    office.clear_faults()
    for settings, old in zip(both, before, strict=True):
        change_settings(settings, old)
    assert trial_records(office) == []


def taxed(office: Installation) -> int:
    """Return the id of an invoice of the first project."""
    return min(office.procore.company.invoices)


def set_up(office: Installation, changes: Mapping[str, Any]) -> None:
    """Change settings of the simulators."""
    for remote in (office.procore, office.netsuite):
        known = {each.name for each in fields(remote.settings)}
        change_settings(remote.settings, {name: value for name, value in changes.items() if name in known})


def probe(office: Installation, *options: str, **env: str) -> Any:
    """Run a probe, and return its JSON output with the exit code."""
    ended = call(office, "probe", "--account", ACCOUNT, "--json", *options, **{"NETSUITE_CONCURRENCY": "4"} | env)
    assert ended.stdout, ended.stderr
    return json.loads(ended.stdout) | {"exit_code": ended.exit_code}


def answers(output: Any) -> dict[str, str]:
    return {one["id"]: one["answer"] for one in output["points"] if one["answer"]}


def trial_records(office: Installation) -> list[str]:
    """Return the ids of all existing trial records, including inactive ones."""
    prefix, state = external_id_prefix(office.procore.company.company_id), office.netsuite
    return [
        one.id for shelf in (state.bills, state.items) for one in shelf if (one.externalid or "").startswith(prefix)
    ]


def two_invoices(office: Installation) -> list[str]:
    """Return options that name two new invoices."""
    project = office.new_project(f"31-{len(office.procore.company.projects)}", [CODE])
    made = [office.new_invoice(project, (CODE, "100.00")) for _ in range(2)]
    return [option for one in made for option in ("--invoice", f"{project.id}/{one.id}")]


def vendor(office: Installation) -> list[str]:
    """Return the option that names the vendor whose name must not be shown."""
    (vendor_id,) = [each.id for each in office.netsuite.vendors if each.companyname == VENDOR]
    return ["--vendor", vendor_id]


def test_the_accounts_give_every_answer_of_every_point() -> None:
    given = {point.id: set(OTHER_ANSWERS.get(point.id, ())) for point in POINTS}
    for _, answers in WORLDS.values():
        for point_id, answer in answers.items():
            given[point_id].add(answer)
    assert given == {point.id: {answer.word for answer in point.answers} for point in POINTS}
    assert all(len(point.answers) > 1 for point in POINTS)


@pytest.mark.parametrize("world", WORLDS)
def test_the_answers_of_an_account_are_found_and_no_record_is_left(
    office: Installation, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes, expected = WORLDS[world]
    set_up(office, changes)
    if world == LATE:
        seen_by_the_second_look_up(office, monkeypatch)
    before, options = office.mark(), two_invoices(office)
    output = probe(office, *options, *vendor(office))

    assert answers(output) | expected == answers(output), {
        name: (answers(output).get(name), word) for name, word in expected.items() if answers(output).get(name) != word
    }
    # Only the German account lets origin ids be cleared; in NetSuite no record is ever left.
    assert {one["kind"] for one in output["left"]} == (set() if world == GERMAN else {"origin id of invoice"})
    assert output["exit_code"] == int(world != GERMAN)
    prefix = external_id_prefix(office.procore.company.company_id)
    assert {str(entry["external_id"]).startswith(prefix) for entry in office.writes(before)} == {True}
    assert output["deleted"] == len([entry for entry in office.writes(before) if entry["write"] == "create"])

    report, profile = call(office, "probe", "--report").stdout, PROFILE.read_text()
    assert report.count("\n| `") == len(POINTS) + len(output["requests"])
    for text, secrets in ((report, [*names(office), ACCOUNT]), (profile, names(office))):
        assert [secret for secret in secrets if secret.casefold() in text.casefold()] == []


def seen_by_the_second_look_up(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Show new records while the probe waits for them."""
    seconds_until_seen = ProbeSession.seconds_until_seen

    def lag(seconds: float) -> None:
        set_up(office, {"eid_lag": seconds, "suiteql_lag": seconds})

    def late(self: ProbeSession, is_seen: Callable[[], bool], record: TrialRecord) -> float | None:
        lag(3600)
        try:
            return seconds_until_seen(self, is_seen, record)
        finally:
            lag(0)

    monkeypatch.setattr(ProbeSession, "seconds_until_seen", late)
    monkeypatch.setattr("probe.session.sleep", lambda _: lag(0))


def names(office: Installation) -> list[str]:
    """Return what neither profile nor report may contain."""
    company, state, settings = office.procore.company, office.netsuite, office.container.settings
    people = [
        *(one.name for one in company.projects.values()),
        *(one.name for one in company.vendors.values()),
        company.name,
    ]
    records = [*(one.companyname for one in state.vendors), *(one.companyname for one in state.jobs)]
    kept = [
        settings.procore_client_id, settings.procore_client_secret.get_secret_value(), settings.netsuite_client_id,
        settings.netsuite_certificate_id, str(settings.netsuite_private_key_file), "PRIVATE KEY", "eyJ", "Bearer",
    ]  # fmt: skip
    return [*people, *records, *kept, str(company.company_id), office.container.redis_url, "127.0.0.1"]


def test_repeated_project_numbers_and_sums_that_do_not_add_up_are_reported(office: Installation) -> None:
    first, second = (office.new_project("31-700", [CODE]) for _ in range(2))
    office.procore.edit_invoice(taxed(office), off_by=Decimal("3.00"))
    try:
        output = probe(office, "--only", "project_numbers", "--only", "tax_in_payment_due")
    finally:
        office.procore.renumber_project(second.id, "31-701")
        office.procore.renumber_project(first.id, "31-702")
        office.procore.edit_invoice(taxed(office), off_by=Decimal(0))
    assert answers(output) == {"project_numbers": "repeated", "tax_in_payment_due": "neither"}


def test_if_the_first_item_is_refused_no_other_point_is_tried(office: Installation) -> None:
    before = office.mark()
    output = probe(office, NETSUITE_EXPENSE_ACCOUNT_ID="")
    (point,) = [one for one in output["points"] if one["id"] == "item_as_set"]
    assert point["answer"] == "refused"
    assert "Expense Account" in point["facts"]["response"]
    why = {one["how_sure"] for one in output["points"] if one["id"].startswith(("item_d", "bill_d", "subsidiary"))}
    assert why == {"no Item can be created (item_as_set)"}
    assert len(office.posts(ITEM_PATH, before)) == 2, (
        "one more attempt, without the tax schedule, which may be the reason"
    )


# Safety


@pytest.mark.parametrize(
    ("account", "options", "env", "sentence"),
    [
        ("1234567", [], {}, "does not look like a sandbox"),
        ("1234567", ["--read-only"], {}, "does not look like a sandbox"),
        ("1234567_SB1", ["--account", "1234567"], {}, "not the account in the settings"),
        ("1234567", ["--force", "--account", "7654321"], {}, "not the account in the settings"),
        ("1234567_SB1", ["--invoice", "1/2"], {"PROCORE_BASE_URL": "https://api.procore.com"}, "not an address that only Procore sandboxes use"),
    ],
)  # fmt: skip
def test_a_production_account_and_a_mistyped_one_get_no_request(
    office: Installation, account: str, options: list[str], env: dict[str, str], sentence: str
) -> None:
    before = office.mark()
    typed = [] if "--account" in options else ["--account", account]
    ended = call(office, "probe", *typed, *options, NETSUITE_ACCOUNT_ID=account, **env)
    assert ended.exit_code == 1
    assert sentence in ended.stderr
    assert office.requests(before) == []
    assert not PROFILE.exists()


def test_the_command_asks_for_the_account(office: Installation) -> None:
    own = office.stage.env | {"REDIS_URL": office.container.redis_url}
    ended = CliRunner().invoke(wbs_sync, ["probe", "--only", "bill_absent"], env=own, input="1234567\n")
    assert ended.exit_code == 1
    assert "NetSuite account to probe" in ended.stderr
    assert "No request was sent" in ended.stderr


def test_a_second_probe_is_refused_while_one_runs(office: Installation) -> None:
    with office.container.stores.locks.hold("probe"):
        ended = call(office, "probe", "--account", ACCOUNT)
    assert ended.exit_code == 1
    assert "running already" in ended.stderr


def test_read_only_writes_nothing_and_keeps_earlier_answers(office: Installation) -> None:
    probe(office, "--only", "project_field")
    before = office.mark()
    output = probe(office, "--read-only")
    assert office.writes(before) == []
    assert {one["path"] for one in office.requests(before)} == {
        "/services/rest/record/v1/metadata-catalog/otherChargePurchaseItem",
        SUITEQL_PATH,
        *(one["path"] for one in office.requests(before) if "/vendorBill/eid:pcr-prb-" in one["path"]),
    }
    assert set(answers(output)) == {point.id for point in POINTS if not point.writes}
    kept = json.loads(PROFILE.read_text())
    assert kept["effects"]["project_field"] == "customer"
    assert set(kept["answers"]) == {*answers(output), "project_field"}


# Cleaning


def interrupted(self: ProbeSession, *_: Any, **__: Any) -> Any:
    """Interrupt the probe instead of creating a second bill, after both trial records were created."""
    assert self.bill
    raise KeyboardInterrupt


@pytest.mark.parametrize("again", [["--only", "item_location"], ["--clean"]])
def test_the_next_probe_cleans_up_after_a_killed_one(
    office: Installation, monkeypatch: pytest.MonkeyPatch, again: list[str]
) -> None:
    """A probe that is killed between its points cleans up nothing itself."""

    with monkeypatch.context() as patch:
        patch.setattr(ProbeSession, "create_bill", interrupted)
        patch.setattr(Cleanup, "records", Mock(side_effect=[CleanupResult(0, ()), KeyboardInterrupt]))
        ended = call(office, "probe", "--account", ACCOUNT, "--only", "bill_negative")
    assert ended.exit_code != 0
    assert len(trial_records(office)) == 2, "an Item and a bill"
    assert not PROFILE.exists()
    by_hand = office.netsuite.make_item("wbs-sync probe by hand", externalid="pcr-itm-1-2-3")
    output = probe(office, *again)
    assert output.get("cleaned_before", output["deleted"]) == 2
    assert trial_records(office) == []
    assert office.netsuite.items.get(by_hand.id) == by_hand, "it is not a trial record"
    office.netsuite.items.remove(by_hand.id)


def test_ctrl_c_cleans_up_at_once(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProbeSession, "create_bill", interrupted)
    before = office.mark()
    ended = call(office, "probe", "--account", ACCOUNT, "--only", "bill_negative")
    assert ended.exit_code != 0
    assert "Interrupted" in ended.stderr
    assert [entry["write"] for entry in office.writes(before)] == ["create", "create", "delete", "delete"]
    assert trial_records(office) == []


def test_records_that_may_not_be_deleted_are_made_inactive_or_listed(office: Installation) -> None:
    set_up(office, {"missing_permissions": ["item:delete", "vendorBill:delete"]})
    output = probe(office, "--only", "bill_negative")
    left = {(one["kind"], one["id"], one["inactive"]) for one in output["left"]}
    assert {kind for kind, _, _ in left} == {"Item", "vendor bill"}
    assert {record_id for _, record_id, _ in left} == set(trial_records(office))
    assert all(inactive == (kind == "Item") for kind, _, inactive in left)
    assert output["exit_code"] == 1
    item_id = next(record_id for kind, record_id, _ in left if kind == "Item")
    assert (item := office.netsuite.items.get(item_id)) is not None
    assert item.isinactive

    set_up(office, {"missing_permissions": []})
    output = json.loads(call(office, "probe", "--account", ACCOUNT, "--clean", "--json").stdout)
    assert (output["deleted"], output["left"]) == (2, [])


def test_a_write_without_a_response_settles_nothing_and_leaves_nothing(office: Installation) -> None:
    office.stage.faults("netsuite", [{"kind": "cut_after", "method": "POST", "path": "otherCharge", "times": 1}])
    output = probe(office, "--only", "item_as_set")
    (point,) = output["points"]
    assert point["answer"] is None
    assert point["how_sure"].startswith("OutcomeUnknown")
    assert (output["deleted"], output["clean_again"]) == (1, True)


def test_the_next_probe_clears_the_origin_id_of_a_killed_one(office: Installation) -> None:
    set_up(office, {"origin_id_clearable": True})
    options = two_invoices(office)
    invoice = office.procore.invoice(int(options[1].partition("/")[2]))
    office.procore.edit_invoice(invoice.id, origin_id=external_id_prefix(office.procore.company.company_id) + "x")
    output = json.loads(call(office, "probe", "--account", ACCOUNT, "--clean", "--json", *options).stdout)
    assert output["left"] == []
    assert invoice.origin_id is None


def test_an_origin_id_that_is_not_really_cleared_is_reported(office: Installation) -> None:
    """Procore answers 200 and does not change the record."""
    set_up(office, {"origin_id_clearable": True})
    only_once = {"kind": "empty", "method": "PATCH", "path": "requisitions", "value": 200, "skip": 1, "times": 1}
    office.stage.faults("procore", [only_once])
    output = probe(office, "--only", "erp_status", "--only", "origin_id_cleared", *two_invoices(office)[:2])
    assert answers(output) == {"erp_status": "synced", "origin_id_cleared": "refused"}
    assert output["left"] == [], "the cleanup was repeated"


# The profile


def test_the_profile_makes_an_account_work(office: Installation) -> None:
    """A German account whose lines take the project as `job`: without the profile its bills are refused."""
    set_up(
        office,
        WORLDS[GERMAN][0]
        | {"uniqueness": "atomic", "one_world": True, "item_name_max_length": 30, "catalog_tells_lengths": True},
    )
    project = office.new_project("31-600", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    assert office.export(invoice).cause is Cause.FIELD_VALUE_INVALID

    probe(office, *vendor(office))
    served = office.reopened(data_dir=PROFILE.parent)
    netsuite = served.container.exports.remotes.netsuite
    existing = office.item(f"31-600-{CODE}")
    need = ItemNeed("pcr-itm-1-2-3", existing.itemid, "")
    set_up(office, {"catalog_tells_lengths": False})
    served.container.stores.cache.forget("item_name_limit")
    assert netsuite.item_name_limit() == 30, "no catalog reports it now"
    with pytest.raises(Blocked):
        office.container.exports.remotes.netsuite.create_item(need, before_sending=lambda: None)
    with pytest.raises(AlreadyExists):
        netsuite.create_item(need, before_sending=lambda: None)
    assert served.export(invoice).kind is OutcomeKind.CREATED

    set_up(office, {"closed_before": "2999-01-01"})
    late = office.new_invoice(project, (CODE, "50.00"))
    assert served.export(late).cause is Cause.PERIOD_CLOSED


def test_a_query_lag_makes_the_settle_time_longer(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    seen_by_the_second_look_up(office, monkeypatch)
    probe(office, "--only", "item_seen_by_id")
    effects = json.loads(PROFILE.read_text())["effects"]
    lag = math.ceil(effects["look_up_lag_seconds"]["item_seen_by_id"])
    assert lag >= 1
    settings = office.container.settings.model_copy(update={"data_dir": PROFILE.parent})
    assert settle_seconds(settings, None) == 900
    assert settle_seconds(settings, load_profile(settings)) == 900 + lag


def test_a_setting_wins_over_the_profile_and_check_reports_it(office: Installation) -> None:
    given_profile(project_field="job", look_up_lag_seconds={"item_seen_by_id": 3.2}, takes_tax_schedule=False,
                  needed_settings={"NETSUITE_EXPENSE_ACCOUNT_ID": True, "NETSUITE_SUBSIDIARY_ID": False})  # fmt: skip
    own = {"NETSUITE_PROJECT_FIELD": "customer", "NETSUITE_SETTLE_SECONDS": "900", "NETSUITE_EXPENSE_ACCOUNT_ID": ""}
    ended = call(office, "check", **own)
    (line,) = [line for line in ended.stdout.splitlines() if "Account profile" in line]
    assert ended.exit_code == 1
    assert line.startswith("FAIL")
    assert "NETSUITE_PROJECT_FIELD is customer, but the account uses job" in line
    assert "NETSUITE_SETTLE_SECONDS is 900, but the account needs 904" in line
    assert "NETSUITE_EXPENSE_ACCOUNT_ID is empty, but the account requires it" in line
    assert "NETSUITE_TAX_SCHEDULE_ID is set, but the account does not accept it over REST" in line
    assert "SUBSIDIARY" not in line
    settled = call(office, "check", NETSUITE_TAX_SCHEDULE_ID="")
    assert f"of {ACCOUNT}; the settings match it" in settled.stdout


@pytest.mark.parametrize(
    ("profile_of", "account", "named", "sentence"),
    [
        ("7654321_SB1", "1234567", True, "is for NetSuite account 7654321_SB1, but the settings are for 1234567"),
        ("1234567_SB1", "1234567", False, "Set NETSUITE_PROFILE_FILE to it to use it here"),
        ("1234567_SB1", "1234567", True, ""),
        ("1234567-sb1", "1234567_SB1", False, ""),
        ("1234567", "1234567_SB1", True, "is for NetSuite account 1234567"),
    ],
)
def test_a_profile_of_another_account_is_refused(
    office: Installation, profile_of: str, account: str, named: bool, sentence: str
) -> None:
    given_profile(account=profile_of)
    settings = office.container.settings.model_copy(
        update={
            "netsuite_account_id": account,
            "netsuite_profile_file": PROFILE if named else None,
            "data_dir": PROFILE.parent,
        }
    )
    if not sentence:
        assert load_profile(settings) is not None
        return
    with pytest.raises(InvalidSettings, match=re.escape(sentence)):
        load_profile(settings)


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 2}', '{"version": 1, "secret": "hush"}'])
def test_an_unreadable_profile_stops_every_command_but_the_probe(office: Installation, text: str) -> None:
    PROFILE.parent.mkdir()
    PROFILE.write_text(text)
    ended = call(office, "status")
    assert ended.exit_code == 2
    assert "is invalid" in ended.stderr
    assert "hush" not in ended.stderr
    assert probe(office, "--only", "rate_limit")["exit_code"] == 0
    office.processes_run()
    assert call(office, "status").exit_code == 0


def test_a_missing_profile_is_reported(office: Installation) -> None:
    assert "run `wbs-sync probe` first" in call(office, "probe", "--report").stderr
    assert "is not a file" in call(office, "status", NETSUITE_PROFILE_FILE="nowhere.json").stderr


def given_profile(account: str = ACCOUNT, **effects: Any) -> None:
    profile = Profile(account=account, probed_at=datetime.now(UTC), effects=Effects(**effects))
    write_profile(profile, PROFILE)


def test_the_output_has_each_question_its_answer_and_its_meaning(office: Installation) -> None:
    set_up(office, {"duplicate_words": TAKEN})
    ended = call(office, "probe", "--account", ACCOUNT, "--only", "item_duplicate_name")
    assert ended.exit_code == 0
    assert "What is the response to a second Item with the same name?" in ended.stdout
    assert items.Duplicate.LEARNED.meaning in ended.stdout
    assert "POST /otherChargePurchaseItem" in ended.stdout
    assert "Deleted: 1 records" in ended.stdout
    assert "output of `wbs-sync probe --report` as an issue" in ended.stderr
