"""Every setting of wbs-sync: typed, checked at the start, frozen afterwards. `config/loading.py` reads them, `setting_types.py` checks them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.setting_sources import LiteralFile
from config.setting_types import (
    Authorization,
    CertificateFile,
    Cron,
    Day,
    Folder,
    InternalId,
    KeyFile,
    ListeningAddress,
    NameFormat,
    Names,
    ProjectIds,
    Proxy,
    RedisUrl,
    Statuses,
    TrustedFile,
    UserAndPassword,
    WebAddress,
)

PROCORE_LOGINS = {
    "sandbox.procore.com": "login-sandbox.procore.com",
    "api-monthly.procore.com": "login-sandbox-monthly.procore.com",
}
"""The login host of each sandbox, by its API host; all other hosts are production's
(https://developers.procore.com/documentation/development-environments).
"""
MIN_THREADS = 16
SPARE_THREADS = 5
"""Threads for reading Procore while every slot writes, in addition to one per slot and one per eight slots."""


class Settings(BaseSettings):
    """The settings of an installation. Field order is the order of `.env.example`."""

    model_config = SettingsConfigDict(env_file=".env", extra="forbid", frozen=True, env_ignore_empty=True)

    redis_url: RedisUrl = Field(
        None, description="redis://, rediss:// or redis+sentinel:// address; empty = the embedded server"
    )
    redis_key_prefix: str = Field(
        "wbs:", pattern=r"^[!-~]{1,100}$", description="Prefix of every key, so that installations can share a server"
    )
    data_dir: Folder = Field(
        Path("data"), description="Directory of the embedded server, logs, Flower's data and heartbeats"
    )

    procore_base_url: WebAddress = Field("https://api.procore.com", description="Base URL of the Procore API")
    procore_auth_url: WebAddress = Field(
        "https://login.procore.com", description="Base URL of the Procore login service"
    )
    procore_client_id: str = Field(description="Client id of the Procore app (client credentials)")
    procore_client_secret: SecretStr = Field(description="Client secret of the Procore app")
    procore_company_id: int = Field(gt=0, lt=2**63, description="The Procore company, as a number")
    procore_read_timeout_seconds: float = Field(
        60, gt=0, le=3600, allow_inf_nan=False, description="Timeout of a Procore request in seconds"
    )

    netsuite_account_id: str = Field(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9_\-]{0,38}[A-Za-z0-9])?$", description="NetSuite account, e.g. 1234567_SB1"
    )
    netsuite_base_url: WebAddress = Field("", description="Base URL of SuiteTalk; empty = derived from the account")
    netsuite_client_id: str = Field(description="Client id of the NetSuite integration record (OAuth 2.0 M2M)")
    netsuite_certificate_id: str = Field(description="Certificate id of the M2M mapping")
    netsuite_private_key_file: KeyFile = Field(description="PEM file with the private key of that certificate")
    netsuite_certificate_expires: Day = Field(
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
    netsuite_project_field: Literal["customer", "job", "none"] = Field(
        "customer", description="Bill line field of the project; none = bills name no project"
    )
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

    netsuite_profile_file: TrustedFile = Field(
        None, description="File with the result of `wbs-sync probe`; empty = netsuite-profile.json in DATA_DIR"
    )

    netsuite_fields_file: TrustedFile = Field(
        None,
        description="TOML file with further fields of Items and bills; empty = netsuite-fields.toml in DATA_DIR, if it exists",
    )

    export_statuses: Statuses = Field(("approved",), description="Invoice statuses to export, comma separated")
    item_name_format: NameFormat = Field("{project_number}-{wbs_code}", description="Format of Item names")
    project_ids: ProjectIds = Field(
        (), description="Procore project ids, comma separated; empty = all projects visible to the app"
    )
    scan_cron: Cron = Field("", description="Schedule of the scan in UTC, five fields; empty = off")
    export_cron: Cron = Field("", description="Schedule of the export of approved invoices, UTC; empty = off")
    verify_cron: Cron = Field("", description="Schedule of the comparison of both systems, UTC; empty = off")

    worker_threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Threads per worker process; empty = enough for NETSUITE_CONCURRENCY, at least 16",
    )
    flower_port: int = Field(5555, ge=0, le=65535, description="Port on which `up` serves Flower; 0 = any free port")
    flower_address: ListeningAddress = Field("127.0.0.1", description="Address that Flower listens on")
    flower_basic_auth: UserAndPassword = Field(
        None,
        description="user:password for Flower, with a password of at least 12 characters; empty = generated on start",
    )
    webhook_authorization: Authorization = Field(
        None, description="Authorization header of Procore's webhooks; empty = no receiver"
    )
    webhook_address: ListeningAddress = Field("127.0.0.1", description="Address that the webhook receiver listens on")
    webhook_port: int = Field(8787, ge=1, le=65535, description="Port that the webhook receiver listens on")
    webhook_invoice_resources: Names = Field(
        ("Draw Requests",),
        description="Resource names of subcontractor invoices in Procore's webhooks, comma separated",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Minimum log level")
    log_format: Literal["json", "text"] = Field("text", description="json = one object per line")
    sentry_dsn: SecretStr | None = Field(None, description="DSN of a Sentry project for errors; empty = off")

    https_proxy: Proxy = Field(None, description="Proxy for https:// addresses, as http://host:port")
    http_proxy: Proxy = Field(None, description="Proxy for http:// addresses, except on this machine")
    no_proxy: str = Field("", description="Hosts to connect to without a proxy, comma separated")
    requests_ca_bundle: CertificateFile = Field(
        None,
        description="File with the CA certificates to trust instead of the default ones, such as those of a company CA",
    )
    ssl_cert_file: CertificateFile = Field(
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
        """Called by pydantic-settings: the sources of values, by precedence."""
        file = LiteralFile(settings_cls, env_file=getattr(dotenv_settings, "env_file", None))
        return init_settings, env_settings, file, file_secret_settings

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.netsuite_item_type == "otherChargeResaleItem" and not self.netsuite_income_account_id:
            raise ValueError(
                "NETSUITE_INCOME_ACCOUNT_ID is needed for Items of type otherChargeResaleItem: set it, or choose another NETSUITE_ITEM_TYPE"
            )
        api, login = urlsplit(self.procore_base_url).hostname or "", urlsplit(self.procore_auth_url).hostname or ""
        # A sandbox was seen to accept logins at its API host.
        fitting = (PROCORE_LOGINS.get(api, "login.procore.com"), api)
        if api.endswith(".procore.com") and login.endswith(".procore.com") and login not in fitting:
            raise ValueError(
                f"PROCORE_BASE_URL ({api}) and PROCORE_AUTH_URL ({login}) belong to different Procore environments; {fitting[0]} belongs to {api}"
            )
        return self

    @property
    def redis_address(self) -> str:
        """Return REDIS_URL with its password, "" if it is not set."""
        return self.redis_url.get_secret_value() if self.redis_url else ""

    @property
    def threads(self) -> int:
        """Return the threads of each worker process: enough for one process alone to use every slot of NetSuite."""
        return self.worker_threads or max(
            MIN_THREADS, self.netsuite_concurrency + self.netsuite_concurrency // 8 + SPARE_THREADS
        )

    @property
    def netsuite_url(self) -> str:
        """Return the SuiteTalk address without a path: lower case, `_` as `-` (docs/remotes.md)."""
        host = self.netsuite_account_id.lower().replace("_", "-")
        return self.netsuite_base_url or f"https://{host}.suitetalk.api.netsuite.com"


def setting_names() -> list[str]:
    """Return all setting names, in their order."""
    return [name.upper() for name in Settings.model_fields]
