"""Child processes that end with their parent, even if the parent is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

# On Linux, this program requests TERM at the death of the thread that started it, and then executes the command. It is a separate program
# because a process with threads can run nothing safely between fork and exec.
_TIED = """\
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


def tied(command: Sequence[str]) -> list[str]:
    """Return a command line that runs `command` until the command or the calling thread ends. On other systems than Linux: `command` itself."""
    if sys.platform != "linux":
        return list(command)
    return [sys.executable, "-I", "-S", "-c", _TIED, str(os.getpid()), *command]
