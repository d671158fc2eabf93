"""The profile of an account: a file that `wbs-sync probe` writes and that completes the settings.

A setting that has a value wins over the profile; `contradictions` reports where the two differ. The file contains no secret and no name
of a record, because a report is made from it.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.setting_faults import InvalidSettings
from config.setting_sources import EVERYBODY, everybody_may_write
from config.settings import Settings

FILE_NAME = "netsuite-profile.json"
NO_PROJECTS = "none"
"""The value of NETSUITE_PROJECT_FIELD for a company that has no projects in NetSuite."""
_COPY = re.compile(r"_(sb|rp)[0-9]*$")
"""The suffix that the account id of a sandbox or Release Preview has in addition to that of the original account."""
ResponseText = Annotated[str, Field(min_length=1, max_length=1000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Effects(_Part):
    """Results that change how wbs-sync works. Empty: not tried, or no difference. Inner keys are ids of points or names of settings."""

    item_name_limit: int | None = Field(None, ge=20, lt=1000)
    project_field: Literal["customer", "job"] | None = None
    look_up_lag_seconds: dict[str, float] = Field(default_factory=dict)
    needed_settings: dict[str, bool] = Field(default_factory=dict)
    takes_tax_schedule: bool | None = None
    already_exists: dict[str, ResponseText] = Field(default_factory=dict)
    period_closed: dict[str, ResponseText] = Field(default_factory=dict)


class RecordedAnswer(_Part):
    """The result of one point: its answer, or why it has none."""

    answer: str = ""
    sure: str = ""
    why: str = ""
    facts: dict[str, str | int | float] = Field(default_factory=dict)


class RequestTiming(_Part):
    """Durations of the requests of one kind, in seconds."""

    kind: str
    count: int
    least: float
    median: float
    p95: float


class Profile(_Part):
    """The content of a profile file. `probed_at`: UTC."""

    version: Literal[1] = 1
    account: str
    probed_at: datetime
    effects: Effects = Effects()
    answers: dict[str, RecordedAnswer] = Field(default_factory=dict)
    requests: tuple[RequestTiming, ...] = ()


def profile_file(settings: Settings) -> Path:
    """Return the path of the profile, which may not exist yet."""
    return settings.netsuite_profile_file or settings.data_dir / FILE_NAME


def read_profile(path: Path) -> Profile | None:
    """Return the profile in a file, or None if there is no such file. Raises InvalidSettings if the file is not a profile."""
    if everybody_may_write(path):
        raise InvalidSettings(faults=(f"The account's profile {path} {EVERYBODY}.",))
    try:
        return Profile.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "it"
        why = f"{place} is not in the format of this version of wbs-sync"
    except (OSError, ValueError) as error:
        why = error.strerror or "" if isinstance(error, OSError) else "it is not JSON"
    raise InvalidSettings(faults=(f"The account profile {path} is invalid: {why}. Run `wbs-sync probe` again.",))


def load_profile(settings: Settings) -> Profile | None:
    """Return the profile for these settings, or None if there is none. Raises InvalidSettings if it belongs to another account.

    A sandbox is a copy of a production account, so its profile serves that account too, if NETSUITE_PROFILE_FILE names it.
    """
    path = profile_file(settings)
    profile = read_profile(path)
    if profile is None:
        if settings.netsuite_profile_file:
            raise InvalidSettings(faults=(f"NETSUITE_PROFILE_FILE is not a file: {path}.",))
        return None
    ours = _account(settings.netsuite_account_id)
    is_copy = _COPY.sub("", _account(profile.account)) == ours
    if _account(profile.account) == ours or (is_copy and settings.netsuite_profile_file):
        return profile
    hint = (
        "Set NETSUITE_PROFILE_FILE to it to use it here" if is_copy else "Move it away, or run `wbs-sync probe` again"
    )
    sentence = f"The profile {path} is for NetSuite account {profile.account}, but the settings are for {settings.netsuite_account_id}."
    raise InvalidSettings(faults=(f"{sentence} {hint}.",))


def project_field(settings: Settings, profile: Profile | None) -> str:
    """Return the field of a bill line that takes the project: from the settings, or else from the profile."""
    probed = profile.effects.project_field if profile else None
    is_set = "netsuite_project_field" in settings.model_fields_set
    return probed if probed and not is_set else settings.netsuite_project_field


def settle_seconds(settings: Settings, profile: Profile | None) -> int:
    """Return the settle window: the seconds in which an unconfirmed write is looked up but not repeated. The account's look-up lag is added
    to it.
    """
    is_set = "netsuite_settle_seconds" in settings.model_fields_set
    return settings.netsuite_settle_seconds + (0 if is_set else _lag(profile))


def contradictions(settings: Settings, profile: Profile | None) -> list[str]:
    """Return one sentence for each setting that disagrees with the profile."""
    if profile is None:
        return []
    effects, sentences = profile.effects, []
    if effects.project_field and project_field(settings, profile) not in (effects.project_field, NO_PROJECTS):
        sentences.append(
            f"NETSUITE_PROJECT_FIELD is {settings.netsuite_project_field}, but the account uses {effects.project_field}"
        )
    wanted = Settings.model_fields["netsuite_settle_seconds"].default + _lag(profile)
    if _lag(profile) and settle_seconds(settings, profile) < wanted:
        sentences.append(
            f"NETSUITE_SETTLE_SECONDS is {settings.netsuite_settle_seconds}, but the account needs {wanted}"
        )
    sentences += [
        f"{name} is empty, but the account requires it"
        for name, is_needed in effects.needed_settings.items()
        if is_needed and not getattr(settings, name.lower(), "")
    ]
    if effects.takes_tax_schedule is False and settings.netsuite_tax_schedule_id:
        sentences.append("NETSUITE_TAX_SCHEDULE_ID is set, but the account does not accept it over REST")
    return sentences


def _lag(profile: Profile | None) -> int:
    return math.ceil(max(profile.effects.look_up_lag_seconds.values(), default=0)) if profile else 0


def _account(account_id: str) -> str:
    return account_id.lower().replace("-", "_")
