"""Types of settings that check their values. A ValueError is the end of a sentence that begins with the setting's name.

No error repeats a value that may be a secret, or a key put into the wrong setting.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from collections.abc import Callable
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated
from urllib.parse import urlsplit

from celery.schedules import ParseException, crontab
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from config.process_secrets import NOT_HELD
from config.redis_address import checked_url
from config.setting_sources import EVERYBODY, everybody_may_write

REQUISITION_STATUSES = (
    "draft",
    "under_review",
    "revise_and_resubmit",
    "approved",
    "approved_as_noted",
    "pending_owner_approval",
)
MIN_PASSWORD_LENGTH = 12
"""For Flower, which shows amounts, vendors and messages."""
_CRON_FIELDS = (
    ("minute", "minute", "* or 0 to 59"),
    ("hour", "hour", "* or 0 to 23"),
    ("day of the month", "day_of_month", "* or 1 to 31"),
    ("month", "month_of_year", "* or 1 to 12"),
    ("day of the week", "day_of_week", "* or 0 (Sunday) to 6, or mon to sun"),
)
"""Each field of a cron line: its name, Celery's name for it, and its values."""


def is_path(check: Callable[[Path], bool], path: Path) -> bool:
    """Return the result of `Path.is_file` or the like; False for a name that no file can have."""
    try:
        return check(path)
    except (OSError, ValueError):
        return False


