"""Redis is not the only record of what is in NetSuite: after it is lost, the ledger is restored before anything is written."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from simulators.company.model import Project, WbsCode
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import BILL_PATH, ITEM_PATH, SUITEQL_PATH
from tests.kit.installation import Installation
from worker.base import resume_work
from worker.clients.netsuite import api
from worker.clients.netsuite.client import NetSuite
from worker.domain.identities import CodeKey
from worker.domain.outcomes import OutcomeKind, Record, State
from worker.domain.work import Lane
from worker.engine import adoptions, recovery, settlement
from worker.engine.recovery import REBUILD
from worker.runtime.current import use
from worker.store.ledger_state import LedgerState

pytestmark = pytest.mark.real

CODES = ["05-120.S", "05-130.S", "05-140.S"]


def lose_redis(office: Installation) -> None:
    """Delete everything under the installation's prefix."""
    prefix = office.container.settings.redis_key_prefix
    keys = list(office.container.redis.scan_iter(f"{prefix}*"))
    office.container.redis.delete(*keys)


@pytest.fixture
def three_rows_per_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read three rows per page instead of 1,000."""
    monkeypatch.setattr(api, "ROWS_PER_PAGE", 3)


class Killed(BaseException):
    """Represents kill -9 during a rebuild."""


def interrupted_after(office: Installation, pages: int) -> None:
    """Run a rebuild that ends with its process after this many pages."""
    seen = []

    def kill(items: int, of: int) -> None:
        seen.append((items, of))
        if len(seen) == pages:
            raise Killed

    with pytest.raises(Killed):
        office.container.recovery.rebuild(kill)


def test_a_rebuild_restores_items_by_external_id_and_none_is_duplicated(office: Installation) -> None:
    """After Redis is lost, every Item is restored, and a scan creates none a second time."""
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    made = {item.id for item in office.items("24-800-05-120.S")}
    lose_redis(office)

    rebuilt = office.container.recovery.rebuild()
    assert rebuilt.items == rebuilt.restored == len(CODES)
    mark = office.mark()
    office.scan(project.id)
    assert office.posts(ITEM_PATH, mark) == []
    assert {item.id for item in office.items("24-800-05-120.S")} == made


@pytest.mark.usefixtures("three_rows_per_page")
@pytest.mark.parametrize(("codes", "pages"), [(5, 2), (6, 3), (7, 3)])
def test_items_are_read_page_by_page_each_once_and_every_query_is_counted(
    office: Installation, codes: int, pages: int
) -> None:
    project = office.new_project("24-800", [f"05-{number}.S" for number in range(120, 120 + codes)])
    office.scan(project.id)
    lose_redis(office)
    progress: list[tuple[int, int]] = []
    mark = office.mark()
    rebuilt = office.container.recovery.rebuild(lambda items, of: progress.append((items, of)))
    assert (rebuilt.items, rebuilt.restored) == (codes, codes)
    # And one for the bills.
    assert rebuilt.queries == len(office.posts(SUITEQL_PATH, mark)) == pages + 1
    assert [of for _, of in progress] == [codes] * pages
    assert progress[-1] == (codes, codes)


@pytest.mark.usefixtures("three_rows_per_page")
def test_a_killed_rebuild_leaves_no_ledger_and_the_next_one_continues(office: Installation) -> None:
    """The next rebuild begins after the pages that the killed one had read."""
    project = office.new_project("24-800", [f"05-{number}.S" for number in range(120, 130)])
    office.scan(project.id)
    lose_redis(office)
    interrupted_after(office, pages=2)
    assert not office.container.ledger.state.is_open()
    ledger = office.container.overview.status()["ledger"]
    assert (ledger["open"], ledger["rebuilt_so_far"]) == (False, 6)
    assert ledger["notice"].startswith("A rebuild of the ledger from NetSuite has begun: 6 Items so far.")

    mark = office.mark()
    rebuilt = office.container.recovery.rebuild()
    assert (rebuilt.items, rebuilt.restored) == (10, 10)
    assert len(office.posts(SUITEQL_PATH, mark)) == 3
    assert office.container.overview.status()["ledger"] == {"open": True, "rebuilt_so_far": 0, "notice": ""}
    assert {record.state for record in office.container.ledger.codes(project.id).values()} == {State.CREATED}


@pytest.mark.usefixtures("three_rows_per_page")
def test_a_worker_continues_a_rebuild_that_was_killed(open_office: OpenInstallation) -> None:
    """Nothing is written to NetSuite before the other half of the ledger is rebuilt."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", [f"05-{number}.S" for number in range(120, 130)])
    office.scan(project.id)
    lose_redis(office)
    interrupted_after(office, pages=1)
    mark = office.mark()
    assert office.make_item(project, project.budgeted_codes()[9]).kind is OutcomeKind.ALREADY
    assert len(office.container.ledger.codes(project.id)) == 10
    assert office.posts(ITEM_PATH, mark) == []


