"""Decides which files may contain settings. Settings decide where credentials, money and messages go, so other users must not write them."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

ROOT = 0


class UntrustedFile(Exception):
    """The file must not be read. The message is a sentence for the user, with the file and the next step."""


def read_trusted(path: Path) -> str:
    """Return the text of a file in the working directory, which any user of this machine may own.

    Only a file that belongs to the user of this process or to root is read, and only if no other user can write it. Raises UntrustedFile,
    OSError, UnicodeDecodeError.
    """
    with path.open(encoding="utf-8") as opened:
        # Checks the open file, which may be replaced in the meantime; and the owner of a link, because a link selects the file.
        state = os.fstat(opened.fileno())
        for owner in (state.st_uid, path.lstat().st_uid):
            if owner not in (os.geteuid(), ROOT):
                raise UntrustedFile(_of_another_user(path.absolute(), owner))
        if stat.S_ISREG(state.st_mode) and state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise UntrustedFile(
                f"{path.absolute()} is writable for other users, and it determines where credentials are sent: check its content, then run `chmod 600` "
                "on it."
            )
        return opened.read()


def everybody_may_write(path: Path) -> bool:
    """Return whether every user of this machine can write a file or folder; False if it does not exist.

    The owner is not checked, because a file that is mounted into a container keeps its owner from the host.
    """
    try:
        return bool(path.stat().st_mode & stat.S_IWOTH)
    except (OSError, ValueError):
        return False


def _of_another_user(path: Path, owner: int) -> str:
    me = _name(os.geteuid())
    return (
        f"{path} belongs to {_name(owner)}, and settings are read only from a .env of {' or '.join(dict.fromkeys((me, 'root')))}. Run wbs-sync "
        f"in another folder, or, if the content of the file is correct, run `chown {me}` on it."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
