"""Flower's configuration file: `celery -A worker.app flower --conf=worker/flower/config.py`.

Without a login, Flower shows its pages to everyone (only its API requires one), so it does not start without a login here. The login comes
from the settings, never from a command line that `ps` would show.
"""

from __future__ import annotations

import ast
import json
import sys
from typing import Any

from config.logs import set_up_logging, shown
from config.setting_faults import BAD_SETTINGS_EXIT_CODE
from worker.app import settings_or_exit
from worker.flower import login as flower_login
from worker.flower.application import serve_our_pages, use_watched_flower
from worker.redis_access import one_server_or_exit, redis_at

_settings = settings_or_exit()
_login = _settings.flower_basic_auth.get_secret_value() if _settings.flower_basic_auth else ""
if not _login:
    sys.stderr.write("wbs-sync: FLOWER_BASIC_AUTH is not set; Flower requires a login.\n")
    sys.exit(BAD_SETTINGS_EXIT_CODE)

one_server_or_exit(redis_at(_settings.redis_address, timeout=3))

_memory = _settings.data_dir / "flower"
_memory.mkdir(parents=True, exist_ok=True)

# Flower's own set-up keeps existing handlers and sets the level again. The log is rate limited because anyone can send requests to the
# port, even without a login.
set_up_logging(level=_settings.log_level, style=_settings.log_format, rate_limited=True)
logging = _settings.log_level.lower()

serve_our_pages()
flower_login.use(_login)
use_watched_flower()
basic_auth = [_login]
address = _settings.flower_address
port = _settings.flower_port
# Read-only: the supervisor and the commands stop and start work, because they also keep its records.
read_only = True
persistent = True
db = str(_memory / "state")
state_save_interval = 60_000  # milliseconds; a killed Flower forgets a minute at most
max_tasks = 10_000
purge_offline_workers = 300  # seconds
# The arguments and the result of each task, in addition to Flower's usual columns.
tasks_columns = "name,state,kwargs,result,received,runtime,worker,uuid"


def format_task(task: Any) -> Any:
    """Format a task for Flower: arguments and result as the JSON that other applications send and receive; the reason of a failure as result."""
    task.kwargs, task.result = _as_json(task.kwargs), _as_json(task.result) or task.exception
    return task


def _as_json(text: str | None) -> str | None:
    """Parse the Python representation in a worker's event; a truncated text is unchanged."""
    try:
        return shown(json.dumps(ast.literal_eval(text or ""), ensure_ascii=False))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return shown(text) if text else text
