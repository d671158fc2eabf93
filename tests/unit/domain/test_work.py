"""Work keys: the text of a key is what the table of kinds says, and a key of an unknown kind is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.work import WorkKey, WorkKind, is_work, lane_of, work_behind

IDS = st.integers(1, 2**63 - 1)
TEXTS = {
    WorkKind.SCAN_ALL: "scan:all",
    WorkKind.SCAN_PROJECT: "scan:17",
    WorkKind.PLAN_CODES: "plan:17",
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
def test_every_key_is_parsed_into_the_same_key(kind: WorkKind, project: int, other: int) -> None:
    key = WorkKey(kind, (project, other)[: len(kind.ids)])
    assert WorkKey.parse(str(key)) == key
    assert work_behind(str(key)) == (str(key),)


@given(st.sampled_from([CodeKey, InvoiceKey]), IDS, IDS)
def test_codes_and_invoices_are_work_under_the_keys_of_their_records(key_type: type, project: int, other: int) -> None:
    record = key_type(project, other)
    assert WorkKey.parse(str(record)).record == record


@pytest.mark.parametrize(
    "text", ["", "scan", "scan:", "scan:x", "scan:17:901", "code:17", "code:all", "merge:17", "project:17"]
)
def test_a_key_of_no_known_kind_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        WorkKey.parse(text)


def test_kinds_with_one_word_share_a_lane() -> None:
    assert {(kind.word, kind.lane) for kind in WorkKind} == {(kind.word, lane_of(kind.word)) for kind in WorkKind}
    assert not is_work("merge:17")
