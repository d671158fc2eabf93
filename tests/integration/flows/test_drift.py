"""Every kind of drift, seeded alone and all at once: each is found as its kind, at its record, and nothing else is found."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.kit.billed_project import CODES, BilledProject
from tests.kit.commands import run_command
from tests.kit.company import SUITEQL_PATH
from tests.kit.ended import Ended
from tests.kit.installation import Installation
from worker.cli.verify import COLUMNS
from worker.domain.findings import Finding
from worker.domain.problems import FindingKind, Owner
from worker.domain.work import exports_of

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[3]
numbers = count(100)


def new_site(office: Installation) -> BilledProject:
    """Create a project with one invoice, not synced yet, which a test edits later."""
    return BilledProject.open(office, f"29-{next(numbers)}")


# Edits by people, each with the key of its finding


def delete_the_item(site: BilledProject) -> str:
    site.office.netsuite.items.remove(site.item.id)
    return site.code_key


def make_a_second_item_with_the_external_id(site: BilledProject) -> str:
    site.office.netsuite.make_item(site.item.itemid, externalid=site.item.externalid)
    return site.code_key


def record_the_item_for_another_code_too(site: BilledProject) -> str:
    redis, prefix = site.office.container.redis, site.office.container.settings.redis_key_prefix
    codes = f"{prefix}codes:{site.project.id}"
    redis.hset(codes, "7", redis.hget(codes, str(site.code.id)).replace('"created"', '"adopted"'))
    return f"code:{site.project.id}:7"


def make_an_item_by_hand_that_reads_alike(site: BilledProject) -> str:
    site.office.netsuite.make_item(site.item.itemid.lower().replace("-", " "))
    return site.code_key


def make_the_item_inactive(site: BilledProject) -> str:
    return site.edit_item(isinactive=True)


def put_a_service_in_the_place_of_the_item(site: BilledProject) -> str:
    return site.edit_item(record_type="serviceSaleItem", itemtype="Service", subtype="Sale")


def delete_the_item_and_make_it_anew(site: BilledProject) -> str:
    name = site.item.itemid
    site.office.netsuite.items.remove(site.item.id)
    site.office.netsuite.make_item(name)
    return site.code_key


def rename_the_item(site: BilledProject) -> str:
    return site.edit_item(itemid=f"Steel of {site.project.number}")


def rename_the_code(site: BilledProject) -> str:
    key = site.code_key
    site.office.procore.rename_code(site.project.id, site.code.id, "05-330.S", description=site.code.description)
    return key


def renumber_the_project(site: BilledProject) -> str:
    site.office.procore.renumber_project(site.project.id, f"30-{site.project.number}")
    return f"project:{site.project.id}"


def edit_the_display_name(site: BilledProject) -> str:
    return site.edit_item(displayname="Steel, as we call it")


def approve_an_invoice_that_nobody_exports(site: BilledProject) -> str:
    return f"invoice:{site.project.id}:{site.office.new_invoice(site.project, (CODES[0], '1.00')).id}"


def copy_the_bill_by_hand(site: BilledProject) -> str:
    site.office.netsuite.make_bill(replace(site.bill, externalid=None))
    return site.invoice_key


def delete_the_bill(site: BilledProject) -> str:
    site.office.netsuite.delete_bill(site.bill.id)
    return site.invoice_key


def void_the_bill(site: BilledProject) -> str:
    site.office.netsuite.void_bill(site.bill.id)
    return site.invoice_key


def give_the_bill_to_another_vendor(site: BilledProject) -> str:
    return site.edit_bill(entity=site.office.new_vendor(f"Apex of {site.project.number}").id)


def renumber_the_bill(site: BilledProject) -> str:
    return site.edit_bill(tranid=f"X-{site.project.number}")


def postdate_the_bill(site: BilledProject) -> str:
    return site.edit_bill(trandate="2026-06-30")


def post_the_bill_in_another_period(site: BilledProject) -> str:
    other_period = next(period for period in site.office.netsuite.periods if period.name == "Nov 2026")
    return site.edit_bill(period=other_period.id)


def add_tax_to_the_bill(site: BilledProject) -> str:
    return site.edit_bill(tax=Decimal("12.00"))


def move_a_dollar_between_lines(site: BilledProject) -> str:
    first, second, *rest = site.bill.lines
    lines = [replace(first, amount=first.amount + 1), replace(second, amount=second.amount - 1), *rest]
    return site.edit_bill(lines=lines)


def edit_the_total_of_the_invoice(site: BilledProject) -> str:
    return site.edit_invoice(off_by="1.00")


def clear_the_origin_id(site: BilledProject) -> str:
    return site.edit_invoice(origin_id=None)


def let_another_integration_claim_the_invoice(site: BilledProject) -> str:
    return site.edit_invoice(origin_id=f"sage-{site.invoice.id}")


def exclude_an_invoice(site: BilledProject) -> str:
    key = approve_an_invoice_that_nobody_exports(site)
    site.office.container.invoice_decisions.exclude(
        key.split(":")[2], str(site.project.id), by="ana", note="paid by card"
    )
    return key


def switch_off_the_tools_of_a_closed_project(site: BilledProject) -> str:
    """Switch off a project's tools, with no record of it in the ledger, as for a project closed before wbs-sync was installed."""
    office, project_id = site.office, site.project.id
    office.procore.edit_project(project_id, active=False, tools_disabled=True)
    office.container.redis.srem(office.redis_key("ledger:projects"), project_id)
    office.container.redis.delete(*(office.redis_key(f"{kind}:{project_id}") for kind in ("codes", "invoices")))
    office.container.exports.projects.relist()
    office.container.runner.run(exports_of(project_id))
    return f"project:{project_id}"


