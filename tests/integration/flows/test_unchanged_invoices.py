"""A scheduled run reads an invoice only when it, or its blocker, may have changed; a person's request reads all without a bill."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.integration.flows.test_bills import CODE, require_right
from tests.kit.company import VENDOR
from tests.kit.installation import Installation, facts_of
from worker.domain.problems import Cause
from worker.store.runs import Run
from worker.sync import unchanged_invoices
from worker.sync.unchanged_invoices import read_again_after

Seen = Counter[int]
"""How often each invoice was read by itself."""


def scheduled(office: Installation) -> tuple[Run, Seen]:
    """Do a scheduled run and all work that is due because of it; return which single invoices it read, and how often."""
    office.procore.journal.clear()
    run, _ = office.container.start_export("schedule")
    office.work_off()
    return office.run(run), reads(office)


def known(office: Installation, project: Project, **change: float) -> None:
    """Record the project's invoices as read twice, the last time a minute ago."""
    reads = office.container.stores.last_reads
    fields = {"times": 2, "again_at": office.container.now() + 3600, **change}
    older_reads = {one: replace(read, at=read.at - 60, **fields) for one, read in reads.of(project.id).items()}  # type: ignore[arg-type]
    reads.note(project.id, older_reads)


def later_than_listed(invoice: Invoice) -> None:
    """Set the time of an edit some seconds after the list was read; Procore shows times of change in whole seconds."""
    invoice.updated_at += timedelta(seconds=5)


def reads(office: Installation) -> Seen:
    paths = [entry["path"] for entry in office.procore.journal.requests() if entry["method"] == "GET"]
    return Counter(int(path.rpartition("/")[2]) for path in paths if "/requisitions/" in path)


def blocked(office: Installation, count: int = 3, **shown: Any) -> tuple[Installation, Project, list[Invoice]]:
    """Create the installation's only project, with invoices that Procore shows like this; scheduled runs have read them."""
    project = office.new_project("24-800", [CODE])
    invoices = [office.new_invoice(project, (CODE, "900.00")) for _ in range(count)]
    for invoice in invoices:
        office.procore.edit_invoice(invoice.id, shown=shown)
    pilot = office.reopened(project_ids=str(project.id))
    run, seen = scheduled(pilot)
    assert run.counts["blocked"] == count
    assert set(seen) == {invoice.id for invoice in invoices}
    known(pilot, project)
    return pilot, project, invoices


