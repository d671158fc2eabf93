"""Lets the ledger forget a code or an invoice whose Item or bill was deleted in NetSuite, so that it is made anew the normal way.

The ledger never goes back by itself from what NetSuite holds, so a person has to say it; and they are only believed when
NetSuite shows nothing that could be the record: by its internal id, by our external id, and by name or number in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain.errors import NotFound, NotPermitted, SyncError
from worker.domain.identities import CodeKey, InvoiceKey, bill_external_id, bill_id_of_origin, item_external_id
from worker.domain.invoices import FoundBill, Invoice
from worker.domain.outcomes import Record
from worker.domain.story import Happening, What
from worker.domain.texts import unwritable
from worker.services.links import Links
from worker.services.named_records import NamedRecords
from worker.store.adopted_items import AdoptedItems
from worker.store.ledger import Ledger
from worker.store.locks import Locks


class NotForgotten(SyncError):
    """The ledger keeps the record; the text says why, and what to do instead."""


@dataclass(frozen=True, slots=True)
class Forgettable:
    """What may be forgotten: `about` as people call it, `why` it may, and what comes `next`."""

    key: CodeKey | InvoiceKey
    about: str
    record: Record
    why: str
    next: str


class Forgetting:
    """Looks whether a record may be forgotten, and forgets it. Whatever cannot be asked is a refusal: every method raises SyncError."""

    def __init__(
        self,
        *,
        procore: Procore,
        netsuite: NetSuite,
        named: NamedRecords,
        links: Links,
        ledger: Ledger,
        adopted: AdoptedItems,
        locks: Locks,
    ) -> None:
        self._procore = procore
        self._netsuite = netsuite
        self._named = named
        self._links = links
        self._ledger = ledger
        self._adopted = adopted
        self._locks = locks

    def code(self, project: str, code: str, *, take: str = "") -> Forgettable:
        """A code, named by Procore ids or as people call it. `take`: internal id of an Item that stands and is to be taken for it.

        Raises NotForgotten while its Item, or one that could be taken for it, stands.
        """
        found = self._named.project(project)
        listed = {one.id: one for one in self._procore.list_active_codes(found.id)}
        key = self._named.code(found, code, listed.values())
        record = _known(self._ledger.code(key), "Item", "scan")
        names = {record.name, self._named.item_name(found, listed.get(key.wbs_code_id))}
        external_id = item_external_id(self._procore.company_id, key.project_id, key.wbs_code_id)
        at_once, by_id = self._netsuite.item_by_external_id(external_id), self._netsuite.item(record.remote_id)
        others = self._netsuite.find_items(
            external_ids=[external_id],
            names=[name for name in names if name and not unwritable(name)],
            ignoring_case=True,
        )
        if owner := self._adopted.of_others(key.project_id).get(key.wbs_code_id):
            return _of_another_code(key, f"{found.label}, code {record.name}", record, owner)
        standing = {item.id: f"Item {item.name} (id {item.id})" for item in (at_once, *others) if item}
        # One that is no Other Charge any more and has given its name and its external id away stands in nobody's way.
        if by_id and by_id.id not in standing and by_id.usable:
            raise NotForgotten(
                f"NetSuite still has the Item of this code, named {by_id.name} (id {by_id.id}). wbs-sync identifies it by its id, so the other name does "
                "no harm. Delete it, or restore its name."
            )
        self._require_gone(standing, take)
        again = f"The next scan {_taken(standing, take)}: `wbs-sync scan --project {key.project_id} --wait`."
        return Forgettable(key, f"{found.label}, code {record.name}", record, _why("Item", standing, take), again)

    def invoice(self, named: str, project: str | None, *, take: str = "") -> Forgettable:
        """An invoice, named by Procore id or by its number. `take`: internal id of a bill that stands and is to be taken for it. Raises NotForgotten while its bill, or one that
        could be taken for it, stands, and while Procore names one that does not.
        """
        key = self._named.invoice(named, project)
        record = _known(self._ledger.invoice(key), "bill", "export")
        try:
            invoice = self._procore.get_invoice(key.project_id, key.invoice_id)
        except (NotFound, NotPermitted) as error:
            raise NotForgotten(
                f"This invoice could not be read from Procore, so no bill could be created for it: {error}"
            ) from error
        standing = self._bills(key, invoice)
        bill = self._netsuite.bill(record.remote_id)
        # A void one that has given its external id and its number away stands in nobody's way.
        if bill and bill.id not in standing and not bill.void:
            raise NotForgotten(
                f"NetSuite still has the {bill.document} of this invoice, with the number {bill.document_number} (id {bill.id}). Void or delete it, or "
                "restore its number."
            )
        self._require_gone(standing, take)
        self._require_origin_id(invoice, standing)
        again = f"The next export {_taken(standing, take)}: `wbs-sync export {key.invoice_id} --project {key.project_id} --wait`."
        return Forgettable(key, f"invoice {invoice.label}", record, _why("bill", standing, take), again)

    def forget(self, seen: Forgettable, look: Callable[[], Forgettable], *, by: str, note: str) -> Forgettable:
        """Look once more, as a person has thought about what they have `seen`, and forget it: both under its lock. `by` and `note` go
        into its journal.
        """
        with self._locks.hold(str(seen.key)) as lock:
            if lock is None:
                raise NotForgotten("A worker is processing this record. Try again in a minute.")
            now = look()
            facts = {
                "by": by,
                "id": now.record.remote_id,
                "known": str(int(now.record.at)),
                "why": now.why,
                "note": note,
            }
            if now.key != seen.key or not self._ledger.forget(
                now.key, now.record, lock, Happening(What.FORGOTTEN, facts)
            ):
                raise NotForgotten("This record has just changed. Check it again with `wbs-sync explain`.")
        return now

    def _bills(self, key: InvoiceKey, invoice: Invoice) -> Mapping[str, str]:
        """Bills that an export would find for the invoice, void ones too."""
        external_id = bill_external_id(self._procore.company_id, key.invoice_id)
        ids = self._netsuite.find_bill_ids(
            external_id=external_id,
            vendor_id=self._links.vendor(invoice).id,
            document_number=invoice.document_number,
            document=invoice.document,
        )
        named = bill_id_of_origin(invoice.origin_id)
        asked = [self._netsuite.bill(one) for one in dict.fromkeys([*ids, named]) if one]
        return {bill.id: _words(bill) for bill in (self._netsuite.bill_by_external_id(external_id), *asked) if bill}

    def _require_gone(self, standing: Mapping[str, str], take: str) -> None:
        if take and list(standing) != [take]:
            there = ", ".join(standing.values()) or "nothing"
            raise NotForgotten(f"The matching records in NetSuite are not {take} alone, but: {there}.")
        if standing and not take:
            words = ", ".join(standing.values())
            only = next(iter(standing)) if len(standing) == 1 else ""
            way = f" If it is the correct one, pass --take {only} to have it checked and adopted." if only else ""
            raise NotForgotten(f"NetSuite still has {words}.{way}")

    def _require_origin_id(self, invoice: Invoice, standing: Mapping[str, str]) -> None:
        """An export believes what Procore names: forgotten or not, it would take a deleted bill for the invoice's."""
        named = bill_id_of_origin(invoice.origin_id)
        if invoice.origin_id and named is None:
            raise NotForgotten(f"Another integration claims the invoice in Procore (origin id {invoice.origin_id}).")
        if named and named not in standing:
            raise NotForgotten(
                f"The invoice in Procore still has the origin id of bill {named}, which is not in NetSuite, and the next export would treat it as "
                f"billed. Clear its origin id ({invoice.origin_id}) in Procore first. If that is not possible, enter the bill by hand and set the origin "
                "id to `ns-vendorbill-` followed by its internal id."
            )


def _of_another_code(key: CodeKey, about: str, record: Record, owner: CodeKey) -> Forgettable:
    """A code whose Item is another code's, which keeps it."""
    why = f"its Item {record.name} (id {record.remote_id}) belongs to the code with id {owner.wbs_code_id}"
    again = (
        f"The next scan gives this code a separate Item: `wbs-sync scan --project {key.project_id} --wait`. The code is blocked while the Item "
        "of another code has its name."
    )
    return Forgettable(key, about, record, why, again)


def _known(record: Record | None, thing: str, run: str) -> Record:
    """Only what is done: everything else is looked for anyway, and a write in doubt may still come to stand."""
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


def _words(bill: FoundBill) -> str:
    void = ", void: change its reference number and clear its external id" if bill.void else ""
    return f"the {bill.label}{void}"


def _why(thing: str, standing: Mapping[str, str], take: str) -> str:
    return f"{standing[take]} is in NetSuite and is to be adopted" if take else f"NetSuite no longer has its {thing}"


def _taken(standing: Mapping[str, str], take: str) -> str:
    return f"checks {standing[take]} and adopts it if it matches" if take else "recreates it"
