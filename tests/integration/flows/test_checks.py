"""`wbs-sync check`: each fault that can be seeded is named, with its remedy, and a correct installation has none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest

from config.setting_faults import InvalidSettings
from simulators.company.model import Project
from tests.integration.flows.test_problem_commands import call
from tests.kit.commands import run_command
from tests.kit.installation import Installation
from worker.inspect.checks import Check
from worker.inspect.checks.processes import ProcessChecks

pytestmark = pytest.mark.real

CODE = "05-120.S"


def checks(office: Installation) -> list[Check]:
    """Return the results of `check` while workers and beat run."""
    office.processes_run()
    return list(office.container.checks.run())


def pilot(office: Installation) -> Project:
    """Return the project that the checks of tools read."""
    return next(each for each in office.procore.company.projects.values() if each.number == "24-001")


# Faults, each active within its block


def settings(**changes: str) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: these settings are wrong, and earlier tokens are no longer used."""

    @contextmanager
    def wrong(office: Installation) -> Iterator[Installation]:
        forget_tokens(office)
        yield office.reopened(**changes)
        forget_tokens(office)

    return wrong


def forget_tokens(office: Installation) -> None:
    prefix = office.container.settings.redis_key_prefix
    if keys := list(office.container.redis.scan_iter(f"{prefix}token*")):
        office.container.redis.delete(*keys)


def account(
    chosen: dict[str, str] | None = None, **changes: Any
) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: the NetSuite account has this setup."""

    @contextmanager
    def set_up(office: Installation) -> Iterator[Installation]:
        before = {name: getattr(office.netsuite.settings, name) for name in changes}
        office.stage.settings("netsuite", **changes)
        yield office.reopened(**(chosen or {}))
        office.stage.settings("netsuite", **before)

    return set_up


def server(**config: str) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: Redis has this configuration."""

    @contextmanager
    def configured(office: Installation) -> Iterator[Installation]:
        names = {name.replace("_", "-"): value for name, value in config.items()}
        before = {name: office.container.redis.config_get(name)[name] for name in names}
        for name, value in names.items():
            office.container.redis.config_set(name, value)
        yield office
        for name, value in before.items():
            office.container.redis.config_set(name, value)

    return configured


def project(**changes: Any) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: the only project in scope has these values."""

    @contextmanager
    def edited(office: Installation) -> Iterator[Installation]:
        edited_project = pilot(office)
        before = {name: getattr(edited_project, name) for name in changes}
        office.procore.edit_project(edited_project.id, **changes)
        yield office.reopened(project_ids=str(edited_project.id))
        office.procore.edit_project(edited_project.id, **before)

    return edited


def fault(system: str, **rule: Any) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: a remote responds like this."""

    @contextmanager
    def answering(office: Installation) -> Iterator[Installation]:
        office.stage.faults(system, [rule])
        yield office
        office.clear_faults()

    return answering


@contextmanager
def full(office: Installation) -> Iterator[Installation]:
    used = int(office.container.redis.info("memory")["used_memory"])
    with server(maxmemory=str(int(used * 1.1)))(office):
        yield office


@contextmanager
def cannot_save(office: Installation) -> Iterator[Installation]:
    restarted = office.reopened()
    info = restarted.container.redis.info
    restarted.container.redis.info = lambda section: {**info(section), "rdb_last_bgsave_status": "err"}
    yield restarted


@contextmanager
def machine_full(office: Installation) -> Iterator[Installation]:
    restarted = office.reopened()
    info = restarted.container.redis.info
    restarted.container.redis.info = lambda section: {**info(section), "total_system_memory": 1}
    yield restarted