@pytest.mark.usefixtures("three_rows_per_page")
def test_a_rebuild_by_hand_starts_over_and_keeps_what_is_known(office: Installation) -> None:
    """A rebuild of a ledger that exists begins at the first page and leaves its records as they are."""
    project = office.new_project("24-800", [*CODES, "05-150.S"])
    office.scan(project.id)
    codes = project.budgeted_codes()
    codes_key = f"{office.container.settings.redis_key_prefix}codes:{project.id}"
    known = office.code_record(project, codes[1])
    interrupted_after(office, pages=1)
    assert office.container.overview.status()["ledger"] == {"open": True, "rebuilt_so_far": 0, "notice": ""}
    # As a worker leaves it that another one has overtaken.
    office.container.ledger.state.save_rebuild({"after": int(office.item("24-800-05-150.S").id)})
    office.container.redis.hdel(codes_key, str(codes[0].id), str(codes[3].id))
    rebuilt = office.container.recovery.rebuild()
    assert (rebuilt.items, rebuilt.restored, rebuilt.others) == (4, 2, 0)
    assert office.code_record(project, codes[1]) == known
    assert len(office.container.ledger.codes(project.id)) == 4


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"isinactive": True}, "item_inactive"),
        ({"itemtype": "Service", "subtype": "Sale", "record_type": "serviceSaleItem"}, "item_type_mismatch"),
    ],
)
def test_an_item_that_no_bill_can_use_is_left_to_the_next_scan(
    office: Installation, change: dict[str, Any], cause: str
) -> None:
    """The rebuild counts it as unusable, and the scan reports it and creates no other."""
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    office.netsuite.edit_item(office.item("24-800-05-120.S").id, **change)
    lose_redis(office)
    rebuilt = office.container.recovery.rebuild()
    assert (rebuilt.items, rebuilt.restored, rebuilt.unusable) == (3, 2, 1)
    mark = office.mark()
    office.scan(project.id)
    assert office.problems() == {f"code:{project.id}:{project.budgeted_codes()[0].id}": cause}
    assert office.posts(ITEM_PATH, mark) == []


@pytest.mark.parametrize("rows_per_page", [pytest.param(1000, id="on one page"), pytest.param(3, id="on two pages")])
def test_a_code_with_two_items_is_a_problem_at_once(
    office: Installation, monkeypatch: pytest.MonkeyPatch, rows_per_page: int
) -> None:
    monkeypatch.setattr(api, "ROWS_PER_PAGE", rows_per_page)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    first = office.item("24-800-05-120.S")
    second = office.netsuite.make_item("24-800-05-120.S copy", externalid=first.externalid)
    lose_redis(office)
    rebuilt = office.container.recovery.rebuild()
    assert rebuilt.others == 1
    key = f"verify:item_doubled:code:{project.id}:{project.budgeted_codes()[0].id}"
    assert office.problems() == {key: "drift_duplicate_item"}
    assert f"2 Items: ids {first.id}, {second.id}." in office.sentence(key)
    record = office.code_record(project, project.budgeted_codes()[0])
    assert record is not None
    assert record.remote_id == first.id


