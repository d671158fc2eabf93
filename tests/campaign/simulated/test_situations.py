"""The situations: each has separate dice, and does to the world what it says."""

from __future__ import annotations

import random
from typing import Any

import pytest

from simulators.netsuite.wire import NetSuiteError
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.netsuite import AccountRules
from tests.campaign.simulated.remotes import Request
from tests.campaign.simulated.scheduler import Process, VThread
from tests.campaign.simulated.situations import OF_COMPANY, WIDER, in_company, wider
from tests.campaign.simulated.world import Company, build

pytestmark = pytest.mark.campaign


def test_one_more_kind_changes_no_other_one() -> None:
    for seed in range(1, 200):
        drawn = wider(seed, 400.0, WIDER)
        without = wider(seed, 400.0, set(WIDER) - {Kind.TEMPLATE})
        assert without == [fault for fault in drawn if fault.kind is not Kind.TEMPLATE]


def test_every_kind_is_drawn_by_some_seeds() -> None:
    drawn = {fault.kind for seed in range(1, 400) for fault in wider(seed, 400.0, WIDER)}
    assert drawn == set(WIDER)


@pytest.mark.parametrize("kind", OF_COMPANY)
def test_a_situation_of_the_company_finds_its_place_in_most_worlds(kind: Kind) -> None:
    changed = sum(_company(seed) != _company(seed, kind) for seed in range(1, 30))
    assert changed > 20


def _company(seed: int, kind: Kind | None = None) -> Company:
    company = build(random.Random(seed))
    if kind:
        in_company(company, wider(seed, 400.0, (), [kind]))
    return company


def test_the_account_refuses_one_field_one_vendor_and_one_kind_of_record() -> None:
    rules = AccountRules(field_refused_for="pcr-bill-1-7", subsidiary_refused_for="702", credits_allowed=False)
    for refused, code in (
        (_create("vendorBill", "PCR-bill-1-7", "701"), "INSUFFICIENT_PERMISSION"),
        (_create("vendorBill", "PCR-bill-1-8", "702"), "USER_ERROR"),
        (_create("vendorCredit", "PCR-bill-1-8", "701"), "INSUFFICIENT_PERMISSION"),
    ):
        with pytest.raises(NetSuiteError) as error:
            rules.require_allowed(refused)
        assert error.value.code == code
    rules.require_allowed(_create("vendorBill", "PCR-bill-1-8", "701"))


def _create(record_type: str, external_id: str, vendor: str) -> Request:
    body: dict[str, Any] = {"externalId": external_id, "entity": {"id": vendor}}
    path = f"/services/rest/record/v1/{record_type}"
    return Request("netsuite", "POST", path, {}, {}, body, True, VThread("t", Process("p")), 0.0, 0.0)
