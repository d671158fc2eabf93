"""The history of a code or an invoice is complete and in order, whatever happened, and explaining it changes nothing."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from simulators.company.billing import Invoice
from simulators.company.model import Project, WbsCode
from tests.integration.flows.conftest import OpenInstallation
from tests.kit.commands import run_command
from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.cli import explain as command
from worker.domain.errors import NotFound
from worker.domain.identities import CodeKey
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import scan_of
from worker.store.ledger import Journal

pytestmark = pytest.mark.real

CODE = "05-120.S"
NUMBER = "24-800"
NAME = f"{NUMBER}-{CODE}"
Explanation = dict[str, Any]


def one_code(office: Installation, number: str | None = NUMBER) -> tuple[Project, WbsCode]:
    project = office.new_project(number, [CODE])
    return project, project.budgeted_codes()[0]


def of_code(office: Installation, project: str | int = NUMBER, code: str | int = CODE) -> Explanation:
    return office.container.explain.code(str(project), str(code))


def of_invoice(office: Installation, invoice: Invoice) -> Explanation:
    return office.container.explain.invoice(str(invoice.id), str(invoice.project_id))


def steps(explanation: Explanation) -> list[str]:
    """Return the kinds of the steps in their order, and check that their times never go back."""
    times = [step["at"] for step in explanation["history"]]
    assert [int(at) for at in times] == sorted(int(at) for at in times)
    return [step["what"] for step in explanation["history"]]


def sentences(explanation: Explanation) -> str:
    return "\n".join(step["sentence"] for step in explanation["history"])


def break_posts(office: Installation, path: str, kind: str, **more: Any) -> None:
    rule = {"kind": kind, "method": "POST", "path": f"{path}\\?", "times": 1, **more}
    office.stage.faults("netsuite", [rule])


def require_arithmetic(explanation: Explanation, invoice: Invoice) -> None:
    """Check that every amount is the sum of its figures, and that all of them total the payment due and the bill in NetSuite."""
    for line in explanation["bill_lines"]:
        assert sum(Decimal(term["amount"]) for term in line["terms"]) == Decimal(line["amount"])
    amounts = [Decimal(line["amount"]) for line in explanation["bill_lines"]]
    assert sum(amounts) == Decimal(explanation["total"]) == Decimal(explanation["payment_due"])
    assert Decimal(explanation["payment_due"]) == invoice.summary().current_payment_due
    if bill := explanation["netsuite"]["bill"]:
        assert sorted(Decimal(line["amount"]) for line in bill["lines"]) == sorted(amounts)


# Codes


def test_a_code_created_at_the_first_attempt_is_explained_from_its_record(office: Installation) -> None:
    project, code = one_code(office)
    office.scan(project.id)
    explanation = of_code(office)
    assert explanation["title"] == f"{NUMBER} New Project, code {CODE}"
    assert steps(explanation) == ["seen", "created"]
    assert "requested by: test" in explanation["history"][0]["sentence"]
    item = office.item(NAME)
    assert explanation["explanation"].startswith(f"Its Item is in NetSuite: {NAME}, id {item.id}, ")
    (now,) = explanation["netsuite"]["items"]
    assert (now["id"], now["external_id"], now["ours"]) == (item.id, office.item_external_id(project, code), True)
    assert explanation["procore"]["budgeted"]
    assert explanation["problems"] == []
    assert office.container.ledger.journal.of(CodeKey(project.id, code.id)) == [], "one for each code"


@pytest.mark.parametrize(
    ("kind", "expected_steps"),
    [
        ("cut_after", ["seen", "no_answer", "found"]),
        ("cut_before", ["seen", "no_answer", "checked", "sent", "created"]),
    ],
)
def test_a_write_without_a_response_is_explained_with_look_ups_and_result(
    open_office: OpenInstallation, kind: str, expected_steps: list[str]
) -> None:
    office = open_office(netsuite_settle_seconds=1)
    project, _ = one_code(office)
    break_posts(office, ITEM_PATH, kind)
    office.scan(project.id)
    office.settle()
    explanation = of_code(office)
    assert steps(explanation) == expected_steps
    assert office.item(NAME).id in explanation["history"][-1]["sentence"]
    look_ups = [step for step in explanation["history"] if step["what"] == "checked"]
    assert all(step["times"] > 1 for step in look_ups), "look-ups with the same result are one line"


def test_a_code_in_doubt_says_until_when_nothing_is_sent_again(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=900)
    project, code = one_code(office)
    break_posts(office, ITEM_PATH, "cut_before")
    office.scan(project.id)
    explanation = of_code(office, project.id, code.id)
    assert steps(explanation) == ["seen", "no_answer", "checked"]
    assert re.search(
        # On a busy machine the next look-up is due by now.
        r"NetSuite did not confirm the write of .*; .* sends nothing again before .*(the next attempt is at|waiting for its turn)",
        explanation["explanation"],
    )
    assert explanation["history"][-1]["next_attempt_at"] > explanation["history"][-1]["at"]


def test_an_item_that_a_person_created_is_explained_as_adopted(office: Installation) -> None:
    case = office.case("item_by_hand")
    office.scan(case["project_id"])
    explanation = of_code(office, case["project_id"], case["wbs_code_id"])
    assert steps(explanation) == ["seen", "adopted"]
    assert explanation["explanation"].endswith("; entered by hand.")
    assert [item["ours"] for item in explanation["netsuite"]["items"]] == [False]


def test_an_item_that_blocked_a_write_is_explained_and_adopted(office: Installation) -> None:
    project, _ = one_code(office)
    office.container.start_scan("test", [project.id])
    office.container.runner.run(scan_of(project.id))
    by_hand = office.netsuite.make_item(NAME)
    office.work_off()
    explanation = of_code(office)
    assert steps(explanation) == ["seen", "already_exists", "adopted"]
    assert by_hand.id in sentences(explanation)


def test_a_blocked_code_shows_who_fixes_it_and_later_that_it_is_fixed(office: Installation) -> None:
    """The explanation names the owner and the next step; after the fix it shows the created Item and no open problem."""
    by_hand = office.netsuite.make_item(NAME, isinactive=True)
    project, _ = one_code(office)
    office.scan(project.id)
    office.scan(project.id)
    explanation = of_code(office)
    assert steps(explanation) == ["seen", "blocked"]
    assert explanation["history"][-1]["times"] == 2
    assert explanation["explanation"].startswith(
        f"Not yet: The Item '{NAME}' (id {by_hand.id}) is inactive in NetSuite."
    )
    assert "Owner: ERP administrator. Reactivate the Item" in explanation["explanation"]
    assert [row["cause"] for row in explanation["problems"]] == ["item_inactive"]

    office.netsuite.edit_item(by_hand.id, itemid="another name")
    office.scan(project.id)
    explanation = of_code(office)
    assert steps(explanation) == ["seen", "blocked", "queued", "created"]
    assert explanation["problems"] == []


def test_failed_attempts_are_explained_with_response_and_next_time(office: Installation) -> None:
    project, _ = one_code(office)
    office.stage.faults("netsuite", [{"kind": "too_many", "method": "POST", "path": ITEM_PATH, "times": 5}])
    office.scan(project.id)
    office.settle()
    explanation = of_code(office)
    assert steps(explanation) == ["seen", "failed", "created"]
    assert "429" in sentences(explanation)
    assert explanation["history"][1]["next_attempt_at"]


def test_a_code_without_a_record_is_explained_with_the_reason(office: Installation) -> None:
    project, _ = one_code(office)
    unbudgeted = office.procore.add_code(project.id, "09-900.S")
    assert of_code(office)["explanation"].startswith("Not yet: no scan has seen it.")
    assert of_code(office, NUMBER, unbudgeted.flat_code)["explanation"] == (
        "No Item needed: no budget line in Procore uses this code."
    )
    pilot = office.reopened(project_ids=str(project.id + 1))
    assert of_code(pilot)["explanation"] == "Skipped: its project is not in PROJECT_IDS."


def test_a_code_shows_if_an_invoice_or_a_separate_request_asked_for_it(office: Installation) -> None:
    """What asked for a code is shown also when it was an invoice, or a request for this code alone."""
    project = office.new_project(NUMBER, [CODE, "05-310.S"])
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    assert "requested by: an invoice" in sentences(of_code(office))
    office.make_item(project, project.budgeted_codes()[1])
    assert "requested by: separate request" in sentences(of_code(office, NUMBER, "05-310.S"))


def test_a_code_is_found_by_its_text_its_items_name_and_its_ids(office: Installation) -> None:
    project, code = one_code(office)
    office.scan(project.id)
    keys = {
        of_code(office, *names)["key"] for names in ((NUMBER, CODE), (NUMBER, CODE.lower()), (NUMBER, NAME), (project.id, code.id))
    }  # fmt: skip
    assert keys == {f"code:{project.id}:{code.id}"}
    for names in ((NUMBER, "no such code"), ("no such project", CODE)):
        with pytest.raises(NotFound, match="no such"):
            of_code(office, *names)


@pytest.mark.parametrize("remote", ["procore", "netsuite"])
def test_a_remote_that_is_down_is_named_and_the_rest_is_explained(office: Installation, remote: str) -> None:
    project, _ = one_code(office)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    office.stage.faults(remote, [{"kind": "html", "value": 503}])
    code, bill = of_code(office), of_invoice(office, invoice)
    for explanation in (code, bill):
        assert "503" in explanation[remote]["error"]
        assert "is in NetSuite" in explanation["explanation"]
    assert steps(code) == ["seen", "created"]
    assert steps(bill)[-1] == "written_back"


# Invoices


def test_an_exported_invoice_is_explained_with_the_amounts_of_its_bill(office: Installation) -> None:
    """The explanation lists every step and the arithmetic of each bill line."""
    project, _ = one_code(office)
    office = office.reopened(project_ids=str(project.id))
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export_all()
    explanation = of_invoice(office, invoice)
    assert steps(explanation) == ["seen", "waiting_for_items", "sent", "created", "written_back"]
    require_arithmetic(explanation, invoice)
    work, held = explanation["bill_lines"]
    assert (work["item"], work["item_id"], work["amount"]) == (NAME, office.item(NAME).id, "900.00")
    assert [(term["label"], term["amount"]) for term in work["terms"]] == [
        ("work completed and materials stored to date", "900.00"),
        ("work completed and materials stored, prior invoices", "0.00"),
    ]
    assert [(term["label"], term["amount"]) for term in held["terms"]] == [("retainage on work, this period", "-90.00")]
    assert explanation["netsuite"]["bill"]["id"] == office.bill(invoice).id
    assert explanation["netsuite"]["differs"] is None
    assert explanation["procore"]["origin_id"] == f"ns-vendorbill-{office.bill(invoice).id}"


@pytest.mark.parametrize("case", ["release_only_invoice", "retainage_due_invoice"])
def test_released_retainage_is_what_procore_calls_released(synced: Installation, case: str) -> None:
    invoice = synced.case_invoice(case)
    explanation = of_invoice(synced, invoice)
    require_arithmetic(explanation, invoice)
    released = explanation["bill_lines"][-1]
    assert (released["line"], released["amount"]) == ("Retainage released", "3000.00")
    assert [term["label"] for term in released["terms"]] == ["retainage released on work, this period"]


def test_every_bill_of_the_company_is_broken_down_to_the_cent(synced: Installation) -> None:
    billed = [invoice for invoice in synced.procore.company.invoices.values() if synced.bills(invoice)]
    assert len(billed) == 14
    for invoice in billed:
        require_arithmetic(of_invoice(synced, invoice), invoice)


def test_an_invoice_names_its_blocked_codes_and_continues_once_fixed(office: Installation) -> None:
    """An invoice that waits for blocked codes names them, and is billed once their Items can be used."""
    by_hand = office.netsuite.make_item(NAME, isinactive=True)
    project, code = one_code(office)
    office = office.reopened(project_ids=str(project.id))
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export_all()
    explanation = of_invoice(office, invoice)
    assert steps(explanation) == ["seen", "blocked"]
    assert f"is waiting for Items of blocked codes: {CODE}" in explanation["explanation"]
    assert [row["key"] for row in explanation["problems"]] == [
        f"invoice:{project.id}:{invoice.id}",
        f"code:{project.id}:{code.id}",
    ]
    assert explanation["bill_lines"][0]["item_id"] is None

    office.netsuite.edit_item(by_hand.id, isinactive=False)
    office.scan(project.id)
    office.export_all()
    assert steps(of_invoice(office, invoice)) == ["seen", "blocked", "sent", "created", "written_back"]


def test_a_write_back_that_was_refused_first_is_explained_before_and_after(office: Installation) -> None:
    project, _ = one_code(office)
    office = office.reopened(project_ids=str(project.id))
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.stage.settings("procore", patch_forbidden=True)
    office.export_all()
    explanation = of_invoice(office, invoice)
    assert steps(explanation) == ["seen", "sent", "created", "blocked"]
    assert f"(id {office.bill(invoice).id}), but its id is not saved in Procore yet." in explanation["explanation"]
    office.stage.settings("procore", patch_forbidden=False)
    office.export_all()
    assert steps(of_invoice(office, invoice)) == ["seen", "sent", "created", "blocked", "written_back"]


def test_an_unconfirmed_bill_is_explained_with_its_look_ups(open_office: OpenInstallation) -> None:
    office = open_office(netsuite_settle_seconds=1)
    project, _ = one_code(office)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    break_posts(office, BILL_PATH, "cut_before")
    assert office.export(invoice).kind is OutcomeKind.UNKNOWN
    assert "the write of" in of_invoice(office, invoice)["explanation"]
    office.settle()
    explanation = of_invoice(office, invoice)
    assert steps(explanation) == ["seen", "sent", "no_answer", "checked", "sent", "created", "written_back"]
    assert "attempt 2" in sentences(explanation)


def test_an_invoice_that_is_not_exported_says_why_before_any_export(office: Installation) -> None:
    """A draft's explanation gives its status as the reason, although no export has read it yet."""
    draft = office.case_invoice("draft_invoice")
    explanation = of_invoice(office, draft)
    assert (explanation["explanation"], explanation["history"]) == (
        "Not billed: its status in Procore is draft; only approved invoices are exported.",
        [],
    )


