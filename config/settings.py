"""Every setting of wbs-sync: typed, checked at the start, frozen afterwards.

Values come from the environment, then from a `.env` file in the working directory, then from files in `SECRETS_DIR`
(one file per setting, named like it, the way Docker and systemd hand over secrets). Only the edge of the program calls
`load_settings`; everything below is given what it needs.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import warnings
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from celery.schedules import ParseException, crontab
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from config import unknown_names
from config.process_secrets import NOT_HELD, left_out
from config.redis_address import CERTIFICATE_CHECKS, TLS_OPTIONS, sentinels_of
from config.setting_faults import sentence
from config.setting_sources import (
    ENV_FILE,
    EVERYBODY,
    SECRET_FILE,
    LiteralFile,
    cut_by_comment,
    quoted,
    read_env_file,
    secret_names,
    why_unreadable,
    written_by_everybody,
)
from config.trusted_files import UntrustedFile, everybody_may_write
from config.unknown_names import OWN_PREFIXES

BAD_SETTINGS_EXIT_CODE = 2
"""A process that ends with it would end so again: a supervisor does not start it anew."""
OUR_PREFIXES = OWN_PREFIXES
REQUISITION_STATUSES = (
    "draft",
    "under_review",
    "revise_and_resubmit",
    "approved",
    "approved_as_noted",
    "pending_owner_approval",
)


LONGEST_FAULT = 300
SHORTEST_PASSWORD = 12
"""For Flower: its login shows amounts, vendors and messages."""
REDIS_FORM = (
    "must be redis://:password@host:6379/0, rediss://… or redis+sentinel://:password@host:26379,host:26379/master/0 "
    "(all their forms: docs/managed-redis.md); "
    "write / ? # @ in a password as %2F %3F %23 %40"
)
PROCORE_LOGINS = {
    "sandbox.procore.com": "login-sandbox.procore.com",
    "api-monthly.procore.com": "login-sandbox-monthly.procore.com",
}
"""The login host of each sandbox, by its API host; all other hosts are production's
(https://developers.procore.com/documentation/development-environments).
"""
InternalId = Annotated[str, Field(pattern=r"^(-?[0-9]{1,19})?$")]
ProjectId = Annotated[int, Field(gt=0, lt=2**63)]


MIN_THREADS = 16
SPARE_THREADS = 5
"""Besides one for each slot, and one more for eight of them to take over at once: for reading Procore while every slot writes."""


_CRON_FIELDS = (
    ("minute", "minute", "* or 0 to 59"),
    ("hour", "hour", "* or 0 to 23"),
    ("day of the month", "day_of_month", "* or 1 to 31"),
    ("month", "month_of_year", "* or 1 to 12"),
    ("day of the week", "day_of_week", "* or 0 (Sunday) to 6, or mon to sun"),
)
"""Each field of a cron line: in words, as Celery calls it, and what it takes."""


class InvalidSettings(Exception):
    """The settings cannot be used. `faults` holds one sentence per fault, each naming its setting, none holding a value of a secret."""

    def __init__(self, message: str = "", *, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message or "\n".join(faults))
        self.faults = faults


class Settings(BaseSettings):
    """What an installation decides. Field order is the order of `.env.example`."""

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True, env_ignore_empty=True)

    redis_url: SecretStr | None = Field(
        None, description="redis://, rediss:// or redis+sentinel:// address; empty = the embedded server"
    )
    redis_key_prefix: str = Field(
        "wbs:", pattern=r"^[!-~]{1,100}$", description="Prefix of every key, so that installations can share a server"
    )
    data_dir: Path = Field(
        Path("data"), description="Directory of the embedded server, logs, Flower's data and heartbeats"
    )

    procore_base_url: str = Field("https://api.procore.com", description="Base URL of the Procore API")
    procore_auth_url: str = Field("https://login.procore.com", description="Base URL of the Procore login service")
    procore_client_id: str = Field(description="Client id of the Procore app (client credentials)")
    procore_client_secret: SecretStr = Field(description="Client secret of the Procore app")
    procore_company_id: int = Field(gt=0, lt=2**63, description="The Procore company, as a number")
    procore_read_timeout_seconds: float = Field(
        60, gt=0, le=3600, allow_inf_nan=False, description="Timeout of a Procore request in seconds"
    )

    netsuite_account_id: str = Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_\-]{0,38}[A-Za-z0-9])?$", description="NetSuite account, e.g. 1234567_SB1"
    )
    netsuite_base_url: str = Field("", description="Base URL of SuiteTalk; empty = derived from the account")
    netsuite_client_id: str = Field(description="Client id of the NetSuite integration record (OAuth 2.0 M2M)")
    netsuite_certificate_id: str = Field(description="Certificate id of the M2M mapping")
    netsuite_private_key_file: Path = Field(description="PEM file with the private key of that certificate")
    netsuite_certificate_expires: date | None = Field(
        None,
        description="Last day of that certificate, such as 2027-05-31; empty = read from the key file if it contains the certificate",
    )
    netsuite_concurrency: int = Field(
        3, ge=1, le=500, description="Maximum concurrent NetSuite requests of all workers"
    )
    netsuite_subsidiary_id: InternalId = Field("", description="Subsidiary of Items and bills; empty outside OneWorld")
    netsuite_expense_account_id: InternalId = Field(
        "", description="Expense account of Items; empty = NetSuite's default"
    )
    netsuite_income_account_id: InternalId = Field("", description="Income account, for resale Items only")
    netsuite_tax_schedule_id: InternalId = Field("", description="Tax schedule of Items, if the account requires one")
    netsuite_item_type: Literal["otherChargePurchaseItem", "otherChargeResaleItem"] = Field(
        "otherChargePurchaseItem", description="Record type of new Items"
    )
    netsuite_retainage_item_id: InternalId = Field("", description="Item of retainage lines (internal id)")
    netsuite_tax_item_id: InternalId = Field(
        "", description="Item of tax lines (internal id); empty = invoices with tax are blocked"
    )
    netsuite_project_field: Literal["customer", "job"] = Field("customer", description="Bill line field of the project")
    netsuite_currency: str = Field(
        "",
        pattern=r"^([A-Z]{3})?$",
        description="Currency of the books, such as USD; invoices in any other currency are blocked. Empty = the only base currency found in Procore",
    )
    netsuite_create_credits: bool = Field(
        False, description="Create a vendor credit for an invoice with a negative payment due"
    )
    netsuite_closed_period: Literal["block", "next_open", "keep"] = Field(
        "block",
        description="How to handle a bill whose date is in a closed posting period: block it, post it in the next open period, or keep the period of its date",
    )
    netsuite_adopted_items_get_external_id: bool = Field(
        False, description="Set the wbs-sync external id on adopted Items that have none"
    )
    netsuite_settle_seconds: int = Field(
        900, ge=0, le=86_400, description="Seconds before an unconfirmed write may be sent again"
    )
    netsuite_read_timeout_seconds: float = Field(
        120, gt=0, le=3600, description="Timeout of a NetSuite request in seconds"
    )

    netsuite_profile_file: Path | None = Field(
        None, description="File with the result of `wbs-sync probe`; empty = netsuite-profile.json in DATA_DIR"
    )

    export_statuses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("approved",), description="Invoice statuses to export, comma separated"
    )
    item_name_format: str = Field("{project_number}-{wbs_code}", description="Format of Item names")
    project_ids: Annotated[tuple[ProjectId, ...], NoDecode] = Field(
        (), description="Procore project ids, comma separated; empty = all projects visible to the app"
    )
    scan_cron: str = Field("", description="Schedule of the scan in UTC, five fields; empty = off")
    export_cron: str = Field("", description="Schedule of the export of approved invoices, UTC; empty = off")
    verify_cron: str = Field("", description="Schedule of the comparison of both systems, UTC; empty = off")

    worker_threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Threads per worker process; empty = enough for NETSUITE_CONCURRENCY, at least 16",
    )
    flower_port: int = Field(5555, ge=0, le=65535, description="Port on which `up` serves Flower; 0 = any free port")
    flower_address: str = Field("127.0.0.1", description="Address that Flower listens on")
    flower_basic_auth: SecretStr | None = Field(
        None,
        description="user:password for Flower, with a password of at least 12 characters; empty = generated on start",
    )
    webhook_authorization: SecretStr | None = Field(
        None, description="Authorization header of Procore's webhooks; empty = no receiver"
    )
    webhook_address: str = Field("127.0.0.1", description="Address that the webhook receiver listens on")
    webhook_port: int = Field(8787, ge=1, le=65535, description="Port that the webhook receiver listens on")
    webhook_invoice_resources: Annotated[tuple[str, ...], NoDecode] = Field(
        ("Draw Requests",),
        description="Resource names of subcontractor invoices in Procore's webhooks, comma separated",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Minimum log level")
    log_format: Literal["json", "text"] = Field("text", description="json = one object per line")
    sentry_dsn: SecretStr | None = Field(None, description="DSN of a Sentry project for errors; empty = off")

    https_proxy: SecretStr | None = Field(None, description="Proxy for https:// addresses, as http://host:port")
    http_proxy: SecretStr | None = Field(None, description="Proxy for http:// addresses, except on this machine")
    no_proxy: str = Field("", description="Hosts to connect to without a proxy, comma separated")
    requests_ca_bundle: Path | None = Field(
        None,
        description="File with the CA certificates to trust instead of the default ones, such as those of a company CA",
    )
    ssl_cert_file: Path | None = Field(
        None, description="File with CA certificates, by OpenSSL's name; REQUESTS_CA_BUNDLE takes precedence"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Called by pydantic-settings: where values come from, the first first."""
        file = LiteralFile(settings_cls, env_file=getattr(dotenv_settings, "env_file", None))
        return init_settings, env_settings, file, file_secret_settings

    @field_validator("export_statuses", "project_ids", "webhook_invoice_resources", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("export_statuses")
    @classmethod
    def _known_statuses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = sorted(set(value) - set(REQUISITION_STATUSES))
        if unknown or not value:
            raise ValueError(f"takes one or more of {', '.join(REQUISITION_STATUSES)}")
        return value

    @field_validator("item_name_format")
    @classmethod
    def _usable_name_format(cls, value: str) -> str:
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

    @field_validator("scan_cron", "export_cron", "verify_cron")
    @classmethod
    def _usable_cron(cls, value: str) -> str:
        if value:
            cron(value)
        return value

    @field_validator("procore_base_url", "procore_auth_url", "netsuite_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must begin with https://")
        if value and not re.fullmatch(r"https?://([A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?/*", value):
            raise ValueError("must be scheme and host (and port), such as https://api.procore.com, and nothing else")
        if value.startswith("http://") and not is_loopback(urlsplit(value).hostname or ""):
            raise ValueError(
                "must begin with https://; http:// would send secrets unencrypted and is for a simulator on this machine alone "
                "(127.0.0.1, ::1, localhost)"
            )
        return value.rstrip("/")

    @field_validator("https_proxy", "http_proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        """Its faults repeat nothing of it, since it may hold a password."""
        text = value.get_secret_value() if value else None
        if text is None:
            return value
        try:
            address = urlsplit(text if "://" in text else f"http://{text}")
            usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
        except ValueError:
            usable = False
        if not usable or not text.isascii() or not text.isprintable() or " " in text:
            raise ValueError(
                "must be the address of an HTTP proxy such as http://proxy.example:3128, with user:password@ before the host if it requires a login; "
                "SOCKS is not supported"
            )
        return value

    @field_validator("netsuite_private_key_file", "netsuite_profile_file", "requests_ca_bundle", "ssl_cert_file")
    @classmethod
    def _of_known_writers(cls, value: Path | None) -> Path | None:
        if value is not None and everybody_may_write(value):
            raise ValueError(f"{value} {EVERYBODY}")
        return value

    @field_validator("requests_ca_bundle", "ssl_cert_file")
    @classmethod
    def _readable_certificates(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        named = f": {value}" if str(value).isprintable() else ""
        try:
            # A folder is taken too, as requests does; what it holds is only read when it is needed.
            ssl.create_default_context(cafile=None if value.is_dir() else str(value))
        except ssl.SSLError:
            raise ValueError(f"must be a file with CA certificates in PEM format; it contains none{named}") from None
        except (OSError, ValueError):
            raise ValueError(f"must be a file that the user of this process can read{named}") from None
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_address(cls, value: SecretStr | None) -> SecretStr | None:
        """Told without a word of it, since a part of the password may be in any. Celery wants to hear that certificates are checked."""
        text = value.get_secret_value() if value else None
        if text is None or sentinels_of(text):
            return value
        try:
            address = urlsplit(text)
            secure, options = address.scheme == "rediss", parse_qs(address.query, strict_parsing=bool(address.query))
            int(address.path.strip("/") or 0)
            usable = address.scheme in ("redis", "rediss") and address.hostname and address.port != 0
        except ValueError:
            raise ValueError(REDIS_FORM) from None
        if not usable or not text.isascii() or not text.isprintable() or " " in text or address.fragment:
            raise ValueError(REDIS_FORM)
        if unknown := sorted(set(options) - (TLS_OPTIONS if secure else set())):
            raise ValueError(
                f"allows only {', '.join(sorted(TLS_OPTIONS))} after the ?, with rediss:// only; it has {len(unknown)} others"
            )
        if secure and options.setdefault("ssl_cert_reqs", ["required"])[0] not in CERTIFICATE_CHECKS:
            raise ValueError("ssl_cert_reqs must be required, optional or none")
        return SecretStr(address._replace(query=urlencode(options, doseq=True)).geturl()) if secure else value

    @field_validator("netsuite_certificate_expires", mode="before")
    @classmethod
    def _day(cls, value: object) -> object:
        try:
            return date.fromisoformat(value) if isinstance(value, str) else value
        except ValueError:
            raise ValueError("must be a day such as 2027-05-31") from None

    @field_validator("netsuite_private_key_file")
    @classmethod
    def _key_is_there(cls, value: Path) -> Path:
        """The name is told only where it cannot be the key itself, put into the setting by mistake."""
        if value != NOT_HELD and not _is(Path.is_file, value):
            text = str(value)
            like_a_name = len(text) <= 100 and text.isprintable() and "PRIVATE KEY" not in text
            raise ValueError(
                f"no such file: {text}" if like_a_name else "must be the path of a file, not the key itself"
            )
        return value

    @field_validator("data_dir")
    @classmethod
    def _folder(cls, value: Path) -> Path:
        existing = next(part for part in (value, *value.absolute().parents) if _is(Path.exists, part))
        if not _is(Path.is_dir, existing):
            raise ValueError(
                "is a file, not a folder" if existing == value else f"cannot be a folder in {existing}, which is a file"
            )
        return value

    @field_validator("webhook_authorization")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        """Told without a word of it. Anybody on the internet may try."""
        text = value.get_secret_value() if value else None
        if text is not None and not re.fullmatch(r"[!-~][ -~]{14,998}[!-~]", text):
            raise ValueError(
                "must be 16 to 1000 printable ASCII characters, such as `Bearer` followed by 32 random letters"
            )
        return value

    @field_validator("flower_basic_auth")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        """Its faults repeat nothing of it."""
        text = value.get_secret_value() if value else None
        if text is not None and not re.fullmatch(rf"[!-9;-~]+:[ -~]{{{SHORTEST_PASSWORD},}}", text):
            raise ValueError(
                f"must be user:password in printable ASCII characters, with a password of at least {SHORTEST_PASSWORD} characters"
            )
        return value

    @field_validator("flower_address", "webhook_address")
    @classmethod
    def _listening_address(cls, value: str) -> str:
        try:
            ipaddress.ip_address(value)
        except ValueError:
            if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9.\-]{0,250}[A-Za-z0-9])?", value):
                raise ValueError("must be an address or the name of this machine") from None
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.netsuite_item_type == "otherChargeResaleItem" and not self.netsuite_income_account_id:
            raise ValueError(
                "NETSUITE_INCOME_ACCOUNT_ID is needed for Items of type otherChargeResaleItem: set it, or choose another NETSUITE_ITEM_TYPE"
            )
        api, login = urlsplit(self.procore_base_url).hostname or "", urlsplit(self.procore_auth_url).hostname or ""
        # A sandbox was seen to take logins at its API host.
        fitting = (PROCORE_LOGINS.get(api, "login.procore.com"), api)
        if api.endswith(".procore.com") and login.endswith(".procore.com") and login not in fitting:
            raise ValueError(
                f"PROCORE_BASE_URL ({api}) and PROCORE_AUTH_URL ({login}) belong to different Procore environments; {fitting[0]} belongs to {api}"
            )
        return self

    @property
    def threads(self) -> int:
        """Threads of each worker process: enough that one process alone keeps every slot of NetSuite busy."""
        return self.worker_threads or max(
            MIN_THREADS, self.netsuite_concurrency + self.netsuite_concurrency // 8 + SPARE_THREADS
        )

    @property
    def netsuite_url(self) -> str:
        """SuiteTalk address without a path: lower case, `_` as `-` (docs/remotes.md)."""
        host = self.netsuite_account_id.lower().replace("_", "-")
        return self.netsuite_base_url or f"https://{host}.suitetalk.api.netsuite.com"


def cron(text: str) -> crontab:
    """A five-field cron line (UTC) as Celery's schedule; ValueError when it is not one, or when no day fits it."""
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
    except ValueError as error:  # of fields that are right, each for itself
        raise ValueError("matches no date") from error


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings. Raises InvalidSettings with one sentence per fault; never shows a secret's value."""
    env_file = overrides.pop("_env_file", Settings.model_config["env_file"])
    names = tuple(setting_names())
    file = read_env_file(env_file, names)
    faults = [*file.faults]
    secrets_dir = os.environ.get("SECRETS_DIR") or None
    if secrets_dir and not _is(Path.is_dir, Path(secrets_dir)):
        faults.append(f"SECRETS_DIR is not a folder: {secrets_dir}.")
        secrets_dir = None
    try:
        files = secret_names(secrets_dir)
    except OSError as error:
        faults.append(f"SECRETS_DIR could not be read: {why_unreadable(error)}.")
        secrets_dir, files = None, []
    in_quotes = quoted(os.environ, secrets_dir, files, names)
    faults += [*_unknown(file.names, files), *in_quotes.values(), *written_by_everybody(secrets_dir, files)]
    if file.faults:
        raise InvalidSettings(faults=tuple(_short(fault) for fault in faults))
    try:
        with warnings.catch_warnings(action="error"):
            values = left_out(os.environ) | overrides
            settings = Settings(_env_file=env_file, _secrets_dir=secrets_dir, **values)
    except ValidationError as error:
        # What a file holds and is no setting was said above, with the setting that was meant, and so were quotation marks.
        details = [
            detail
            for detail in error.errors(include_input=False, include_url=False)
            if detail["type"] != "extra_forbidden" and _setting_of(detail) not in in_quotes
        ]
        faults += [sentence(detail, Settings.model_fields) for detail in details]
        # Another source than the file may have set the value.
        faults += [
            cut_by_comment(name) for name in map(_setting_of, details) if name in file.cut and name not in os.environ
        ]
    except SettingsError as error:
        name = re.search(r'field "(\w+)"', str(error))
        named = f"{name[1].upper()} ({SECRET_FILE})" if name else "A setting"
        faults.append(f"{named} could not be read: {why_unreadable(error.__cause__)}.")
    except UntrustedFile as error:
        faults.append(str(error))
    except OSError as error:
        faults.append(f"SECRETS_DIR could not be read: {why_unreadable(error)}.")
    if faults:
        raise InvalidSettings(faults=tuple(_short(fault) for fault in faults))
    return settings


def setting_names() -> list[str]:
    """All setting names, in their order."""
    return [name.upper() for name in Settings.model_fields]


def secret_files(settings: Settings) -> list[Path]:
    """The files that settings come from, or that they name, and that hold secrets."""
    folder = os.environ.get("SECRETS_DIR")
    named = [Path(folder) / name for name in sorted(secret_names(folder))] if folder else []
    return list(
        dict.fromkeys([Path(str(Settings.model_config["env_file"])), settings.netsuite_private_key_file, *named])
    )


def is_ours(name: str) -> bool:
    """Whether a variable of the environment is a setting, or was probably meant as one."""
    known = tuple(setting_names())
    return (
        name.upper() in known
        or name.upper() == "SECRETS_DIR"
        or bool(unknown_names.in_environment([name], known=known, given=()))
    )


def _unknown(lines: Collection[str], files: Collection[str]) -> list[str]:
    """Names in the environment, in the file and in the folder of secrets that are no setting, a sentence for each."""
    known = tuple(setting_names())
    given = {name.upper() for name in (*os.environ, *lines, *files)}
    return [
        *unknown_names.in_environment(os.environ, known=known, given=given),
        *(unknown_names.in_file(name, ENV_FILE, known) for name in dict.fromkeys(lines) if name.upper() not in known),
        *unknown_names.in_secrets(files, known),
    ]


def _setting_of(detail: Any) -> str:
    """The setting that an error of pydantic is about; "" for one about several."""
    return str(detail["loc"][0]).upper() if detail["loc"] else ""


def _is(question: Callable[[Path], bool], path: Path) -> bool:
    """Answers no for a name that no file can have."""
    try:
        return question(path)
    except (OSError, ValueError):
        return False


def _short(fault: str) -> str:
    """On one line, whatever stood in the setting."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in fault)
    return shown if len(shown) <= LONGEST_FAULT else f"{shown[:LONGEST_FAULT]}…"