def disk(*, free: int) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: the disk has this much free space."""

    @contextmanager
    def filled(office: Installation) -> Iterator[Installation]:
        with mock.patch("worker.inspect.checks.machine.shutil.disk_usage", return_value=SimpleNamespace(free=free)):
            yield office

    return filled


@contextmanager
def old(office: Installation) -> Iterator[Installation]:
    restarted = office.reopened()
    info = restarted.container.redis.info
    restarted.container.redis.info = lambda section: {**info(section), "redis_version": "5.0.7"}
    yield restarted


@contextmanager
def astray(office: Installation) -> Iterator[Installation]:
    office.container.redis.rpush("exports", "a message")
    yield office
    office.container.redis.delete("exports")


@contextmanager
def nothing_permitted(office: Installation) -> Iterator[Installation]:
    seen = [each for each in office.procore.company.projects.values() if each.permitted]
    for each in seen:
        office.procore.edit_project(each.id, permitted=False)
    yield office
    for each in seen:
        office.procore.edit_project(each.id, permitted=True)


@contextmanager
def one_number_twice(office: Installation) -> Iterator[Installation]:
    made = office.new_project("24-001")
    yield office
    office.procore.edit_project(made.id, active=False)


@contextmanager
def retainage_item_inactive(office: Installation) -> Iterator[Installation]:
    item_id = office.stage.env["NETSUITE_RETAINAGE_ITEM_ID"]
    office.netsuite.edit_item(item_id, isinactive=True)
    yield office
    office.netsuite.edit_item(item_id, isinactive=False)


@contextmanager
def expense_account_inactive(office: Installation) -> Iterator[Installation]:
    account = office.netsuite.accounts.get(office.stage.env["NETSUITE_EXPENSE_ACCOUNT_ID"])
    assert account is not None
    account.isinactive = True
    yield office
    account.isinactive = False


@contextmanager
def retainage_item_for_sale(office: Installation) -> Iterator[Installation]:
    case = office.procore.company.cases["item_other_type"]
    yield office.reopened(netsuite_retainage_item_id=case["item_id"])


def behind_a_good_token(**changes: str) -> Callable[[Installation], AbstractContextManager[Installation]]:
    """Return a fault: the settings are wrong, and the token that the right ones got an hour ago still works."""

    @contextmanager
    def wrong(office: Installation) -> Iterator[Installation]:
        office.container.scans.remotes.procore.log_in()
        office.container.scans.remotes.netsuite.log_in()
        yield office.reopened(**changes)

    return wrong


@dataclass(frozen=True)
class Seeded:
    """A seeded fault: what is wrong, the first check that reports it, and parts of its message and of its remedy."""

    what: str
    seed: Callable[[Installation], AbstractContextManager[Installation]]
    check: str
    fault_text: str
    cure: str


def missing(*permissions: str, **chosen: str) -> Callable[[Installation], AbstractContextManager[Installation]]:
    return account(chosen, missing_permissions=permissions)


NOWHERE = "http://127.0.0.1:1"
FAULTS = (
    Seeded("Redis: no append-only file", server(appendonly="no"), "Redis persistence", "appendonly is off", "appendonly yes"),
    Seeded("Redis: evicts", server(maxmemory_policy="allkeys-lru"), "Redis persistence", "allkeys-lru", "noeviction"),
    Seeded("Redis: nearly full", full, "Redis memory", "MB used of", "Raise maxmemory"),
    Seeded("Redis: cannot save", cannot_save, "Redis saves", "the last snapshot could not be written", "Free space"),
    Seeded("Redis: machine nearly full", machine_full, "Redis memory", "and its machine has", "set maxmemory"),
    Seeded("the disk is full", disk(free=50_000_000), "Disk", "0.1 GB free", "Free space"),
    Seeded("the certificate has ended", settings(netsuite_certificate_expires="2024-02-29"), "NetSuite certificate", "expired on 2024-02-29", "Renew it"),
    Seeded("Redis: too old", old, "Redis connection", "is too old", "6.2"),
    Seeded("messages without the prefix", astray, "Messages", "1 in 'exports'", "global_keyprefix"),
    Seeded("Procore: wrong secret", settings(procore_client_secret="wrong"), "Procore login", "refused the app's login", "PROCORE_CLIENT_SECRET"),
    Seeded("Procore: wrong secret, good token", behind_a_good_token(procore_client_secret="wrong"), "Procore login", "refused the app's login", "PROCORE_CLIENT_SECRET"),
    Seeded("Procore: not there", settings(procore_base_url=NOWHERE, procore_auth_url=NOWHERE), "Procore login", "", "that system or the network"),
    Seeded("Procore: in maintenance", fault("procore", kind="error_before", path="/rest", value=503), "Procore login", "503", "that system or the network"),
    Seeded("Procore: another company", settings(procore_company_id="999"), "Procore login", "", "company"),
    Seeded("Procore: nothing permitted", nothing_permitted, "Procore projects", "no active project is visible", "permitted projects"),
    Seeded("a pilot that nobody sees", settings(project_ids="4711"), "PROJECT_IDS", "does not see 4711", "permitted projects"),
    Seeded("one number twice", one_number_twice, "Project numbers", "24-001", "Renumber"),
    Seeded("Budget and Commitments are off", project(tools_disabled=True), "Procore budgets", "24-001", "Budget"),
    Seeded("no permission on Commitments", fault("procore", kind="error_before", path="requisitions", value=403), "Procore invoices", "403", "Commitments"),
    Seeded("NetSuite: unknown certificate", settings(netsuite_certificate_id="wrong"), "NetSuite login and SuiteQL", "refused the integration's login", "certificate"),
    Seeded("NetSuite: unknown client", settings(netsuite_client_id="wrong"), "NetSuite login and SuiteQL", "refused the integration's login", "M2M mapping"),
    Seeded("NetSuite: wrong certificate, good token", behind_a_good_token(netsuite_certificate_id="wrong"), "NetSuite login and SuiteQL", "refused the integration's login", "certificate"),
    Seeded("NetSuite: not there", settings(netsuite_base_url=NOWHERE), "NetSuite login and SuiteQL", "", "that system or the network"),
    Seeded("NetSuite: in maintenance", fault("netsuite", kind="html", value=503), "NetSuite login and SuiteQL", "503", "that system or the network"),
    Seeded("no SuiteQL", missing("suiteql"), "NetSuite login and SuiteQL", "SuiteAnalytics Workbook", "Grant the role the permission"),
    Seeded("no Items", missing("item:read"), "NetSuite Items", "Lists -> Items", "Grant the role the permission"),
    Seeded("no bills", missing("vendorBill:read"), "NetSuite bills", "Transactions -> Bills", "Grant the role the permission"),
    Seeded("no vendor credits", missing("vendorCredit:read", netsuite_create_credits="true"), "NetSuite bills", "Vendor Credits", "Grant the role the permission"),
    Seeded("no such expense account", settings(netsuite_expense_account_id="99999"), "NETSUITE_EXPENSE_ACCOUNT_ID", "no account with the id 99999", "NETSUITE_EXPENSE_ACCOUNT_ID"),
    Seeded("expense account inactive", expense_account_inactive, "NETSUITE_EXPENSE_ACCOUNT_ID", "Job Costs : Subcontracts is inactive", "Reactivate it"),
    Seeded("no such income account", settings(netsuite_income_account_id="999"), "NETSUITE_INCOME_ACCOUNT_ID", "no account with the id 999", "NETSUITE_INCOME_ACCOUNT_ID"),
    Seeded("no such tax schedule", settings(netsuite_tax_schedule_id="999"), "NETSUITE_TAX_SCHEDULE_ID", "no tax schedule with the id 999", "NETSUITE_TAX_SCHEDULE_ID"),
    Seeded("no such retainage Item", settings(netsuite_retainage_item_id="4711"), "Retainage Item", "no Item with the id 4711", "NETSUITE_RETAINAGE_ITEM_ID"),
    Seeded("retainage Item inactive", retainage_item_inactive, "Retainage Item", "is inactive", "Reactivate it"),
    Seeded("no such tax Item", settings(netsuite_tax_item_id="4711"), "Tax Item", "no Item with the id 4711", "NETSUITE_TAX_ITEM_ID"),
    Seeded("retainage Item for sale", retainage_item_for_sale, "Retainage Item", "not for purchase", "NETSUITE_RETAINAGE_ITEM_ID"),
    Seeded("no posting periods", missing("accountingPeriod", netsuite_closed_period="next_open"), "Posting periods", "could not be read", "accounting periods"),
)  # fmt: skip


def test_a_correct_installation_has_no_fault(branch: Installation) -> None:
    results = checks(branch)
    assert [each for each in results if each.ok is False] == []
    doubts = {"Project numbers", "Account profile", "NetSuite certificate"}
    assert {each.name for each in results if each.ok is None} == doubts
    assert all(bool(each.fix) != bool(each.ok) for each in results), (
        "a remedy if there is something to do, and only then"
    )


@pytest.mark.parametrize("seeded", FAULTS, ids=lambda seeded: seeded.what)
def test_each_fault_is_named_with_its_remedy(branch: Installation, seeded: Seeded) -> None:
    with seeded.seed(branch) as office:
        failed = [each for each in checks(office) if each.ok is False]
    assert failed, "no check reports it"
    assert failed[0].name == seeded.check
    assert seeded.fault_text in failed[0].message
    assert seeded.cure in failed[0].fix
    # Other failed checks are about the same system, which does not respond.
    assert {each.name.split()[0] for each in failed[1:]} <= {
        seeded.check.split()[0],
        "Project",
        "PROJECT_IDS",
        "Retainage",
        "Posting",
    }


@pytest.mark.parametrize("table", ["account", "taxschedule"])
def test_a_table_that_no_query_may_read_is_a_warning_and_no_failure(branch: Installation, table: str) -> None:
    branch.stage.settings("netsuite", hidden_from_queries=[table])
    results = {each.name: each for each in checks(branch)}
    branch.stage.settings("netsuite", hidden_from_queries=[])
    assert [each for each in results.values() if each.ok is False] == []
    name = "NETSUITE_EXPENSE_ACCOUNT_ID" if table == "account" else "NETSUITE_TAX_SCHEDULE_ID"
    assert results[name].ok is None


def test_afterwards_the_installation_is_correct_again(branch: Installation) -> None:
    test_a_correct_installation_has_no_fault(branch)


def test_check_with_another_companys_settings_does_not_claim_the_prefix(branch: Installation) -> None:
    """A key prefix belongs to a company only once Procore has shown that company; mistaken settings claim nothing."""
    new = {"REDIS_KEY_PREFIX": "a-new-one:"}
    mistaken = call(branch, "check", PROCORE_COMPANY_ID="999", **new)
    assert (mistaken.exit_code, "FAIL Procore login" in mistaken.stdout) == (1, True)
    assert not branch.container.redis.exists("a-new-one:belongs_to")
    branch.reopened(redis_key_prefix="a-new-one:").processes_run()
    assert call(branch, "check", **new).exit_code == 0
    # Work assigns it to the company once Procore has shown the company; settings with a mistyped company do not.
    mistyped = branch.reopened(redis_key_prefix="a-new-one:", procore_company_id=999)
    mistyped.container.require_own()
    mistyped.container.recovery.ensure_ledger()
    mistyped.container.start_scan("test")
    assert call(branch, "status", PROCORE_COMPANY_ID="999", **new).exit_code == 0
    assert not branch.container.redis.exists("a-new-one:belongs_to")
    branch.reopened(redis_key_prefix="a-new-one:").container.scans.projects.refresh()
    other_company = call(branch, "check", PROCORE_COMPANY_ID="999", **new)
    assert (other_company.exit_code, "Set a different REDIS_KEY_PREFIX" in other_company.stderr) == (2, True)
    with pytest.raises(InvalidSettings, match="Set a different REDIS_KEY_PREFIX"):
        mistyped.container.recovery.ensure_ledger()


def test_the_companys_items_in_netsuite_make_the_ledger_its_own(branch: Installation) -> None:
    """Items of the company that a rebuild finds assign the ledger to the company before they are recorded."""
    office = branch.reopened(redis_key_prefix="restored:")
    office.netsuite.make_item("24-001-01", externalid=f"pcr-itm-{office.procore.company.company_id}-1-2")
    office.container.recovery.ensure_ledger()
    assert office.container.redis.exists("restored:belongs_to")


def test_a_missing_ledger_is_no_failure(branch: Installation) -> None:
    results = {each.name: each for each in checks(branch.reopened(redis_key_prefix="nobody-yet:"))}
    assert results["Ledger"].ok is None


@pytest.mark.parametrize("command", ["check", "status"])
@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        (("beat@test",), "Beat is not running"),
        (("invoices@test",), "No worker is running for: exports."),
        (("items@test", "invoices@test"), "No worker is running for: scans, items, exports, upkeep."),
    ],
)
def test_a_process_that_is_not_running_fails_the_command_and_is_named(
    branch: Installation, command: str, gone: tuple[str, ...], sentence: str
) -> None:
    office = branch.reopened(redis_key_prefix=f"gone-{command}-{len(gone)}-{gone[0]}:")
    office.processes_run()
    assert call(office, command).exit_code == 0
    for process in gone:
        office.container.stores.presence.withdraw(process)
    ended = call(office, command)
    assert ended.exit_code == 1
    assert sentence in ended.stdout + ended.stderr
    assert "Start `wbs-sync up`" in ended.stdout + ended.stderr


@pytest.mark.parametrize(("clock_ahead", "sentence"), [(30.0, "30 s ahead of Redis'"), (-30.0, "30 s behind Redis'")])
def test_a_clock_that_is_off_is_named_with_its_process(branch: Installation, clock_ahead: float, sentence: str) -> None:
    branch.processes_run(clock_ahead=clock_ahead)
    results = {each.name: each for each in branch.container.checks.run()}
    assert results["Clocks"].ok is None
    assert f"beat@test's is {sentence}" in results["Clocks"].message
    assert "NTP" in results["Clocks"].fix


def test_workers_with_too_few_threads_for_the_slots_are_named(branch: Installation) -> None:
    branch.processes_run(threads=3)
    results = {each.name: each for each in branch.container.checks.run()}
    assert results["Workers"].ok is None
    assert "3 threads for items and 3 threads for exports" in results["Workers"].message
    assert "WORKER_THREADS" in results["Workers"].fix


def test_the_clocks_of_both_remotes_are_compared(branch: Installation) -> None:
    results = {each.name: each for each in checks(branch)}
    assert results["Clocks"].message == "this machine, Redis, Procore, NetSuite and 3 processes agree"


def test_a_remote_whose_clock_is_off_is_named(branch: Installation) -> None:
    container, ahead = branch.container, {"Procore": -40.0, "NetSuite": 1.0}
    branch.processes_run()
    checks = ProcessChecks(container.stores, container.liveness, container.pauses, lambda: ahead, {})
    [(_, clocks)] = checks.clocks()
    result = clocks()
    assert (result.ok, result.message) == (None, "this machine's is 40 s behind Procore's")


def test_a_refused_login_is_one_failed_check_and_the_others_refer_to_it(office: Installation) -> None:
    """The credentials are those of another Procore environment."""
    restarted = office.reopened(procore_client_id="app-of-the-sandbox")
    results = [one for one in checks(restarted) if one.name.startswith(("Procore", "PROJECT_IDS", "Project numbers"))]
    faults = [one for one in results if one.ok is False]
    assert [one.name for one in faults] == ["Procore login"]
    assert "client id app-of-the-sandbox" in faults[0].message
    assert "127.0.0.1" in faults[0].message
    later = [one for one in results if one.ok is None]
    assert later
    assert all("see 'Procore login' above" in one.message for one in later)


def vendors_of_the_parent(office: Installation, *shared_with: str) -> None:
    for vendor in office.netsuite.vendors:
        vendor.subsidiary, vendor.shared_with = "1", shared_with


def test_vendors_that_are_shared_with_the_subsidiary_belong_to_it(office: Installation) -> None:
    """Their primary subsidiary may be the parent; they accept bills of each subsidiary."""
    vendors_of_the_parent(office, "2")
    (check,) = [one for one in checks(office) if one.name == "NetSuite vendors"]
    assert check.ok is True
    project = office.new_project("31-900", ["05-120.S"])
    invoice = office.new_invoice(project, ("05-120.S", "900.00"))
    office.export(invoice)
    assert office.bill(invoice).subsidiary == "2"


def test_a_subsidiary_without_any_visible_vendor_is_a_warning(office: Installation) -> None:
    vendors_of_the_parent(office)
    (check,) = [one for one in checks(office) if one.name == "NetSuite vendors"]
    assert check.ok is None
    assert "2 as its primary subsidiary, and no vendor is shared with it" in check.message


def test_a_subsidiary_that_is_no_vendors_primary_one_is_a_warning(office: Installation) -> None:
    """Where the role does not see the vendors' other subsidiaries, this is a warning and not a failure."""
    vendors_of_the_parent(office)
    office.stage.settings("netsuite", hidden_from_queries=["vendorsubsidiaryrelationship"])
    (check,) = [one for one in checks(office) if one.name == "NetSuite vendors"]
    assert check.ok is None
    assert "2 as its primary subsidiary" in check.message
    assert "NETSUITE_SUBSIDIARY_ID" in check.fix


