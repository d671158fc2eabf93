"""Items that are in NetSuite before the code is processed: adopted unchanged, or in the way and reported."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from simulators.company.model import Project, WbsCode
from simulators.netsuite.records import Item
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.items import ADOPTED_ITEMS
from worker.domain.outcomes import State
from worker.domain.problems import FindingKind
from worker.domain.work import RECONCILE_ALL, Lane
from worker.store.adopted_items import AdoptedItems

pytestmark = pytest.mark.real

NAME = "24-800-05-120.S"


def one_code(office: Installation) -> tuple[Project, WbsCode]:
    """Create a project with one budgeted code, whose Item name is NAME."""
    project = office.new_project("24-800", ["05-120.S"])
    return project, project.budgeted_codes()[0]


def adopted(office: Installation, project: Project, code: WbsCode) -> str:
    """Return the id of the Item that the ledger records as adopted."""
    record = office.code_record(project, code)
    assert record is not None
    assert record.state is State.ADOPTED
    return record.remote_id


def test_an_item_made_by_hand_is_adopted_unchanged(office: Installation) -> None:
    case = office.case("item_by_hand")
    before = dataclasses.replace(office.item(case["name"]))
    office.scan(case["project_id"])

    project = office.procore.project(case["project_id"])
    assert adopted(office, project, project.codes[case["wbs_code_id"]]) == case["item_id"]
    assert office.item(case["name"]) == before
    assert before.displayname == "Typed in by accounting, do not rename"
    assert [entry for entry in office.writes() if entry["id"] == case["item_id"]] == []


def test_an_adopted_item_gets_our_external_id_only_if_the_setting_is_on(open_office: OpenInstallation) -> None:
    """Nothing else of the Item changes; it may also be an Item for resale."""
    office = open_office(netsuite_adopted_items_get_external_id=True)
    case = office.case("item_by_hand")
    before = dataclasses.replace(office.item(case["name"]))
    office.scan(case["project_id"])

    after = office.item(case["name"])
    project = office.procore.project(case["project_id"])
    assert after.externalid == office.item_external_id(project, project.codes[case["wbs_code_id"]])
    assert dataclasses.replace(after, externalid=None, modified_at=before.modified_at) == before

    # This includes an Item for resale; created Items are for purchase.
    for_resale = office.netsuite.make_item(NAME, "otherChargeResaleItem")
    second_project, code = one_code(office)
    office.scan(second_project.id)
    assert adopted(office, second_project, code) == for_resale.id
    assert office.item(NAME).externalid == office.item_external_id(second_project, code)


def test_a_role_without_permission_to_edit_items_still_adopts_them(open_office: OpenInstallation) -> None:
    """One problem for all Items; nothing is paused, and it closes when an Item accepts our external id."""
    office = open_office(netsuite_adopted_items_get_external_id=True)
    office.netsuite.settings.missing_permissions = ["item:update"]
    codes = ["05-120.S", "05-130.S", "05-140.S", "05-150.S"]
    project = office.new_project("24-800", codes)
    for text in codes[:3]:
        office.netsuite.make_item(f"24-800-{text}")
    office.scan(project.id)
    records = office.container.ledger.codes(project.id).values()
    assert sorted(record.state for record in records) == ["adopted", "adopted", "adopted", "created"]
    assert office.problems() == {ADOPTED_ITEMS: "external_id_not_set"}
    assert office.container.stores.breakers.state(Lane.ITEMS)[0] == 0
    assert office.retry().without_work == [ADOPTED_ITEMS]

    office.netsuite.settings.missing_permissions = []
    office.netsuite.make_item("24-800-05-160.S")
    office.procore.add_code(project.id, "05-160.S", budget=0)
    office.scan(project.id)
    assert office.problems() == {}


@pytest.mark.parametrize("mark", [False, True])
def test_another_owners_external_id_is_never_overwritten(open_office: OpenInstallation, mark: bool) -> None:
    office = open_office(netsuite_adopted_items_get_external_id=mark)
    case = office.case("item_by_hand_other_owner")
    before = dataclasses.replace(office.item(case["name"]))
    office.scan(case["project_id"])

    project = office.procore.project(case["project_id"])
    assert adopted(office, project, project.codes[case["wbs_code_id"]]) == case["item_id"]
    assert office.item(case["name"]) == before
    assert before.externalid == "SAGE-ITEM-4471"


def test_an_item_whose_name_differs_only_in_case_is_adopted(office: Installation) -> None:
    """SuiteQL compares with case, NetSuite's uniqueness does not: its refusal leads to the existing Item."""
    project, code = one_code(office)
    by_hand = office.netsuite.make_item(NAME.lower())
    office.scan(project.id)
    assert adopted(office, project, code) == by_hand.id
    assert office.item(NAME) == by_hand
    assert office.problems(f"code:{project.id}") == {}


