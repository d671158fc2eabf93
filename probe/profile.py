"""Writes the account's profile from a probe's results; `config.profile` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.profile import Effects, Profile, RecordedAnswer, RequestTiming, profile_file, read_profile
from config.setting_faults import InvalidSettings
from config.settings import Settings
from probe.clients.timed_transport import Latency
from probe.point import PointResult


def save_profile(
    settings: Settings, results: Iterable[PointResult], latencies: Iterable[Latency], *, is_whole: bool
) -> Profile:
    """Write the profile with these results, and return it. Unless `is_whole`, the other answers of the existing profile are kept."""
    path = profile_file(settings)
    before = None if is_whole else _usable(settings)
    effects, answers = (before.effects, dict(before.answers)) if before else (Effects(), {})
    requests = {one.kind: one for one in before.requests} if before else {}
    requests |= {one.kind: RequestTiming(**asdict(one)) for one in latencies}
    for result in results:
        effects = merged(effects, result.settled.effects) if result.settled else effects
        answers[result.point.id] = _recorded(result)
    profile = Profile(
        account=settings.netsuite_account_id,
        probed_at=datetime.now(UTC).replace(microsecond=0),
        effects=effects,
        answers=answers,
        requests=tuple(requests.values()),
    )
    write_profile(profile, path)
    return profile


def write_profile(profile: Profile, path: Path) -> None:
    """Replace the file with this profile atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text(profile.model_dump_json(indent=2) + "\n", encoding="utf-8")
    new.replace(path)


def merged(effects: Effects, changes: Mapping[str, Any]) -> Effects:
    """Return the effects with the changes of one point. In an effect with inner keys, only the given keys change; "" and None remove a key."""
    values = effects.model_dump()
    for name, change in changes.items():
        if isinstance(change, Mapping):
            values[name] = {key: one for key, one in {**values[name], **change}.items() if one not in ("", None)}
        else:
            values[name] = change
    return Effects.model_validate(values)


def _usable(settings: Settings) -> Profile | None:
    """Return the existing profile if it is readable and belongs to this account, else None."""
    try:
        before = read_profile(profile_file(settings))
    except InvalidSettings:
        return None
    return before if before and before.account.lower() == settings.netsuite_account_id.lower() else None


def _recorded(result: PointResult) -> RecordedAnswer:
    if result.settled is None:
        return RecordedAnswer(why=result.why)
    return RecordedAnswer(answer=result.settled.answer.word, sure=result.settled.sure, facts=dict(result.settled.facts))
