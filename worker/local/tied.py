"""Processes that end with the one that started them, even when that is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# On Linux the program asks for TERM at the death of the thread that started it. A program of its own, since nothing but exec is safe
# between fork and exec of a threaded process.
_TIED = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


def tied(command: Sequence[str]) -> list[str]:
    """The command line that runs `command` until it ends or the calling thread does. Elsewhere than on Linux: the command itself."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
