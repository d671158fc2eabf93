"""A record that was deleted in NetSuite is cleared and recreated once; one that exists, or may still appear, never is."""

from __future__ import annotations

import json

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.commands import run_command
from tests.kit.company import ITEM_PATH
from tests.kit.installation import Installation
from worker.domain.identities import CodeKey
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

NUMBER, CODE, OTHER_CODE = "24-800", "05-120.S", "05-130.S"
NAME = f"{NUMBER}-{CODE}"


def forget(office: Installation, *arguments: str, typed: str = "") -> tuple[int, str, str]:
    """Run `wbs-sync forget`; return exit code, standard output and standard error (with its questions), each on one line."""
    ended = run_command(office.container, "forget", *arguments, typed=typed)
    return ended.code, ended.text, " ".join(ended.err.split())


def refused(office: Installation, *arguments: str, exit_code: int = 1) -> str:
    """Return the sentence with which the command refuses."""
    code, output, complaint = forget(office, *arguments, "--yes")
    assert (code, output) == (exit_code, ""), complaint
    return complaint


def a_code(office: Installation) -> tuple[Project, WbsCode]:
    project = office.new_project(NUMBER, [CODE, OTHER_CODE])
    office.scan(project.id)
    return project, project.budgeted_codes()[0]


def a_bill(office: Installation) -> tuple[Invoice, tuple[str, str]]:
    """Return an invoice with its bill, and the options that name it."""
    project = office.new_project("24-810", [CODE])
    invoice = office.new_invoice(project, (CODE, "1000.00"))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    return invoice, ("--invoice", str(invoice.id))


def test_a_deleted_item_is_recreated_by_the_next_scan(office: Installation) -> None:
    project, wbs_code = a_code(office)
    first = office.item(NAME)
    assert f"NetSuite still has Item {NAME} (id {first.id})" in refused(office, NUMBER, CODE)
    office.netsuite.items.remove(first.id)
    before, writes = office.container.ledger.codes(project.id), office.mark()
    assert forget(office, NUMBER, CODE, typed="n\n")[0] == 1
    assert office.container.ledger.codes(project.id) == before
    code, output, asked = forget(office, NUMBER, CODE, "--note", "deleted by mistake", typed="y\n")
    assert code == 0
    assert f"Clear id {first.id} from the ledger? [y/N]" in asked
    assert f"recreates it: `wbs-sync scan --project {project.id} --wait`" in output
    # Only this record, and nothing was written to NetSuite by it.
    assert set(before) - set(office.container.ledger.codes(project.id)) == {wbs_code.id}
    assert office.writes(writes) == []
    run = office.scan(project.id)
    assert (run.counts["created"], run.counts["already"]) == (1, 1)
    second = office.item(NAME)
    assert second.id != first.id
    history = office.container.explain.code(NUMBER, CODE)["history"]
    assert [step["what"] for step in history] == ["cleared", "seen", "created"]
    assert history[0]["sentence"].startswith("Cleared from the ledger by ")
    assert history[0]["sentence"].endswith("NetSuite no longer has its Item (deleted by mistake)")
    assert f"with id {first.id} since " in history[0]["sentence"]
    assert second.id in history[2]["sentence"]


def test_an_item_that_exists_under_another_name_is_never_created_again(office: Installation) -> None:
    """`forget` refuses while NetSuite has the code's Item under another name, unless that Item can never be on a bill."""
    a_code(office)
    item = office.item(NAME)
    office.netsuite.edit_item(item.id, itemid="renamed", externalid=None)
    assert f"still has the Item of this code, named renamed (id {item.id})" in refused(office, NUMBER, CODE)
    assert "still has the Item of this code" in refused(office, NUMBER, CODE, "--take", item.id)
    office.netsuite.edit_item(item.id, itemid=NAME.lower(), externalid=None)
    assert f"Item {NAME.lower()} (id {item.id})" in refused(office, NUMBER, CODE)
    # An Item that can never be on a bill does not prevent a new one.
    office.netsuite.edit_item(
        item.id, itemid="a service", record_type="serviceSaleItem", itemtype="Service", subtype="Sale"
    )
    assert forget(office, NUMBER, CODE, "--yes")[0] == 0


def test_an_item_in_place_of_a_deleted_one_is_taken_when_a_person_names_it(office: Installation) -> None:
    """`forget` takes an Item with the name of the deleted one only when its id is given with `--take`."""
    project, wbs_code = a_code(office)
    first, second = office.item(NAME), office.item(f"{NUMBER}-{OTHER_CODE}")
    office.netsuite.items.remove(first.id)
    office.netsuite.edit_item(second.id, itemid=NAME, externalid=None)
    assert f"--take {second.id}" in refused(office, NUMBER, CODE)
    assert "are not 17 alone" in refused(office, NUMBER, CODE, "--take", "17")
    code, output, _ = forget(office, NUMBER, CODE, "--take", second.id, "--yes", "--json")
    assert code == 0
    cleared = json.loads(output)
    assert list(cleared) == ["cleared", "record", "id", "reason", "next_step"]
    assert cleared["cleared"] == str(CodeKey(project.id, wbs_code.id))
    assert cleared["record"].endswith(f"code {NAME}")
    assert office.make_item(project, wbs_code).remote_id == second.id


