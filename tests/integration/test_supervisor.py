"""The supervisor: a dead process is restarted, invalid settings stop everything, and the end is orderly and bounded in time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from config.processes import HEARTBEAT_VARIABLE, Process
from tests.kit.waiting import eventually
from worker.local import log_files
from worker.local import supervisor as supervisor_module
from worker.local.supervisor import FIRST_DELAY, HUNG, MAX_DELAY, ROUND, SECOND_SIGNAL, STEADY, Supervisor, next_delay

pytestmark = pytest.mark.real

# A child that says when it was asked to end, in a file that all children share, and ends at once.
ENDS_ON_TERM = """
import os, signal, sys, time
name, path = sys.argv[1:3]
def end(*_):
    os.write(event_file, f"{name} asked\\n".encode())
    time.sleep(0.05)
    os.write(event_file, f"{name} ended\\n".encode())
    sys.exit(0)
event_file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
signal.signal(signal.SIGTERM, end)
os.write(event_file, f"{name} began\\n".encode())
while True:
    signal.pause()
"""
# One that receives it and continues.
IGNORES_TERM = """
import os, signal
signal.signal(signal.SIGTERM, lambda *_: print("asked", flush=True))
print(os.getpid(), flush=True)
while True:
    signal.pause()
"""
BEATS = """
import os, pathlib, time
while True:
    pathlib.Path(os.environ["WBS_SYNC_HEARTBEAT_FILE"]).touch()
    time.sleep(0.1)
"""
REFUSES = "import sys; sys.stderr.write('starting\\nwbs-sync: PROCORE_CLIENT_ID is not set.\\nwbs-sync: X is not set.\\n'); sys.exit(2)"
SUPERVISES = """
import os, sys, pathlib
from config.processes import Process
from worker.local import supervisor
log_dir, supervisor.SECOND_SIGNAL, *command = pathlib.Path(sys.argv[1]), float(sys.argv[2]), sys.executable, *sys.argv[3:]
child = Process("child", tuple(command))
sys.exit(supervisor.Supervisor([child], env=os.environ, log_dir=log_dir, grace=120).run_until_stopped())
"""


def supervise(tmp_path: Path, *processes: Process, grace: float = 120) -> Supervisor:
    return Supervisor(processes, env=os.environ, log_dir=tmp_path / "logs", grace=grace)


def program(name: str, code: str, *arguments: str, wave: int = 0, **environment: str) -> Process:
    return Process(name, (sys.executable, "-c", code, *arguments), wave, environment)


def ending_on_term(tmp_path: Path, name: str, wave: int = 0) -> Process:
    return program(name, ENDS_ON_TERM, name, str(tmp_path / "events"), wave=wave)


def events(tmp_path: Path) -> list[str]:
    file = tmp_path / "events"
    return file.read_text().splitlines() if file.exists() else []


def text_of(file: Path) -> str:
    """Return the content of a file; empty while it does not exist, as while the supervisor moves it."""
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def gone(pid: int) -> bool:
    """Return whether the process has ended. A zombie counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_killed_process_is_restarted_and_the_others_keep_running(tmp_path: Path) -> None:
    with supervise(tmp_path, ending_on_term(tmp_path, "items"), ending_on_term(tmp_path, "beat", 1)) as supervisor:
        eventually(lambda: events(tmp_path).count("items began") == 1)
        before = supervisor.alive()
        os.kill(before["items"], signal.SIGKILL)
        eventually(lambda: events(tmp_path).count("items began") == 2)
        after = supervisor.alive()
        assert after["items"] != before["items"]
        assert after["beat"] == before["beat"]


def test_processes_end_in_waves_the_last_started_first(tmp_path: Path) -> None:
    processes = [ending_on_term(tmp_path, name, wave) for name, wave in (("items", 0), ("flower", 1), ("beat", 2))]
    with supervise(tmp_path, *processes):
        eventually(lambda: len(events(tmp_path)) == 3)
    assert events(tmp_path)[3:] == [
        "beat asked", "beat ended", "flower asked", "flower ended", "items asked", "items ended",
    ]  # fmt: skip


