"""Every Redis key is written in one module, and always as other versions write it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import Cause
from worker.domain.series import Series
from worker.domain.work import Lane, RunKind
from worker.store.keys import Keys
from worker.store.scripts import SOURCES

ROOT = Path(__file__).parents[3]
PYTHON = sorted(file for file in (ROOT / "worker").rglob("*.py") if file.name != "keys.py")
K = Keys("p:")
SPELLED = {
    K.ledger: "p:ledger",
    K.rebuild: "p:ledger:rebuild",
    K.ledger_projects: "p:ledger:projects",
    K.store: "p:store",
    K.belongs_to: "p:belongs_to",
    K.codes(7): "p:codes:7",
    K.invoices(7): "p:invoices:7",
    K.records(CodeKey(8, 1)): "p:codes:8",
    K.records(InvoiceKey(8, 1)): "p:invoices:8",
    K.unfinished("code", "intent"): "p:unfinished:code:intent",
    K.totals: "p:totals",
    K.adopted: "p:adopted",
    K.rejected_items: "p:rejected_items",
    K.bill_claims: "p:bill_claims",
    K.invoice_decisions: "p:invoice_decisions",
    K.series(Series.ITEMS): "p:series:items",
    K.journal(CodeKey(7, 1)): "p:journal:code:7:1",
    K.journal(""): "p:journal:",
    K.problems: "p:problems",
    K.problems_of(Cause.ITEM_INACTIVE): "p:problems:of:item_inactive",
    K.ignored_problems_of(Cause.ITEM_INACTIVE): "p:problems:ignored:item_inactive",
    K.problem_acts("code:7:1"): "p:problems:acts:code:7:1",
    K.waiting(Lane.ITEMS): "p:waiting:items",
    K.dispatched(Lane.ITEMS): "p:hand:items",
    K.begun: "p:begun",
    K.unbegun: "p:unbegun",
    K.deaths: "p:tries",
    K.failures: "p:failures",
    K.again: "p:again",
    K.asked: "p:asked",
    K.invoices_since: "p:since:invoice",
    K.runs: "p:runs",
    K.run("scan-1"): "p:run:scan-1",
    K.open_keys("scan-1"): "p:run:scan-1:open",
    K.current_run(RunKind.SCAN): "p:run:current:scan",
    K.current_run(None): "p:run:none",
    K.last_whole_run(RunKind.SCAN): "p:run:last:scan",
    K.lock("code:7:1"): "p:lock:code:7:1",
    K.fence: "p:fence",
    K.slots: "p:gate",
    K.waiting_for_slot("export"): "p:gate:waiting:export",
    K.handed_slot("a1"): "p:gate:handed:a1",
    K.slot_caps: "p:gate:caps",
    K.exports_in_a_row: "p:gate:exports_in_a_row",
    K.slot_use: "p:gate:use",
    K.sent: "p:sent",
    K.limits("procore"): "p:limits:procore",
    K.pauses: "p:pauses",
    K.pauses_begun: "p:pauses:begun",
    K.token("procore"): "p:token:procore",
    K.minting("procore"): "p:token:procore:minting",
    K.certificate_expiry: "p:certificate_expiry",
    K.projects: "p:projects",
    K.fresh_projects("a1"): "p:projects:a1",
    K.projects_listed_at: "p:projects:listed_at",
    K.projects_outdated_at: "p:projects:outdated_at",
    K.projects_reading: "p:projects:reading",
    K.projects_looked_at: "p:projects:looked_at",
    K.invoices_refused: "p:projects:invoices_refused",
    K.cache("1234567", "fields"): "p:cache:1234567:fields",
    K.reads(7): "p:reads:7",
    K.reads_asked_at: "p:reads:asked_at",
    K.reads_unblocked: "p:reads:unblocked",
    K.verification("current"): "p:verify:current",
    K.verification_part("verify-1", "state"): "p:verify:verify-1:state",
    K.presence: "p:presence",
    K.schedule: "p:schedule",
    K.plan_key: "p:plans:key",
    K.base_currencies: "p:currencies",
    K.webhook_answers: "p:webhooks:answers",
    K.webhook("e1"): "p:webhook:e1",
    K.write_probe: "p:check",
    K.queue("items"): "p:items",
    K.task_result("t1"): "p:celery-task-meta-t1",
}


def test_no_key_is_spelled_differently_from_before() -> None:
    assert {spelled: as_before for spelled, as_before in SPELLED.items() if spelled != as_before} == {}


def test_every_key_is_in_the_table() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    names = {name for name in vars(Keys) if not name.startswith("_") and name != "prefix"}
    assert {name for name in names if not re.search(rf"\bK\.{name}\b", source)} == set()


def spells_a_key(node: ast.AST) -> bool:
    """Return whether an expression appends something to the prefix of keys, other than a space."""
    match node:
        case ast.JoinedStr(values=[ast.FormattedValue(value=begins), ast.Constant(value=follows), *_]):
            return ast.unparse(begins).endswith("prefix") and not str(follows).startswith(" ")
        case ast.JoinedStr(values=[ast.FormattedValue(value=begins), _, *_]):
            return ast.unparse(begins).endswith("prefix")
        case ast.BinOp(left=begins, op=ast.Add(), right=ast.Constant()):
            return ast.unparse(begins).endswith("prefix")
    return False


def test_no_other_module_spells_a_key() -> None:
    trees = {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in PYTHON}
    spelled = {
        name: [ast.unparse(node) for node in ast.walk(tree) if spells_a_key(node)] for name, tree in trees.items()
    }
    assert {name: keys for name, keys in spelled.items() if keys} == {}


def test_keys_that_scripts_derive_from_the_prefix_are_spelled_as_here() -> None:
    literals = {each for source in SOURCES.values() for each in re.findall(r"\bprefix \.\. '([^']*)'", source)}
    assert {"run:", "sent", "codes:", "unfinished:"} < literals
    assert {each for each in literals if not any(key.startswith(f"p:{each}") for key in SPELLED)} == set()
