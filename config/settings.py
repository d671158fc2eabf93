"""Every setting of wbs-sync: typed, checked at the start, frozen afterwards.

Values come from the environment, then from a `.env` file in the working directory, then from files in `SECRETS_DIR`
(one file per setting, named like it, the way Docker and systemd hand over secrets). Only the edge of the program calls
`load_settings`; everything below is given what it needs.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

from celery.schedules import ParseException, crontab
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

BAD_SETTINGS_EXIT_CODE = 2
"""A process that ends with it would end so again: a supervisor does not start it anew."""
OUR_PREFIXES = ("PROCORE_", "NETSUITE_")
REQUISITION_STATUSES = (
    "draft",
    "under_review",
    "revise_and_resubmit",
    "approved",
    "approved_as_noted",
    "pending_owner_approval",
)


class InvalidSettings(Exception):
    """The settings cannot be used. `faults` holds one sentence per fault, each naming its setting, none holding a value of a secret."""

    def __init__(self, message: str = "", *, faults: tuple[str, ...] = ()) -> None:
        super().__init__(message or "\n".join(faults))
        self.faults = faults


class Settings(BaseSettings):
    """What an installation decides. Field order is the order of `.env.example`."""

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True, env_ignore_empty=True)

    redis_url: SecretStr | None = Field(None, description="redis:// or rediss:// address; empty = the embedded server")
    redis_key_prefix: str = Field("wbs:", description="Put before every key, so that installations can share a server")
    data_dir: Path = Field(Path("data"), description="Embedded server, beat schedule, Flower's memory, heartbeats")

    procore_base_url: str = Field("https://api.procore.com", description="Procore's API")
    procore_auth_url: str = Field("https://login.procore.com", description="Procore's login service")
    procore_client_id: str = Field(description="Client id of the Procore app (client credentials)")
    procore_client_secret: SecretStr = Field(description="Client secret of the Procore app")
    procore_company_id: int = Field(gt=0, description="The Procore company, as a number")
    procore_read_timeout_seconds: float = Field(60, gt=0, description="How long one Procore answer may take")

    netsuite_account_id: str = Field(pattern=r"^[A-Za-z0-9_\-]+$", description="NetSuite account, e.g. 1234567_SB1")
    netsuite_base_url: str = Field("", description="SuiteTalk address; empty = derived from the account")
    netsuite_client_id: str = Field(description="Client id of the NetSuite integration record (OAuth 2.0 M2M)")
    netsuite_certificate_id: str = Field(description="Certificate id of the M2M mapping")
    netsuite_private_key_file: Path = Field(description="PEM file with the private key of that certificate")
    netsuite_concurrency: int = Field(3, ge=1, le=500, description="Most NetSuite requests in flight, all workers")
    netsuite_subsidiary_id: str = Field("", description="Subsidiary of Items and bills; empty outside OneWorld")
    netsuite_expense_account_id: str = Field("", description="Expense account of Items; empty = NetSuite's default")
    netsuite_income_account_id: str = Field("", description="Income account, for resale Items only")
    netsuite_tax_schedule_id: str = Field("", description="Tax schedule of Items, where the account asks for one")
    netsuite_item_type: Literal["otherChargePurchaseItem", "otherChargeResaleItem"] = Field(
        "otherChargePurchaseItem", description="Record type of new Items"
    )
    netsuite_retainage_item_id: str = Field("", description="Item of retainage lines (internal id)")
    netsuite_project_field: Literal["customer", "job"] = Field("customer", description="Bill line field of the project")
    netsuite_adopted_items_get_external_id: bool = Field(
        False, description="Mark an adopted Item that has no external id with ours"
    )
    netsuite_settle_seconds: int = Field(900, ge=0, description="A write without an answer is not re-sent before this")
    netsuite_read_timeout_seconds: float = Field(120, gt=0, description="How long one NetSuite answer may take")

    export_statuses: Annotated[tuple[str, ...], NoDecode] = Field(
        ("approved",), description="Invoice statuses to export, comma separated"
    )
    item_name_format: str = Field("{project_number}-{wbs_code}", description="Name of an Item")
    project_ids: Annotated[tuple[int, ...], NoDecode] = Field(
        (), description="Procore project ids, comma separated; empty = all that the app may see"
    )
    scan_cron: str = Field("", description="Schedule of the scan in UTC, five fields; empty = off")
    export_cron: str = Field("", description="Schedule of the export of approved invoices, UTC; empty = off")

    worker_threads: int = Field(16, ge=1, le=256, description="Threads of each worker process")
    flower_port: int = Field(5555, ge=0, le=65535, description="Where `up` serves Flower; 0 = any free port")
    flower_address: str = Field("127.0.0.1", description="Address that Flower listens on")
    flower_basic_auth: SecretStr | None = Field(None, description="user:password of Flower; empty = made at the start")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is logged")
    log_format: Literal["json", "text"] = Field("text", description="json = one object per line")

    @field_validator("export_statuses", "project_ids", mode="before")
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
            raise ValueError(f"takes some of {', '.join(REQUISITION_STATUSES)}")
        return value

    @field_validator("item_name_format")
    @classmethod
    def _usable_name_format(cls, value: str) -> str:
        fields = [(name, spec, change) for _, name, spec, change in Formatter().parse(value) if name is not None]
        # A width or conversion (`{wbs_code:.9}`) would cut or change the code's text.
        if {name for name, _, _ in fields} != {"project_number", "wbs_code"} or any(
            spec or change for _, spec, change in fields
        ):
            raise ValueError("must name {project_number} and {wbs_code}, and nothing else in braces")
        return value

    @field_validator("scan_cron", "export_cron")
    @classmethod
    def _usable_cron(cls, value: str) -> str:
        if value:
            cron(value)
        return value

    @field_validator("procore_base_url", "procore_auth_url", "netsuite_base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError("must begin with https:// (http:// for a simulator)")
        return value.rstrip("/")

    @field_validator("netsuite_private_key_file")
    @classmethod
    def _key_is_there(cls, value: Path) -> Path:
        if not value.is_file():
            raise ValueError(f"no such file: {value}")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.netsuite_item_type == "otherChargeResaleItem" and not self.netsuite_income_account_id:
            raise ValueError("NETSUITE_INCOME_ACCOUNT_ID is needed for Items of type otherChargeResaleItem")
        return self

    @property
    def netsuite_url(self) -> str:
        """SuiteTalk address without a path: lower case, `_` as `-` (docs/remotes.md)."""
        host = self.netsuite_account_id.lower().replace("_", "-")
        return self.netsuite_base_url or f"https://{host}.suitetalk.api.netsuite.com"


def cron(text: str) -> crontab:
    """A five-field cron line (UTC) as Celery's schedule; ValueError when it is not one."""
    try:
        return crontab.from_string(text)
    except (ParseException, ValueError) as error:
        raise ValueError(f"is not a five-field cron line: {error}") from error