SEEDS: dict[FindingKind, Callable[[BilledProject], str]] = {
    FindingKind.ITEM_MISSING: delete_the_item,
    FindingKind.DUPLICATE_ITEM: make_a_second_item_with_the_external_id,
    FindingKind.ITEM_SHARED: record_the_item_for_another_code_too,
    FindingKind.SIMILAR_ITEM_NAME: make_an_item_by_hand_that_reads_alike,
    FindingKind.ITEM_INACTIVE: make_the_item_inactive,
    FindingKind.ITEM_TYPE_MISMATCH: put_a_service_in_the_place_of_the_item,
    FindingKind.ITEM_REPLACED: delete_the_item_and_make_it_anew,
    FindingKind.ITEM_RENAMED: rename_the_item,
    FindingKind.CODE_RENAMED: rename_the_code,
    FindingKind.PROJECT_RENUMBERED: renumber_the_project,
    FindingKind.DISPLAY_NAME_CHANGED: edit_the_display_name,
    FindingKind.BILL_MISSING: approve_an_invoice_that_nobody_exports,
    FindingKind.DUPLICATE_BILL: copy_the_bill_by_hand,
    FindingKind.BILL_DELETED: delete_the_bill,
    FindingKind.BILL_VOIDED: void_the_bill,
    FindingKind.BILL_VENDOR_MISMATCH: give_the_bill_to_another_vendor,
    FindingKind.BILL_NUMBER_MISMATCH: renumber_the_bill,
    FindingKind.BILL_DATE_MISMATCH: postdate_the_bill,
    FindingKind.BILL_TOTAL_MISMATCH: add_tax_to_the_bill,
    FindingKind.BILL_LINES_MISMATCH: move_a_dollar_between_lines,
    FindingKind.BILL_PERIOD_MISMATCH: post_the_bill_in_another_period,
    FindingKind.BILL_NOT_COMPARABLE: edit_the_total_of_the_invoice,
    FindingKind.INVOICE_DECISION: exclude_an_invoice,
    FindingKind.INVOICES_UNREADABLE: switch_off_the_tools_of_a_closed_project,
    FindingKind.ORIGIN_ID_MISSING: clear_the_origin_id,
    FindingKind.ORIGIN_ID_CONFLICT: let_another_integration_claim_the_invoice,
}


