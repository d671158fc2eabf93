"""The names of permissions in sentences."""

from __future__ import annotations

from worker.domain.scopes import Remote, permission, scope_of


def test_a_permissions_level_follows_its_name_and_not_a_features() -> None:
    assert permission(scope_of(Remote.NETSUITE, "vendorBill", "create")) == "Transactions > Bills: Create"
    assert permission(scope_of(Remote.NETSUITE, "job", "query")) == "Lists > Projects: View, and the feature Projects"
    assert permission(scope_of(Remote.NETSUITE, "unheard-of", "query")) == ""
