"""Reads the sources of settings (environment, `.env`, SECRETS_DIR), and finds values that would be read differently than intended: a line
that is not a setting, quotation marks that become part of the value, a value cut short by a comment. Settings decide where credentials,
money and messages go, so files that other users may have written are refused.

No error sentence repeats a value, because any value may be a secret.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream
from pydantic_settings import DotEnvSettingsSource

ENV_FILE = "in .env"
SECRET_FILE = "a file in SECRETS_DIR"  # noqa: S105 - the name of a place
EVERYBODY = "is writable for every user of this machine: check its content, then run `chmod o-w` on it"
"""End of the sentence that refuses a file that everyone can write."""
ROOT = 0
_NAME = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)")
_UNCLOSED = re.compile(r"[^=\n]*=[ \t]*['\"]")
_IN_SINGLE_QUOTES = re.compile(r"=\s*'")
_CUT_BY_COMMENT = re.compile(r"[^=\n]*=[ \t]*[^'\"\s][^\n]*\s#")


class UntrustedFile(Exception):
    """The file must not be read. The message is a sentence for the user, with the file and the next step."""


class LiteralFile(DotEnvSettingsSource):
    """Reads a `.env` file literally: `${...}` in a password is part of it, not the name of a variable."""

    def _read_env_file(self, file_path: Path) -> dict[str, str | None]:
        values = dotenv_values(stream=StringIO(read_trusted(file_path)), interpolate=False)
        return {name.lower(): value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class EnvFile:
    """The content of a `.env` file. `names`: the names that it sets, in order; `cut`: the settings with a comment after the value; `faults`:
    one sentence per fault of the file itself.
    """

    names: tuple[str, ...] = ()
    cut: frozenset[str] = frozenset()
    faults: tuple[str, ...] = ()


def read_env_file(env_file: Any, known: Collection[str]) -> EnvFile:
    """Read the file; a missing file counts as empty. A line that cannot be parsed is a fault, because its setting would silently keep its
    default. A file that another user may have written is a fault too.
    """
    if env_file is None:
        return EnvFile()
    try:
        read = list(parse_stream(StringIO(read_trusted(Path(env_file)))))
    except FileNotFoundError:
        return EnvFile()
    except UntrustedFile as error:
        return EnvFile(faults=(str(error),))
    except (OSError, UnicodeDecodeError) as error:
        return EnvFile(faults=(f"{env_file} could not be read: {why_unreadable(error)}.",))
    faults = [_broken(line, env_file, known) for line in read if line.error or (line.key and line.value is None)]
    named = [(line.key, line.value, line.original.string) for line in read if line.key and line.value is not None]
    faults += [
        f"{name} ({ENV_FILE}) contains ${{...}}, which other programs that read the file replace: put the value in single quotes if it is part of the value."
        for name, value, line in named
        if "${" in value and not _IN_SINGLE_QUOTES.search(line) and name.upper() in known
    ]
    return EnvFile(
        tuple(name for name, _, _ in named),
        frozenset(name.upper() for name, _, line in named if _CUT_BY_COMMENT.match(line)),
        tuple(faults),
    )


def cut_by_comment(name: str) -> str:
    """Return the hint for a setting with a comment after its value: part of the value may have been read as the comment."""
    return f"{name} ({ENV_FILE}) contains a space and #, which begin a comment: put the value in single quotes if they are part of it."


def written_by_everybody(secrets_dir: str | None, files: Collection[str]) -> list[str]:
    """Return a fault for SECRETS_DIR and for each of its `files` (names) that every user of this machine can write."""
    folder = Path(secrets_dir or "")
    places = [folder, *(folder / name for name in sorted(files))] if secrets_dir else []
    return [f"{place} (SECRETS_DIR) {EVERYBODY}." for place in places if everybody_may_write(place)]


def secret_names(secrets_dir: str | None) -> list[str]:
    """Return the names of the files in SECRETS_DIR. Raises OSError if this process may not list the folder."""
    return [file.name for file in Path(secrets_dir).iterdir() if file.is_file()] if secrets_dir else []


def quoted(
    environment: Mapping[str, str], secrets_dir: str | None, files: Collection[str], known: Collection[str]
) -> dict[str, str]:
    """Return a fault, by setting name, for each value that begins and ends with a quotation mark in a source that does not remove quotation
    marks. `files`: names of the files in SECRETS_DIR.

    `docker run --env-file` and Kubernetes pass quotation marks on unchanged.
    """
    values = {name: (value, "in the environment") for name, value in environment.items()}
    values |= {name: (_text(Path(secrets_dir or "") / name), SECRET_FILE) for name in files}
    return {
        name.upper(): f"{name} ({place}) begins and ends with a quotation mark, which is part of the value there: remove both marks."
        for name, (value, place) in values.items()
        if name.upper() in known and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    }


def why_unreadable(error: BaseException | None) -> str:
    """Return why a file could not be read and what to do, without its content."""
    if isinstance(error, PermissionError):
        return f"the user of this process cannot read {error.filename}; change its owner or its permissions"
    if isinstance(error, OSError):
        return f"{error.strerror} ({error.filename})"
    return "it is not UTF-8; save it as UTF-8 text" if isinstance(error, UnicodeDecodeError) else "it is not a file"


def _broken(line: Binding, env_file: Any, known: Collection[str]) -> str:
    """Return the sentence for a line that sets nothing. It repeats only the name of a setting."""
    text, place = line.original.string, f"Line {line.original.line} of {env_file}"
    found = _NAME.match(text)
    name = found[1] if found and found[1].upper() in known else ""
    if name and _UNCLOSED.match(text):
        return f"{place}: {name} has an unbalanced quotation mark, or text after it. Write {name}='value'."
    if name:
        return f"{place}: {name} has no = after its name. Write {name}=value."
    return f"{place} is not NAME=value. Correct it, or start it with # if it is a comment."


def _text(file: Path) -> str:
    """Return the stripped content of a file in SECRETS_DIR; "" if it cannot be read, which is reported when the settings are loaded."""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


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
    me = _user(os.geteuid())
    return (
        f"{path} belongs to {_user(owner)}, and settings are read only from a .env of {' or '.join(dict.fromkeys((me, 'root')))}. Run wbs-sync "
        f"in another folder, or, if the content of the file is correct, run `chown {me}` on it."
    )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