def test_a_code_whose_item_was_recreated_by_hand_is_reported(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    gone = office.item("24-800-05-120.S")
    office.netsuite.items.remove(gone.id)
    recreated = office.netsuite.make_item("24-800-05-120.S", externalid=gone.externalid)
    assert office.container.recovery.rebuild().others == 1
    key = f"verify:item_other_than_recorded:code:{project.id}:{project.budgeted_codes()[0].id}"
    assert office.sentence(key).endswith(f"the ledger has Item {gone.id}, NetSuite has {recreated.id}.")
    assert len(office.problems()) == 1


def test_a_rebuild_waits_while_another_is_under_way(office: Installation) -> None:
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    lose_redis(office)
    with ThreadPoolExecutor(1) as pool:
        with office.container.stores.locks.hold(REBUILD) as lock:
            assert lock
            second = pool.submit(office.container.recovery.rebuild)
            with pytest.raises(TimeoutError):
                second.result(0.5)
            assert not office.container.ledger.state.is_open()
        assert second.result(60).restored == len(CODES)


def test_a_worker_that_finds_no_ledger_rebuilds_it_first(office: Installation) -> None:
    """The rebuild comes before anything else, and restores the other codes too."""
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    (code, *_) = project.budgeted_codes()
    lose_redis(office)

    outcome = office.make_item(project, code)
    assert outcome.kind is OutcomeKind.ALREADY
    record = office.code_record(project, project.budgeted_codes()[2])
    assert record is not None
    assert record.state is State.CREATED


def test_a_doubt_recorded_before_a_loss_is_resolved_after_it(
    open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lock has a fence that the emptied server never issued; no later fence may be lower, or the code waits for good."""
    office = open_office(netsuite_settle_seconds=0)
    project = office.new_project("24-800", CODES[:1])
    (code,) = project.budgeted_codes()
    path, create = f"{ITEM_PATH}\\?", NetSuite.create_item
    # As after some days of work.
    office.container.redis.set(f"{office.container.settings.redis_key_prefix}fence", 100_000)
    office.stage.faults("netsuite", [{"kind": "cut_before", "method": "POST", "path": path, "times": 1}])

    def lost(netsuite: NetSuite, *args: Any, **options: Any) -> str:
        try:
            return create(netsuite, *args, **options)
        finally:
            monkeypatch.undo()
            lose_redis(office)
            office.container.recovery.rebuild()

    monkeypatch.setattr(NetSuite, "create_item", lost)
    assert office.make_item(project, code).kind is OutcomeKind.UNKNOWN
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.UNKNOWN
    assert office.make_item(project, code).kind is OutcomeKind.CREATED


def test_after_a_loss_bills_wait_out_the_settle_window(open_office: OpenInstallation) -> None:
    """An intent may have been lost with the ledger: its bill may still appear."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    lose_redis(office)

    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.WAITING
    assert office.posts(BILL_PATH) == []
    assert 600 < office.due(f"invoice:{project.id}:{invoice.id}") <= 900


def test_bills_that_procore_names_are_known_again_without_a_request(open_office: OpenInstallation) -> None:
    """After a loss, the next export of all invoices records them again and sends NetSuite nothing."""
    office = open_office(netsuite_settle_seconds=0)
    project = office.new_project("24-800", CODES)
    pilot = office.reopened(project_ids=str(project.id))
    invoices = [office.new_invoice(project, (CODES[0], amount)) for amount in ("900.00", "800.00")]
    pilot.scan()
    assert pilot.export_all().counts["created"] == 2

    lose_redis(office)
    assert pilot.container.recovery.rebuild().bills == 2
    mark = office.mark()
    assert pilot.export_all().counts["already"] == 2
    assert office.requests(mark) == []
    for invoice in invoices:
        record = pilot.invoice_record(invoice)
        assert record is not None
        assert (record.state, record.name) == (State.CREATED, invoice.invoice_number)
        assert record.remote_id == office.bill(invoice).id
    assert pilot.container.overview.status()["invoices"] == {"created": 2}
    assert pilot.container.verification.verify().findings == []


def test_a_bill_that_procore_does_not_name_is_found_after_a_loss(open_office: OpenInstallation) -> None:
    """The bill is found by its external id, no second one is sent, and Procore gets the origin id."""
    office = open_office(netsuite_settle_seconds=0)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.stage.settings("procore", patch_forbidden=True)
    office.export(invoice)
    lose_redis(office)
    office.stage.settings("procore", patch_forbidden=False)
    office.container.recovery.rebuild()
    mark = office.mark()
    assert office.export(invoice).kind is OutcomeKind.ALREADY
    assert office.posts(BILL_PATH, mark) == []
    assert invoice.origin_id == f"ns-vendorbill-{office.bill(invoice).id}"


def test_a_worker_releases_its_work_while_another_rebuilds_the_ledger(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for the rebuild counts as no attempt, however often it happens."""
    monkeypatch.setattr(recovery, "REBUILD_TIMEOUT_SECONDS", 0.02)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    lose_redis(office)
    code = project.budgeted_codes()[0]
    mark = office.mark()
    with office.container.stores.locks.hold(REBUILD) as lock:
        assert lock
        for _ in range(settlement.MAX_ATTEMPTS + 1):
            outcome = office.make_item(project, code)
            assert (outcome.kind, outcome.reason) == (OutcomeKind.WAITING, "the ledger is being rebuilt")
        assert office.requests(mark) == []
        assert office.problems() == {}
    assert office.make_item(project, code).kind is OutcomeKind.ALREADY


def test_a_first_start_reports_no_loss_and_waits_for_nothing(open_office: OpenInstallation, tmp_path: Path) -> None:
    opened = open_office(netsuite_settle_seconds=900)
    lose_redis(opened)
    office = opened.reopened(data_dir=tmp_path / "new-machine")
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_after_a_restart_of_redis_unconfirmed_writes_settle_first(
    open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last second of writes may be gone with it, on a replica that took over more: the server's run id shows it."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.scan(project.id)
    state = f"{office.container.settings.redis_key_prefix}ledger"
    assert office.container.redis.hget(state, "server")
    office.container.redis.hset(state, "server", "another run")

    assert office.export(invoice).kind is OutcomeKind.WAITING
    assert office.posts(BILL_PATH) == []


def test_an_orderly_restart_of_redis_delays_nothing(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.scan(project.id)
    office.container.ledger.state.mark_clean_stop()
    assert office.export(invoice).kind is OutcomeKind.CREATED


def forget_the_end(office: Installation, project: Project, code: WbsCode) -> None:
    """Replace the Item's record by its intent, as on a server that lost its last second; its work was closed after the restart."""
    key = CodeKey(project.id, code.id)
    record = office.container.ledger.code(key)
    assert record is not None
    prefix = office.container.settings.redis_key_prefix
    intent = {
        "state": "intent",
        "name": record.name,
        "code": code.flat_code,
        "attempts": 1,
        "sent_at": office.container.now(),
    }
    office.container.redis.hset(f"{prefix}codes:{project.id}", str(code.id), json.dumps(intent))
    office.container.redis.hset(f"{prefix}ledger", "looked_through", "the run id of the server before")


def test_after_a_restart_of_redis_unfinished_work_is_queued_again(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "LOOK_THROUGH_AFTER_SECONDS", 0.0)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    (code, *_) = project.budgeted_codes()
    forget_the_end(office, project, code)
    mark = office.mark()

    assert office.container.recovery.look_through() == 1
    office.settle()
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.CREATED
    assert office.posts(ITEM_PATH, mark) == []
    assert office.container.recovery.look_through() == 0, "once for each server"


def test_a_record_that_cannot_be_read_does_not_stop_waiting_work(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ledger.resume` fails on it every few seconds, as on a newer version's state, and still dispatches work."""
    monkeypatch.setattr(recovery, "LOOK_THROUGH_AFTER_SECONDS", 0.0)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    forget_the_end(office, project, project.budgeted_codes()[0])
    office.container.redis.hset(
        f"{office.container.settings.redis_key_prefix}codes:{project.id}", "7", '{"state":"painted"}'
    )
    office.container.work.add(Lane.SCANS, ["scan:17"])
    app = mock.Mock(spec_set=["send_task"])
    use(office.container)
    try:
        with pytest.raises(ValueError, match="painted"):
            resume_work(app)
    finally:
        use(None)
    assert [call.kwargs["kwargs"] for call in app.send_task.call_args_list] == [{"project_id": 17}]


def test_a_new_server_is_checked_only_after_its_workers_noted_their_work(office: Installation) -> None:
    """The ledger is searched for lost results only when the server has run long enough for workers to note their claims."""
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    forget_the_end(office, project, project.budgeted_codes()[0])
    runs_for = int(office.container.redis.info("server")["uptime_in_seconds"])
    assert office.container.ledger.state.unchecked_server(runs_for=runs_for + 3600) == ""
    assert office.container.ledger.state.unchecked_server(runs_for=0) == office.container.redis.info("server")["run_id"]


def test_a_loss_is_noticed_even_if_netsuite_has_no_record_of_wbs_sync(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    """The very first write may be under way: a process that knew the lost store says so, whichever opens the next ledger."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    office.container.recovery.ensure_ledger()
    lose_redis(office)
    new_machine = office.reopened(data_dir=tmp_path / "other-machine")
    new_machine.container.recovery.ensure_ledger()
    assert new_machine.container.redis.hget(f"{office.container.settings.redis_key_prefix}ledger", "since") == "0"

    office.scan(project.id)
    assert office.posts(ITEM_PATH) == []
    (code, *_) = project.budgeted_codes()
    assert 0 < office.due(f"code:{project.id}:{code.id}") <= 900


def test_a_process_started_after_a_loss_knows_it_from_its_data_directory(open_office: OpenInstallation) -> None:
    """A scan in the restarted process creates nothing before the settle window has passed."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    lose_redis(office)
    restarted = office.reopened()
    restarted.scan(project.id)
    assert office.posts(ITEM_PATH) == []


def test_an_attempt_learns_with_its_claim_which_ledger_there_is(
    open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends a separate command only where that is a ledger that it does not know, or none."""
    office = open_office()
    project = office.new_project("24-800", CODES)
    asked: list[str] = []
    opened_at = LedgerState.opened_at

    def counted(state: LedgerState) -> str:
        asked.append("asked")
        return opened_at(state)

    monkeypatch.setattr(LedgerState, "opened_at", counted)
    office.scan(project.id)
    assert len(office.posts(ITEM_PATH)) == len(CODES)
    assert asked == []
    lose_redis(office)
    office.scan(project.id)
    assert asked == ["asked"], "once, after it was rebuilt"
    assert len(office.posts(ITEM_PATH)) == len(CODES)


def test_a_worker_that_is_idle_reports_the_loss_too(open_office: OpenInstallation, tmp_path: Path) -> None:
    """It asks every second; a process that starts without its own memory writes nothing before that."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    lose_redis(office)
    new_machine = office.reopened(data_dir=tmp_path / "other-machine")
    new_machine.container.recovery.ensure_ledger()
    office.container.stores.identity.meet()
    new_machine.scan(project.id)
    assert office.posts(ITEM_PATH) == []


# Adopted Items: nothing in NetSuite says which code they belong to


def start_a_worker(office: Installation) -> None:
    """Start a process: it copies the adopted Items at its start; running processes copy them each minute."""
    office.reopened().container.recovery.ensure_ledger()


def adopted_and_renamed(office: Installation) -> tuple[Project, WbsCode, str]:
    """Let a code adopt a hand-made Item, then rename code, project and Item. Return the Item's id."""
    project = office.new_project("24-800", [CODES[0]])
    (code,) = project.budgeted_codes()
    item = office.netsuite.make_item("24-800-05-120.S")
    office.scan(project.id)
    office.procore.rename_code(project.id, code.id, "09-250.S")
    office.procore.renumber_project(project.id, "25-800")
    office.netsuite.edit_item(item.id, itemid="Concrete, as it was called before")
    return project, code, item.id


def test_an_adopted_item_stays_the_codes_after_renames_and_a_loss(office: Installation) -> None:
    """Whatever was renamed before Redis was lost, the rebuild restores the Item to its code and to no other."""
    project, code, item_id = adopted_and_renamed(office)
    start_a_worker(office)
    lose_redis(office)
    fresh = office.reopened()
    assert fresh.container.recovery.rebuild().adopted == 1
    fresh.scan(project.id)
    record = office.code_record(project, code)
    assert record is not None
    assert (record.state, record.remote_id) == (State.ADOPTED, item_id)
    assert office.writes() == []
    # And it is no other code's.
    assert office.container.stores.adopted_items.by(1, [item_id]) == {item_id: CodeKey(project.id, code.id)}


def test_a_machine_that_knew_an_adoption_restores_it_into_a_new_ledger(
    open_office: OpenInstallation, tmp_path: Path
) -> None:
    """Nothing is sent for the settle window after a loss: time enough for each worker to report what it knows."""
    office = open_office(netsuite_settle_seconds=900)
    project, code, item_id = adopted_and_renamed(office)
    start_a_worker(office)
    lose_redis(office)
    new_machine = office.reopened(data_dir=tmp_path / "other-machine")
    new_machine.container.recovery.rebuild()
    # As each living worker does within a second.
    office.container.stores.identity.meet()
    new_machine.scan(project.id)
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.WAITING
    assert office.make_item(project, code).remote_id == item_id
    assert office.writes() == []


def test_a_machine_that_is_idle_restores_it_with_the_next_resume(open_office: OpenInstallation, tmp_path: Path) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project, code, item_id = adopted_and_renamed(office)
    start_a_worker(office)
    lose_redis(office)
    office.reopened(data_dir=tmp_path / "other-machine").container.recovery.rebuild()
    use(office.container)
    try:
        resume_work(mock.Mock(spec_set=["send_task"]))
    finally:
        use(None)
    record = office.code_record(project, code)
    assert record is not None
    assert record.remote_id == item_id


def test_an_unconfirmed_code_delays_no_other_and_its_adoption_is_rechecked(
    open_office: OpenInstallation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The ledger opens without waiting for the code, and its adoption is restored once the doubt has ended."""
    monkeypatch.setattr(adoptions, "COPIED_EVERY_SECONDS", 0.0)
    office = open_office(netsuite_settle_seconds=900)
    project, code, item_id = adopted_and_renamed(office)
    start_a_worker(office)
    lose_redis(office)
    key = CodeKey(project.id, code.id)
    new_machine = office.reopened(data_dir=tmp_path / "other-machine").container
    new_machine.recovery.rebuild()
    new_machine.ledger.write(key, Record(State.UNKNOWN, "25-800-09-250.S"))
    office.container.recovery.ensure_ledger()
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.UNKNOWN

    # It had no effect.
    office.container.redis.hdel(f"{office.container.settings.redis_key_prefix}codes:{project.id}", str(code.id))
    office.container.adoptions.keep_up()
    record = office.code_record(project, code)
    assert record is not None
    assert record.remote_id == item_id


def test_a_second_item_for_a_code_with_a_forgotten_adoption_is_a_problem(office: Installation, tmp_path: Path) -> None:
    """The second Item was created before the adoption was known again; the problem names both."""
    project, code, item_id = adopted_and_renamed(office)
    start_a_worker(office)
    lose_redis(office)
    made = office.netsuite.make_item("25-800-09-250.S", externalid=office.item_external_id(project, code))
    new_machine = office.reopened(data_dir=tmp_path / "other-machine")
    new_machine.container.recovery.rebuild()
    office.reopened().container.recovery.ensure_ledger()
    key = f"verify:item_doubled:code:{project.id}:{code.id}"
    assert office.problems() == {key: "drift_duplicate_item"}
    assert made.id in office.sentence(key)
    assert item_id in office.sentence(key)


def test_an_adopted_item_that_was_deleted_is_not_restored(office: Installation) -> None:
    project = office.new_project("24-800", CODES[:2])
    first, second = (office.netsuite.make_item(f"24-800-{name}") for name in CODES[:2])
    office.scan(project.id)
    start_a_worker(office)
    office.netsuite.items.remove(first.id)
    lose_redis(office)
    fresh = office.reopened()
    assert fresh.container.recovery.rebuild().adopted == 1
    assert [record.remote_id for record in office.container.ledger.codes(project.id).values()] == [second.id]


def test_the_copy_of_another_company_is_not_used(office: Installation) -> None:
    project, _, _ = adopted_and_renamed(office)
    start_a_worker(office)
    other_company = office.reopened(redis_key_prefix="other:")
    other_company.container.recovery.ensure_ledger()
    assert other_company.container.ledger.codes(project.id) == {}
