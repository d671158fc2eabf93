"""Whether the ledger in the Redis of the settings belongs to the company and account of the settings."""

from __future__ import annotations

from dataclasses import dataclass

from config.setting_faults import InvalidSettings
from worker.store.stores import Stores


@dataclass(slots=True)
class Ownership:
    """The owner of the ledger. `may_claim`: whether this process may claim a ledger without an owner; false for commands that only read."""

    stores: Stores
    may_claim: bool = True

    def require_no_other(self) -> bool:
        """Raise InvalidSettings if the ledger in this Redis belongs to another company or account. Return False if it is unowned."""
        theirs, ours = self.stores.ledger.state.owner(), self.stores.installation.owner
        if theirs not in (None, ours):
            sentence = (
                f"The ledger under {self.stores.prefix!r} in this Redis belongs to Procore company/NetSuite account {theirs}, the settings are for "
                f"{ours}. Set a different REDIS_KEY_PREFIX."
            )
            raise InvalidSettings(faults=(sentence,))
        return theirs is not None

    def company_confirmed(self) -> None:
        """Claim the ledger for the company and account of the settings after a remote has returned data of them, unless this process only
        reads.

        Not earlier: a mistyped company would lock out the correct one. Raises InvalidSettings if the ledger belongs to another.
        """
        if self.may_claim:
            self.stores.ledger.state.claim_for(self.stores.installation.owner)
            self.require_no_other()
