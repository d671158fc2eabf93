"""Which files may decide settings. They say where credentials, money and messages go, so another user of this machine must not write them."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

ROOT = 0


class UntrustedFile(Exception):
    """The file must not be read; the text is a sentence for people, with the file and what to do."""


def read_trusted(path: Path) -> str:
    """Return the text of a file in the working directory, which any user of this machine may own.

    Only a file that belongs to the user of this process or to root is read, and only if no other user can write it. Raises UntrustedFile,
    OSError, UnicodeDecodeError.
    """
    with path.open(encoding="utf-8") as opened:
        # Of the file that is open, whatever takes its place meanwhile; a link is its owner's choice of the file.
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
    """Whether each user of this machine may write a file or folder that the settings name; no for one that is not there.

    Its owner is not asked: a file that is mounted into a container keeps the owner that it has on the host.
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
