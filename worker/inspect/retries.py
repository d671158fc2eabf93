"""Retries problems on request, after a user has fixed their cause.

A retry closes no problem: the work does, when it succeeds. An unconfirmed write is looked up as always and never sent again because of a
retry.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from worker.domain.errors import SyncError
from worker.domain.identities import CodeKey
from worker.domain.problems import scope_of_problem, subject_of, work_behind
from worker.domain.scopes import Remote, remote_of
from worker.domain.work import Lane, lane_of, resolution_of
from worker.engine.dispatch import Dispatch
from worker.engine.settlement import RUN_WAITS_SECONDS
from worker.store.stores import Stores
from worker.sync.items import Items
from worker.sync.projects import Projects

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Retry:
    """The dispatched work. `work`: pieces of work that may resolve each problem, by problem key; `remotes`: problems of a remote, by key;
    `without_work`: keys of problems that no work of wbs-sync resolves.
    """

    work: Mapping[str, Sequence[str]]
    remotes: Mapping[str, Remote]
    without_work: Sequence[str]

    @property
    def dispatched(self) -> dict[str, int]:
        """Return the number of each kind: codes, invoices, projects, remotes."""
        kinds = Counter(
            {"code": "codes", "invoice": "invoices"}.get(subject_of(key).kind, "projects") for key in self.work
        )
        return {**kinds, **({"remotes": len(self.remotes)} if self.remotes else {})}


@dataclass(frozen=True, slots=True)
class Retries:
    """Puts the work behind problems back into its lanes."""

    stores: Stores
    projects: Projects
    items: Items
    dispatch: Dispatch

    def retry(self, problems: Collection[str]) -> Retry:
        """Make the work behind the problems with these keys due now, and reset its count of failed attempts."""
        remotes = {key: remote_of(scope) for key in problems if (scope := scope_of_problem(key))}
        work = {key: work_behind(key) for key in problems if key not in remotes}
        work = {key: pieces for key, pieces in work.items() if pieces}
        work |= self._request_codes([CodeKey.parse(key) for key in work if lane_of(work[key][0]) is Lane.ITEMS])
        if work:
            self._refresh_projects()
        if remotes:
            self.dispatch.lift(remotes.values())
        # Of codes that are looked up again with their project, only the look-up is dispatched; it then queues the codes.
        first = {pieces[0] for pieces in work.values()}
        for lane in Lane:
            self.stores.work.retry(lane, sorted(key for key in first if lane_of(key) is lane))
        return Retry(work, remotes, [key for key in problems if key not in work and key not in remotes])

    def unfinished(self, retry: Retry) -> set[str]:
        """Return the keys of problems whose work has not ended, without work that is due in more than a minute."""
        soon = self.stores.now() + RUN_WAITS_SECONDS
        # In this order: work that ends queues the work that follows it in the same step.
        begun = self.stores.work.pending({pieces[0] for pieces in retry.work.values()}, due_before=soon)
        follows = self.stores.work.pending({pieces[-1] for pieces in retry.work.values()}, due_before=soon)
        unfinished = {key for key, pieces in retry.work.items() if pieces[0] in begun or pieces[-1] in follows}
        return unfinished | {key for key, remote in retry.remotes.items() if self._is_retried(key, remote)}

    def due_later(self, retry: Retry, key: str) -> float | None:
        """Return when the work behind a problem is attempted next (unix seconds); None if it is not scheduled."""
        times = [self.stores.work.waits_until(lane_of(piece), piece) for piece in retry.work.get(key, ())]
        return max((at for at in times if at is not None), default=None)

    def _request_codes(self, keys: Iterable[CodeKey]) -> dict[str, Sequence[str]]:
        """Queue codes with their project, so that they are looked up again in the same requests; a code that was not looked up, or is
        already in its lane, is queued by itself.
        """
        of_project: dict[int, list[CodeKey]] = {}
        for key in keys:
            of_project.setdefault(key.project_id, []).append(key)
        work: dict[str, Sequence[str]] = {}
        for project_id, codes in of_project.items():
            busy = self.stores.work.pending([str(key) for key in codes], due_before=float("inf"))
            noted = self.items.ask_again(project_id, [key.wbs_code_id for key in codes if str(key) not in busy])
            work |= {str(key): (resolution_of(project_id), str(key)) for key in codes if key.wbs_code_id in noted}
        return work

    def _refresh_projects(self) -> None:
        """Refresh the list of projects once here rather than in each worker, because a project number or link may have been fixed."""
        try:
            self.projects.relist()
        except SyncError as error:
            log.info("Could not list the projects: %s", error)
            self.projects.outdate()

    def _is_retried(self, key: str, remote: Remote) -> bool:
        """Return whether a remote's problem is open and paused work of that remote is about to be retried."""
        if self.stores.breakers.is_paused(scope_of_problem(key)) or not self.stores.ledger.is_problem(key):
            return False
        return any(sum(self.stores.work.depth(lane)) for lane in Lane if remote in lane.remotes)
