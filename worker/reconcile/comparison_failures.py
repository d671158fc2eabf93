"""What a failed request means for a comparison: one record is tried again or given up, or the whole comparison waits."""

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
    """The whole comparison cannot continue now, because of `error`."""

    def __init__(self, error: SyncError) -> None:
        super().__init__(str(error))
        self.error = error


class Later(Exception):
    """One record or project could not be read this time; `wait`: seconds until the next attempt."""

    def __init__(self, wait: float, error: SyncError) -> None:
        super().__init__(str(error))
        self.wait = wait


class GivenUp(Exception):
    """One record or project is not compared."""


@dataclass(frozen=True, slots=True)
class Failures:
    """Counts the failures of each record, and asks both systems whether a failure is the record's or theirs."""

    stores: Stores
    remotes: Remotes

    def attempt(self, state: VerificationState, name: str, call: Callable[[], T]) -> T:
        """Return the result of the call. Its failures are counted under `name`.

        Raises Later or GivenUp for a failure of this record or project, Interrupted for a failure of all, NotFound and NotPermitted as
        they are.
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
        """Return the result of a call that concerns all projects. Like `attempt`, but the whole comparison waits for its next attempt."""
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
        """Return whether a failure affects more than one record: the remote asks all clients to wait, or fails other requests as well."""
        return not error.down or not self._remotes_answer()

    def _remotes_answer(self) -> bool:
        """Return whether both systems respond to a ping: then the failure is that of the record."""
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
