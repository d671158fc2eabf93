"""Which secrets each process holds: what it uses, and nothing else.

Flower and the receiver of webhooks listen; what they do not hold they cannot lose. A secret that a process does not use is neither in
its environment nor in its settings. The environment with which a process began can be read in /proc for as long as it lives, so a
process that was given more begins again without it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

PROCESS_VARIABLE = "WBS_SYNC_PROCESS"
"""Names the process, so that its settings leave the other secrets out. Set by the process itself, or by who starts it."""
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
"""The private key's file in a process that does not use it."""
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
"""Every secret among the settings, with what stands in its place where it is not held."""


def left_out(environment: Mapping[str, str]) -> dict[str, Any]:
    """What stands in place of the secrets that the process of this environment does not use; nothing in a command, which may use all."""
    held = HELD.get(environment.get(PROCESS_VARIABLE, ""))
    return {} if held is None else {name: value for name, value in PLACEHOLDERS.items() if name not in held}


def environment_of(process: str) -> dict[str, str]:
    """What to put into the environment of a process that is started: its name, and nothing in place of what it does not use."""
    unused = left_out({PROCESS_VARIABLE: process})
    return {PROCESS_VARIABLE: process} | {name.upper(): "" for name in unused}


def hold_only_own(process: str) -> None:
    """This process is of this kind from here on. If its environment holds a secret that it does not use, it begins again without."""
    unused = {name.upper() for name in left_out({PROCESS_VARIABLE: process})}
    extra = [name for name, value in os.environ.items() if value and name.upper() in unused]
    for name in extra:
        del os.environ[name]
    os.environ[PROCESS_VARIABLE] = process
    if extra:
        sys.stdout.flush()
        os.execve(sys.executable, sys.orig_argv, os.environ)  # noqa: S606 - our own command line, without a shell


def process_of(arguments: list[str]) -> str:
    """What a command line of Celery runs; "" for any other."""
    program, *rest = arguments or [""]
    if not program.endswith(("celery", f"celery{os.sep}__main__.py")):
        return ""
    return next((argument for argument in rest if argument in (WORKER, BEAT, FLOWER)), "")
