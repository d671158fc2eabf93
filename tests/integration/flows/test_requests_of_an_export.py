"""The requests of one invoice's export: a record that is read twice, or late, delays every invoice."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.kit.company import BILL_PATH, ITEM_PATH, SUITEQL_PATH
from tests.kit.installation import Installation
from worker.domain.outcomes import OutcomeKind

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S", "05-510.S", "06-110.S")


def test_an_export_reads_nothing_twice_but_the_invoice(office: Installation) -> None:
    """The invoice is read before its Items and again before its bill; its vendor once."""
    invoice = office.new_invoice(office.new_project("24-801", CODES), *((code, "100.00") for code in CODES))
    before = len(office.stage.journal("procore"))
    assert office.export(invoice).kind is OutcomeKind.CREATED
    seen = [each for each in office.stage.journal("procore")[before:] if "method" in each]
    counts = Counter(f"{each['method']} {each['path']}" for each in seen if "oauth" not in each["path"])
    reads = {path: count for path, count in counts.items() if "/projects" not in path}
    assert reads == {
        f"GET /rest/v1.1/requisitions/{invoice.id}": 2,
        f"GET /rest/v1.0/vendors/{invoice.vendor_id}": 1,
        f"PATCH /rest/v1.1/requisitions/{invoice.id}": 1,
    }


def test_between_items_and_bill_only_the_bill_is_looked_up(office: Installation) -> None:
    """The only query between the last Item and the bill is the one for an existing bill."""
    invoice = office.new_invoice(office.new_project("24-801", CODES), *((code, "100.00") for code in CODES))
    since = office.mark()
    assert office.export(invoice).kind is OutcomeKind.CREATED
    made = max(each["ended"] for each in office.posts(ITEM_PATH, since))
    (bill,) = office.posts(BILL_PATH, since)
    between = [each for each in office.requests(since) if made <= each["started"] < bill["started"]]
    assert sum(each["path"] == SUITEQL_PATH for each in between) == 1


def test_two_exports_ask_procore_for_the_vendor_twice(office: Installation) -> None:
    """A link that a person corrects holds with the next export, even of the same invoice."""
    project = office.new_project("24-801", CODES[:1])
    path = f"/rest/v1.0/vendors/{office.new_invoice(project, (CODES[0], '1.00')).vendor_id}"
    for number in range(2):
        office.export(office.new_invoice(project, (CODES[0], "100.00")))
        asked = [each for each in office.stage.journal("procore") if each.get("path") == path]
        assert len(asked) == number + 1
