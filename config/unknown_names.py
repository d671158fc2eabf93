"""Finds names that are probably misspelled settings, because with a typo the setting would silently keep its default.

A file of settings contains only settings, so every unknown name in it is reported. An environment also has variables of other programs:
there, a name is reported if it begins with one of our prefixes, or if it is close to a setting that has no value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from config.settings import setting_names

KNOWN = tuple(setting_names())
OWN_PREFIXES = ("PROCORE_", "NETSUITE_", "FLOWER_", "WBS_")
"""Flower reads FLOWER_* variables itself: FLOWER_UNAUTHENTICATED_API=true would open its API to everyone."""
NOT_SETTINGS = frozenset({"SECRETS_DIR", "WBS_SYNC_HEARTBEAT_FILE", "WBS_SYNC_PROCESS"})
"""Our variables that can be set only in the environment."""
STANDARD = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"})
"""Settings that all programs share. Variables close to them (FTP_PROXY) belong to others."""
FOREIGN = frozenset({"LOGLEVEL", "LOGGING_LEVEL"})
"""Common names that are close to a setting, and harmless if the setting was meant."""
_SERVICE_LINK = re.compile(r"[A-Z0-9_]*_(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP)(_[A-Z]+)?)?)")
"""Variables that Kubernetes and Docker add for each service; the service may have one of our prefixes as its name."""
_SHOWABLE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,60}")
MIN_LETTERS = 3


def in_environment(names: Iterable[str], *, given: Collection[str]) -> list[str]:
    """Return a sentence for each variable that is probably a misspelled setting. `given`: settings that have a value in any source, or an empty
    value in the environment; a name close to one of these belongs to another program.
    """
    faults = []
    for name in sorted(names):
        upper = name.upper()
        if upper in KNOWN or upper in NOT_SETTINGS or upper in FOREIGN:
            continue
        meant = _meant(upper)
        if upper.startswith(OWN_PREFIXES) and not _SERVICE_LINK.fullmatch(upper):
            faults.append(_sentence(name, "in the environment", meant or _nearest(upper)))
        elif meant and meant not in given:
            hint = f" If {name} belongs to another program, also set {meant}; it may be empty."
            faults.append(_sentence(name, "in the environment", meant) + hint)
    return faults


def in_file(name: str, place: str) -> str:
    """Return the sentence for an unknown name in a file of settings, or for an unknown file in SECRETS_DIR."""
    upper = name.upper()
    if upper in NOT_SETTINGS:
        return f"{upper} ({place}) must be an environment variable."
    return _sentence(name, place, _meant(upper) or _nearest(upper))


def in_secrets(files: Iterable[str]) -> list[str]:
    """Return a sentence for each file of SECRETS_DIR that is not a setting. A file with an extension, such as a key in PEM format, is reported
    only if a setting was probably meant.
    """
    faults = []
    for name in sorted(files):
        stem, _, extension = name.partition(".")
        if not stem or (stem.upper() in KNOWN and not extension):
            continue
        meant = stem.upper() if stem.upper() in KNOWN else _meant(stem.upper())
        if meant and extension:
            faults.append(_sentence(name, "a file in SECRETS_DIR", meant.lower()))
        elif not extension:
            faults.append(in_file(name, "a file in SECRETS_DIR"))
    return faults


def _sentence(name: str, place: str, nearest: str) -> str:
    # Anything longer may be a line of a key that was pasted there.
    shown = name if _SHOWABLE.fullmatch(name) else "Something"
    return f"{shown} ({place}) is not a setting of wbs-sync." + (f" Did you mean {nearest}?" if nearest else "")


@lru_cache(1000)
def _meant(name: str) -> str:
    """Return the setting that was probably meant by a name, or ""."""
    for setting in KNOWN:
        if setting not in STANDARD and _is_close(name, setting):
            return setting
    without_prefix = {
        setting.partition("_")[2]: setting for setting in KNOWN if setting.startswith(("PROCORE_", "NETSUITE_"))
    }
    # Names of two words often belong to other programs: BASE_URL, CLIENT_ID, ACCOUNT_ID.
    own = [short for short in without_prefix if short.count("_") >= 2 or short in ("ITEM_TYPE", "PROJECT_FIELD")]
    return next((without_prefix[short] for short in own if _parts(name) == _parts(short)), "")


def _is_close(name: str, setting: str) -> bool:
    """Return whether a name differs from a setting only in a few letters, the order or number of the parts, or abbreviated parts."""
    ours, theirs = _parts(setting), _parts(name)
    return (
        sorted(ours) == sorted(theirs)
        or (len(ours) != len(theirs) and _distance("".join(ours), "".join(theirs), limit=1) <= 1)
        or _are_cut(ours, theirs)
        or _are_mistyped(setting.split("_"), name.split("_"))
    )


@lru_cache(1000)
def _parts(name: str) -> list[str]:
    """Split a name into its parts, each in the singular."""
    return [word[:-2] if word.endswith("SES") else word.removesuffix("S") for word in re.split(r"[^A-Z0-9]+", name)]


def _are_cut(ours: list[str], theirs: list[str]) -> bool:
    """Return whether each part is the beginning of the other name's part: EXPORT_STAT, WEBHOOK_AUTH."""
    return len(ours) == len(theirs) and all(
        min(len(one), len(other)) >= MIN_LETTERS and (one.startswith(other) or other.startswith(one))
        for one, other in zip(ours, theirs, strict=True)
    )


def _are_mistyped(ours: list[str], theirs: list[str]) -> bool:
    """Return whether each part differs in at most one letter, or two in a long part, and in total in at most two letters."""
    if len(ours) != len(theirs):
        return False
    wrong = 0
    for one, other in zip(ours, theirs, strict=True):
        limit = 1 if len(one) <= 5 else 2
        count = _distance(one, other, limit=limit)
        wrong += count
        if count > limit or wrong > 2:
            return False
    return True


def _nearest(name: str) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(KNOWN), n=1)), "")


def _distance(one: str, other: str, *, limit: int) -> int:
    """Return the number of letters to insert, delete, change or swap with a neighbor until both are equal; approximate above `limit`."""
    if one == other or abs(len(one) - len(other)) > limit:
        return abs(len(one) - len(other))
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            least = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                least = min(least, last[j - 2] + 1)
            row.append(least)
    return row[-1]