def test_vendors_the_app_may_not_read_fail_and_name_the_directory(office: Installation) -> None:
    """The check of Procore's vendors fails and names the Directory tool."""
    office.stage.settings("procore", directory_forbidden=True)
    (check,) = [one for one in checks(office) if one.name == "Procore vendors"]
    assert check.ok is False
    assert "Directory" in check.message


@pytest.mark.parametrize(
    ("days", "ok", "sentence"), [(400, True, "valid until"), (20, None, "in 20 days"), (-1, False, "expired on")]
)
def test_the_end_of_the_certificate_is_reported_a_month_before(
    branch: Installation, days: int, ok: bool | None, sentence: str
) -> None:
    ends = datetime.fromtimestamp(branch.container.now() + (days - 0.5) * 86_400, UTC).date()
    office = branch.reopened(netsuite_certificate_expires=ends.isoformat())
    [check] = [one for one in checks(office) if one.name == "NetSuite certificate"]
    assert (check.ok, sentence in check.message) == (ok, True)


def test_a_silent_process_is_named_although_others_do_its_work(office: Installation) -> None:
    office.processes_run()
    container = office.container
    gone = {"until_": container.now() - 100, "seen": container.now() - 107, "queues": '["exports"]', "off": 0.0}
    container.redis.hset(office.redis_key("presence"), "invoices2@test (7)", json.dumps(gone))
    [workers] = [one for one in checks(office) if one.name == "Workers"]
    assert workers.ok is None
    assert "invoices2@test (7) has not been seen since" in workers.message
    ended = run_command(container, "status", "--json")
    assert ended.code == 0, "every queue has its worker"
    assert ended.json()["processes"]["silent"][0]["process"] == "invoices2@test (7)"
    assert "it hangs, or it was killed" in ended.err
