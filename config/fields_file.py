"""The file with the fields that an account wants on its Items and bills. `worker/domain/fields_file.py` checks what it contains."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.setting_faults import InvalidSettings
from config.setting_sources import EVERYBODY, everybody_may_write
from config.settings import Settings

FILE_NAME = "netsuite-fields.toml"
DIGEST_LETTERS = 8
NOT_TEXT: Mapping[type[BaseException], str] = {
    UnicodeDecodeError: "it is not UTF-8",
    RecursionError: "its values are nested too deeply",
}


@dataclass(frozen=True, slots=True)
class FieldsFile:
    """The tables of the file; none if there is no file. `digest`: of the values, "" without a file: comments do not change it."""

    path: Path
    tables: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""


def fields_path(settings: Settings) -> Path:
    """Return the path of the file, which may not exist."""
    return settings.netsuite_fields_file or settings.data_dir / FILE_NAME


def read_fields_file(settings: Settings) -> FieldsFile:
    """Return the file of these settings. Raises InvalidSettings if it cannot be read, or is missing where NETSUITE_FIELDS_FILE names it."""
    path = fields_path(settings)
    if everybody_may_write(path):
        raise InvalidSettings(faults=(f"The file with NetSuite's fields {path} {EVERYBODY}.",))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        content = json.dumps(tables, sort_keys=True, default=str).encode()
    except FileNotFoundError:
        if settings.netsuite_fields_file:
            raise InvalidSettings(faults=(f"NETSUITE_FIELDS_FILE is not a file: {path}.",)) from None
        return FieldsFile(path)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSettings(faults=(f"The file with NetSuite's fields {path} is not valid TOML: {error}.",)) from None
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else NOT_TEXT.get(type(error), "a value is too large")
        raise InvalidSettings(faults=(f"The file with NetSuite's fields {path} could not be read: {why}.",)) from None
    return FieldsFile(path, tables, hashlib.sha256(content).hexdigest()[:DIGEST_LETTERS] if tables else "")
