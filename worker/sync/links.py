"""Resolves the NetSuite vendor and project of an invoice: queries both systems, and decides with `domain.links`.

A link that was changed in Procore applies from the next export on: each export reads the vendor in Procore once, and its last step reuses
what its first step read. What NetSuite returned for a link is cached for a minute, so that many invoices of one vendor do not repeat the
query. Refusals and misses are never cached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from worker.clients.remotes import Remotes
from worker.domain.errors import NotFound
from worker.domain.identities import project_external_id, vendor_external_id
from worker.domain.invoices import Invoice, contract_company_id
from worker.domain.links import PROJECT, VENDOR, Entity, Wanted, searchable
from worker.domain.wbs_codes import Project
from worker.store.stores import Stores

NETSUITE_SECONDS = 60
STEP_SECONDS = 60
"""Seconds for which the last step of an export may reuse the vendor that its first step read in Procore. After that it reads the vendor again."""
COMPARISON_SECONDS = 900
"""Seconds for which a comparison, which writes nothing, may use a link found by an export or an earlier comparison."""


@dataclass(frozen=True, slots=True)
class Links:
    """Resolves Procore's vendors and projects to NetSuite's."""

    stores: Stores
    remotes: Remotes

    def vendor(self, invoice: Invoice, *, remembered: bool = False, last_step: bool = False) -> Entity:
        """Return the vendor of an invoice's bill. Raises Blocked.

        `remembered`: accept one found less than fifteen minutes ago, for comparisons. `last_step`: the export's first step has already read
        this invoice's vendor in Procore.
        """
        key = _vendor_key(invoice)
        if remembered and (known := self.stores.cache.get(f"{key}:compared")):
            return Entity(**known)
        vendor = self._linked(key, self._wanted_vendor(invoice, last_step=last_step), self._find_vendor)
        self.stores.cache.put(f"{key}:compared", asdict(vendor), seconds=COMPARISON_SECONDS)
        return vendor

    def job(self, project: Project) -> Entity:
        """Return the project (job) for the lines of a bill. Raises Blocked."""
        external_id = project_external_id(self.remotes.company_id, project.id)
        wanted = Wanted(PROJECT, project.label, project.number or "", project.name, project.origin_id, external_id)
        return self._linked(_job_key(project), wanted, self._find_job)

    def forget(self, invoice: Invoice, project: Project) -> None:
        """Drop these links from the cache because NetSuite rejected a bill with them."""
        key = _vendor_key(invoice)
        self.stores.cache.forget(key, f"{key}:compared", _step_key(invoice), _job_key(project))

    def _linked(self, key: str, wanted: Wanted, find: Callable[[Wanted], Entity]) -> Entity:
        """Return a cached record for exactly this query: a link that was changed in Procore is a different query."""
        question = [wanted.key, wanted.name, wanted.origin_id]
        known = self.stores.cache.get(key)
        if known and known[0] == question:
            return Entity(**known[1])
        entity = find(wanted)
        self.stores.cache.put(key, [question, asdict(entity)], seconds=NETSUITE_SECONDS)
        return entity

    def _wanted_vendor(self, invoice: Invoice, *, last_step: bool) -> Wanted:
        vendor_id = contract_company_id(invoice)
        external_id = vendor_external_id(self.remotes.company_id, vendor_id)
        name, origin_id, is_listed = self._procore_vendor(invoice, vendor_id, last_step=last_step)
        return Wanted(VENDOR, invoice.vendor_name or name, name, name, origin_id, external_id, is_listed)

    def _procore_vendor(self, invoice: Invoice, vendor_id: int, *, last_step: bool) -> tuple[str, str | None, bool]:
        """Return name and origin id of a vendor in Procore, and whether the app sees it there."""
        question = [vendor_id, invoice.vendor_name]
        known = self.stores.cache.get(_step_key(invoice)) if last_step else None
        if known and known[0] == question:
            return known[1], known[2], known[3]
        try:
            vendor = self.remotes.procore.get_vendor(vendor_id, invoice.project_id)
            name, origin_id, is_listed = vendor.name or invoice.vendor_name, vendor.origin_id, True
        except NotFound:
            # In no directory that the app may see: the invoice still names its vendor.
            name, origin_id, is_listed = invoice.vendor_name, None, False
        self.stores.cache.put(_step_key(invoice), [question, name, origin_id, is_listed], seconds=STEP_SECONDS)
        return name, origin_id, is_listed

    def _find_vendor(self, wanted: Wanted) -> Entity:
        records = self.remotes.netsuite.linked_vendors(internal_id=wanted.internal_id, external_id=wanted.external_id)
        return wanted.by_link(records) or wanted.by_name(self.remotes.netsuite.vendors_named(searchable(wanted.name)))

    def _find_job(self, wanted: Wanted) -> Entity:
        records = self.remotes.netsuite.linked_jobs(internal_id=wanted.internal_id, external_id=wanted.external_id)
        return wanted.by_link(records) or wanted.by_name(
            self.remotes.netsuite.jobs_named(searchable(wanted.key), searchable(wanted.name))
        )


def _vendor_key(invoice: Invoice) -> str:
    # A vendor of a project's directory is another one in another project.
    return f"payee:{invoice.project_id}:{invoice.vendor_id}"


def _step_key(invoice: Invoice) -> str:
    return f"vendor_of:{invoice.project_id}:{invoice.id}"


def _job_key(project: Project) -> str:
    return f"job_of:{project.id}"