@pytest.mark.parametrize(
    ("case_name", "cause"), [("item_other_type", "item_type_mismatch"), ("item_inactive", "item_inactive")]
)
def test_a_name_that_is_taken_by_an_unusable_item_is_blocked(synced: Installation, case_name: str, cause: str) -> None:
    case = synced.case(case_name)
    key = f"code:{case['project_id']}:{case['wbs_code_id']}"
    assert synced.problems(key) == {key: cause}
    assert f"id {case['item_id']}" in synced.sentence(key)
    assert [entry for entry in synced.writes() if entry["id"] == case["item_id"]] == []
    assert synced.item(case["name"]).id == case["item_id"]


@pytest.mark.parametrize(
    ("unusable", "cause"), [({"record_type": "serviceSaleItem"}, "item_type_mismatch"), ({"isinactive": True}, "item_inactive")]
)  # fmt: skip
def test_a_scan_that_blocks_a_code_closes_the_finding_that_says_the_same(
    office: Installation, unusable: dict[str, Any], cause: str
) -> None:
    project, code = one_code(office)
    office = office.reopened(project_ids=str(project.id))
    office.netsuite.make_item(NAME, **unusable)
    office.container.scans.projects.refresh()
    office.container.verification.queue()
    office.container.runner.run(RECONCILE_ALL)
    assert list(office.problems().values()) == [f"drift_{cause}"]
    office.scan(project.id)
    assert office.problems() == {f"code:{project.id}:{code.id}": cause}


def test_after_an_inactive_item_is_activated_the_next_scan_adopts_it(office: Installation) -> None:
    project, code = one_code(office)
    by_hand = office.netsuite.make_item(NAME, isinactive=True)
    office.scan(project.id)
    assert list(office.problems().values()) == ["item_inactive"]

    office.netsuite.edit_item(by_hand.id, isinactive=False)
    office.scan(project.id)
    assert adopted(office, project, code) == by_hand.id
    assert office.problems() == {}


def test_after_an_item_of_another_type_is_renamed_the_next_scan_makes_ours(office: Installation) -> None:
    project, code = one_code(office)
    service = office.netsuite.make_item(NAME, "serviceSaleItem")
    office.scan(project.id)
    assert list(office.problems().values()) == ["item_type_mismatch"]

    office.netsuite.edit_item(service.id, itemid="Old name")
    office.scan(project.id)
    assert office.item(NAME) == office.item_of(project, code)
    assert office.problems() == {}


def test_an_inactive_item_that_differs_in_case_is_reported_too(office: Installation) -> None:
    project, _ = one_code(office)
    office.netsuite.make_item(NAME.lower(), isinactive=True)
    office.scan(project.id)
    assert list(office.problems().values()) == ["item_inactive"]
    assert len(office.items(NAME)) == 1