def test_a_process_that_does_not_end_is_killed_after_the_grace_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other processes do not wait for it and end in order."""
    ahead = [0.0]
    monkeypatch.setattr(supervisor_module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0]))
    supervisor = supervise(
        tmp_path, ending_on_term(tmp_path, "items"), program("beat", IGNORES_TERM, wave=1), grace=600
    )
    log = tmp_path / "logs" / "beat.log"
    with supervisor:
        eventually(lambda: events(tmp_path) == ["items began"])
        eventually(log.read_text)
        pids = supervisor.alive()
        end = threading.Thread(target=supervisor.stop)
        end.start()
        try:
            eventually(lambda: "asked" in log.read_text())
            assert events(tmp_path) == ["items began"], "the next wave is asked a fifth of the grace later"
            ahead[0] += 600 / 5
            eventually(lambda: events(tmp_path)[-1] == "items ended")
            eventually(lambda: supervisor.alive() == {"beat": pids["beat"]})
        finally:
            ahead[0] += 600
        end.join(60)
        assert not end.is_alive()
    assert supervisor.alive() == {}
    assert all(gone(pid) for pid in pids.values())


def test_bad_settings_stop_everything_and_their_sentences_are_kept(tmp_path: Path) -> None:
    supervisor = supervise(tmp_path, ending_on_term(tmp_path, "items"), program("flower", REFUSES, wave=1))
    assert supervisor.run_until_stopped() == 2
    assert supervisor.faults == ("PROCORE_CLIENT_ID is not set.", "X is not set.")
    assert supervisor.alive() == {}
    assert (tmp_path / "logs" / "flower.log").read_text().count("starting") == 1


def test_processes_get_their_environment_and_the_last_runs_log_is_kept(tmp_path: Path) -> None:
    """The output of a process is in its log, and the log of its previous run is next to it."""
    script = "import os; print('my file is', os.environ['HEART'], flush=True); import signal; signal.pause()"
    log = tmp_path / "logs" / "items.log"
    for name in ("first", "second"):
        with supervise(tmp_path, program("items", script, HEART=name)):
            # The whole line: it may be written in parts, and the log of the run before may still be in its place.
            eventually(lambda: text_of(log) == f"my file is {name}\n")  # noqa: B023 - asked within the round
    assert log.read_text() == "my file is second\n"
    assert log.with_suffix(".log.1").read_text() == "my file is first\n"


def test_a_process_that_writes_without_end_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bounded number of bounded log files keeps the newest lines."""
    monkeypatch.setattr(log_files, "MAX_BYTES", 20_000)
    # Now and then it waits until its log was emptied, which may take the supervisor long on a busy machine.
    writes = """
import os, sys, time
for number in range(3000):
    print(f"line {number:50}", flush=True)
    while number % 400 == 399 and os.fstat(1).st_size > 10_000:
        time.sleep(0.01)
print("all written", flush=True)
time.sleep(60)
"""
    logs = tmp_path / "logs"
    log, older = logs / "items.log", logs / "items.log.1"
    with supervise(tmp_path, program("items", writes)) as supervisor:
        # After the last time that it waited it writes less than the limit: nothing more is moved.
        eventually(lambda: "all written" in text_of(log))
        assert supervisor.alive().keys() == {"items"}
        sizes = {path.name: path.stat().st_size for path in logs.iterdir()}
    assert sizes.keys() == {"items.log", "items.log.1", "items.log.2", "items.log.3"}
    assert sum(sizes.values()) < 3000 * 56, "the oldest are gone"
    newest = older.read_text() + log.read_text()
    assert f"line {2999:50}\n" in newest


def test_a_log_that_is_emptied_is_kept_whole_and_its_writer_continues(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole text moves to a numbered file next to the log."""
    monkeypatch.setattr(log_files, "MAX_BYTES", 10)
    log = tmp_path / "items.log"
    with log.open("a") as writer:
        for part in (
            "the first part\n",
            "the second part\n",
            "the third part\n",
            "the fourth part\n",
            "the fifth part\n",
        ):
            writer.write(part)
            writer.flush()
            assert log_files.limit_size(log)
            assert not log_files.limit_size(log)
        writer.write("last\n")
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {
        "items.log": "last\n",
        "items.log.1": "the fifth part\n",
        "items.log.2": "the fourth part\n",
        "items.log.3": "the third part\n",
    }


def test_a_log_is_emptied_even_where_no_copy_of_it_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MAX_BYTES", 100)
    log = tmp_path / "items.log"
    log.write_bytes(b"x" * 101)
    (tmp_path / "items.log.1").mkdir()  # as a disk without room: it takes no copy
    (tmp_path / "items.log.2").mkdir()
    (tmp_path / "items.log.2" / "in the way").touch()
    assert log_files.limit_size(log)
    assert log.stat().st_size == 0


def test_ctrl_c_ends_it_in_order_with_exit_code_0(tmp_path: Path) -> None:
    with supervised_elsewhere(tmp_path, ENDS_ON_TERM, "items", str(tmp_path / "events")) as runner:
        eventually(lambda: events(tmp_path) == ["items began"])
        runner.send_signal(signal.SIGINT)
        assert runner.wait(60) == 0
    assert events(tmp_path) == ["items began", "items asked", "items ended"]


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with supervised_elsewhere(tmp_path, IGNORES_TERM) as runner:
        child = int(eventually(lambda: text_of(log).endswith("\n") and text_of(log)))
        runner.send_signal(signal.SIGINT)
        eventually(lambda: "asked" in log.read_text())
        time.sleep(SECOND_SIGNAL)  # sooner it would count as the same signal once more
        runner.send_signal(signal.SIGINT)
        assert runner.wait(60) == 0, "and not after the grace of two minutes"
    assert gone(child)


def test_one_signal_that_comes_by_several_ways_ends_it_in_order(tmp_path: Path) -> None:
    """It comes from a process group, and again from a parent that forwards it; each may interrupt the handler of the previous one."""
    for attempt in range(2):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        # On a busy machine seconds may pass between the first signal and the last.
        with supervised_elsewhere(
            folder, ENDS_ON_TERM, "items", str(folder / "events"), second_signal=600 * SECOND_SIGNAL
        ) as runner:
            eventually(lambda: events(folder) == ["items began"])  # noqa: B023 - asked within the round
            for _ in range(20):
                runner.send_signal(signal.SIGTERM)
            assert runner.wait(60) == 0
        assert events(folder) == ["items began", "items asked", "items ended"]


def test_a_hanging_process_is_restarted_and_the_others_keep_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without a heartbeat is killed and started again; one with a heartbeat keeps its pid."""
    ahead = [0.0]
    monkeypatch.setattr(supervisor_module, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + ahead[0]))
    beats = {name: str(tmp_path / f"{name}.heartbeat") for name in ("items", "invoices")}
    processes = [
        Process(name, (sys.executable, "-c", BEATS), 0, {HEARTBEAT_VARIABLE: file}) for name, file in beats.items()
    ]
    with supervise(tmp_path, *processes) as supervisor:
        eventually(lambda: all(Path(file).exists() for file in beats.values()))
        before = supervisor.alive()
        os.kill(before["items"], signal.SIGSTOP)

        def restarted_later() -> bool:
            # A part of the limit passes, in which the other process shows that it runs, and the supervisor has time to look.
            heartbeat = Path(beats["invoices"])
            last = heartbeat.stat().st_mtime_ns
            eventually(lambda: heartbeat.stat().st_mtime_ns != last)
            time.sleep(2 * ROUND)  # the time in which the supervisor looks
            ahead[0] += HUNG / 10
            return supervisor.alive().get("items") not in (None, before["items"])

        eventually(restarted_later)
        assert gone(before["items"])
        assert supervisor.alive()["invoices"] == before["invoices"]


