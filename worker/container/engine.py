"""The engine: one attempt at one piece of work, dispatch, recovery, and what creates records exactly once."""

from __future__ import annotations

from config.profile import settle_seconds
from worker.container.part import part
from worker.container.remotes import Remotes
from worker.domain.scopes import Remote
from worker.engine.adoptions import Adoptions
from worker.engine.attempts import Attempts
from worker.engine.dispatch import Dispatch, lane_limits
from worker.engine.exactly_once import ExactlyOnce
from worker.engine.recovery import Recovery
from worker.engine.remote_failures import RemoteFailures
from worker.engine.settings_agreement import SettingsAgreement
from worker.engine.settlement import Settlement
from worker.engine.systematic_differences import SystematicDifferences
from worker.store.gate import Precedence


class Engine(Remotes):
    """What runs work and settles it, without knowing Items or bills."""

    @part
    def settings_agreement(self) -> SettingsAgreement:
        """Whether all workers have the same settings."""
        return SettingsAgreement(self.presence)

    @part
    def attempts(self) -> Attempts:
        """One attempt at one piece of work."""
        return Attempts(
            work=self.work,
            keeper=self._keeper,
            recovery=self.recovery,
            agreement=self.settings_agreement,
            settlement=self.settlement,
            failures=self.remote_failures,
        )

    @part
    def settlement(self) -> Settlement:
        """How attempts end."""
        return Settlement(self.redis, work=self.work, ledger=self.ledger)

    @part
    def remote_failures(self) -> RemoteFailures:
        """What is paused because of failed requests."""
        return RemoteFailures(
            self.redis,
            settlement=self.settlement,
            work=self.work,
            ledger=self.ledger,
            holds=self.holds,
            pings={
                Remote.PROCORE: lambda: self.procore(Precedence.EXPORT).who_am_i(),
                Remote.NETSUITE: lambda: self.netsuite(Precedence.EXPORT).item("0"),
            },
        )

    @part
    def recovery(self) -> Recovery:
        """The ledger, restored from NetSuite when Redis was lost."""
        return Recovery(
            self.redis,
            netsuite=self.netsuite(Precedence.EXPORT),
            company_id=self.settings.procore_company_id,
            adoptions=self.adoptions,
            decisions=self.decisions,
            ledger=self.ledger,
            locks=self.locks,
            work=self.work,
            require_own=self.require_no_other_owner,
            confirmed=self.company_confirmed,
        )

    @part
    def adoptions(self) -> Adoptions:
        """Adopted Items across the loss of Redis and across versions."""
        netsuite = self.netsuite(Precedence.EXPORT)
        return Adoptions(netsuite=netsuite, adopted=self.adopted_items, ledger=self.ledger, locks=self.locks)

    @part
    def dispatch(self) -> Dispatch:
        """Which waiting work is dispatched."""
        limits = lane_limits(self.settings.netsuite_concurrency)
        return Dispatch(work=self.work, runs=self.runs, holds=self.holds, settlement=self.settlement, limits=limits)

    @part
    def once(self) -> ExactlyOnce:
        """What creates records in NetSuite at most once."""
        settle = settle_seconds(self.settings, self.profile)
        return ExactlyOnce(self.redis, self.ledger, self.locks, self.differences, settle)

    @part
    def differences(self) -> SystematicDifferences:
        """What stops a series of records that NetSuite changes."""
        return SystematicDifferences(self.redis, states=self.series_states, ledger=self.ledger, work=self.work)
