"""Reads the settings, and reports everything that is wrong with them.

Values come from the environment, then from a `.env` file in the working directory, then from files in `SECRETS_DIR` (one file per setting,
named like it, as Docker and systemd provide secrets). Only entry points call `load_settings`; everything else is given what it needs.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from config import unknown_names
from config.process_secrets import left_out
from config.setting_faults import InvalidSettings, on_one_line, sentence
from config.setting_sources import (
    ENV_FILE,
    SECRET_FILE,
    EnvFile,
    UntrustedFile,
    cut_by_comment,
    quoted,
    read_env_file,
    secret_names,
    why_unreadable,
    written_by_everybody,
)
from config.setting_types import is_path
from config.settings import Settings, setting_names


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings. Raises InvalidSettings with one sentence per fault; never shows a secret's value."""
    env_file = overrides.pop("_env_file", Settings.model_config["env_file"])
    names = tuple(setting_names())
    file = read_env_file(env_file, names)
    secrets_dir, files, faults = _secrets()
    in_quotes = quoted(os.environ, secrets_dir, files, names)
    faults = [
        *file.faults,
        *faults,
        *_unknown(file.names, files),
        *in_quotes.values(),
        *written_by_everybody(secrets_dir, files),
    ]
    if not file.faults:
        try:
            with warnings.catch_warnings(action="error"):
                values = left_out(os.environ) | overrides
                settings = Settings(_env_file=env_file, _secrets_dir=secrets_dir, **values)
        except ValidationError as error:
            faults += _invalid_values(error, file, in_quotes)
        except SettingsError as error:
            name = re.search(r'field "(\w+)"', str(error))
            named = f"{name[1].upper()} ({SECRET_FILE})" if name else "A setting"
            faults.append(f"{named} could not be read: {why_unreadable(error.__cause__)}.")
        except UntrustedFile as error:
            faults.append(str(error))
        except OSError as error:
            faults.append(_unreadable_secrets(error))
    if faults:
        raise InvalidSettings(faults=tuple(map(on_one_line, faults)))
    return settings


def secret_files(settings: Settings) -> list[Path]:
    """Return the files with secrets that settings come from, or that they name."""
    folder = os.environ.get("SECRETS_DIR")
    named = [Path(folder) / name for name in sorted(secret_names(folder))] if folder else []
    return list(
        dict.fromkeys([Path(str(Settings.model_config["env_file"])), settings.netsuite_private_key_file, *named])
    )


def is_ours(name: str) -> bool:
    """Return whether an environment variable is a setting, or was probably meant as one."""
    is_setting = name.upper() in (*setting_names(), "SECRETS_DIR")
    return is_setting or bool(unknown_names.in_environment([name], given=()))


def _secrets() -> tuple[str | None, list[str], list[str]]:
    """Return SECRETS_DIR if it can be read, the names of its files, and what is wrong with it."""
    secrets_dir = os.environ.get("SECRETS_DIR") or None
    if secrets_dir and not is_path(Path.is_dir, Path(secrets_dir)):
        return None, [], [f"SECRETS_DIR is not a folder: {secrets_dir}."]
    try:
        return secrets_dir, secret_names(secrets_dir), []
    except OSError as error:
        return None, [], [_unreadable_secrets(error)]


def _unreadable_secrets(error: OSError) -> str:
    return f"SECRETS_DIR could not be read: {why_unreadable(error)}."


def _invalid_values(error: ValidationError, file: EnvFile, in_quotes: Collection[str]) -> list[str]:
    """Return a sentence for each invalid or missing value."""
    # Unknown names in a file are reported with the setting that was probably meant, and so are quotation marks.
    details = [
        detail
        for detail in error.errors(include_input=False, include_url=False)
        if detail["type"] != "extra_forbidden" and _setting_of(detail) not in in_quotes
    ]
    # The value of a setting in the file may come from another source.
    cut = [name for name in map(_setting_of, details) if name in file.cut and name not in os.environ]
    return [*(sentence(detail, Settings.model_fields) for detail in details), *map(cut_by_comment, cut)]


def _unknown(lines: Collection[str], files: Collection[str]) -> list[str]:
    """Return a sentence for each name in the environment, the file and the folder of secrets that is no setting."""
    unknown = [name for name in dict.fromkeys(lines) if name.upper() not in unknown_names.KNOWN]
    given = {name.upper() for name in (*os.environ, *lines, *files)}
    return [
        *unknown_names.in_environment(os.environ, given=given),
        *(unknown_names.in_file(name, ENV_FILE) for name in unknown),
        *unknown_names.in_secrets(files),
    ]


def _setting_of(detail: Any) -> str:
    """Return the setting of an error of pydantic; "" for one about several."""
    return str(detail["loc"][0]).upper() if detail["loc"] else ""