def test_invoices_of_another_integration_cost_no_request_in_any_run(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    claimed = [office.new_invoice(project, (CODE, "900.00")) for _ in range(5)]
    for number, invoice in enumerate(claimed):
        office.procore.edit_invoice(invoice.id, origin_id=f"sage-{number}")
    pilot = office.reopened(project_ids=str(project.id))
    for _ in range(2):
        run, seen = scheduled(pilot)
        assert (run.ended, run.counts["skipped"], seen) == (True, 5, Counter())
    assert len(office.procore.journal.requests()) <= 3, "the list of projects and one page of invoices"
    record = pilot.invoice_record(claimed[0])
    assert record
    assert record.detail == "already claimed by another integration (origin id sage-0)"
    pilot.export_all()
    assert reads(pilot) == Counter()

    office.procore.edit_invoice(claimed[0].id, origin_id=None)
    office.procore.edit_invoice(claimed[1].id, origin_id="viewpoint-1")
    assert set(scheduled(pilot)[1]) == {claimed[0].id, claimed[1].id}
    require_right(office, claimed[0])


def test_a_problem_of_an_invoice_that_another_integration_claims_closes(office: Installation) -> None:
    pilot, _, (invoice,) = blocked(office, 1, billing_date=None)
    office.procore.edit_invoice(invoice.id, origin_id="sage-1", shown={})
    scheduled(pilot)
    assert pilot.problems() == {}


def test_unchanged_blocked_invoices_are_counted_and_not_read_again(office: Installation) -> None:
    """A scheduled run reads only the invoice that was edited."""
    pilot, _, invoices = blocked(office, billing_date=None)
    for _ in range(2):
        run, seen = scheduled(pilot)
        assert (run.ended, run.counts["blocked"], run.counts["invoices"], seen) == (True, 3, 3, Counter())
    assert len(pilot.problems()) == 3
    later_than_listed(office.procore.edit_invoice(invoices[1].id, shown={}))
    assert set(scheduled(pilot)[1]) == {invoices[1].id}
    require_right(office, invoices[1])
    assert len(pilot.problems()) == 2


def test_a_version_is_read_twice_before_it_is_left_out(office: Installation) -> None:
    """Times of change have whole seconds: an edit in the second in which the list was read leaves no trace in the next list."""
    pilot, project, (invoice,) = blocked(office, 1, billing_date=None)
    known(pilot, project, times=1)
    office.procore.invoice(invoice.id).shown = {}
    assert set(scheduled(pilot)[1]) == {invoice.id}
    require_right(office, invoice)


def test_two_reads_within_a_moment_count_as_one(office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    # A moment that a busy machine does not outlast.
    monkeypatch.setattr(unchanged_invoices, "APART_SECONDS", 600.0)
    pilot, project, (invoice,) = blocked(office, 1, billing_date=None)
    known(pilot, project, times=1)
    pilot.container.stores.last_reads.note(
        project.id,
        {invoice.id: replace(pilot.container.stores.last_reads.of(project.id)[invoice.id], at=pilot.container.now())},
    )
    scheduled(pilot)
    assert pilot.container.stores.last_reads.of(project.id)[invoice.id].times == 1


def test_a_request_by_a_person_reads_all_of_them(office: Installation) -> None:
    pilot, _, invoices = blocked(office, billing_date=None)
    office.procore.journal.clear()
    pilot.export_all()
    assert set(reads(pilot)) == {invoice.id for invoice in invoices}
    assert scheduled(pilot)[1] == Counter()


@pytest.mark.parametrize("setting", [{"netsuite_create_credits": True}, {"netsuite_currency": "USD"}])
def test_other_settings_have_all_of_them_read(office: Installation, setting: dict[str, Any]) -> None:
    pilot, project, (invoice,) = blocked(office, 1, summary={"current_payment_due": "-5.00"})
    assert set(pilot.problems().values()) == {"needs_vendor_credit"}
    restarted = pilot.reopened(project_ids=str(project.id), **setting)
    assert set(scheduled(restarted)[1]) == {invoice.id}


def test_an_unchanged_invoice_is_read_again_after_some_hours(office: Installation) -> None:
    """A person's change in NetSuite shows nowhere else."""
    pilot, project, invoices = blocked(office, billing_date=None)
    known(pilot, project, again_at=0)
    assert set(scheduled(pilot)[1]) == {invoice.id for invoice in invoices}
    for read in pilot.container.stores.last_reads.of(project.id).values():
        assert (read.times, 6 * 3600 <= read.again_at - read.at <= 12 * 3600) == (3, True)
    assert scheduled(pilot)[1] == Counter()


@pytest.mark.parametrize("cadence_seconds", [600, 900])
def test_no_run_of_a_day_reads_more_than_a_tenth_of_five_hundred(cadence_seconds: int) -> None:
    """All of them blocked in the same run, which is the worst case."""
    read_at = {invoice: (read_again_after(invoice, 2), 2) for invoice in range(1_280_000, 1_280_500)}
    for now in range(cadence_seconds, 24 * 3600, cadence_seconds):
        now_due = [invoice for invoice, (at, _) in read_at.items() if at <= now]
        assert len(now_due) <= (50 if cadence_seconds == 600 else 75)
        read_at |= {
            invoice: (now + read_again_after(invoice, read_at[invoice][1] + 1), read_at[invoice][1] + 1)
            for invoice in now_due
        }


def test_a_code_that_is_no_longer_blocked_frees_its_invoices(office: Installation) -> None:
    project = office.new_project("24-800", [CODE, "05-310.S"])
    in_the_way = office.netsuite.make_item(f"24-800-{CODE}", "serviceSaleItem")
    waiting = office.new_invoice(project, (CODE, "900.00"))
    second_invoice = office.new_invoice(project, ("05-310.S", "900.00"))
    office.procore.edit_invoice(second_invoice.id, shown={"billing_date": None})
    pilot = office.reopened(project_ids=str(project.id))
    scheduled(pilot)
    known(pilot, project)
    assert sorted(pilot.problems(f"invoice:{project.id}").values()) == ["billing_date_missing", "blocked_codes"]
    assert scheduled(pilot)[1] == Counter()
    office.netsuite.items.remove(in_the_way.id)
    pilot.scan(project.id)
    assert set(scheduled(pilot)[1]) == {waiting.id}
    require_right(office, waiting)


def test_a_vendor_that_one_invoice_found_frees_the_others_in_every_project(office: Installation) -> None:
    projects = [office.new_project(number, [CODE]) for number in ("24-800", "24-801")]
    name = "Blue Heron Roofing"
    office.procore.edit_vendor(office.procore.vendor(VENDOR).id, name=name, origin_id=None)
    invoices = [office.new_invoice(project, (CODE, "900.00"), vendor=name) for project in projects for _ in range(2)]
    pilot = office.reopened(project_ids=",".join(str(project.id) for project in projects))
    scheduled(pilot)
    assert set(pilot.problems("invoice:").values()) == {"vendor_not_linked"}
    for project in projects:
        known(pilot, project)
    assert scheduled(pilot)[1] == Counter()
    office.new_vendor(name)
    pilot.retry(f"invoice:{invoices[0].project_id}:{invoices[0].id}")
    require_right(office, invoices[0])
    assert set(scheduled(pilot)[1]) == {invoice.id for invoice in invoices[1:]}
    for invoice in invoices:
        require_right(office, invoice)
    assert pilot.problems() == {}


def test_a_problem_that_a_person_closed_is_read_by_the_next_run(office: Installation) -> None:
    pilot, _, invoices = blocked(office, billing_date=None)
    (seen,) = [one for one in pilot.container.ledger.problems() if one.key.endswith(f":{invoices[0].id}")]
    assert pilot.container.stores.handling.resolve(seen, by="Dana", at=pilot.container.now(), note="entered by hand")
    assert set(scheduled(pilot)[1]) == {invoices[0].id}


def test_a_failed_attempt_is_no_reason_to_skip_an_invoice(office: Installation) -> None:
    pilot, _, invoices = blocked(office, 2, billing_date=None)
    key = f"invoice:{invoices[0].project_id}:{invoices[0].id}"
    pilot.container.ledger.report(
        key, Cause.RETRIES_EXHAUSTED, facts_of(Cause.RETRIES_EXHAUSTED), at=pilot.container.now()
    )
    assert set(scheduled(pilot)[1]) == {invoices[0].id}


def test_an_invoice_of_which_the_list_shows_no_time_of_change_is_read(office: Installation) -> None:
    pilot, _, invoices = blocked(office, 1, billing_date=None, updated_at=None)
    assert set(scheduled(pilot)[1]) == {invoices[0].id}


def test_an_invoice_that_bills_nothing_is_read_once(office: Installation) -> None:
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "0.00"))
    pilot = office.reopened(project_ids=str(project.id))
    assert set(scheduled(pilot)[1]) == {invoice.id}
    known(pilot, project)
    run, seen = scheduled(pilot)
    assert (run.counts["skipped"], seen) == (1, Counter())
    later_than_listed(office.procore.edit_invoice_line(invoice.id, work="500.00"))
    assert set(scheduled(pilot)[1]) == {invoice.id}
    require_right(office, invoice)


def test_a_refused_write_back_waits_for_some_hours_or_a_requested_run(office: Installation) -> None:
    """A scheduled run within that time does not read the invoice again."""
    project = office.new_project("24-800", [CODE])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    pilot = office.reopened(project_ids=str(project.id))
    office.stage.settings("procore", patch_forbidden=True)
    scheduled(pilot)
    assert set(pilot.problems().values()) == {"write_back_rejected"}
    known(pilot, project)
    assert scheduled(pilot)[1] == Counter()
    office.stage.settings("procore", patch_forbidden=False)
    pilot.export_all()
    require_right(office, invoice)
    assert pilot.problems() == {}
