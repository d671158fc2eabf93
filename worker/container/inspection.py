"""What people ask: what would happen, what is the case, and why; each given what it reads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from config.loading import secret_files
from config.names import QueueName
from config.profile import contradictions, settle_seconds
from config.schedule import next_due
from worker.clients.netsuite.pages import NetSuitePages
from worker.clients.procore.pages import ProcorePages
from worker.container.part import part
from worker.container.services import Services
from worker.domain.plans import Requests
from worker.domain.posting_periods import ClosedPeriod
from worker.inspect.checks import Checks
from worker.inspect.checks.files import FileChecks
from worker.inspect.checks.machine import MachineChecks
from worker.inspect.checks.netsuite import Chosen, NetSuiteChecks
from worker.inspect.checks.pauses import PauseChecks
from worker.inspect.checks.processes import ProcessChecks
from worker.inspect.checks.procore import ProcoreChecks
from worker.inspect.checks.redis import RedisChecks
from worker.inspect.explain import Explain
from worker.inspect.fixed_item_names import FixedItemNames
from worker.inspect.liveness import Liveness
from worker.inspect.overview import Overview
from worker.inspect.pages import Pages
from worker.inspect.pauses import Pauses
from worker.inspect.problem_views import ProblemViews
from worker.inspect.report import Reports
from worker.inspect.stoppages import Stoppages
from worker.inspect.waiting import Waiting
from worker.reconcile.applying import Applying
from worker.reconcile.forgetting import Forgetting
from worker.reconcile.planning import Planning
from worker.store.gate import Precedence

if TYPE_CHECKING:
    from worker.inspect.metrics import Metrics


class Container(Services):
    """All parts, wired. Built lazily, part by part, so that a command pays for what it uses."""

    @part
    def planning(self) -> Planning:
        """What a scan or an export would do."""
        procore, netsuite = self.procore_parts[0], self.netsuite_parts[0]
        return Planning(
            self.redis,
            company_id=self.settings.procore_company_id,
            account=self.settings.netsuite_account_id.lower(),
            requests=lambda: Requests(procore.requests_sent, netsuite.requests_sent),
            projects=self.projects(Precedence.SCAN),
            items=self.items(Precedence.SCAN),
            wbs_scan=self.wbs_scan,
            export_runs=self.export_runs,
            invoice_export=self.invoice_export,
            invoice_items=self.invoice_items,
            bills=self.bills,
            ledger=self.ledger,
            stoppages=self.stoppages,
            fixed_names=FixedItemNames(
                netsuite=self.netsuite(Precedence.SCAN), cache=self.cache, fixed=self._fixed_items
            ).names,
        )

    @part
    def applying(self) -> Applying:
        """Plans, carried out."""
        return Applying(
            self.redis,
            planning=self.planning,
            projects=self.projects(Precedence.SCAN),
            items=self.items(Precedence.SCAN),
            ledger=self.ledger,
            work=self.work,
            recovery=self.recovery,
            stoppages=self.stoppages,
        )

    @part
    def checks(self) -> Checks:
        """Whether this installation can work."""
        settings, procore, projects = self.settings, self.procore(Precedence.EXPORT), self.projects(Precedence.EXPORT)
        accounts = {"NETSUITE_EXPENSE_ACCOUNT_ID": settings.netsuite_expense_account_id}
        if settings.netsuite_income_account_id:
            accounts["NETSUITE_INCOME_ACCOUNT_ID"] = settings.netsuite_income_account_id
        chosen = Chosen(
            subsidiary_id=settings.netsuite_subsidiary_id,
            accounts=accounts,
            tax_schedule_id=settings.netsuite_tax_schedule_id,
            fixed_items=self._fixed_items,
            makes_credits=settings.netsuite_create_credits,
            closed_period=ClosedPeriod(settings.netsuite_closed_period),
            profile_of=self.profile.account if self.profile else "",
            contradictions=contradictions(settings, self.profile),
        )
        queues = [queue.value for queue in QueueName]
        return Checks(
            RedisChecks(self.redis, ledger=self.ledger, decisions=self.decisions, prefix=self._prefix, queues=queues),
            MachineChecks(
                self.redis,
                data_dir=settings.data_dir,
                certificate_expiry=self.certificate_expiry,
                now=self.now,
            ),
            ProcessChecks(
                liveness=self.liveness,
                redis_clock=self.now,
                remote_clocks=self.remote_clocks,
                gate=self.gate,
                settings=self.written_settings,
            ),
            PauseChecks(self.pauses),
            ProcoreChecks(
                procore=procore,
                projects=projects,
                only=settings.project_ids,
                books_currency=self.books_currency,
            ),
            NetSuiteChecks(netsuite=self.netsuite(Precedence.EXPORT), chosen=chosen),
            FileChecks(secret_files(settings)),
        )

    @part
    def liveness(self) -> Liveness:
        """Whether workers and beat run."""
        queues = [queue.value for queue in QueueName]
        return Liveness(self.redis, presence=self.presence, gate=self.gate, queues=queues)

    @part
    def overview(self) -> Overview:
        """Where everything stands."""
        return Overview(
            ledger=self.ledger, work=self.work, runs=self.runs, gate=self.gate, pauses=self.pauses, views=self.problem_views,
            waiting=self.waiting, listed=self.listed_projects, stoppages=self.stoppages,
        )  # fmt: skip

    @part
    def reports(self) -> Reports:
        """The same, on one page."""
        return Reports(
            self.redis,
            company_id=self.settings.procore_company_id,
            account_id=self.settings.netsuite_account_id,
            overview=self.overview,
            ledger=self.ledger,
            projects=self.listed_projects,
            work=self.work,
            runs=self.runs,
            gate=self.gate,
            pauses=self.pauses,
        )

    @part
    def metrics(self) -> Metrics:
        """The same for Prometheus."""
        # Only here: no worker needs Prometheus' client.
        from worker.inspect.metrics import Metrics  # noqa: PLC0415

        wanted = {"scan": "scan_cron", "export": "export_cron", "verify": "verify_cron"}
        crons = {run: line for run, name in wanted.items() if (line := getattr(self.settings, name))}
        return Metrics(
            self.redis,
            ledger=self.ledger,
            handling=self.handling,
            work=self.work,
            runs=self.runs,
            gate=self.gate,
            limits=self.procore_limits,
            pauses=self.pauses,
            verifications=self.verifications,
            waiting=self.waiting,
            liveness=self.liveness,
            queue_lengths=lambda: {queue.value: self.schedule_runs.messages_in(queue) for queue in QueueName},
            webhook_counts=self.webhook_counts,
            due={run: partial(next_due, line) for run, line in crons.items()},
            certificate_expiry=lambda: self.certificate_expiry,
            data_dir=self.settings.data_dir,
        )

    @part
    def waiting(self) -> Waiting:
        """What has waited longest."""
        return Waiting(self.redis, ledger=self.ledger, work=self.work, pauses=self.pauses)

    @part
    def pauses(self) -> Pauses:
        """What is paused now."""
        return Pauses(self.redis, holds=self.holds, limits=self.procore_limits)

    @part
    def problem_views(self) -> ProblemViews:
        """Problems in people's words."""
        pages = Pages(
            procore=ProcorePages(self.settings.procore_base_url, self.settings.procore_company_id),
            netsuite=NetSuitePages(self.settings.netsuite_url),
            ledger=self.ledger,
        )
        return ProblemViews(
            ledger=self.ledger, work=self.work, holds=self.holds, handling=self.handling,
            projects=self.listed_projects, pages=pages,
        )  # fmt: skip

    @part
    def explain(self) -> Explain:
        """The story of one code or invoice."""
        return Explain(
            self.redis,
            procore=self.procore(Precedence.EXPORT),
            netsuite=self.netsuite(Precedence.EXPORT),
            projects=self.projects(Precedence.EXPORT),
            named=self.named_records,
            listed=self.listed_projects,
            invoice_export=self.invoice_export,
            overview=self.overview,
            decisions=self.decisions,
            ledger=self.ledger,
            stoppages=self.stoppages,
            work=self.work,
            export_statuses=self.settings.export_statuses,
            settle_seconds=settle_seconds(self.settings, self.profile),
        )

    @part
    def forgetting(self) -> Forgetting:
        """Records of what NetSuite does not hold any more."""
        return Forgetting(
            procore=self.procore(Precedence.EXPORT),
            netsuite=self.netsuite(Precedence.EXPORT),
            named=self.named_records,
            links=self.links,
            ledger=self.ledger,
            adopted=self.adopted_items,
            locks=self.locks,
        )

    @part
    def stoppages(self) -> Stoppages:
        """What keeps a kind of work from going on now."""
        return Stoppages(pauses=self.pauses, states=self.series_states, views=self.problem_views)
