"""Checks of this machine: limited resources (disk space, file descriptors, Redis saves, the NetSuite login certificate) and secret files."""

from __future__ import annotations

import resource
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.domain.texts import first_few
from worker.inspect.checks import Check, NamedCheck, failed, passed, warning
from worker.store.server_state import server_state
from worker.store.stores import Stores

LOW_DISK_BYTES = 1_000_000_000
"""Minimum free bytes; the alert WbsSyncDiskNearlyFull has the same threshold."""
FULL_DISK_BYTES = 100_000_000
MIN_DESCRIPTORS = 1024
"""Minimum file descriptors. A worker needs one per thread and connection; a server process one per client."""
CERTIFICATE_WARNING_DAYS = 30
MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class MachineChecks:
    """Checks this machine and the Redis server. `certificate_expiry`: unix seconds, None = not known."""

    stores: Stores
    certificate_expiry: float | None

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "Redis saves", self._saves
        yield "Disk", self._disk
        yield "File descriptors", self._descriptors
        yield "NetSuite certificate", self._certificate

    def _saves(self) -> Check:
        state = server_state(self.stores.redis)
        if state.failed_saves:
            fix = "Free space on the server's disk and check that the server can write to its folder. Do not restart it before a save has succeeded."
            return failed(f"the last {' and '.join(state.failed_saves)} could not be written", fix)
        return passed("the last saves succeeded")

    def _disk(self) -> Check:
        folder = self.stores.installation.data_dir.absolute()
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        message = f"{free / 1e9:,.1f} GB free for DATA_DIR"
        fix = "Free space on that disk. Data and logs are stored there, and the embedded server rejects writes when it is full."
        if free < FULL_DISK_BYTES:
            return failed(message, fix)
        return warning(message, fix) if free < LOW_DISK_BYTES else passed(message)

    def _descriptors(self) -> Check:
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if limit == resource.RLIM_INFINITY:
            return passed("no limit")
        message = f"{limit:,} open files allowed per process started here"
        if limit < MIN_DESCRIPTORS:
            return warning(
                message, f"Raise the limit to at least {MIN_DESCRIPTORS}: `ulimit -n`, or LimitNOFILE= of the units."
            )
        return passed(message)

    def _certificate(self) -> Check:
        expiry = self.certificate_expiry
        if expiry is None:
            fix = (
                "Set NETSUITE_CERTIFICATE_EXPIRES to its last day to get an alert a month before (docs/operations.md)."
            )
            return warning("expiry date not known", fix)
        days, day = (expiry - self.stores.now()) / 86_400, f"{datetime.fromtimestamp(expiry, UTC):%Y-%m-%d}"
        renew = "Renew it (docs/operations.md). NetSuite refuses every login from that day on."
        if days < 0:
            return failed(f"expired on {day}", renew)
        if days < CERTIFICATE_WARNING_DAYS:
            return warning(f"expires on {day}, in {days:.0f} days", renew)
        return passed(f"valid until {day}")


@dataclass(frozen=True, slots=True)
class FileChecks:
    """Checks that no other user of this machine can access the files with secrets. `paths`: these files; they may be missing."""

    paths: Sequence[Path]

    def checks(self) -> Iterator[NamedCheck]:
        """Return the checks in order, with their names."""
        yield "Secret files", self._private

    def _private(self) -> Check:
        readable = [str(path) for path in self.paths if _is_open(path)]
        if not readable:
            return passed("no other user can read .env, the private key or a file in SECRETS_DIR")
        shown = first_few(readable, MAX_NAMED)
        return warning(f"other users of this machine can read {shown}", f"chmod 600 {' '.join(readable[:MAX_NAMED])}")


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False
