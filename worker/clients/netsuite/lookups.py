"""Look-ups in NetSuite: accounts, tax schedules, posting periods, metadata, vendors and projects."""

from __future__ import annotations

from collections.abc import Iterable

from worker.clients.netsuite import suiteql, wire
from worker.clients.netsuite.records import NetSuiteRecords
from worker.domain.bills import PostingPeriod
from worker.domain.errors import Blocked, Misconfigured, NotFound, UnexpectedAnswer
from worker.domain.links import Entity, search_pattern, words_of
from worker.domain.wbs_codes import ITEM_NAME_LIMIT

NAME_LIMIT_CACHE_SECONDS = 86_400


class LookUps(NetSuiteRecords):
    """Requests for records that wbs-sync only reads."""

    def account(self, account_id: str) -> tuple[str, bool] | None:
        """Return the name of a general ledger account, and whether it is inactive; None if the role sees none with this id.

        Public code uses this table and these columns against real accounts (docs/remotes.md); no page of Oracle lists them.
        """
        query = f"SELECT id, fullname, isinactive FROM account WHERE id = {suiteql.literal(account_id)} ORDER BY id ASC"
        return next(((row.fullname, row.isinactive == "T") for row in self._query(wire.AccountRow, query)), None)

    def tax_schedule(self, schedule_id: str) -> str | None:
        """Return the name of a tax schedule; None if the role sees none with this id. Not every account shows the table to queries."""
        query = f"SELECT id, name FROM taxschedule WHERE id = {suiteql.literal(schedule_id)} ORDER BY id ASC"
        return next((row.name for row in self._query(wire.TaxScheduleRow, query)), None)

    def posting_periods(self) -> list[PostingPeriod]:
        """Return the account's base periods; quarters, years and adjustments take no bills (docs/remotes.md, posting periods). Raises
        UnexpectedAnswer if NetSuite returns none.
        """
        days = "TO_CHAR(startdate, 'YYYY-MM-DD') AS firstday, TO_CHAR(enddate, 'YYYY-MM-DD') AS lastday"
        query = (
            f"SELECT id, periodname, {days}, closed, aplocked, alllocked FROM accountingperiod "
            "WHERE isyear = 'F' AND isquarter = 'F' AND isadjust = 'F' ORDER BY id ASC"
        )
        periods = [row.period() for row in self._query(wire.PostingPeriodRow, query)]
        if not periods:
            # Every account has some, so an empty response means that the role may not see them.
            raise UnexpectedAnswer("NetSuite's SuiteQL returned no posting period")
        return periods

    def item_name_limit(self) -> int:
        """Return the account's length of `itemId`: from its profile, else from its metadata catalog (cached for a day), else 60."""
        if self._defaults.item_name_limit:
            return self._defaults.item_name_limit
        limit = self._cache.get("item_name_limit")
        if limit is None:
            limit = self._catalog_name_limit()
            self._cache.put("item_name_limit", limit, seconds=NAME_LIMIT_CACHE_SECONDS)
        return int(limit)

    def linked_vendors(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Return vendors with this internal id or this external id, inactive ones too; an empty id matches none."""
        return self._with_persons(self._entities("vendor", _by_ids(internal_id, external_id)))

    def vendors_named(self, name: str) -> list[Entity]:
        """Return vendors that may have this name, inactive ones too. The result may contain others, so the caller compares the names."""
        pattern, words = search_pattern(name), words_of(name)
        if not pattern:
            return []
        like = suiteql.literal(pattern)
        vendors = self._entities("vendor", f"UPPER(companyname) LIKE {like} OR UPPER(entityid) LIKE {like}")
        first, last = (suiteql.literal(search_pattern(word)) for word in (words[0], words[-1]))
        people = f"UPPER(firstname) LIKE {first} AND UPPER(lastname) LIKE {last}"
        if len(words) > 1 and (ids := [row.id for row in self._persons(people)]):
            vendors += self._entities("vendor", suiteql.is_in("id", ids[: suiteql.MAX_VALUES]))
        return self._with_persons({vendor.id: vendor for vendor in vendors}.values())

    def has_vendor(self, subsidiary_id: str) -> bool | None:
        """Return whether there is an active vendor. With a subsidiary: one that has it as its primary subsidiary, or is shared with it by a
        vendor-subsidiary relationship (docs/remotes.md); None if no vendor has it as primary and the role does not see relationships.
        """
        where = f" AND subsidiary = {suiteql.literal(subsidiary_id)}" if subsidiary_id else ""
        query = f"SELECT id FROM vendor WHERE isinactive = 'F'{where} ORDER BY id ASC"
        rows, _ = self._first_rows(wire.IdRow, query, limit=1)
        if rows or not subsidiary_id:
            return bool(rows)
        shared = f"subsidiary = {suiteql.literal(subsidiary_id)} ORDER BY id ASC"
        query = f"SELECT id FROM vendorsubsidiaryrelationship WHERE {shared}"
        try:
            rows, _ = self._first_rows(wire.IdRow, query, limit=1)
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return None
        return bool(rows)

    def linked_jobs(self, *, internal_id: str, external_id: str) -> list[Entity]:
        """Return projects (jobs) with this internal id or this external id, inactive ones too; an empty id matches none."""
        return self._entities("job", _by_ids(internal_id, external_id))

    def jobs_named(self, number: str, name: str) -> list[Entity]:
        """Return projects (jobs) that may have this number or name, inactive ones too; the caller compares them."""
        by_number, by_name = (pattern and suiteql.literal(pattern) for pattern in map(search_pattern, (number, name)))
        where = suiteql.any_of(
            by_number and f"UPPER(entityid) LIKE {by_number}",
            by_name and f"UPPER(entityid) LIKE {by_name}",
            by_name and f"UPPER(companyname) LIKE {by_name}",
        )
        return self._entities("job", where) if where else []

    def _catalog_name_limit(self) -> int:
        path = f"metadata-catalog/{self._defaults.item_type}"
        try:
            schema = self._api.get(path, accept="application/schema+json").json()
        except (NotFound, Blocked, Misconfigured, UnexpectedAnswer):
            # The catalog needs a separate permission; without it, the usual length is used.
            return ITEM_NAME_LIMIT
        return wire.name_limit(schema) or ITEM_NAME_LIMIT

    def _entities(self, table: str, where: str) -> list[Entity]:
        query = f"SELECT id, entityid, companyname, externalid, isinactive FROM {table} WHERE {where} ORDER BY id ASC"
        return [row.entity() for row in self._query(wire.EntityRow, query)]

    def _with_persons(self, vendors: Iterable[Entity]) -> list[Entity]:
        """Add first and last names to vendors without a company name, which are people."""
        named = list(vendors)
        if people := [vendor.id for vendor in named if not vendor.company_name]:
            rows = {row.id: row for row in self._persons(suiteql.is_in("id", people[: suiteql.MAX_VALUES]))}
            named = [rows[vendor.id].named(vendor) if vendor.id in rows else vendor for vendor in named]
        return named

    def _persons(self, where: str) -> list[wire.PersonRow]:
        """Return the names of people among the vendors. A separate query, because an account that does not show these columns refuses the
        whole query; vendors then have only the other names.
        """
        query = f"SELECT id, firstname, lastname FROM vendor WHERE {where} ORDER BY id ASC"
        try:
            return list(self._query(wire.PersonRow, query))
        except (Blocked, Misconfigured, UnexpectedAnswer):
            return []


def _by_ids(internal_id: str, external_id: str) -> str:
    by_id = f"id = {suiteql.literal(internal_id)}" if internal_id else ""
    return suiteql.any_of(by_id, f"externalid = {suiteql.literal(external_id)}")
