"""Workers with different settings write nothing until the settings agree, and every view says why."""

from __future__ import annotations

import pytest

from config.processes import QUEUES_OF_WORKER
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.installation import Installation
from worker.domain.problems import Cause
from worker.engine import settings_agreement
from worker.inspect.checks import Check

OTHER = "items@b (2)"
OURS = "items@a (1)"


@pytest.fixture
def office(open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """Open an installation of one project whose process is a worker: it announces its settings and compares them before each piece of work."""
    monkeypatch.setattr(settings_agreement, "RECHECK_SECONDS", 0)
    company = open_office()
    office = company.reopened(project_ids=str(company.procore.project("24-003").id))
    presence, settings = office.container.stores.presence, office.container.written_settings

    def announce() -> None:
        presence.announce(OURS, queues=QUEUES_OF_WORKER["items"], clock_ahead=0.0, threads=4, settings=settings)

    announce()
    office.container.settings_agreement.join(OURS, announce)
    return office


def another_worker(office: Installation, **digests: str) -> None:
    """Announce a worker of another machine with these digests in place of ours."""
    settings = office.container.written_settings | digests
    office.container.stores.presence.announce(
        OTHER, queues=QUEUES_OF_WORKER["invoices"], clock_ahead=0.0, settings=settings
    )


def items_made(office: Installation) -> int:
    return len(office.netsuite.items)


def check_of(office: Installation, name: str) -> Check:
    return next(check for check in office.container.checks.run() if check.name == name)


def test_nothing_is_written_while_settings_differ_and_writing_then_resumes(office: Installation) -> None:
    before = items_made(office)
    another_worker(office, ITEM_NAME_FORMAT="0badc0de")
    run, _ = office.container.start_scan("test")
    office.work_off()
    assert items_made(office) == before
    (problem,) = [one for one in office.container.ledger.problems() if one.problem.cause == Cause.SETTINGS_MISMATCH]
    own = office.container.written_settings["ITEM_NAME_FORMAT"]
    assert f"ITEM_NAME_FORMAT is {own} on {OURS}, 0badc0de on {OTHER}" in problem.problem.sentence
    assert office.container.settings.item_name_format not in problem.problem.sentence
    (pause,) = office.container.pauses.all()
    assert pause.cause == Cause.SETTINGS_MISMATCH
    assert "work that needs to create or change records is paused" in pause.sentence
    check = check_of(office, "Same settings")
    assert check.ok is False
    assert "ITEM_NAME_FORMAT" in check.message
    # The other machine was given the right setting.
    another_worker(office)
    office.container.dispatch.lift()
    office.work_off()
    assert items_made(office) > before
    assert office.run(run).ended
    assert [one for one in office.container.ledger.problems() if one.problem.cause == Cause.SETTINGS_MISMATCH] == []
    assert check_of(office, "Same settings").ok is True


def test_an_export_waits_too_with_its_reason(office: Installation) -> None:
    another_worker(office, EXPORT_STATUSES="0badc0de")
    bills = len(office.netsuite.bills)
    office.export_all()
    assert len(office.netsuite.bills) == bills
    assert office.container.pauses.all()


def test_the_settings_of_an_ended_worker_no_longer_count(office: Installation) -> None:
    another_worker(office, PROJECT_IDS="0badc0de")
    office.container.stores.presence.withdraw(OTHER)
    office.scan()
    assert items_made(office) > 0
    assert office.container.pauses.all() == []


def test_a_worker_that_the_others_do_not_see_announces_itself_first(office: Installation) -> None:
    """If two workers start at the same moment, the later one sees the other; neither writes unseen."""
    office.container.stores.presence.withdraw(OURS)
    office.scan()
    assert OURS in {one.process for one in office.container.stores.presence.running()}


def test_a_worker_of_an_older_version_is_compared_in_what_it_knows(office: Installation) -> None:
    presence = office.container.stores.presence
    presence.announce(OTHER, queues=["items"], clock_ahead=0.0)
    office.scan()
    assert office.container.pauses.all() == []
    presence.announce(OTHER, queues=["items"], clock_ahead=0.0, settings={"PROJECT_IDS": "0badc0de"})
    agreement = office.container.settings_agreement.now()
    assert len(agreement) == 1
    assert agreement[0].startswith("PROJECT_IDS is ")


def test_a_command_with_other_settings_than_the_workers_is_reported(office: Installation) -> None:
    office.container.stores.presence.withdraw(OURS)
    another_worker(office, NETSUITE_CURRENCY="0badc0de")
    check = check_of(office, "Same settings")
    assert check.ok is None
    assert (
        check.message
        == "this command and the workers have different values of NETSUITE_CURRENCY; the workers' values apply"
    )


def test_machines_with_different_caps_are_reported_with_the_lowest(office: Installation) -> None:
    office.reopened(netsuite_concurrency=2).container.stores.gate.announce()
    assert office.container.overview.status()["gate"]["slots"] == 2
    check = check_of(office, "Same settings")
    assert check.ok is None
    assert check.message == "NETSUITE_CONCURRENCY is 2 in one process and 4 in others; the lowest applies to all"
    office.scan()
    assert items_made(office) > 0
