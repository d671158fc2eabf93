"""Forked programs behave like programs that are started from scratch."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.forks import can_start
from tests.kit.programs import ROOT, Program, ended, environment
from tests.kit.waiting import eventually

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="programs are forked on Linux alone"),
]

SHOWS = """\
import json, os, sys, threading
print(json.dumps([sys.argv, dict(os.environ), os.getcwd(), sys.path, __name__, os.getsid(0) == os.getpid(), sorted(os.listdir("/proc/self/fd")),
    [name for name in sys.modules if name in ("worker.app", "worker.cli.output", "tests.kit.launcher", "pytest")],
    threading.active_count()]))
sys.exit("the end")
"""
SLEEPS = "import time; print('sleeps', flush=True); time.sleep(600)"


@pytest.fixture
def sleeping(tmp_path: Path) -> Iterator[Program]:
    program = Program("sleeping", written(tmp_path, SLEEPS), environment(tmp_path), tmp_path)
    program.says("sleeps")
    yield program
    program.kill()


def written(folder: Path, text: str) -> list[str]:
    file = folder / "program.py"
    file.write_text(text)
    return [sys.executable, str(file), "an argument", "caf\udce9"]


def test_a_forked_program_begins_as_a_fresh_one_does(tmp_path: Path) -> None:
    env = environment(tmp_path) | {"A_SETTING": "caf\udce9"}
    forked, fresh = (
        ended(written(tmp_path, SHOWS), env=env, folder=tmp_path, timeout=60, fresh=fresh) for fresh in (False, True)
    )
    assert (forked.code, forked.err) == (fresh.code, fresh.err) == (1, "the end\n")
    shown, expected = forked.json(), fresh.json()
    assert shown[5], "in a separate session"
    assert not expected[5]
    assert shown[:5] + shown[6:] == expected[:5] + expected[6:]
    assert shown[1]["A_SETTING"] == env["A_SETTING"]


def test_variables_read_at_interpreter_start_need_a_fresh_process(tmp_path: Path) -> None:
    """A fork cannot apply a variable that the interpreter has read when it started."""
    env = environment(tmp_path)
    assert can_start(env)
    for name in ("PYTHONPATH", "PYTHONHASHSEED", "LD_PRELOAD", "TZ", "LC_ALL"):
        assert not can_start(env | {name: "another"}), name


def test_a_program_restarted_by_exec_keeps_its_process_id(tmp_path: Path) -> None:
    again = "import os, sys\nif not os.environ.get('A'):\n    os.environ['A'] = str(os.getpid())\n    os.execv(sys.executable, sys.orig_argv)\n"
    shows = "print(os.getpid() == int(os.environ['A']), sys.argv[1], b'A=' in open('/proc/self/environ', 'rb').read())"
    done = ended(written(tmp_path, again + shows), env=environment(tmp_path), folder=tmp_path, timeout=60)
    assert (done.out, done.err) == ("True an argument True\n", "")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_that_ends_it_is_its_exit_code(sleeping: Program, number: signal.Signals) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        sleeping.wait(0.01)
    assert sleeping.alive
    os.killpg(sleeping.pid, number)
    assert sleeping.wait(60) == -number
    assert not sleeping.alive
    eventually(lambda: not Path(f"/proc/{sleeping.pid}").exists())


def test_a_stopped_program_does_nothing(sleeping: Program) -> None:
    def state() -> str:
        return Path(f"/proc/{sleeping.pid}/stat").read_text().rpartition(")")[2].split()[0]

    with sleeping.stopped():
        eventually(lambda: state() == "T")
    eventually(lambda: state() == "S")


def test_nothing_is_left_when_the_test_process_is_killed(tmp_path: Path) -> None:
    test = f"""\
import time
from pathlib import Path
from tests.kit.programs import Program, environment
folder = Path({str(tmp_path)!r})
program = Program("sleeping", {written(tmp_path, SLEEPS)!r}, environment(folder), folder)
program.says("sleeps")
print(program.pid, Path(f"/proc/{{program.pid}}/stat").read_text().rpartition(")")[2].split()[1], flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", test], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        pids = process.stdout.readline().split()
        process.kill()
    assert len(pids) == 2
    eventually(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])
