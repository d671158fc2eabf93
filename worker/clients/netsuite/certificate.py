"""When the certificate ends with which wbs-sync logs in to NetSuite: two years after it was made at the latest (ohelp/subsect_162755332391).

The login itself needs the private key alone, so nothing but the certificate, or a person, knows the day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates


def certificate_expiry(expires: date | None, key_file: Path) -> float | None:
    """When it ends (unix seconds), or None where that is not known.

    `expires`: NETSUITE_CERTIFICATE_EXPIRES; the end of that day, UTC. Else the earliest end of the certificates that stand in the key's
    file, if any do and this process may read it.
    """
    if expires:
        return datetime.combine(expires, time.max, UTC).timestamp()
    try:
        certificates = load_pem_x509_certificates(key_file.read_bytes())
    except (OSError, ValueError):
        return None
    return min(one.not_valid_after_utc.timestamp() for one in certificates)