def test_an_item_of_ours_that_an_accountant_renamed_is_kept(office: Installation) -> None:
    """Its external id names its code, even to a ledger that has lost all records."""
    project, code = one_code(office)
    office.scan(project.id)
    ours = office.item(NAME)
    renamed = office.netsuite.edit_item(ours.id, itemid="Structural steel, tower")
    mark = office.mark()
    office.scan(project.id)
    office.container.redis.delete(f"{office.container.settings.redis_key_prefix}codes:{project.id}")
    office.scan(project.id)

    assert office.writes(mark) == []
    assert office.items(NAME) == []
    assert office.netsuite.items.get(ours.id) == renamed
    record = office.code_record(project, code)
    assert record is not None
    assert (record.state, record.remote_id) == (State.CREATED, ours.id)


def test_an_item_that_belongs_to_another_code_of_ours_is_blocked(office: Installation) -> None:
    """An Item of the correct name with another code's external id is not changed, and the problem names that code."""
    project, code = one_code(office)
    item = office.netsuite.make_item(NAME, externalid=f"pcr-itm-{office.procore.company.company_id}-1-2")
    office.scan(project.id)
    key = f"code:{project.id}:{code.id}"
    assert office.problems() == {key: "item_belongs_to_other_code"}
    assert office.item(NAME) == item
    assert office.posts(ITEM_PATH) == []
    # An unknown code has no name to show.
    assert f"belongs to another WBS code ({item.externalid})" in office.sentence(key)

    neighbour = office.new_project("24-801", ["01-100.S"])
    office.scan(neighbour.id)
    (known,) = neighbour.budgeted_codes()
    office.netsuite.edit_item(office.item("24-801-01-100.S").id, externalid=None)
    office.netsuite.edit_item(item.id, externalid=office.item_external_id(neighbour, known))
    office.scan(project.id)
    assert f"another WBS code ({neighbour.number} {neighbour.name}, code 24-801-01-100.S)" in office.sentence(key)