def test_a_machine_that_cannot_start_a_process_for_a_while_is_tried_again(tmp_path: Path) -> None:
    """The log folder is missing and cannot be created: `open` or `fork` raises OSError, as without memory, disk space or process ids."""
    logs = tmp_path / "logs"
    with supervise(tmp_path, ending_on_term(tmp_path, "items"), ending_on_term(tmp_path, "beat", 1)) as supervisor:
        eventually(lambda: len(events(tmp_path)) == 2)
        shutil.rmtree(logs)
        logs.write_text("in the way")
        before = supervisor.alive()
        os.kill(before["items"], signal.SIGKILL)
        eventually(lambda: "items" not in supervisor.alive())
        time.sleep(2 * FIRST_DELAY)  # it is tried in vain
        assert supervisor.alive() == {"beat": before["beat"]}
        logs.unlink()
        eventually(lambda: events(tmp_path).count("items began") == 2)
    assert supervisor.faults == ()


def test_a_machine_that_cannot_start_a_process_at_first_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with supervise(tmp_path, ending_on_term(tmp_path, "items")):
        (tmp_path / "logs").unlink()
        eventually(lambda: events(tmp_path) == ["items began"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children of a killed parent")
def test_a_killed_supervisor_leaves_no_process_behind(tmp_path: Path) -> None:
    with supervised_elsewhere(tmp_path, ENDS_ON_TERM, "items", str(tmp_path / "events")) as runner:
        eventually(lambda: events(tmp_path) == ["items began"])
        runner.kill()
    assert eventually(lambda: events(tmp_path)[-1] == "items ended")


def test_an_exception_in_the_meantime_stops_everything_and_is_raised(tmp_path: Path) -> None:
    def breaks() -> None:
        raise OSError("the server cannot come back")

    supervisor = supervise(tmp_path, ending_on_term(tmp_path, "items"))
    with pytest.raises(OSError, match="cannot come back"):
        supervisor.run_until_stopped(breaks)
    assert supervisor.alive() == {}


def test_delays_double_to_a_bound_and_start_over_after_a_steady_minute() -> None:
    delays = [0.0]
    for _ in range(8):
        delays.append(next_delay(delays[-1], lived=0.5))
    assert delays[1:] == [1, 2, 4, 8, 16, MAX_DELAY, MAX_DELAY, MAX_DELAY]
    assert next_delay(MAX_DELAY, lived=STEADY) == 1


def supervised_elsewhere(
    log_dir: Path, code: str, *arguments: str, second_signal: float = SECOND_SIGNAL
) -> subprocess.Popen[bytes]:
    """Start another process that supervises one child. `second_signal`: seconds after which a signal counts as another one."""
    command = [sys.executable, "-c", SUPERVISES, str(log_dir), str(second_signal), "-c", code, *arguments]
    return subprocess.Popen(command)
