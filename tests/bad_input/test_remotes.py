"""Export and scan over remotes whose responses are changed on the wire: all work ends in a state that a person
understands, nothing wrong is written, and once the remotes respond normally all of it is done exactly once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from tests.bad_input.desk import SharedParts, WiredInstallation, without_waits
from tests.bad_input.examples import in_the_suite
from tests.bad_input.strikes import (
    Strike,
    Strikes,
    answered,
    damaged,
    replaced,
    structural,
    writes,
)
from worker.domain.identities import InvoiceKey
from worker.local.embedded import EmbeddedServer

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[SharedParts]:
    opened = SharedParts.open(tmp_path_factory.mktemp("office"), redis_server.url)
    with without_waits():
        yield opened
    opened.close()


def work_with(shared: SharedParts, strikes: Sequence[Strike]) -> WiredInstallation:
    """Export two invoices and scan a project under these strikes, and check that each ends in a valid state."""
    installation = WiredInstallation(shared)
    installation.wire.meddle = meddler = Strikes(strikes)
    installation.wire.kept_back = meddler.kept_back
    for invoice in installation.invoices:
        outcome = installation.export(invoice)
        note(f"{invoice.invoice_number}: {outcome}")
        installation.assert_ended_well(outcome, str(InvoiceKey(invoice.project_id, invoice.id)))
    installation.scan()
    installation.assert_nothing_twice()
    installation.assert_ties()
    return installation


def assert_heals(installation: WiredInstallation) -> None:
    installation.heal()
    installation.assert_only_true_records()
    installation.assert_all_done()


@in_the_suite(6)
@given(strikes=st.lists(structural, min_size=1, max_size=2))
def test_nothing_is_written_from_an_unpublished_response_shape(shared: SharedParts, strikes: list[Strike]) -> None:
    installation = work_with(shared, strikes)
    installation.assert_only_true_records()
    assert_heals(installation)


@in_the_suite(6)
@given(strikes=st.lists(replaced, min_size=1, max_size=2))
def test_other_values_create_no_untied_bill_and_no_second_bill(shared: SharedParts, strikes: list[Strike]) -> None:
    installation = work_with(shared, strikes)
    installation.heal()
    installation.assert_nothing_twice()
    installation.assert_ties()


@in_the_suite(6)
@given(strikes=st.lists(damaged | answered, min_size=1, max_size=2))
def test_an_unreadable_response_only_delays_the_work(shared: SharedParts, strikes: list[Strike]) -> None:
    installation = work_with(shared, strikes)
    installation.assert_only_true_records()
    assert_heals(installation)


@in_the_suite(8)
@given(strike=writes)
def test_a_write_with_an_unreadable_response_is_in_doubt_and_done_once(shared: SharedParts, strike: Strike) -> None:
    """A write whose response cannot be read is in doubt, and is never done a second time."""
    installation = work_with(shared, [strike])
    installation.assert_only_true_records()
    assert_heals(installation)
