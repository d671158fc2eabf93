"""Work keys: the text of a key is what the table of kinds says, and a key of an unknown kind is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.container import Container
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.problems import work_behind
from worker.domain.work import WorkKey, WorkKind, lane_of

PRODUCT = Path(__file__).parents[3] / "worker"
IDS = st.integers(1, 2**63 - 1)
TEXTS = {
    WorkKind.SCAN_ALL: "scan:all",
    WorkKind.SCAN_PROJECT: "scan:17",
    WorkKind.RESOLVE_CODES: "plan:17",
    WorkKind.CREATE_ITEM: "code:17:901",
    WorkKind.EXPORT_ALL: "exports:all",
    WorkKind.LIST_INVOICES: "exports:17",
    WorkKind.EXPORT: "invoice:17:901",
    WorkKind.RECONCILE: "reconcile:all",
}
"""What is in the lanes of installations that run today."""


@pytest.mark.parametrize("kind", WorkKind)
def test_the_text_of_each_kind_of_key_is_that_of_earlier_versions(kind: WorkKind) -> None:
    key = WorkKey(kind, (17, 901)[: len(kind.ids)])
    assert str(key) == TEXTS[kind]
    assert WorkKey.parse(TEXTS[kind]) == key
    assert lane_of(TEXTS[kind]) is key.lane is kind.lane


@given(st.sampled_from(WorkKind), IDS, IDS)
def test_every_key_is_parsed_into_the_same_key(kind: WorkKind, project: int, record_id: int) -> None:
    key = WorkKey(kind, (project, record_id)[: len(kind.ids)])
    assert WorkKey.parse(str(key)) == key
    assert work_behind(str(key)) == (str(key),)


@given(st.sampled_from([CodeKey, InvoiceKey]), IDS, IDS)
def test_codes_and_invoices_are_work_under_the_keys_of_their_records(
    key_type: type, project: int, record_id: int
) -> None:
    record = key_type(project, record_id)
    assert WorkKey.parse(str(record)).record == record


@pytest.mark.parametrize(
    "text", ["", "scan", "scan:", "scan:x", "scan:17:901", "code:17", "code:all", "merge:17", "project:17"]
)
def test_a_key_of_no_known_kind_is_refused(text: str) -> None:
    assert WorkKey.known(text) is None
    with pytest.raises(ValueError, match=r"no known kind|invalid literal"):
        WorkKey.parse(text)


def test_kinds_with_one_word_share_a_lane() -> None:
    assert {(kind.word, kind.lane) for kind in WorkKind} == {(kind.word, lane_of(kind.word)) for kind in WorkKind}


def test_every_kind_of_work_has_a_handler() -> None:
    assert set(Container.__new__(Container).handlers()) == set(WorkKind)


def test_services_do_the_work_and_do_not_run_it() -> None:
    """Only the creation of an invoice's Items runs further work, each Item as separate work."""
    calls = re.compile(r"worker\.engine\.(attempts|dispatch|runner) import")
    callers = {
        path.name
        for folder in ("sync", "reconcile")
        for path in (PRODUCT / folder).glob("*.py")
        if calls.search(path.read_text())
    }
    assert callers == {"invoice_items.py"}


def test_no_key_is_taken_apart_outside_of_the_modules_that_build_keys() -> None:
    """Addresses and headers contain colons too."""
    prefixes = "|".join({*(kind.word for kind in WorkKind), "project", "remote", "verify"})
    apart = re.compile(rf'partition\(":"|split\(":"|(startswith|removeprefix)\(\(?f?"({prefixes}):')
    modules = {str(path.relative_to(PRODUCT)) for path in PRODUCT.rglob("*.py") if apart.search(path.read_text())}
    keys = {"domain/work.py", "domain/scopes.py", "domain/identities.py", "domain/problems.py"}
    assert modules == {*keys, "clients/network.py", "runtime/telemetry.py"}
