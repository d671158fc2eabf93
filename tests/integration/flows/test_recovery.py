"""Redis is not the only record of what NetSuite holds: after it is lost, the ledger is restored before anything is written."""

from __future__ import annotations

import pytest

from tests.integration.flows.conftest import OpenOffice
from tests.integration.flows.office import BILL_PATH, ITEM_PATH, Office
from worker.domain.outcomes import OutcomeKind, State
from worker.services import items as items_module

pytestmark = pytest.mark.real

CODES = ["05-120.S", "05-130.S", "05-140.S"]


def lose_redis(office: Office) -> None:
    """Everything under the installation's prefix is gone."""
    prefix = office.container.settings.redis_key_prefix
    keys = list(office.container.redis.scan_iter(f"{prefix}*"))
    office.container.redis.delete(*keys)


def test_items_are_known_again_by_their_external_ids_and_none_is_made_twice(office: Office) -> None:
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


def test_a_worker_that_finds_no_ledger_rebuilds_it_before_it_does_anything_else(office: Office) -> None:
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    (code, *_) = project.budgeted_codes()
    lose_redis(office)

    outcome = office.make_item(project, code)
    assert outcome.kind is OutcomeKind.ALREADY
    record = office.code_record(project, project.budgeted_codes()[2])
    assert record is not None
    assert record.state is State.CREATED


def test_after_a_loss_bills_wait_out_the_settle_window(open_office: OpenOffice) -> None:
    """An intent may have been lost with the ledger: its bill may still come to stand."""
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    lose_redis(office)

    outcome = office.export(invoice)
    assert outcome.kind is OutcomeKind.WAITING
    assert office.posts(BILL_PATH) == []
    assert 600 < office.due(f"invoice:{project.id}:{invoice.id}") <= 900


def test_a_first_start_has_lost_nothing_and_waits_for_nothing(open_office: OpenOffice) -> None:
    office = open_office(netsuite_settle_seconds=900)
    lose_redis(office)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_a_server_that_was_started_anew_lets_doubts_settle_first(
    open_office: OpenOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last second of writes may be gone with it, on a replica that took over more: the server's run id tells."""
    office = open_office(netsuite_settle_seconds=900)
    monkeypatch.setattr(items_module, "ITEM_SETTLE_SECONDS", 900.0)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.scan(project.id)
    state = f"{office.container.settings.redis_key_prefix}ledger"
    assert office.container.redis.hget(state, "server")
    office.container.redis.hset(state, "server", "another run")

    assert office.export(invoice).kind is OutcomeKind.WAITING
    assert office.posts(BILL_PATH) == []


def test_a_server_that_was_stopped_in_order_holds_nothing_back(open_office: OpenOffice) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project = office.new_project("24-800", CODES)
    invoice = office.new_invoice(project, (CODES[0], "900.00"))
    office.scan(project.id)
    office.container.ledger.server_stops_in_order()
    assert office.export(invoice).kind is OutcomeKind.CREATED
