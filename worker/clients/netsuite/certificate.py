"""Finds when the certificate for the login to NetSuite expires: at most two years after it was created (ohelp/subsect_162755332391).

The login itself needs only the private key, so the day is known only from the certificate or from a setting.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates


def certificate_expiry(expires: date | None, key_file: Path) -> float | None:
    """Return when the certificate expires (unix seconds); None if that is not known.

    `expires`: NETSUITE_CERTIFICATE_EXPIRES; the end of that day, UTC. Else the earliest expiry of the certificates in the key's file, if it
    contains any and this process may read it.
    """
    if expires:
        return datetime.combine(expires, time.max, UTC).timestamp()
    try:
        certificates = load_pem_x509_certificates(key_file.read_bytes())
    except (OSError, ValueError):
        return None
    return min(certificate.not_valid_after_utc.timestamp() for certificate in certificates)
