"""Which NetSuite vendor and project an invoice belongs to. Links are remembered for an hour, misses not at all."""

from __future__ import annotations

from worker.clients.netsuite.client import NetSuite
from worker.clients.procore.client import Procore
from worker.domain.errors import Blocked, NotFound
from worker.domain.identities import is_internal_id, vendor_external_id
from worker.domain.invoices import Invoice, contract_company_id
from worker.domain.problems import Cause
from worker.domain.texts import unwritable
from worker.domain.wbs_codes import Project
from worker.store.cache import Cache

REMEMBERED_SECONDS = 3600


class Links:
    """Look-ups from Procore's ids to NetSuite's internal ids."""

    def __init__(self, *, procore: Procore, netsuite: NetSuite, cache: Cache) -> None:
        self._procore = procore
        self._netsuite = netsuite
        self._cache = cache

    def vendor_id(self, invoice: Invoice) -> str:
        """By the Procore vendor's origin id, else by external id, else by exact name if exactly one has it. Raises Blocked."""
        key = f"vendor:{invoice.vendor_id}"
        known = self._cache.get(key)
        if known is None:
            known = self._find_vendor(invoice)
            self._cache.put(key, known, seconds=REMEMBERED_SECONDS)
        return str(known)

    def job_id(self, project: Project) -> str:
        """By the Procore project's origin id, else by its number. Raises Blocked."""
        key = f"job:{project.id}:{project.number}:{project.origin_id}"
        known = self._cache.get(key)
        if known is None:
            known = self._find_job(project)
            self._cache.put(key, known, seconds=REMEMBERED_SECONDS)
        return str(known)

    def forget(self, invoice: Invoice, project: Project) -> None:
        """NetSuite refused a bill with these links: they are looked up anew next time."""
        self._cache.forget(f"vendor:{invoice.vendor_id}", f"job:{project.id}:{project.number}:{project.origin_id}")

    def _find_vendor(self, invoice: Invoice) -> str:
        company_id = contract_company_id(invoice)
        external_id = vendor_external_id(self._procore.company_id, company_id)
        facts = {"vendor": invoice.vendor_name, "external_id": external_id}
        try:
            vendor = self._procore.get_vendor(company_id)
        except NotFound as error:
            raise Blocked(str(error), cause=Cause.VENDOR_NOT_LINKED, facts=facts) from error
        if is_internal_id(vendor.origin_id):
            by_id = self._netsuite.find_vendors(internal_id=vendor.origin_id)
            if by_id:
                return by_id[0].id
        by_external_id = self._netsuite.find_vendors(external_id=external_id)
        if by_external_id:
            return by_external_id[0].id
        # A name that nobody could have given in NetSuite is asked for by nobody, nor is an empty one.
        named = [] if unwritable(vendor.name) or not vendor.name else self._netsuite.find_vendors(name=vendor.name)
        if len(named) > 1:
            raise Blocked(cause=Cause.VENDOR_AMBIGUOUS, facts=facts | {"count": str(len(named))})
        if not named:
            raise Blocked(cause=Cause.VENDOR_NOT_LINKED, facts=facts)
        return named[0].id

    def _find_job(self, project: Project) -> str:
        if is_internal_id(project.origin_id):
            by_id = self._netsuite.find_jobs(internal_id=project.origin_id)
            if by_id:
                return by_id[0].id
        number = project.number or ""
        by_number = self._netsuite.find_jobs(number=number) if number and not unwritable(number) else []
        if len(by_number) != 1:
            facts = {"project": project.label, "number": number}
            raise Blocked(cause=Cause.PROJECT_NOT_LINKED, facts=facts)
        return by_number[0].id