def test_unconfirmed_records_and_records_in_progress_are_not_cleared(open_office: OpenInstallation) -> None:
    office = open_office()
    rule = {"kind": "cut_before", "method": "POST", "path": f"{ITEM_PATH}\\?", "times": 1}
    office.stage.faults("netsuite", [rule])
    office.new_project("24-801", [CODE])
    project, _ = a_code(office)
    records = office.container.ledger.codes(project.id)
    (doubtful,) = [record for record in records.values() if record.in_doubt]
    (made,) = [record for record in records.values() if record.done]
    code_in_doubt, code_made = (record.name.removeprefix(f"{NUMBER}-") for record in (doubtful, made))
    assert "is unconfirmed" in refused(office, NUMBER, code_in_doubt)
    office.netsuite.items.remove(made.remote_id)
    key = next(CodeKey(project.id, number) for number, record in records.items() if record.done)
    with office.container.stores.locks.hold(str(key)):
        assert "A worker is processing this record" in refused(office, NUMBER, code_made)
    office.stage.faults("netsuite", [{"kind": "error_before", "value": 503}])
    assert refused(office, NUMBER, code_made)
    office.clear_faults()
    assert office.container.ledger.codes(project.id) == records
    # A record that was never created cannot be cleared.
    assert "is not in the ledger" in refused(office, "24-801", CODE)


def test_a_deleted_bill_is_recreated_once_procore_does_not_name_it(office: Installation) -> None:
    """`forget` refuses while NetSuite has the bill, or Procore names it or another integration."""
    invoice, named = a_bill(office)
    first = office.bill(invoice)
    assert f"NetSuite still has the bill {invoice.invoice_number} (id {first.id})" in refused(office, *named)
    office.netsuite.delete_bill(first.id)
    # The next export would trust Procore.
    complaint = refused(office, *named)
    assert f"still has the origin id of bill {first.id}" in complaint
    assert f"Clear its origin id (ns-vendorbill-{first.id}) in Procore first" in complaint
    office.procore.set_origin(invoice, "sage-17")
    assert "Another integration claims the invoice" in refused(office, *named)
    office.procore.set_origin(invoice, None)
    assert forget(office, *named, "--yes")[0] == 0
    assert office.export(invoice).kind is OutcomeKind.CREATED
    assert office.bill(invoice).id != first.id
    steps = [step["what"] for step in office.container.explain.invoice(str(invoice.id), None)["history"]]
    assert steps.count("created") == 2
    assert steps.index("cleared") > steps.index("written_back")


def test_a_void_bill_blocks_until_its_number_and_external_id_are_changed(office: Installation) -> None:
    """`forget` refuses while a void bill still has the invoice's number or external id."""
    invoice, named = a_bill(office)
    bill = office.bill(invoice)
    office.procore.set_origin(invoice, None)
    office.netsuite.edit_bill(bill.id, tranid="other", externalid=None)
    assert f"still has the bill of this invoice, with the number other (id {bill.id})" in refused(
        office, *named, "--take", bill.id
    )
    office.netsuite.edit_bill(bill.id, tranid=invoice.invoice_number, externalid=bill.externalid)
    office.netsuite.void_bill(bill.id)
    assert "void: change its reference number" in refused(office, *named)
    office.netsuite.edit_bill(bill.id, tranid=invoice.invoice_number.lower(), externalid=None)
    assert "void: change its reference number" in refused(office, *named)
    office.netsuite.edit_bill(bill.id, tranid=f"{invoice.invoice_number}-VOID")
    assert forget(office, *named, "--yes")[0] == 0
    assert office.export(invoice).kind is OutcomeKind.CREATED


def test_a_bill_that_procore_does_not_name_is_named_again(office: Installation) -> None:
    invoice, named = a_bill(office)
    bill = office.bill(invoice)
    office.procore.set_origin(invoice, None)
    assert forget(office, *named, "--take", bill.id, "--yes")[0] == 0
    assert office.export(invoice).kind is OutcomeKind.ALREADY
    named_by_procore = office.procore.invoice(invoice.id).origin_id
    assert (office.bill(invoice).id, named_by_procore) == (bill.id, f"ns-vendorbill-{bill.id}")


def test_a_record_must_be_named_in_exactly_one_way(office: Installation) -> None:
    assert "not both" in refused(office, NUMBER, CODE, "--invoice", "1", exit_code=2)
    assert "Pass a code" in refused(office, NUMBER, exit_code=2)
    assert "have no invoice 1, in any status" in refused(office, "--invoice", "1")
