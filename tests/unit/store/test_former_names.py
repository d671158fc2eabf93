"""Codes of 0.1.0: a ledger, a journal and messages with them are read and written unchanged, and shown under the current names."""

from __future__ import annotations

import json

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.audit_trail import STORED_AS, AuditEvent, EventKind
from worker.domain.findings import Finding
from worker.domain.identities import CodeKey
from worker.domain.outcomes import Record, State
from worker.domain.problems import CATALOGUE, FORMER_CLASSES, Cause, FindingKind, ProblemClass, cause_of, kind_of
from worker.store.keys import Keys
from worker.store.ledger import Journal, Ledger
from worker.store.open_problems import Handling

KEY = CodeKey(17, 901)
CAUSES = [
    "project_number_missing",
    "code_without_text",
    "name_too_long",
    "name_has_colon",
    "name_not_writable",
    "name_not_unique",
    "item_of_other_type",
    "item_inactive",
    "item_of_other_code",
    "item_doubled",
    "item_refused",
    "items_of_former_name",
    "adopted_item_not_marked",
    "project_not_readable",
    "unreadable_rows",
    "project_not_linked",
    "project_ambiguous",
    "project_link_mismatch",
    "netsuite_project_inactive",
    "vendor_not_linked",
    "vendor_ambiguous",
    "vendor_link_mismatch",
    "vendor_inactive",
    "invoice_not_found",
    "line_without_code",
    "lines_do_not_tie",
    "earlier_retainage_unknown",
    "amount_not_in_whole_cents",
    "whole_change_order_without_code",
    "contract_company_missing",
    "billing_date_missing",
    "document_number_missing",
    "document_number_too_long",
    "document_number_not_writable",
    "needs_vendor_credit",
    "foreign_currency",
    "currency_not_known",
    "invoice_has_tax",
    "tax_not_in_payment_due",
    "retainage_item_missing",
    "codes_blocked",
    "period_closed",
    "periods_not_readable",
    "document_number_taken",
    "bill_differs",
    "bill_doubled",
    "bill_refused",
    "systematic_difference",
    "write_back_refused",
    "procore_login",
    "procore_permission",
    "netsuite_login",
    "netsuite_key",
    "settings_differ",
    "netsuite_permission",
    "drift_item_missing",
    "drift_item_doubled",
    "drift_item_shared",
    "drift_item_near_duplicate",
    "drift_item_inactive",
    "drift_item_of_other_type",
    "drift_item_other_than_recorded",
    "drift_item_renamed",
    "drift_code_renamed",
    "drift_project_renumbered",
    "drift_bill_missing",
    "drift_bill_doubled",
    "drift_bill_deleted",
    "drift_bill_voided",
    "drift_bill_of_other_vendor",
    "drift_bill_of_other_number",
    "drift_bill_of_other_date",
    "drift_bill_of_other_total",
    "drift_bill_with_other_lines",
    "drift_bill_in_other_period",
    "drift_bill_not_comparable",
    "drift_origin_id_missing",
    "drift_origin_id_foreign",
    "remote_down",
    "attempts_exhausted",
    "unconfirmed_write",
    "answer_not_understood",
    "unexpected",
]
INFORMATION = ["display_name_drifted", "invoice_decided", "invoices_not_readable"]
EVENTS = [
    "planned",
    "sent",
    "no_answer",
    "exists",
    "looked",
    "found",
    "created",
    "posted_elsewhere",
    "adopted",
    "settled",
    "named",
    "written_back",
    "items_first",
    "failed",
    "held",
    "held_back",
    "paused",
    "blocked",
    "skipped",
    "forgotten",
    "decided",
    "decision_taken_back",
]
CLASSES = [
    "data in Procore",
    "data in NetSuite",
    "login, permission or setting",
    "a system is down",
    "waits for another problem",
    "not known to wbs-sync",
]
FACTS = {"name": "24-017-01-100.S", "item_ids": "5, 6"}


@pytest.mark.parametrize("code", CAUSES)
def test_a_cause_is_read_and_stored_by_its_first_code(code: str) -> None:
    assert cause_of(code).stored == code
    assert cause_of(cause_of(code).value) is cause_of(code)


