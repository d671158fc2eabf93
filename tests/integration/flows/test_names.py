"""The name of a code's Item: exactly the project's number and the code's text, or a problem."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.flows.conftest import OpenInstallation
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import OutcomeKind, Record, State
from worker.sync.items import Items, ResolvedCode

pytestmark = pytest.mark.real


def test_a_project_without_a_number_gets_no_items_until_it_has_one(office: Installation) -> None:
    project = office.procore.project(office.case("null_project_number")["project_id"])
    office.scan(project.id)

    causes = set(office.problems(f"code:{project.id}").values())
    assert causes == {"project_number_missing"}
    assert office.writes() == []

    office.procore.renumber_project(project.id, "24-777")
    office.scan(project.id)
    assert office.problems(f"code:{project.id}") == {}
    assert all(office.item(f"24-777-{code.flat_code}") for code in project.budgeted_codes())


def test_two_codes_whose_names_are_the_same_text_are_both_blocked(synced: Installation) -> None:
    clash = synced.case("same_joined_name")
    for pair in clash["codes"]:
        key = f"code:{pair['project_id']}:{pair['wbs_code_id']}"
        assert synced.problems(key) == {key: "name_not_unique"}
    assert synced.items(clash["name"]) == []


@pytest.mark.parametrize("first", [0, 1], ids=["shorter number first", "longer number first"])
def test_once_one_of_the_two_is_renamed_both_get_their_item(office: Installation, first: int) -> None:
    clash = office.case("same_joined_name")
    pairs = clash["codes"]
    ids = [pairs[first]["project_id"], pairs[1 - first]["project_id"]]
    office.scan(ids[0])
    office.scan(ids[1])
    assert office.items(clash["name"]) == []

    office.procore.rename_code(pairs[0]["project_id"], pairs[0]["wbs_code_id"], "017-99.S")
    office.scan(*ids)
    assert office.item("24-017-99.S").externalid == f"pcr-itm-{office.procore.company.company_id}-" + "-".join(
        str(pairs[0][name]) for name in ("project_id", "wbs_code_id")
    )
    assert office.item("24-017-01.S")
    assert not [cause for cause in office.problems().values() if cause == "name_not_unique"]


def test_two_codes_of_a_project_that_differ_only_in_case_are_blocked(office: Installation) -> None:
    """Both codes are blocked, and nothing is written."""
    project = office.new_project("24-800", ["05-120.S", "05-120.s"])
    office.scan(project.id)
    assert list(office.problems(f"code:{project.id}").values()) == ["name_not_unique"] * 2
    assert office.writes() == []


@pytest.mark.parametrize("limit", [60, 80])
def test_a_name_at_the_length_limit_is_created_and_a_longer_one_blocked(
    open_office: OpenInstallation, limit: int
) -> None:
    """The limit comes from the account's metadata catalog, where the catalog states it."""
    office = open_office(world={"item_name_max_length": limit})
    project = office.new_project("24-800")
    room = limit - len("24-800-32-900.S.")
    fits = office.procore.add_code(project.id, "32-900.S." + "X" * room, budget=100)
    too_long = office.procore.add_code(project.id, "32-900.S." + "Y" * (room + 1), budget=100)
    office.scan(project.id)

    assert len(office.item(f"24-800-{fits.flat_code}").itemid) == limit
    key = f"code:{project.id}:{too_long.id}"
    assert office.problems(f"code:{project.id}") == {key: "name_too_long"}
    assert f"is {limit + 1} characters long; NetSuite's limit is {limit}" in office.sentence(key)
    assert len(office.posts("/services/rest/record/v1/otherChargePurchaseItem")) == 1


def test_a_name_that_netsuite_would_read_as_parent_and_child_is_blocked(synced: Installation) -> None:
    case = synced.case("name_with_colon")
    key = f"code:{case['project_id']}:{case['wbs_code_id']}"
    assert synced.problems(key) == {key: "name_has_colon"}
    assert synced.items(case["name"]) == []


def test_odd_text_becomes_the_items_name_byte_for_byte(synced: Installation) -> None:
    """Letter case, double spaces and quotes are kept: nothing is trimmed or cut."""
    case = synced.case("odd_text")
    item = synced.item(case["name"])
    assert item.itemid == '24-017-09-910.S.o\'neil  "east" wing'
    assert item.displayname == 'paint  the o\'neil  "east" wing, 2 coats'


def test_a_code_with_a_quote_is_found_and_not_created_again(office: Installation) -> None:
    """The query doubles the quote of O'Brien; otherwise it would not find the hand-made Item."""
    project = office.new_project("24-800", ["05-120.S.O'Brien  JR"])
    by_hand = office.netsuite.make_item("24-800-05-120.S.O'Brien  JR")
    office.scan(project.id)
    (code,) = project.budgeted_codes()
    record = office.code_record(project, code)
    assert record is not None
    assert (record.state, record.remote_id) == (State.ADOPTED, by_hand.id)
    assert office.writes() == []


def test_the_format_of_names_is_a_setting(open_office: OpenInstallation) -> None:
    office = open_office(item_name_format="{wbs_code} ({project_number})")
    project = office.new_project("24-800", ["05-120.S"])
    office.scan(project.id)
    assert office.item("05-120.S (24-800)")


def test_a_project_renumbered_after_its_sync_keeps_its_items(office: Installation) -> None:
    project = office.new_project("24-800", ["05-120.S", "05-310.S"])
    office.scan(project.id)
    before, mark = {item.id: item for item in office.netsuite.items}, office.mark()

    office.procore.renumber_project(project.id, "25-800")
    office.scan(project.id)
    assert office.writes(mark) == []
    assert {item.id: item for item in office.netsuite.items} == before

    new = office.procore.add_code(project.id, "06-100.S", budget=0)
    invoice = office.new_invoice(project, ("05-120.S", "500.00"), ("06-100.S", "250.00"))
    office.scan(project.id)
    office.export(invoice)
    assert office.item_of(project, new) == office.item("25-800-06-100.S")
    assert [name for name, _ in office.amounts(office.bill(invoice))] == [
        "24-800-05-120.S",
        "25-800-06-100.S",
        "Retainage Payable",
    ]


def test_a_code_that_another_worker_is_creating_blocks_no_invoice(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two projects share the code's name: a scan that may read one of them creates the Item while an export has seen both."""
    for number, code in (("24", "801-05-120.S"), ("24-801", "05-120.S")):
        project = office.new_project(number, [code])
    invoice = office.new_invoice(project, ("05-120.S", "900.00"))
    key, plan = CodeKey(project.id, project.budgeted_codes()[0].id), Items.resolve

    def overtaken(items: Items, *arguments: Any) -> list[ResolvedCode]:
        resolved = plan(items, *arguments)
        assert [one.kind for one in resolved] == [OutcomeKind.BLOCKED]
        with office.container.stores.locks.hold(str(key)) as lock:
            assert lock
            now = lock.now()
            intent = Record(State.INTENT, "24-801-05-120.S", at=now, sent_at=now, attempts=1, fence=lock.fence)
            assert office.container.ledger.intend(key, intent, lock)
        return resolved

    monkeypatch.setattr(Items, "resolve", overtaken)
    outcome = office.container.runner.run(str(InvoiceKey(project.id, invoice.id)))
    assert (outcome.kind, list(outcome.missing)) == (OutcomeKind.WAITING, [key.wbs_code_id])
    assert office.problems(f"invoice:{project.id}") == {}
