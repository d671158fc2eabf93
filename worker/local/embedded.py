"""An embedded Valkey server for one machine without Redis: loopback only, with a password, its data on disk.

It stores the ledger, locks and queues. So every write goes to the append-only file, nothing is evicted, and a restarted server keeps its
data, port and password: waiting workers simply reconnect.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.local.server_program import EmbeddedServerError, record_program, server_program
from worker.local.tied import tied

START_TIMEOUT = 60.0  # seconds; a server with a large append-only file takes long to load it
STOP_TIMEOUT = (
    4.0  # seconds until a server that does not end is killed; by then, all acknowledged writes are in its file
)
ORPHAN_STOP_TIMEOUT = 20.0  # seconds until a server whose owner was killed has stopped
POLL = 0.02  # seconds
PORT_TRIES = 5
NOTE = "server.json"
LOG = "server.log"


class AlreadyRunning(EmbeddedServerError):
    """Another process runs the embedded server of this data directory."""


@dataclass(frozen=True)
class ServerNote:
    """The content of `server.json`, for other commands of the same data directory."""

    url: str
    port: int
    pid: int

    @property
    def password(self) -> str:
        """The password in the address."""
        return urlsplit(self.url).password or ""


class EmbeddedServer:
    """A running server; its lock on the data directory is held until `stop`. A context manager."""

    def __init__(self, folder: Path, lock: IO[str], note: ServerNote, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._lock = lock
        self._note = note
        self._process = process

    @classmethod
    def start(cls, data_dir: Path | str) -> EmbeddedServer:
        """Start the server of `data_dir`, with the port and password of its last run if possible.

        Raises AlreadyRunning if another process runs it, EmbeddedServerError if there is no server program or it does not start.
        """
        folder = Path(data_dir).absolute() / "valkey"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = try_lock(folder / "owner.lock")
        if lock is None:
            raise AlreadyRunning(f"Another process is already running the embedded server in {folder}.")
        try:
            note, process = _launch(folder)
        except BaseException:
            lock.close()
            raise
        return cls(folder, lock, note, process)

    @property
    def url(self) -> str:
        """redis:// address including the password; never to be printed."""
        return self._note.url

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 where the server accepts connections."""
        return self._note.port

    @property
    def log(self) -> Path:
        """The server's log file. The server opens it for each line."""
        return self._folder / LOG

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def revive(self) -> bool:
        """Restart the server at its old address if it has died; return whether it was restarted.

        It is not restarted while another process uses its port, because the workers know only this port. Call again in that case.
        """
        if self._process.poll() is None or not _is_free(self.port):
            return False
        self._note, self._process = _launch(self._folder)
        return True

    def stop(self) -> None:
        """Write all data to disk and stop the server. Does nothing if it has stopped already."""
        if self._process.poll() is None:
            self._process.terminate()  # on TERM it flushes its append-only file, as on SHUTDOWN
            try:
                self._process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._lock.close()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def find_running(data_dir: Path | str) -> str | None:
    """Return the address of the embedded server that runs for `data_dir`, if one responds there with its password."""
    note = _if_running(_read_note(Path(data_dir).absolute() / "valkey"))
    return note.url if note else None


def free_port() -> int:
    """Return a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def try_lock(path: Path) -> IO[str] | None:
    """Lock a file for this process, and return it; None if another process has locked it. The operating system releases the lock when the
    process ends for any reason.
    """
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _launch(folder: Path) -> tuple[ServerNote, subprocess.Popen[bytes]]:
    """Start the program and wait until it responds: on the last port, else on a free one."""
    program, last = server_program(folder), _read_note(folder)
    with _sole_server(folder, last) as guard:
        password = last.password if last else secrets.token_hex(24)
        port = last.port if last and _is_free(last.port) else free_port()
        for _ in range(PORT_TRIES):
            process = _run(program, _configuration(folder, port, password), guard)
            note = ServerNote(f"redis://:{password}@127.0.0.1:{port}/0", port, process.pid)
            if _responds_in_time(note, process):
                record_program(folder, program)
                _write_note(folder, note)
                return note, process
            warnings = _last_warnings(folder)
            if "Address already in use" not in warnings:
                raise EmbeddedServerError(f"The embedded server did not start: {warnings} ({folder / LOG}).")
            port = free_port()
    raise EmbeddedServerError(f"The embedded server found no free port in {PORT_TRIES} attempts.")


def _sole_server(folder: Path, last: ServerNote | None) -> IO[str]:
    """Return the lock that a server holds while it runs, because two servers would write to one file.

    If another process holds the lock, the owner of the last server was killed and that server is still running for a moment. It is stopped
    first, which writes all of its data to disk.
    """
    if guard := try_lock(folder / "server.lock"):
        return guard
    if last:
        with _client(last) as client, contextlib.suppress(redis.RedisError):
            client.shutdown()
    deadline = time.monotonic() + ORPHAN_STOP_TIMEOUT
    while not (guard := try_lock(folder / "server.lock")):
        if time.monotonic() > deadline:
            raise AlreadyRunning(f"A server left running in {folder} does not stop; stop its process by hand.")
        time.sleep(POLL)
    return guard


def _run(program: Path, configuration: str, guard: IO[str]) -> subprocess.Popen[bytes]:
    """Start the program in a separate session, so that Ctrl-C in the terminal reaches the workers and not their broker; it ends with this
    process, however that ends.
    """
    process = subprocess.Popen(
        tied([str(program), "-"]),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=(guard.fileno(),),
    )
    # Through standard input, because `ps` shows command lines to everyone on the machine. The caller detects a program that has ended.
    if process.stdin:
        with contextlib.suppress(BrokenPipeError), process.stdin as configuration_file:
            configuration_file.write(configuration.encode())
    return process


def _configuration(folder: Path, port: int, password: str) -> str:
    lines = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": password,
        "daemonize": "no",
        "dir": folder,
        "logfile": folder / LOG,
        # Each write is in the file immediately and on disk within a second; snapshots would only double the work.
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        # Eviction would silently drop locks, intents and queues.
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{name} {_quoted(str(value))}\n" for name, value in lines.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _responds_in_time(note: ServerNote, process: subprocess.Popen[bytes]) -> bool:
    """Wait for the first response; return False if the program ended, or had to be stopped, without one."""
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None:
        if _if_running(note):
            return True
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
        time.sleep(POLL)
    return False


def _if_running(note: ServerNote | None) -> ServerNote | None:
    """Return the note if the server that it describes accepts commands, else None."""
    if note is None:
        return None
    with _client(note) as client:
        try:
            answer: Any = client.info("server")
        except redis.RedisError:  # no server, another server, or one that is still loading its file
            return None
    return note if answer.get("process_id") == note.pid else None


def _client(note: ServerNote) -> redis.Redis:
    return redis.Redis.from_url(note.url, socket_timeout=2, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of the last run that linger in TIME_WAIT do not keep a server from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _last_warnings(folder: Path) -> str:
    try:
        lines = (folder / LOG).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "it wrote no log"
    warnings = [line.partition("# ")[2] for line in lines if "# " in line]
    return "; ".join(warnings[-2:]) or "its log is empty"


def _read_note(folder: Path) -> ServerNote | None:
    try:
        return ServerNote(**json.loads((folder / NOTE).read_text()))
    except (FileNotFoundError, ValueError, TypeError):  # missing, or not written by wbs-sync
        return None


def _write_note(folder: Path, note: ServerNote) -> None:
    """Write the file atomically, accessible for its owner only from the first byte on."""
    draft = folder / f"{NOTE}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(note), file)
    draft.replace(folder / NOTE)
