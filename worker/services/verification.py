"""Procore against NetSuite against the ledger: does every budgeted code have its one Item, every invoice its one bill?

Reads only. What is missing with a known reason (an open problem, a skipped invoice, work that waits) is explained; everything
else is a finding. docs/verify.md tells each kind of finding, who mends it, and how.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from worker.domain.correlation import kept
from worker.domain.errors import NotFound, NotPermitted, UnexpectedAnswer
from worker.domain.findings import FINDINGS, Verified
from worker.domain.wbs_codes import Project
from worker.services.bill_drift import BillDrift
from worker.services.item_drift import ItemDrift, ItemNames
from worker.services.projects import Projects
from worker.store.connection import Redis, seconds
from worker.store.ledger import Ledger
from worker.store.verifications import LastVerification, Verifications

PROJECTS_AT_ONCE = 4

Progress = Callable[[int, int], None]


class Verification:
    """Compares the three records."""

    def __init__(
        self,
        client: Redis,
        *,
        projects: Projects,
        item_drift: ItemDrift,
        bill_drift: BillDrift,
        ledger: Ledger,
        verifications: Verifications,
    ) -> None:
        self._client = client
        self._projects = projects
        self._items = item_drift
        self._bills = bill_drift
        self._ledger = ledger
        self._verifications = verifications

    def verify(self, progress: Progress = lambda _done, _of: None) -> Verified:
        """Compare all projects in scope. `progress(done, of)` is called after each project."""
        projects = self._projects.in_scope(self._projects.refresh())
        problems = {one.key for one in self._ledger.problems()}
        verified, names = Verified(), ItemNames()
        with ThreadPoolExecutor(PROJECTS_AT_ONCE, thread_name_prefix="verify") as pool:
            results = pool.map(kept(lambda project: self._verify_project(project, problems, names)), projects)
            for done, result in enumerate(results, 1):
                verified.add(result)
                progress(done, len(projects))
        verified.find(*self._items.near_duplicates(names))
        return verified

    def reconcile(self, progress: Progress = lambda _done, _of: None) -> Verified:
        """Verify, and keep a problem open for each finding. Those of old findings are closed, unless nobody looked this time: their project may
        not be read, is not active any more, or is none of this installation's.
        """
        began = seconds(self._client)
        verified = self.verify(progress)
        found = {finding.problem_key: finding for finding in verified.findings}
        for one in self._ledger.problems():
            of_old = one.key.startswith(FINDINGS) and one.key not in found
            if of_old and _project_of(one.key) in verified.compared:
                self._ledger.resolve(one.key)
        for key, finding in found.items():
            self._ledger.report(key, finding.cause, finding.facts, at=seconds(self._client))
        self._verifications.note(LastVerification(began, seconds(self._client), _counts(verified)))
        return verified

    def _verify_project(self, project: Project, problems: Collection[str], names: ItemNames) -> Verified:
        verified = Verified()
        try:
            verified.add(self._items.compare(project, problems, names))
            verified.add(self._bills.compare(project, problems))
            verified.compared.add(project.id)
        except (NotFound, NotPermitted) as error:
            verified.unreadable[project.id] = f"{project.label}: {error}"
        except UnexpectedAnswer as error:
            raise UnexpectedAnswer(f"{project.label}: {error}") from error
        return verified


def _counts(verified: Verified) -> dict[str, int]:
    return {
        "right": verified.right,
        "explained": verified.explained,
        "finding": len(verified.findings),
        "information": len(verified.information),
        "unreadable_project": len(verified.unreadable),
    }


def _project_of(problem_key: str) -> int:
    """The project's id in `verify:item_missing:code:17:901` and `verify:project_renumbered:project:17`."""
    return int(problem_key.split(":")[3])
