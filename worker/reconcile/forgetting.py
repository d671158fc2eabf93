"""Clears a code or invoice from the ledger after its Item or bill was deleted in NetSuite, so that a scan or export recreates it.

The ledger never removes a record because it is missing in NetSuite: a user has to do it. A record is cleared only if NetSuite has no Item or
bill with its internal id, with its external id, or with its name or number in any letter case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.clients.remotes import Remotes
from worker.domain.audit_trail import AuditEvent, EventKind
from worker.domain.bills import FoundBill
from worker.domain.errors import NotFound, NotPermitted, SyncError
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_id, bill_id_of_origin, item_external_id
from worker.domain.invoices import Invoice
from worker.domain.outcomes import Record
from worker.domain.texts import unwritable
from worker.inspect.named_records import NamedRecords
from worker.store.stores import Stores
from worker.sync.links import Links


class NotForgotten(SyncError):
    """The record is not cleared. The message says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Forgettable:
    """A record that can be cleared. `about`: its name; `why`: why it can be cleared; `next`: what recreates it, with the command."""

    key: CodeKey | InvoiceKey
    about: str
    record: Record
    why: str
    next: str


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Checks whether a record can be cleared, and clears it. Every method raises SyncError if a query fails; then nothing is cleared."""

    stores: Stores
    remotes: Remotes
    named: NamedRecords
    links: Links

    def code(self, project: str, code: str, *, take: str = "") -> Forgettable:
        """Check a code, given as Procore ids or names. `take`: internal id of an existing Item to adopt for it.

        Raises NotForgotten if its Item, or one that could be mistaken for it, exists.
        """
        found = self.named.project(project)
        listed = {one.id: one for one in self.remotes.procore.list_active_codes(found.id)}
        key = self.named.code(found, code, listed.values())
        record = _done_record(self.stores.ledger.code(key), "Item", "scan")
        names = {record.name, self.named.item_name(found, listed.get(key.wbs_code_id))}
        external_id = item_external_id(self.remotes.procore.company_id, key.project_id, key.wbs_code_id)
        ours, by_id = (
            self.remotes.netsuite.item_by_external_id(external_id),
            self.remotes.netsuite.item(record.remote_id),
        )
        others = self.remotes.netsuite.find_items(
            external_ids=[external_id],
            names=[name for name in names if name and not unwritable(name)],
            ignoring_case=True,
        )
        if owner := self.stores.adopted_items.of_others(key.project_id).get(key.wbs_code_id):
            return _of_another_code(key, f"{found.label}, code {record.name}", record, owner)
        existing = {item.id: f"Item {item.name} (id {item.id})" for item in (ours, *others) if item}
        # An Item that is no longer an Other Charge and has another name and external id does not prevent a new one.
        if by_id and by_id.id not in existing and by_id.usable:
            raise NotForgotten(
                f"NetSuite still has the Item of this code, named {by_id.name} (id {by_id.id}). wbs-sync identifies it by its id, so the other name does "
                "no harm. Delete it, or restore its name."
            )
        self._require_gone(existing, take)
        next_step = f"The next scan {_next_action(existing, take)}: `wbs-sync scan --project {key.project_id} --wait`."
        return Forgettable(key, f"{found.label}, code {record.name}", record, _why("Item", existing, take), next_step)

    def invoice(self, named: str, project: str | None, *, take: str = "") -> Forgettable:
        """Check an invoice, given as Procore id or number. `take`: internal id of an existing bill to adopt for it.

        Raises NotForgotten if its bill, or one that could be mistaken for it, exists, and if Procore has the origin id of a bill that does not.
        """
        key = self.named.invoice(named, project)
        record = _done_record(self.stores.ledger.invoice(key), "bill", "export")
        try:
            invoice = self.remotes.procore.get_invoice(key.project_id, key.invoice_id)
        except (NotFound, NotPermitted) as error:
            raise NotForgotten(
                f"This invoice could not be read from Procore, so no bill could be created for it: {error}"
            ) from error
        existing = self._bills(key, invoice)
        bill = self.remotes.netsuite.bill(record.remote_id)
        # A void bill with another external id and number does not prevent a new one.
        if bill and bill.id not in existing and not bill.void:
            raise NotForgotten(
                f"NetSuite still has the {bill.document} of this invoice, with the number {bill.document_number} (id {bill.id}). Void or delete it, or "
                "restore its number."
            )
        self._require_gone(existing, take)
        self._require_origin_id(invoice, existing)
        next_step = f"The next export {_next_action(existing, take)}: `wbs-sync export {key.invoice_id} --project {key.project_id} --wait`."
        return Forgettable(key, f"invoice {invoice.label}", record, _why("bill", existing, take), next_step)

    def forget(self, seen: Forgettable, check: Callable[[], Forgettable], *, by: str, note: str) -> Forgettable:
        """Check again under the record's lock, because time has passed since the user saw `seen`, and clear the record. `by` (the user) and
        `note` are saved in its journal.
        """
        with self.stores.locks.hold(str(seen.key)) as lock:
            if lock is None:
                raise NotForgotten("A worker is processing this record. Try again in a minute.")
            now = check()
            facts = {
                "by": by,
                "id": now.record.remote_id,
                "known": str(int(now.record.at)),
                "why": now.why,
                "note": note,
            }
            if now.key != seen.key or not self.stores.ledger.forget(
                now.key, now.record, lock, AuditEvent(EventKind.CLEARED, facts)
            ):
                raise NotForgotten("This record has just changed. Check it again with `wbs-sync explain`.")
        return now

    def _bills(self, key: InvoiceKey, invoice: Invoice) -> Mapping[str, str]:
        """Return the bills that an export would find for the invoice, including void ones: sentences by internal id."""
        external_id = bill_external_id(self.remotes.procore.company_id, key.invoice_id)
        ids = self.remotes.netsuite.find_bill_ids(
            external_id=external_id,
            vendor_id=self.links.vendor(invoice).id,
            document_number=invoice.document_number,
            document=invoice.document,
        )
        named = bill_id_of_origin(invoice.origin_id)
        read = [self.remotes.netsuite.bill(bill_id) for bill_id in dict.fromkeys([*ids, named]) if bill_id]
        bills = [self.remotes.netsuite.bill_by_external_id(external_id), *read]
        return {bill.id: _described(bill) for bill in bills if bill}

    def _require_gone(self, existing: Mapping[str, str], take: str) -> None:
        if take and list(existing) != [take]:
            found = ", ".join(existing.values()) or "nothing"
            raise NotForgotten(f"The matching records in NetSuite are not {take} alone, but: {found}.")
        if existing and not take:
            listed = ", ".join(existing.values())
            only_id = next(iter(existing)) if len(existing) == 1 else ""
            advice = (
                f" If it is the correct one, pass --take {only_id} to have it checked and adopted." if only_id else ""
            )
            raise NotForgotten(f"NetSuite still has {listed}.{advice}")

    def _require_origin_id(self, invoice: Invoice, existing: Mapping[str, str]) -> None:
        """Raise NotForgotten if Procore has the origin id of another integration, or of a missing bill: an export would treat the invoice as
        billed.
        """
        named = bill_id_of_origin(invoice.origin_id)
        if invoice.origin_id and named is None:
            raise NotForgotten(f"Another integration claims the invoice in Procore (origin id {invoice.origin_id}).")
        if named and named not in existing:
            raise NotForgotten(
                f"The invoice in Procore still has the origin id of bill {named}, which is not in NetSuite, and the next export would treat it as "
                f"billed. Clear its origin id ({invoice.origin_id}) in Procore first. If that is not possible, enter the bill by hand and set the origin "
                "id to `ns-vendorbill-` followed by its internal id."
            )


def _of_another_code(key: CodeKey, about: str, record: Record, owner: CodeKey) -> Forgettable:
    """Return the result for a code whose Item in the ledger belongs to another code. That code keeps it."""
    why = f"its Item {record.name} (id {record.remote_id}) belongs to the code with id {owner.wbs_code_id}"
    next_step = (
        f"The next scan gives this code a separate Item: `wbs-sync scan --project {key.project_id} --wait`. The code is blocked while the Item "
        "of another code has its name."
    )
    return Forgettable(key, about, record, why, next_step)


def _done_record(record: Record | None, thing: str, run: str) -> Record:
    """Return the record if it is done. Raises NotForgotten otherwise: an unconfirmed write may still succeed, and every other state is
    processed again without this.
    """
    if record is None:
        raise NotForgotten(f"It is not in the ledger, so there is nothing to clear. The next {run} processes it.")
    if record.in_doubt:
        raise NotForgotten(
            f"A write of its {thing} is unconfirmed and may still succeed. wbs-sync checks NetSuite for it, and sends it again only if it certainly "
            "failed."
        )
    if not record.done:
        raise NotForgotten(
            f"The ledger has no {thing} for it ({record.state}). The next {run} processes it again anyway."
        )
    return record


def _described(bill: FoundBill) -> str:
    void = ", void: change its reference number and clear its external id" if bill.void else ""
    return f"the {bill.label}{void}"


def _why(thing: str, existing: Mapping[str, str], take: str) -> str:
    return f"{existing[take]} is in NetSuite and is to be adopted" if take else f"NetSuite no longer has its {thing}"


def _next_action(existing: Mapping[str, str], take: str) -> str:
    return f"checks {existing[take]} and adopts it if it matches" if take else "recreates it"