def kinds_and_keys(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    return sorted((finding.kind.value, finding.key) for finding in findings)


def drifted(office: Installation) -> dict[FindingKind, str]:
    """Sync the seeded company and a project for each kind of drift, then seed each kind in its project. Return the key of each."""
    sites = {kind: new_site(office) for kind in SEEDS}
    office.scan()
    office.export_all()
    clean = office.container.verification.verify()
    assert (clean.findings, clean.information) == ([], [])
    return {kind: SEEDS[kind](site) for kind, site in sites.items()}


def test_every_kind_has_a_seed() -> None:
    assert set(SEEDS) == set(FindingKind)


@pytest.mark.parametrize("kind", FindingKind)
def test_each_kind_of_drift_alone_is_found_as_that_kind_only(branch: Installation, kind: FindingKind) -> None:
    site = new_site(branch).synced()
    assert kinds_and_keys(site.findings()) == []
    key = SEEDS[kind](site)
    verified = site.office.container.verification.verify()
    expected_list, other_list = (verified.findings, verified.information)[:: -1 if kind.is_information else 1]
    assert (kinds_and_keys(expected_list), other_list) == ([(kind, key)], [])


def test_all_kinds_of_drift_at_once_are_found_and_nothing_else(open_office: OpenInstallation) -> None:
    office = open_office()
    keys = drifted(office)
    mark = office.mark()
    verified = office.container.verification.verify()
    assert kinds_and_keys(verified.findings) == sorted(
        (kind, key) for kind, key in keys.items() if not kind.is_information
    )
    assert kinds_and_keys(verified.information) == sorted(
        (kind, key) for kind, key in keys.items() if kind.is_information
    )
    assert len(verified.findings) >= 15
    # Each sentence has the names that people use.
    assert all(finding.sentence[0].isupper() and finding.sentence.endswith(".") for finding in verified.findings)
    assert all(finding.about in finding.sentence and "New Project" in finding.sentence for finding in verified.findings)
    # Each is a problem, with its cause and its owner.
    problems = {finding.problem_key: finding.cause for finding in verified.findings}
    assert office.problems("verify:") == problems
    assert {finding.problem.owner for finding in verified.findings if finding.problem} == set(Owner)
    assert office.writes(mark) == []
    # A second comparison finds the same, and opens nothing again.
    since = {one.key: one.since for one in office.container.ledger.problems()}
    assert kinds_and_keys(office.container.verification.verify().findings) == kinds_and_keys(verified.findings)
    assert {one.key: one.since for one in office.container.ledger.problems()} == pytest.approx(since, abs=0.001)


def test_items_are_looked_up_in_bulk_and_each_bill_is_read_once(branch: Installation) -> None:
    sites = [new_site(branch) for _ in range(3)]
    office = branch.reopened(project_ids=",".join(str(site.project.id) for site in sites))
    office.scan()
    office.export_all()
    mark = office.mark()
    assert kinds_and_keys(office.container.verification.verify().findings) == []
    paths = [entry["path"] for entry in office.requests(mark)]
    # For each project: its Items, its bills' external ids, their numbers; and once, Items that are not ours, and all bills of ours.
    assert paths.count(SUITEQL_PATH) == 3 * 3 + 2
    # Each bill, and those of other projects whose project is not known to the ledger: none.
    assert len(paths) - paths.count(SUITEQL_PATH) == 3


# The command


@pytest.fixture
def site(branch: Installation) -> BilledProject:
    return new_site(branch).synced()


def call(site: BilledProject, *arguments: str) -> Ended:
    """Run `wbs-sync verify` with these arguments."""
    return run_command(site.office.container, "verify", *arguments)


def test_verify_exits_with_1_and_opens_problems_while_there_is_a_finding(site: BilledProject) -> None:
    """The command exits with 0 when everything agrees, and the problem closes when the finding is gone."""
    ended = call(site)
    assert (ended.code, site.problems()) == (0, {})
    assert "2 budgeted codes and 1 invoice: 3 correct, 0 explained by a problem or a reason, 0 findings" in " ".join(
        ended.out.split()
    )
    key = make_the_item_inactive(site)
    ended = call(site)
    assert ended.code == 1
    assert "item_inactive" in ended.out
    assert site.problems() == {f"verify:item_inactive:{key}": "drift_item_inactive"}
    site.edit_item(isinactive=False)
    assert (call(site).code, site.problems()) == (0, {})


RECONCILE = """
import json, os
from config.loading import load_settings
from tasks.ledger import reconcile
from worker.runtime import current
from worker.container import Container
current.use(Container(load_settings(), redis_url=os.environ["REDIS_URL"]))
print(json.dumps(reconcile.run()))
"""


def test_the_scheduled_task_keeps_the_same_problems(site: BilledProject, tmp_path: Path) -> None:
    key = void_the_bill(site)
    settings = site.office.container.settings
    environment = {
        **site.office.stage.env,
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": site.office.container.redis_url,
        "REDIS_KEY_PREFIX": settings.redis_key_prefix,
        "PROJECT_IDS": str(site.project.id),
    }
    # In a separate process: the app reads its settings once, and no other test should inherit these.
    done = subprocess.run(
        [sys.executable, "-c", RECONCILE], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"checked": 3, "findings": 1}
    assert site.problems() == {f"verify:bill_voided:{key}": "drift_bill_voided"}


def test_information_is_listed_separately_and_the_exit_code_stays_0(site: BilledProject) -> None:
    """What is for information only is listed apart from findings, also in JSON."""
    edit_the_display_name(site)
    ended = call(site)
    assert ended.code == 0
    assert "For information; no action needed" in ended.out
    as_json = call(site, "--json").json()
    assert (as_json["findings"], len(as_json["information"])) == ([], 1)


def test_findings_are_printed_as_json_with_owner_and_next_step(site: BilledProject) -> None:
    key = void_the_bill(site)
    ended = call(site, "--json")
    assert ended.code == 1
    (row,) = json.loads(ended.out)["findings"]
    assert (row["level"], row["kind"], row["key"], row["owner"]) == (
        "finding",
        "bill_voided",
        key,
        "project accountant",
    )
    assert row["sentence"].startswith("Invoice ")
    assert row["next_step"]


def test_findings_are_printed_as_csv_with_one_row_for_any_name(site: BilledProject) -> None:
    key = site.edit_item(itemid='=1+1, "quoted"\r\nand\x1b[2J broken')
    ended = call(site, "--csv")
    assert ended.code == 1
    header, *rows = csv.reader(io.StringIO(ended.out, newline=""), strict=True)
    assert header == list(COLUMNS)
    assert ended.out.count("\r\n") == len(rows) + 1
    assert [row[1:4] for row in rows] == [["item_renamed", key, "ERP administrator"]]
    assert '=1+1, "quoted"\\r\\nand\\x1b[2J broken' in rows[0][4]
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_no_finding_is_a_csv_of_the_header_alone(site: BilledProject) -> None:
    ended = call(site, "--csv")
    assert (ended.code, ended.out) == (0, ",".join(COLUMNS) + "\r\n")


def test_json_and_csv_at_once_are_refused(site: BilledProject) -> None:
    ended = call(site, "--csv", "--json")
    assert ended.code == 2
    assert "Pass --json or --csv, not both." in ended.err