def test_an_item_that_one_code_has_adopted_is_adopted_by_no_other(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps its name when its code or project is renamed, and the next code with that name would be booked on it too."""
    project, code = one_code(office)
    by_hand = office.netsuite.make_item(NAME)
    office.scan(project.id)
    assert adopted(office, project, code) == by_hand.id
    # As an older version left it.
    office.container.redis.delete(f"{office.container.settings.redis_key_prefix}adopted")
    office = office.reopened()

    in_other_letters = office.procore.add_code(project.id, "05-120.s", budget=0)
    office.scan(project.id)
    assert office.problems() == {f"code:{project.id}:{in_other_letters.id}": "item_belongs_to_other_code"}
    office.procore.unbudget(project.id, in_other_letters.id)
    office.procore.rename_code(project.id, code.id, "05-199.S")
    of_the_old_text = office.procore.add_code(project.id, "05-120.S", budget=0)
    office.scan(project.id)
    key = f"code:{project.id}:{of_the_old_text.id}"
    assert office.problems() == {key: "item_belongs_to_other_code"}
    assert f"another WBS code ({project.number} {project.name}, code {NAME})" in office.sentence(key)

    office.procore.renumber_project(project.id, "25-001")
    namesake, its_code = one_code(office)
    office.container.scans.projects.refresh()
    marking = office.reopened(netsuite_adopted_items_get_external_id=True)
    with monkeypatch.context() as patch:
        # Two workers query before either has recorded it; the second one does not mark it either.
        patch.setattr(AdoptedItems, "by", lambda *_: {})
        marking.make_item(namesake, its_code)
    assert office.make_item(namesake, its_code).cause == "item_belongs_to_other_code"
    assert office.item(NAME) == by_hand
    assert office.writes() == []

    office.netsuite.edit_item(by_hand.id, itemid="25-001-05-199.S")
    office.scan(project.id, namesake.id)
    assert office.item_of(namesake, its_code) == office.item(NAME)
    assert adopted(office, project, code) == by_hand.id
    assert office.problems() == {}


def test_our_external_id_counts_in_any_letter_case(office: Installation) -> None:
    """NetSuite compares external ids without case."""
    project, code = one_code(office)
    ours: Item = office.netsuite.make_item(NAME, externalid=office.item_external_id(project, code).upper())
    office.scan(project.id)
    record = office.code_record(project, code)
    assert record is not None
    assert (record.state, record.remote_id) == (State.CREATED, ours.id)
    assert office.writes() == []


def test_two_hand_made_items_with_one_name_are_a_problem(office: Installation) -> None:
    """An account may have such a pair from earlier; only a person knows which one is right."""
    project, code = one_code(office)
    office.netsuite.make_item(NAME)
    office.netsuite.make_item(NAME.lower())
    office.stage.settings("netsuite", suiteql_case_insensitive=True)
    office.scan(project.id)
    assert office.problems() == {f"code:{project.id}:{code.id}": "duplicate_item"}
    assert office.writes() == []


def test_an_account_whose_answers_have_no_location_header_works_the_same(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Practitioners report creates without `Location`: the id is then queried by external id."""
    monkeypatch.setattr("simulators.netsuite.record_api.location_of", lambda *_: "")
    project, code = one_code(office)
    invoice = office.new_invoice(project, ("05-120.S", "500.00"))
    office.scan(project.id)
    office.export(invoice)
    record = office.code_record(project, code)
    assert record is not None
    assert record.remote_id == office.item(NAME).id
    assert invoice.origin_id == f"ns-vendorbill-{office.bill(invoice).id}"


def two_codes_on_one_item(office: Installation) -> tuple[Project, WbsCode, WbsCode, str]:
    """Write the records of a version that did not know which code had adopted an Item: (project, first code, second code, Item's id)."""
    project, code = one_code(office)
    by_hand = office.netsuite.make_item(NAME)
    office.scan(project.id)
    office.procore.rename_code(project.id, code.id, "05-199.S")
    second = office.procore.add_code(project.id, "05-120.S", budget=0)
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    redis.hset(f"{prefix}codes:{project.id}", second.id, redis.hget(f"{prefix}codes:{project.id}", code.id))
    return project, code, second, by_hand.id


def test_verify_finds_codes_that_share_an_item_and_one_can_get_its_own(office: Installation) -> None:
    """The first code keeps the shared Item, and after `forget` a scan creates a separate one for the second."""
    project, code, second, item_id = two_codes_on_one_item(office)
    finding_by_key = {
        finding.key: finding
        for finding in office.container.verification.verify().findings
        if finding.kind is FindingKind.ITEM_SHARED
    }
    assert set(finding_by_key) == {f"code:{project.id}:{second.id}"}
    assert "belongs to code 05-199.S" in finding_by_key[f"code:{project.id}:{second.id}"].sentence

    # The first code keeps it, under its current name.
    office.netsuite.edit_item(item_id, itemid="24-800-05-199.S")
    forgetting = office.container.forgetting
    seen = forgetting.code(str(project.id), str(second.id))
    forgetting.forget(seen, lambda: forgetting.code(str(project.id), str(second.id)), by="test", note="")
    office.scan(project.id)
    records = {one.id: office.code_record(project, one) for one in (code, second)}
    assert all(records.values())
    assert [str(record.state) for record in records.values() if record] == ["adopted", "created"]
    findings = office.container.verification.verify().findings
    assert [one for one in findings if one.key.startswith(f"code:{project.id}:")] == []


def test_codes_of_two_projects_that_share_an_item_are_found_too(office: Installation) -> None:
    project, code = one_code(office)
    office.netsuite.make_item(NAME)
    office.scan(project.id)
    second_project = office.new_project("24-801", ["05-120.S"])
    (its_code,) = second_project.budgeted_codes()
    redis, prefix = office.container.redis, office.container.settings.redis_key_prefix
    redis.hset(f"{prefix}codes:{second_project.id}", its_code.id, redis.hget(f"{prefix}codes:{project.id}", code.id))
    keys = [f.key for f in office.container.verification.verify().findings if f.kind is FindingKind.ITEM_SHARED]
    assert keys == [f"code:{second_project.id}:{its_code.id}"]