def _secret(check: Callable[[str], str]) -> AfterValidator:
    """Check a secret that is set; `check` returns the value to use."""

    def checked(value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(check(value.get_secret_value()))

    return AfterValidator(checked)


def _split_commas(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _known_statuses(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value or set(value) - set(REQUISITION_STATUSES):
        raise ValueError(f"takes one or more of {', '.join(REQUISITION_STATUSES)}")
    return value


def _name_format(value: str) -> str:
    try:
        fields = [(name, spec, change) for _, name, spec, change in Formatter().parse(value) if name is not None]
    except ValueError:
        raise ValueError("has an unbalanced brace; write {{ or }} for a brace in the name") from None
    # A width or conversion (`{wbs_code:.9}`) would cut or change the code's text.
    if {name for name, _, _ in fields} != {"project_number", "wbs_code"} or any(
        spec or change for _, spec, change in fields
    ):
        raise ValueError("must contain {project_number} and {wbs_code}, and no other braces")
    if " : " in value or not value.isprintable():
        raise ValueError(
            "must not contain ' : ', which NetSuite uses to separate parent and sub-item, or unprintable characters"
        )
    return value


def cron(text: str) -> crontab:
    """Return a five-field cron line (UTC) as Celery's schedule. Raises ValueError if it is not one, or matches no date."""
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise ValueError(
            f"must have five fields (minute, hour, day of month, month, day of week); it has {len(fields)}"
        )
    for part, (name, option, values) in zip(fields, _CRON_FIELDS, strict=True):
        try:
            crontab(**{option: part})
        except (ParseException, ValueError):
            raise ValueError(f"its {name} must be {values}, or a range, list or step of these") from None
    try:
        return crontab.from_string(text)
    except ValueError as error:  # each field is valid by itself
        raise ValueError("matches no date") from error


def _cron_line(value: str) -> str:
    if value:
        cron(value)
    return value


def _web_address(value: str) -> str:
    if value and not value.startswith(("https://", "http://")):
        raise ValueError("must begin with https://")
    if value and not re.fullmatch(r"https?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/*", value):
        raise ValueError("must be scheme and host (and port), such as https://api.procore.com, and nothing else")
    if value.startswith("http://") and not _is_loopback(urlsplit(value).hostname or ""):
        raise ValueError(
            "must begin with https://; http:// would send secrets unencrypted and is for a simulator on this machine alone "
            "(127.0.0.1, ::1, localhost)"
        )
    return value.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _proxy(value: str) -> str:
    try:
        address = urlsplit(value if "://" in value else f"http://{value}")
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        usable = False
    if not usable or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(
            "must be the address of an HTTP proxy such as http://proxy.example:3128, with user:password@ before the host if it requires a login; "
            "SOCKS is not supported"
        )
    return value


def _not_writable_by_everybody(value: Path | None) -> Path | None:
    if value is not None and everybody_may_write(value):
        raise ValueError(f"{value} {EVERYBODY}")
    return value


def _certificates(value: Path | None) -> Path | None:
    if value is None:
        return None
    named = f": {value}" if str(value).isprintable() else ""
    try:
        # A folder is taken too, as requests does; its content is only read when it is needed.
        ssl.create_default_context(cafile=None if value.is_dir() else str(value))
    except ssl.SSLError:
        raise ValueError(f"must be a file with CA certificates in PEM format; it contains none{named}") from None
    except (OSError, ValueError):
        raise ValueError(f"must be a file that the user of this process can read{named}") from None
    return value


def _day(value: object) -> object:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be a day such as 2027-05-31") from None


def _existing_file(value: Path) -> Path:
    """The error shows the name only if it cannot be the key itself, put into the setting by mistake."""
    if value != NOT_HELD and not is_path(Path.is_file, value):
        text = str(value)
        is_name = len(text) <= 100 and text.isprintable() and "PRIVATE KEY" not in text
        raise ValueError(f"no such file: {text}" if is_name else "must be the path of a file, not the key itself")
    return value


def _folder(value: Path) -> Path:
    existing = next(part for part in (value, *value.absolute().parents) if is_path(Path.exists, part))
    if not is_path(Path.is_dir, existing):
        raise ValueError(
            "is a file, not a folder" if existing == value else f"cannot be a folder in {existing}, which is a file"
        )
    return value


def _webhook_authorization(value: str) -> str:
    """Check that it cannot be guessed: any host on the internet may try."""
    if not re.fullmatch(r"[!-~][ -~]{14,998}[!-~]", value):
        raise ValueError(
            "must be 16 to 1000 printable ASCII characters, such as `Bearer` followed by 32 random letters"
        )
    return value


def _user_and_password(value: str) -> str:
    if not re.fullmatch(rf"[!-9;-~]+:[ -~]{{{MIN_PASSWORD_LENGTH},}}", value):
        raise ValueError(
            f"must be user:password in printable ASCII characters, with a password of at least {MIN_PASSWORD_LENGTH} characters"
        )
    return value


def _listening_address(value: str) -> str:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?", value):
            raise ValueError("must be an address or the name of this machine") from None
    return value


InternalId = Annotated[str, Field(pattern=r"^(-?[0-9]{1,19})?$")]
ProjectIds = Annotated[tuple[Annotated[int, Field(gt=0, lt=2**63)], ...], NoDecode, BeforeValidator(_split_commas)]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]
Statuses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas), AfterValidator(_known_statuses)]
NameFormat = Annotated[str, AfterValidator(_name_format)]
Cron = Annotated[str, AfterValidator(_cron_line)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
ListeningAddress = Annotated[str, AfterValidator(_listening_address)]
Day = Annotated[date | None, BeforeValidator(_day)]
Folder = Annotated[Path, AfterValidator(_folder)]
TrustedFile = Annotated[Path | None, AfterValidator(_not_writable_by_everybody)]
KeyFile = Annotated[Path, AfterValidator(_not_writable_by_everybody), AfterValidator(_existing_file)]
CertificateFile = Annotated[Path | None, AfterValidator(_not_writable_by_everybody), AfterValidator(_certificates)]
RedisUrl = Annotated[SecretStr | None, _secret(checked_url)]
Proxy = Annotated[SecretStr | None, _secret(_proxy)]
Authorization = Annotated[SecretStr | None, _secret(_webhook_authorization)]
UserAndPassword = Annotated[SecretStr | None, _secret(_user_and_password)]