def load_settings(**overrides: Any) -> Settings:
    """Read and check all settings. Raises InvalidSettings with one sentence per fault; never shows a secret's value."""
    faults = _misspelt(os.environ)
    secrets_dir = os.environ.get("SECRETS_DIR") or None
    if secrets_dir and not Path(secrets_dir).is_dir():
        faults.append(f"SECRETS_DIR names no folder: {secrets_dir}.")
        secrets_dir = None
    try:
        settings = Settings(_secrets_dir=secrets_dir, **overrides)
    except ValidationError as error:
        faults += [_sentence(detail) for detail in error.errors(include_input=False, include_url=False)]
    except SettingsError as error:
        faults.append(f"A setting could not be read: {error}.")
    if faults:
        raise InvalidSettings(faults=tuple(faults))
    return settings


def setting_names() -> list[str]:
    """All setting names, in their order."""
    return [name.upper() for name in Settings.model_fields]


def _misspelt(environment: Any) -> list[str]:
    """Names that begin like ours but are not ours: almost always a typo, and a typo must not fall back to a default."""
    known = setting_names()
    faults = []
    for name in sorted(environment):
        if name.upper().startswith(OUR_PREFIXES) and name.upper() not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            faults.append(f"{name} is not a setting of wbs-sync.{hint}")
    return faults


def _sentence(detail: Any) -> str:
    name = ".".join(str(part) for part in detail["loc"]).upper()
    message = str(detail["msg"]).removeprefix("Value error, ")
    if detail["type"] == "missing":
        return f"{name} is not set: {_purpose(name)}."
    if detail["type"] == "extra_forbidden":
        return f"{name} (in .env) is not a setting of wbs-sync."
    return f"{name}: {message}." if name else f"{message}."


def _purpose(name: str) -> str:
    field = Settings.model_fields.get(name.lower())
    return (field.description if field else None) or "see .env.example"
