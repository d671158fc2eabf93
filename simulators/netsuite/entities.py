"""The JSON of projects and vendors: what the books have, and further fields from the setting `record_fields`."""

from __future__ import annotations

from typing import Any

from simulators.books import NsJob, NsVendor
from simulators.netsuite.bodies import Body
from simulators.netsuite.currencies import currencies_of
from simulators.netsuite.field_types import FieldType, entity_types
from simulators.netsuite.fields import shown_value
from simulators.netsuite.state import NetSuiteState

_UNTYPED_REFERENCE = FieldType("reference")  # of a custom field that the account's catalog does not have


def shown_vendor(state: NetSuiteState, vendor: NsVendor, *, expand: bool) -> Body:
    """Return a vendor with NetSuite's property names; multi-select fields complete with `expand` only."""
    own = {"isPerson": False, **_company(vendor)}
    if state.settings.currencies:
        own["currency"] = {"id": currencies_of(state, vendor)[0]}
    return _shown(state, "vendor", own, expand)


def shown_job(state: NetSuiteState, job: NsJob, *, expand: bool) -> Body:
    """Return a project with NetSuite's property names; multi-select fields complete with `expand` only.

    Oracle publishes no department, class and location of a project: companies keep them in custom fields.
    """
    return _shown(state, "job", _company(job), expand)


def _company(entity: NsVendor | NsJob) -> Body:
    body: Body = {
        "id": entity.id,
        "entityId": entity.entityid,
        "companyName": entity.companyname,
        "isInactive": entity.isinactive,
        "subsidiary": {"id": entity.subsidiary},
    }
    return {**body, "externalId": entity.externalid} if entity.externalid else body


def _shown(state: NetSuiteState, record_type: str, own: Body, expand: bool) -> Body:
    """Return the fields of the books and those of the setting, which take precedence; references have the name of their entry."""
    types = entity_types(state.settings, record_type)
    fields = {**own, **state.settings.record_fields.get(f"{record_type}:{own['id']}", {})}
    shown = {
        name: shown_value(state, types.get(name) or _guess(value), value, expand) for name, value in fields.items()
    }
    return {"links": [], **shown}


def _guess(value: Any) -> FieldType | None:
    return _UNTYPED_REFERENCE if isinstance(value, dict) and "id" in value else None
