"""Final questions about payees, document numbers, names, amounts and origin ids in both remotes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from simulators.netsuite.records import Bill
from tests.campaign.simulated.faults import Kind
from tests.campaign.simulated.questions import bill_of_version, paused_at_the_last_moment
from tests.campaign.simulated.remotes import Request
from tests.campaign.simulated.world import COMPANY, Invoice
from worker.domain.identities import is_our_bill
from worker.engine.adoptions import COPIED_EVERY_SECONDS

if TYPE_CHECKING:
    from tests.campaign.simulated.rig import Rig


def ask(rig: Rig, violations: list[str], excused: list[str]) -> None:
    """All of them."""
    _right_payee(rig, violations)
    _right_project(rig, violations)
    _one_bill_for_a_number(rig, violations, excused)
    _nothing_of_a_template(rig, violations)
    _no_second_item(rig, violations)
    _none_that_was_excluded(rig, violations)
    _origin_id_on_its_own_bill(rig, violations)


def _our_bills(rig: Rig) -> Iterator[tuple[Bill, Invoice, Request]]:
    """Every bill that we made and that is still there, with its invoice and the request that made it."""
    for written in rig.netsuite.made:
        bill, request = rig.netsuite.state.bills.get(written.record_id), written.request
        if bill is not None and request is not None and request.is_bill:
            yield bill, rig.company.invoices[int(written.external_id.rsplit("-", 1)[1])], request


def _right_payee(rig: Rig, violations: list[str]) -> None:
    """No bill goes to a vendor of another name, and none to another vendor than the one that is linked, active or not."""
    for bill, invoice, _ in _our_bills(rig):
        wanted = rig.company.vendors[invoice.vendor_id]
        payee = rig.netsuite.state.vendors.get(bill.entity)
        name = payee.companyname if payee else ""
        if name != wanted.name:
            violations.append(f"bill {bill.id} of invoice {invoice.id}: {wanted.name} is owed, {name} is paid")
        elif wanted.origin_id == wanted.internal_id and bill.entity != wanted.internal_id:
            violations.append(f"bill {bill.id} of invoice {invoice.id} went to {bill.entity}, not to the linked vendor")


def _right_project(rig: Rig, violations: list[str]) -> None:
    """No line is posted to another project's record."""
    for bill, invoice, _ in _our_bills(rig):
        own = rig.company.projects[invoice.project_id].job_id
        others = {line.customer for line in bill.lines if line.customer and line.customer != own}
        if others:
            violations.append(
                f"bill {bill.id} of invoice {invoice.id} is posted to project {sorted(others)}, not {own}"
            )


def _one_bill_for_a_number(rig: Rig, violations: list[str], excused: list[str]) -> None:
    """No two bills of ours have one vendor and one number, in any case. NetSuite itself takes both."""
    first: dict[tuple[str, str, str], tuple[Bill, str, Request]] = {}
    for bill, invoice, request in _our_bills(rig):
        number, key = str(request.body["tranId"]).casefold(), f"invoice:{invoice.project_id}:{invoice.id}"
        other, of, earlier = first.setdefault((bill.record_type, bill.entity, number), (bill, key, request))
        if other.externalid == bill.externalid:
            continue
        words = f"bills {other.id} of {of} and {bill.id} of {key} have the same vendor and the number {number}"
        if paused_at_the_last_moment(rig, earlier) or paused_at_the_last_moment(rig, request):
            excused.append(f"{words}; a holder was paused between its last check and its request")
        else:
            violations.append(words)


def invoices_with_a_double(rig: Rig) -> set[str]:
    """The keys of invoices whose bill of ours is in force, and so is another bill of its vendor with the same number, in any case."""
    alike: dict[tuple[str, str, str], list[Bill]] = {}
    for bill in rig.netsuite.bills():
        if bill.tranid.strip() and bill.total:
            alike.setdefault((bill.record_type, bill.entity, bill.tranid.strip().upper()), []).append(bill)
    ours = [bill for several in alike.values() if len(several) > 1 for bill in several if is_our_bill(bill.externalid)]
    invoices = [rig.company.invoices[int(str(bill.externalid).rsplit("-", 1)[1])] for bill in ours]
    return {f"invoice:{invoice.project_id}:{invoice.id}" for invoice in invoices}


def _nothing_of_a_template(rig: Rig, violations: list[str]) -> None:
    """A project template gets no Item, nobody is asked to do anything about it, and nothing in it is read."""
    for project in rig.company.templates.values():
        made = [
            one for one in rig.netsuite.made if one.external_id.lower().startswith(f"pcr-itm-{COMPANY}-{project.id}-")
        ]
        problems = [key for key in rig.store.data.get("wbs:problems", {}) if f":{project.id}" in key]
        if made or problems:
            violations.append(f"a project template got {len(made)} Items and the problems {problems}")
        elif any(
            f"/projects/{project.id}/" in one.path or one.params.get("project_id") == project.id
            for one in rig.wires.log
        ):
            violations.append("a project template was looked through like a project")


def _no_second_item(rig: Rig, violations: list[str]) -> None:
    """A code with an adopted Item gets none of ours while the adopted one can be used, even if it was renamed."""
    for key, item_id in rig.adopted.items():
        item = rig.netsuite.state.items.get(item_id)
        _, project_id, number = (*key.split(":"), "")[:3]
        if item is None or item.isinactive or not key.startswith("code:"):
            continue
        if any(at - 2 * COPIED_EVERY_SECONDS < rig.adopted_at[key] <= at for _, at in rig.troubles.losses):
            # No worker has copied it yet: that is what remains of this limit.
            continue
        external_id = f"pcr-itm-{COMPANY}-{project_id}-{number}"
        ours = [one.record_id for one in rig.netsuite.made if one.external_id.lower() == external_id]
        if ours:
            violations.append(f"{key} had adopted Item {item_id} ({item.itemid}) and got another one: {ours}")


def _none_that_was_excluded(rig: Rig, violations: list[str]) -> None:
    """An invoice that a person excluded gets no bill from then on, also after a loss when a machine had a copy that was not lost, too."""
    for _, invoice, request in _our_bills(rig):
        decided_at = rig.decided.get(invoice.id)
        if decided_at is None or request.sent_at < decided_at:
            continue
        several = decided_at + 2 * COPIED_EVERY_SECONDS
        copied_by = several if Kind.MACHINE_LOST in rig.kinds else rig.copied.get(invoice.id, 1e18)
        if not any(kept < decided_at <= at <= copied_by for kept, at in rig.troubles.losses):
            violations.append(f"invoice {invoice.id} was excluded by a person, and was billed all the same")


def _origin_id_on_its_own_bill(rig: Rig, violations: list[str]) -> None:
    """Procore locks an invoice under a bill that has its lines, unless these were changed while the work was in progress."""
    if Kind.LINES_MOVED not in rig.kinds:
        return
    for invoice in rig.company.invoices.values():
        for before, version in zip(invoice.versions, invoice.versions[1:], strict=False):
            if version.origin_id is None or before.origin_id == version.origin_id:
                continue
            bill = rig.netsuite.state.bills.get(version.origin_id.rpartition("-")[2])
            if bill is None or not bill.externalid or version.since - before.since <= 60:
                continue
            if not bill_of_version(rig, invoice, version, bill):
                violations.append(f"invoice {invoice.id} is locked under bill {bill.id}, which has other lines")
