"""The app as a worker loads it: every task exists, in one queue; without settings it names what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.names import QUEUE_OF_TASK, REFUSED, TaskName
from config.settings import setting_names
from worker import app as app_module

ROOT = Path(__file__).parents[3]
# In a separate process: the app reads its settings once, and no other test should inherit these.
LOAD = """
import json
from worker.app import app
app.loader.import_default_modules()
tasks = {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}
print(json.dumps({name: {
    "queue": app.amqp.router.route({}, name)["queue"].name,
    "lanes": [lane.value for lane in task.lanes],
    "acks_late": task.acks_late,
    "base": [kind.__name__ for kind in type(task).__mro__],
} for name, task in tasks.items()}))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("app")
    (folder / "key.pem").write_text("not looked into here")
    environment = {
        "PYTHONPATH": str(ROOT),
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "PROCORE_CLIENT_ID": "a",
        "PROCORE_CLIENT_SECRET": "b",
        "PROCORE_COMPANY_ID": "4",
        "NETSUITE_ACCOUNT_ID": "TD1",
        "NETSUITE_CLIENT_ID": "c",
        "NETSUITE_CERTIFICATE_ID": "d",
        "NETSUITE_PRIVATE_KEY_FILE": str(folder / "key.pem"),
    }
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tasks: dict[str, Any] = json.loads(done.stdout)
    return tasks


def test_every_task_is_registered_and_no_other(loaded: dict[str, Any]) -> None:
    assert set(loaded) == {*TaskName, REFUSED}


@pytest.mark.parametrize("task", TaskName)
def test_every_task_is_sent_to_its_one_queue(loaded: dict[str, Any], task: TaskName) -> None:
    assert loaded[task.value]["queue"] == QUEUE_OF_TASK[task].value


@pytest.mark.parametrize("task", TaskName)
def test_every_task_dispatches_waiting_work_and_is_acknowledged_last(loaded: dict[str, Any], task: TaskName) -> None:
    assert "WorkTask" in loaded[task.value]["base"]
    assert loaded[task.value]["acks_late"] is True


def test_without_settings_the_process_ends_with_one_sentence_for_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [*setting_names(), "SECRETS_DIR"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        app_module.settings_or_exit()
    assert caught.value.code not in (None, 0)
    lines = capsys.readouterr().err.splitlines()
    assert "wbs-sync: PROCORE_COMPANY_ID is not set: The Procore company, as a number." in lines
    assert all(line.startswith("wbs-sync: ") for line in lines)
