"""Names that are no setting of wbs-sync although somebody seems to have meant one: almost always a typo, and a typo must not fall back
to a default in silence.

A file of settings holds nothing else, so every unknown name in it counts. An environment also holds what other programs need: there a
name counts when it begins with a prefix of ours, or when it is so close to a setting that is not given that it was probably meant.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable
from functools import lru_cache

OWN_PREFIXES = ("PROCORE_", "NETSUITE_", "FLOWER_", "WBS_")
"""Flower reads FLOWER_* variables itself: FLOWER_UNAUTHENTICATED_API=true would open its API to everyone."""
NOT_SETTINGS = frozenset({"SECRETS_DIR", "WBS_SYNC_HEARTBEAT_FILE", "WBS_SYNC_PROCESS"})
"""Variables of ours that only an environment can carry."""
STANDARD = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"})
"""Settings that all programs share. Variables close to them (FTP_PROXY) belong to others."""
FOREIGN = frozenset({"LOGLEVEL", "LOGGING_LEVEL"})
"""Close to a setting, common, and harmless where it was meant as one."""
_SERVICE_LINK = re.compile(r"[A-Z0-9_]*_(SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP)(_[A-Z]+)?)?)")
"""What Kubernetes and Docker add for every service that is called like the prefix."""
_SHOWABLE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,60}")
LEAST_LETTERS = 3


def in_environment(names: Iterable[str], *, known: tuple[str, ...], given: Collection[str]) -> list[str]:
    """A sentence for each variable that is probably a misspelled setting. `given`: the settings that have a value anywhere, or an
    empty one in the environment; with the right name there, a name close to it is another program's.
    """
    faults = []
    for name in sorted(names):
        upper = name.upper()
        if upper in known or upper in NOT_SETTINGS or upper in FOREIGN:
            continue
        meant = _meant(upper, known)
        if upper.startswith(OWN_PREFIXES) and not _SERVICE_LINK.fullmatch(upper):
            faults.append(_sentence(name, "in the environment", meant or _nearest(upper, known)))
        elif meant and meant not in given:
            hint = f" If {name} belongs to another program, also set {meant}; it may be empty."
            faults.append(_sentence(name, "in the environment", meant) + hint)
    return faults


def in_file(name: str, place: str, known: tuple[str, ...]) -> str:
    """The sentence for an unknown name in a file of settings, or for a file in the folder of secrets."""
    upper = name.upper()
    if upper in NOT_SETTINGS:
        return f"{upper} ({place}) must be an environment variable."
    return _sentence(name, place, _meant(upper, known) or _nearest(upper, known))


def in_secrets(files: Iterable[str], known: tuple[str, ...]) -> list[str]:
    """A sentence for each file of SECRETS_DIR that is no setting. One with an extension, such as a key in PEM form, counts only when
    a setting was probably meant.
    """
    faults = []
    for name in sorted(files):
        stem, _, extension = name.partition(".")
        if not stem or (stem.upper() in known and not extension):
            continue
        meant = stem.upper() if stem.upper() in known else _meant(stem.upper(), known)
        if meant and extension:
            faults.append(_sentence(name, "a file in SECRETS_DIR", meant.lower()))
        elif not extension:
            faults.append(in_file(name, "a file in SECRETS_DIR", known))
    return faults


def _sentence(name: str, place: str, nearest: str) -> str:
    # Anything longer may be a line of a key that was pasted there.
    shown = name if _SHOWABLE.fullmatch(name) else "Something"
    return f"{shown} ({place}) is not a setting of wbs-sync." + (f" Did you mean {nearest}?" if nearest else "")


@lru_cache(1000)
def _meant(name: str, known: tuple[str, ...]) -> str:
    """The setting that a name was probably meant as; "" for none."""
    for setting in known:
        if setting not in STANDARD and _is_close(name, setting):
            return setting
    without_prefix = {
        setting.partition("_")[2]: setting for setting in known if setting.startswith(("PROCORE_", "NETSUITE_"))
    }
    # Two words are often anybody's: BASE_URL, CLIENT_ID, ACCOUNT_ID.
    own = [short for short in without_prefix if short.count("_") >= 2 or short in ("ITEM_TYPE", "PROJECT_FIELD")]
    return next((without_prefix[short] for short in own if _words(name) == _words(short)), "")


def _is_close(name: str, setting: str) -> bool:
    """Whether it is the same but for a few letters, the order of its words, their number, or words cut short."""
    ours, theirs = _words(setting), _words(name)
    return (
        sorted(ours) == sorted(theirs)
        or (len(ours) != len(theirs) and _distance("".join(ours), "".join(theirs), most=1) <= 1)
        or _are_cut(ours, theirs)
        or _are_mistyped(setting.split("_"), name.split("_"))
    )


@lru_cache(1000)
def _words(name: str) -> list[str]:
    """Its words in the singular."""
    return [word[:-2] if word.endswith("SES") else word.removesuffix("S") for word in re.split(r"[^A-Z0-9]+", name)]


def _are_cut(ours: list[str], theirs: list[str]) -> bool:
    """Whether each word begins like the other's: EXPORT_STAT, WEBHOOK_AUTH."""
    return len(ours) == len(theirs) and all(
        min(len(one), len(other)) >= LEAST_LETTERS and (one.startswith(other) or other.startswith(one))
        for one, other in zip(ours, theirs, strict=True)
    )


def _are_mistyped(ours: list[str], theirs: list[str]) -> bool:
    """Whether each word is the other's but for a letter, or two in a long one, and no more than two letters are wrong in all."""
    if len(ours) != len(theirs):
        return False
    wrong = 0
    for one, other in zip(ours, theirs, strict=True):
        most = 1 if len(one) <= 5 else 2
        count = _distance(one, other, most=most)
        wrong += count
        if count > most or wrong > 2:
            return False
    return True


def _nearest(name: str, known: tuple[str, ...]) -> str:
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1)), "")


def _distance(one: str, other: str, *, most: int) -> int:
    """Letters to put in, take out, change, or exchange with their neighbour until both are equal; only roughly where more than `most`."""
    if one == other or abs(len(one) - len(other)) > most:
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
