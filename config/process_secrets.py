"""Limits each process to the secrets that it uses.

Flower and the webhook receiver accept connections, and cannot leak secrets that they do not have. A secret that a process does not use is
neither in its environment nor in its settings. The initial environment of a process can be read in /proc for as long as the process runs,
so a process that was started with more secrets restarts itself without them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

PROCESS_VARIABLE = "WBS_SYNC_PROCESS"
"""The environment variable with the kind of the process, by which its settings omit the other secrets. Set by the process itself or by its
supervisor.
"""
WORKER, BEAT, FLOWER, WEBHOOKS = "worker", "beat", "flower", "webhooks"
HELD: Mapping[str, tuple[str, ...]] = {
    WORKER: (
        "redis_url",
        "procore_client_secret",
        "netsuite_private_key_file",
        "sentry_dsn",
        "https_proxy",
        "http_proxy",
    ),
    BEAT: ("redis_url",),
    FLOWER: ("redis_url", "flower_basic_auth"),
    WEBHOOKS: ("redis_url", "webhook_authorization"),
}
NOT_HELD = Path("not-held-by-this-process")
"""The path of the private key in a process that does not use the key."""
PLACEHOLDERS: Mapping[str, Any] = {
    "redis_url": None,
    "procore_client_secret": SecretStr(""),
    "netsuite_private_key_file": NOT_HELD,
    "flower_basic_auth": None,
    "webhook_authorization": None,
    "sentry_dsn": None,
    "https_proxy": None,
    "http_proxy": None,
}
"""Every secret setting, with its value in processes that do not use it."""


def left_out(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the placeholders for the secrets that the process with this environment does not use; none for a command, which may use all."""
    held = HELD.get(environment.get(PROCESS_VARIABLE, ""))
    return {} if held is None else {name: value for name, value in PLACEHOLDERS.items() if name not in held}


def environment_of(process: str) -> dict[str, str]:
    """Return the variables for starting a process: its kind, and an empty value for each secret that it does not use."""
    unused = left_out({PROCESS_VARIABLE: process})
    return {PROCESS_VARIABLE: process} | {name.upper(): "" for name in unused}


def hold_only_own(process: str) -> None:
    """Set the kind of this process. If its environment contains a secret that this kind does not use, restart it without the secret."""
    unused = {name.upper() for name in left_out({PROCESS_VARIABLE: process})}
    extra = [name for name, value in os.environ.items() if value and name.upper() in unused]
    for name in extra:
        del os.environ[name]
    os.environ[PROCESS_VARIABLE] = process
    if extra:
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, os.environ)  # noqa: S606 - our own command line, without a shell


def process_of(arguments: list[str]) -> str:
    """Return the kind of process that a command line of Celery starts; "" for any other command line."""
    program, *rest = arguments or [""]
    if not program.endswith(("celery", f"celery{os.sep}__main__.py")):
        return ""
    return next((argument for argument in rest if argument in (WORKER, BEAT, FLOWER)), "")
