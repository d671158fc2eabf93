"""The profile of an account: what `wbs-sync probe` found out there, in a file that the settings then read.

A setting that somebody gave a value wins over the profile; `contradictions` tells where the two differ. The file holds no secret and
no name of a record: a report is made of it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.settings import InvalidSettings, Settings

FILE_NAME = "netsuite-profile.json"
_COPY = re.compile(r"_(sb|rp)[0-9]*$")
"""What a sandbox's or a Release Preview's account id has more than that of the account it is a copy of."""
Words = Annotated[str, Field(min_length=1, max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Effects(_Part):
    """What changes how wbs-sync works; what was not asked, or makes no difference, is empty. Inner keys are the points' ids."""

    item_name_limit: int | None = Field(None, ge=20, lt=1000)
    project_field: Literal["customer", "job"] | None = None
    look_up_lag_seconds: dict[str, float] = Field(default_factory=dict)
    needed_settings: dict[str, bool] = Field(default_factory=dict)
    takes_tax_schedule: bool | None = None
    already_exists: dict[str, Words] = Field(default_factory=dict)
    period_closed: dict[str, Words] = Field(default_factory=dict)

    def with_news(self, news: Mapping[str, Any]) -> Effects:
        """These, with what another point has: of what has inner keys those that are told, an empty text takes one away."""
        merged = self.model_dump()
        for name, value in news.items():
            merged[name] = {**merged[name], **value} if isinstance(value, Mapping) else value
            if isinstance(value, Mapping):
                merged[name] = {key: one for key, one in merged[name].items() if one not in ("", None)}
        return Effects.model_validate(merged)


class Answer(_Part):
    """What one point came to: its answer, or why it has none."""

    answer: str = ""
    sure: str = ""
    why: str = ""
    facts: dict[str, str | int | float] = Field(default_factory=dict)


class Request(_Part):
    """Seconds that requests of one kind took."""

    kind: str
    count: int
    least: float
    median: float
    p95: float


class Profile(_Part):
    """The whole file. `probed_at`: UTC."""

    version: Literal[1] = 1
    account: str
    probed_at: datetime
    effects: Effects = Effects()
    answers: dict[str, Answer] = Field(default_factory=dict)
    requests: tuple[Request, ...] = ()

    def write(self, path: Path) -> None:
        """Put it into the place of the one before, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)


def profile_file(settings: Settings) -> Path:
    """Where the profile is, or will be."""
    return settings.netsuite_profile_file or settings.data_dir / FILE_NAME


def read_profile(path: Path) -> Profile | None:
    """The profile in a file; None where there is no such file. Raises InvalidSettings when it is none."""
    try:
        return Profile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "it"
        why = f"{place} is not as this version of wbs-sync writes it"
    except (OSError, ValueError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is not JSON"
    raise InvalidSettings(faults=(f"The account's profile {path} cannot be used: {why}. Run `wbs-sync probe` again.",))


def load_profile(settings: Settings) -> Profile | None:
    """The profile that these settings are read with; None where there is none. Raises InvalidSettings for that of another account.

    A sandbox is a copy of a production account, so its profile serves that one too, where NETSUITE_PROFILE_FILE names it on purpose.
    """
    path = profile_file(settings)
    profile = read_profile(path)
    if profile is None:
        if settings.netsuite_profile_file:
            raise InvalidSettings(faults=(f"NETSUITE_PROFILE_FILE names no file: {path}.",))
        return None
    ours = _account(settings.netsuite_account_id)
    is_copy = _COPY.sub("", _account(profile.account)) == ours
    if _account(profile.account) == ours or (is_copy and settings.netsuite_profile_file):
        return profile
    hint = (
        "Name it in NETSUITE_PROFILE_FILE to use it here" if is_copy else "Move it away, or run `wbs-sync probe` anew"
    )
    sentence = f"The profile {path} is of the NetSuite account {profile.account}, the settings say {settings.netsuite_account_id}."
    raise InvalidSettings(faults=(f"{sentence} {hint}.",))


def project_field(settings: Settings, profile: Profile | None) -> str:
    """The field of a bill line that takes the project."""
    told = profile.effects.project_field if profile else None
    return (
        told if told and "netsuite_project_field" not in settings.model_fields_set else settings.netsuite_project_field
    )


def settle_seconds(settings: Settings, profile: Profile | None) -> int:
    """How long a write in doubt is only looked for: longer by the time after which this account shows a new record."""
    is_set = "netsuite_settle_seconds" in settings.model_fields_set
    return settings.netsuite_settle_seconds + (0 if is_set else _lag(profile))


def contradictions(settings: Settings, profile: Profile | None) -> list[str]:
    """A sentence for each setting that says otherwise than the profile."""
    if profile is None:
        return []
    found, said = profile.effects, []
    if found.project_field and found.project_field != project_field(settings, profile):
        said.append(
            f"NETSUITE_PROJECT_FIELD is {settings.netsuite_project_field}, the account takes {found.project_field}"
        )
    wanted = Settings.model_fields["netsuite_settle_seconds"].default + _lag(profile)
    if _lag(profile) and settle_seconds(settings, profile) < wanted:
        said.append(f"NETSUITE_SETTLE_SECONDS is {settings.netsuite_settle_seconds}, the account needs {wanted}")
    said += [
        f"{name} is empty, the account needs it"
        for name, is_needed in found.needed_settings.items()
        if is_needed and not getattr(settings, name.lower(), "")
    ]
    if found.takes_tax_schedule is False and settings.netsuite_tax_schedule_id:
        said.append("NETSUITE_TAX_SCHEDULE_ID is set, the account does not take it over REST")
    return said


def _lag(profile: Profile | None) -> int:
    return math.ceil(max(profile.effects.look_up_lag_seconds.values(), default=0)) if profile else 0


def _account(account_id: str) -> str:
    return account_id.lower().replace("-", "_")
