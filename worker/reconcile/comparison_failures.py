"""Decides what a failed request means for a comparison: one record is retried or given up, or the whole comparison waits."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from redis.exceptions import RedisError

from worker.clients.remotes import Remotes
from worker.domain.errors import Misconfigured, NoRoom, NotFound, NotPermitted, SyncError, Transient
from worker.domain.problems import Cause
from worker.store.stores import Stores
from worker.store.verifications import VerificationState

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
"""Failures after which a record or project is reported as not compared."""
RETRY_SECONDS = 5.0
"""Seconds until the second attempt; each further wait is four times as long."""
MAX_OUTAGE_WAIT_SECONDS = 120.0
LOGINS = (Cause.PROCORE_LOGIN, Cause.NETSUITE_LOGIN, Cause.NETSUITE_KEY)

T = TypeVar("T")


class Interrupted(Exception):
    """The whole comparison has to wait. `error`: the reason."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        self.error = error


class Later(Exception):
    """A record or project has to be compared later. `wait`: seconds until the next attempt."""

    def __init__(self, wait: float, error: SyncError) -> None:
        super().__init__(str(error))
        self.wait = wait


class GivenUp(Exception):
    """A record or project is not compared, because it has failed too often. The message is the last error."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Counts the failures of each record, and checks with a request to each remote whether the record or the remote is the cause."""

    stores: Stores
    remotes: Remotes

    def attempt(self, state: VerificationState, name: str, call: Callable[[], T]) -> T:
        """Return the result of a call for one record or project. Its failures are counted under `name`.

        Raises Later or GivenUp if the record or project is the cause, Interrupted if all would fail, and NotFound and NotPermitted unchanged.
        """
        try:
            return call()
        except (NotFound, NotPermitted, RedisError, Interrupted, Later, GivenUp):
            raise
        except NoRoom as error:
            raise Interrupted(error) from error
        except SyncError as error:
            if isinstance(error, Misconfigured) and error.cause in LOGINS:
                raise Interrupted(error) from error
            if isinstance(error, Transient) and (error.down or error.retry_after) and self._stops_all(error):
                raise Interrupted(error) from error
            failures = self.stores.verifications.failed(state.id, name)
            if failures < MAX_ATTEMPTS:
                raise Later(RETRY_SECONDS * 4 ** (failures - 1), error) from error
            if isinstance(error, Transient) and not self._remotes_answer():
                raise Interrupted(error) from error
            raise GivenUp(str(error) or type(error).__name__) from error
        except Exception as error:
            log.exception("%s could not be compared", name)
            raise GivenUp(f"an internal error of wbs-sync; see its log ({type(error).__name__})") from error

    def attempt_of_all(self, state: VerificationState, name: str, call: Callable[[], T]) -> T:
        """Return the result of a call for all projects. Like `attempt`, but raises Interrupted instead of Later."""
        try:
            return self.attempt(state, name, call)
        except Later as later:
            raise Interrupted(Transient(str(later))) from later

    def wait(self, state: VerificationState, error: SyncError) -> None:
        """Record why the whole comparison waits, and until when. Raises Misconfigured if that is the error."""
        if isinstance(error, Misconfigured):
            raise error
        asked = error.retry_after if isinstance(error, Transient) and not error.down else None
        outages = 0 if asked else state.outages + 1
        wait = asked or min(RETRY_SECONDS * 2 ** min(outages - 1, 10), MAX_OUTAGE_WAIT_SECONDS)
        log.info("The comparison is waiting %.0f s: %s", wait, error)
        until = self.stores.now() + wait
        self.stores.verifications.wait(state.id, until=until, reason=str(error), outages=outages)

    def _stops_all(self, error: Transient) -> bool:
        """Return whether more than one record would fail: the remote asks its clients to wait, or fails other requests as well."""
        return not error.down or not self._remotes_answer()

    def _remotes_answer(self) -> bool:
        """Return whether both remotes respond to another request: then the record is the cause. Raises Interrupted if there is no slot for
        one.
        """
        try:
            self.remotes.procore.who_am_i()
            self.remotes.netsuite.find_items(external_ids=["pcr-check"], names=[])
        except NoRoom as error:
            raise Interrupted(error) from error
        except Transient:
            return False
        except SyncError:
            return True
        return True
