"""Recognizes sandboxes of NetSuite and Procore.

NetSuite: the account id shows the type of the account (ohelp/section_1498251763). `1234567_SB1` is a sandbox, `1234567_RP` a
Release Preview; `TSTDRV1234567` is a demo account (seen). Procore: sandboxes have their own hosts
(https://developers.procore.com/documentation/development-environments), but an on-demand sandbox shares production's.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SANDBOX = re.compile(r"[0-9]+_(SB|RP)[0-9]*|TSTDRV[0-9]+", re.IGNORECASE)
_PROCORE_HOSTS = ("sandbox.procore.com", "api-monthly.procore.com")
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")


def is_netsuite_sandbox(account_id: str) -> bool:
    """Return whether a NetSuite account id is that of a sandbox, a Release Preview or a demo account."""
    return bool(_SANDBOX.fullmatch(account_id.replace("-", "_")))


def is_procore_sandbox(base_url: str) -> bool:
    """Return whether an address certainly belongs to a Procore sandbox, or to a simulator on this machine."""
    return urlsplit(base_url).hostname in (*_PROCORE_HOSTS, *_OWN_MACHINE)