@pytest.mark.parametrize(
    "code", [*INFORMATION, *(code.removeprefix("drift_") for code in CAUSES if code[:6] == "drift_")]
)
def test_a_finding_is_read_and_stored_by_the_first_code_of_its_kind(code: str) -> None:
    finding = Finding.of([code, "code:17:901", "It differs.", "01-100.S"])
    assert finding.row()[0] == code
    assert finding.problem_key == f"verify:{code}:code:17:901"
    assert kind_of(finding.kind.value) is finding.kind


def test_every_class_is_found_by_its_first_name() -> None:
    assert [FORMER_CLASSES.get(name, name) for name in CLASSES] == list(ProblemClass)


def test_no_code_means_two_things() -> None:
    names = [name for cause, entry in CATALOGUE.items() for name in (cause.value, *entry.formerly)]
    assert len(names) == len(set(names))
    kinds = [name for kind in FindingKind for name in {kind.value, kind.stored}]
    assert len(kinds) == len(set(kinds))


def test_events_are_stored_by_their_first_code(client: Redis) -> None:
    journal = Journal(client, PREFIX)
    for what in EventKind:
        journal.add(KEY, AuditEvent(what))
    lines = [json.loads(f"[{line}]") for line in client.lrange(Keys(PREFIX).journal(KEY), 0, -1)]
    assert {line[4] for line in lines} == set(EVENTS)
    assert [entry.event.kind for entry in journal.of(KEY)] == list(EventKind)
    assert len(STORED_AS) == len(set(STORED_AS.values()))


def test_a_problem_of_0_1_0_is_shown_counted_and_closed(client: Redis) -> None:
    """Both versions see one problem, under one key and in one index."""
    keys = Keys(PREFIX)
    client.hset(keys.problems, str(KEY), json.dumps({"cause": "item_doubled", "facts": FACTS, "since": 5.0}))
    client.zadd(f"{keys.problems}:of:item_doubled", {str(KEY): 5.0})
    ledger, handling = Ledger(client, PREFIX), Handling(client, PREFIX)
    (shown,) = ledger.problems()
    assert shown.problem.cause is Cause.DUPLICATE_ITEM
    assert [(one.cause, one.open) for one in handling.counted() if one.open] == [(Cause.DUPLICATE_ITEM, 1)]
    ledger.write(KEY, Record(State.CREATED, "24-017-01-100.S", "5871", at=9.0))
    assert ledger.problems() == []
    assert [one for one in handling.counted() if one.open] == []


def test_a_record_of_0_1_0_opens_the_same_problem_again(client: Redis) -> None:
    """It keeps the time since which it is open, and 0.1.0 reads what this version writes."""
    keys, ledger = Keys(PREFIX), Ledger(client, PREFIX)
    blocked = Record(State.BLOCKED, "24-017-01-100.S", at=9.0, cause=Cause.DUPLICATE_ITEM, facts=FACTS)
    client.hset(keys.problems, str(KEY), json.dumps({"cause": "item_doubled", "facts": FACTS, "since": 5.0}))
    ledger.write(KEY, blocked)
    assert [one.since for one in ledger.problems()] == [5.0]
    assert json.loads(client.hget(keys.codes(17), "901"))["cause"] == "item_doubled"
    assert json.loads(client.hget(keys.problems, str(KEY)))["cause"] == "item_doubled"
    assert ledger.code(KEY) == blocked


def test_a_blocked_record_closes_the_finding_of_its_kind_that_0_1_0_opened(client: Redis) -> None:
    """The script that writes records compares stored codes."""
    ledger, finding = Ledger(client, PREFIX), Finding(FindingKind.DUPLICATE_ITEM, str(KEY), "It has two Items.")
    ledger.report("verify:item_doubled:code:17:901", finding.cause, finding.facts, at=5.0)
    ledger.write(KEY, Record(State.BLOCKED, "x", at=9.0, cause=Cause.DUPLICATE_ITEM, facts=FACTS))
    assert [one.key for one in ledger.problems()] == [str(KEY)]
