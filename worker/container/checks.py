"""The checks of an installation, in the order in which they run."""

from __future__ import annotations

from itertools import chain

from config.loading import secret_files
from config.profile import contradictions
from config.written_settings import written_settings
from worker.container.services import Services
from worker.inspect.checks import Checks
from worker.inspect.checks.files import FileChecks
from worker.inspect.checks.machine import MachineChecks
from worker.inspect.checks.netsuite import Chosen, NetSuiteChecks
from worker.inspect.checks.pauses import PauseChecks
from worker.inspect.checks.processes import ProcessChecks
from worker.inspect.checks.procore import ProcoreChecks
from worker.inspect.checks.redis import RedisChecks
from worker.inspect.liveness import Liveness
from worker.inspect.pauses import Pauses
from worker.store.gate import Precedence


def checks_of(own: Services, liveness: Liveness, pauses: Pauses) -> Checks:
    """Return the checks of a container's installation."""
    stores, remotes, projects = own.stores, own.connections.remotes(Precedence.EXPORT), own.projects(Precedence.EXPORT)
    processes = ProcessChecks(
        stores, liveness, own.connections.clocks, written_settings(own.settings, own.connections.profile)
    )
    groups = (
        RedisChecks(stores, liveness.queues).checks(),
        MachineChecks(stores, own.connections.certificate_expiry).checks(),
        processes.running(),
        PauseChecks(pauses).checks(),
        ProcoreChecks(remotes.procore, own.policy, projects, own.books_currency).checks(),
        NetSuiteChecks(remotes.netsuite, _chosen(own)).checks(),
        # Last, after both systems have responded.
        processes.clocks(),
        FileChecks(secret_files(own.settings)).checks(),
    )
    return Checks(tuple(chain.from_iterable(groups)))


def _chosen(own: Services) -> Chosen:
    settings, profile = own.settings, own.connections.profile
    accounts = {"NETSUITE_EXPENSE_ACCOUNT_ID": settings.netsuite_expense_account_id}
    if settings.netsuite_income_account_id:
        accounts["NETSUITE_INCOME_ACCOUNT_ID"] = settings.netsuite_income_account_id
    return Chosen(
        subsidiary_id=settings.netsuite_subsidiary_id,
        accounts=accounts,
        tax_schedule_id=settings.netsuite_tax_schedule_id,
        fixed_items=own.policy.fixed_items,
        makes_credits=own.policy.makes_credits,
        closed_period=own.policy.closed_period,
        profile_of=profile.account if profile else "",
        contradictions=contradictions(settings, profile),
    )
