"""The product's container in the process of a test, with the environment of an installation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from config.loading import load_settings
from config.settings import Settings, setting_names
from worker.container import Container
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import Outcome
from worker.domain.work import EXPORTS_OF_ALL, SCAN_OF_ALL, WorkKey
from worker.store.runs import Run

Redis = Any
"""A client for all that tests do with a server. The product's own type has the commands that the product uses."""


def settings_of(env: Mapping[str, str], **changes: Any) -> Settings:
    """Return the settings of an environment, without those of this process. `changes`: settings by their names in lower case."""
    own = {name.lower(): value for name, value in env.items() if name in setting_names()}
    return load_settings(_env_file=None, **{**own, **changes})


class OpenContainer(Container):
    """A container whose Redis a test may read and change."""

    redis: Redis

    def start_scan(self, trigger: str, project_ids: Collection[int] = ()) -> tuple[Run, bool]:
        """Start or join a scan, and list the projects if that is still to be done, as the task does: (run, joined)."""
        requested = self.wbs_scan.request(trigger, project_ids)
        self.runner.run(SCAN_OF_ALL)
        return requested

    def start_export(self, trigger: str) -> tuple[Run, bool]:
        """Start or join an export of all invoices, and list the projects if that is still to be done, as the task does: (run, joined)."""
        requested = self.export_runs.request(trigger)
        self.runner.run(EXPORTS_OF_ALL)
        return requested

    def export(self, key: InvoiceKey) -> Outcome:
        """Make one attempt at one invoice, as the three tasks do."""
        outcome = self.runner.run(str(key))
        if not outcome.missing:
            return outcome
        self.runner.run(str(key), lambda _: self.invoice_export.make_items(key, outcome.missing))
        return self.create_bill(key)

    def create_bill(self, key: InvoiceKey) -> Outcome:
        """Make one attempt at the last step of an export, as its task does."""
        return self.runner.run(str(key), lambda _: self.invoice_export.create_bill(key))

    def work_on(self, key: str) -> Outcome:
        """Make one attempt at dispatched work, as a worker does."""
        record = WorkKey.parse(key).record
        return self.export(record) if isinstance(record, InvoiceKey) else self.runner.run(key)
