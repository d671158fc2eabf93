"""OAuth 2.0 client credentials with a signed JWT (ohelp/section_162755359851, ohelp/section_162790605110), and when their certificate expires."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from worker.clients.http import Transport
from worker.clients.login import require_admitted, token_of
from worker.clients.netsuite.errors import error_of, message_of
from worker.domain.errors import Misconfigured
from worker.domain.problems import Cause
from worker.store.tokens import AccessToken

ASSERTION_SECONDS = 300
"""NetSuite allows up to an hour. Five minutes allow for clock differences and limit the use of a stolen assertion."""
ALGORITHM_OF_CURVE = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
"""NetSuite accepts ES256/384/512 and, for RSA keys, PS256/384/512, never RS256."""
MIN_RSA_BITS = 2048
"""Shorter keys are not secure or cannot create such a signature. Longer keys that NetSuite does not accept are refused by NetSuite."""
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class NetSuiteAddress:
    """The address of NetSuite, and the integration that logs in. `base_url`: scheme and host."""

    base_url: str
    account_id: str
    client_id: str
    certificate_id: str
    private_key_file: Path

    @property
    def token_url(self) -> str:
        """The token service, which is the audience of the assertion too."""
        return f"{self.base_url}/services/rest/auth/oauth2/v1/token"


def mint_token(transport: Transport, address: NetSuiteAddress) -> AccessToken:
    """Return a new access token. Raises Misconfigured if the key cannot be used or NetSuite refuses it, Transient if it may work later."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": _assertion(address, int(transport.runtime.time())),
    }
    answer = transport.send("POST", address.token_url, headers={}, form=form)
    identity = f"client id {address.client_id}, certificate id {address.certificate_id}"
    require_admitted(answer, message_of(answer), Cause.NETSUITE_LOGIN, url=address.token_url, identity=identity)
    if error := error_of(answer, writes=False):
        raise error
    return token_of(answer, "NetSuite", url=address.token_url)


def _assertion(address: NetSuiteAddress, now: int) -> str:
    claims = {
        "iss": address.client_id,
        "scope": "rest_webservices",
        "aud": address.token_url,
        "iat": now,
        "exp": now + ASSERTION_SECONDS,
    }
    try:
        key = load_pem_private_key(address.private_key_file.read_bytes(), password=None)
    except PermissionError as error:
        raise _bad_key(f"the user of this process cannot read {address.private_key_file}") from error
    except FileNotFoundError as error:
        raise _bad_key(f"the file {address.private_key_file} no longer exists") from error
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _bad_key(f"{address.private_key_file} has no readable private key") from error
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise _bad_key(f"{address.private_key_file} is neither an EC nor an RSA key")
    algorithm = ALGORITHM_OF_CURVE.get(key.curve.name) if isinstance(key, EllipticCurvePrivateKey) else "PS256"
    if algorithm is None:
        raise _bad_key(f"{address.private_key_file} uses none of the curves {', '.join(ALGORITHM_OF_CURVE)}")
    if isinstance(key, RSAPrivateKey) and key.key_size < MIN_RSA_BITS:
        raise _bad_key(f"{address.private_key_file} is an RSA key of {key.key_size} bits; NetSuite takes 3072 or 4096")
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": address.certificate_id})


def _bad_key(message: str) -> Misconfigured:
    return Misconfigured(message, cause=Cause.NETSUITE_KEY, facts={"answer": message})


def certificate_expiry(expires: date | None, key_file: Path) -> float | None:
    """Return when the certificate for the login expires (unix seconds), at most two years after it was created (ohelp/subsect_162755332391); None
    if that is not known. The login itself needs only the private key.

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