def test_a_bill_that_no_longer_matches_its_invoice_shows_the_difference(office: Installation) -> None:
    """The explanation names the difference, or the reason why the two cannot be compared."""
    project, _ = one_code(office)
    office.scan(project.id)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    office.netsuite.edit_bill(office.bill(invoice).id, tranid="typed over")
    explanation = of_invoice(office, invoice)
    assert explanation["netsuite"]["differs"].startswith("reference number 'typed over' instead of")
    office.procore.edit_invoice(invoice.id, off_by="5.00")
    explanation = of_invoice(office, invoice)
    assert (explanation["netsuite"]["differs"], explanation["total"] == explanation["payment_due"]) == (None, False)
    assert "its payment due is" in explanation["netsuite"]["not_compared"]


def test_an_unknown_invoice_is_reported_as_unknown(office: Installation) -> None:
    with pytest.raises(NotFound, match="no invoice 99, in any status"):
        office.container.explain.invoice("99", None)


# What it costs


def test_work_that_succeeds_immediately_costs_no_command_for_its_events(
    office: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A code adds no command; the lines of an invoice are appended by the scripts that write its record."""
    monkeypatch.setattr(Journal, "add", _forbidden)
    project, _ = one_code(office)
    office.scan(project.id)
    assert office.item(NAME)
    invoice = office.new_invoice(project, (CODE, "900.00"))
    office.export(invoice)
    assert steps(of_invoice(office, invoice)) == ["seen", "sent", "created", "written_back"]


def _forbidden(*_: object) -> None:
    raise AssertionError("a command of its own")


# Commands


def test_explain_writes_nothing_to_either_system_or_the_journal(synced: Installation) -> None:
    """A second explanation equals the first, and neither sends a write."""
    invoice = synced.case_invoice("closed_period_invoice")
    writes, procore = synced.mark(), len(synced.procore.journal.writes(0))
    before = of_invoice(synced, invoice)
    assert of_invoice(synced, invoice) == before
    assert synced.writes(writes) == []
    assert len(synced.procore.journal.writes(0)) == procore


def call(office: Installation, *arguments: str) -> tuple[int, str]:
    ended = run_command(office.container, "explain", *arguments)
    return ended.code, ended.out + ended.err


def test_the_command_prints_one_json_value(synced: Installation) -> None:
    invoice = synced.case_invoice("closed_period_invoice")
    code, output = call(synced, "--invoice", str(invoice.id), "--json")
    assert (code, json.loads(output)) == (0, json.loads(json.dumps(of_invoice(synced, invoice))))


def test_the_command_prints_tables(synced: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    case = synced.case("retainage_due_invoice")
    invoice = synced.case_invoice("retainage_due_invoice")
    project = synced.procore.project(case["project_id"])
    command.print_explanation(of_invoice(synced, invoice))
    shown = capsys.readouterr().out
    assert f"Its bill is in NetSuite: {invoice.invoice_number}, id {synced.bill(invoice).id}" in shown
    positions = [
        shown.index(words)
        for words in ("First seen", "Sent to NetSuite", "Created in NetSuite", "Bill id saved to Procore")
    ]
    assert positions == sorted(positions)
    assert re.search(r"Payment due in Procore.*5,700\.00", shown)
    # Records in NetSuite are shown with names, not only ids.
    assert re.search(rf"NetSuite now: bill.*{re.escape(synced.amounts(synced.bill(invoice))[0][0])}", shown, re.DOTALL)
    code = project.codes[case["wbs_code_ids"][0]]
    command.print_explanation(of_code(synced, project.id, code.id))
    assert "Its Item is in NetSuite" in capsys.readouterr().out


def test_the_reason_why_a_record_is_not_synced_is_printed_once(
    synced: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    explanation = of_invoice(synced, synced.case_invoice("closed_period_invoice"))
    command.print_explanation(explanation)
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.count("Reopen the period") == 1
    assert "Open problems" not in shown
    assert "NetSuite now: no bill for this invoice" in shown
    assert "┃ ┃" not in shown


@pytest.mark.parametrize(
    "arguments", [[], ["24-800"], ["24-800", CODE, "--invoice", "1"], ["--invoice", "0"], ["no such", "code"]]
)
def test_the_command_says_in_a_sentence_what_it_cannot_explain(synced: Installation, arguments: list[str]) -> None:
    code, output = call(synced, *arguments)
    assert code in (1, 2)
    assert "Traceback" not in output
