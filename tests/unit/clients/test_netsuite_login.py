"""The signed assertion of NetSuite's login, and the result of each response to it."""

from __future__ import annotations

import time
import traceback
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from tests.unit.clients.remotes import Scripted, answer
from worker.clients.http import Answer
from worker.clients.netsuite.auth import ASSERTION_TYPE, NetSuiteAddress, mint_token
from worker.domain.errors import Misconfigured, NoRoom, SyncError, Transient
from worker.domain.problems import Cause

ODD_TOKENS: list[Any] = [None, "", 7, True, [], {}, "two words", "a\nb", "a\x00", "caf\u00e9", "\ud800", "x" * 20_000]
ODD_LIFETIMES: list[Any] = [None, "", "soon", True, 0, -1, "NaN", "Infinity", 10**30, [], {}]
TOKEN = answer(200, {"access_token": "sesame", "expires_in": "3600", "token_type": "bearer"})
EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


PRIMES = (2**256 - 189, 2**255 - 19)


def small_rsa_key() -> rsa.RSAPrivateKey:
    """Return a key of 511 bits, which no current generator creates."""
    (p, q), exponent = PRIMES, 65537
    private = pow(exponent, -1, (p - 1) * (q - 1))
    remainders = rsa.rsa_crt_dmp1(private, p), rsa.rsa_crt_dmq1(private, q), rsa.rsa_crt_iqmp(p, q)
    public = rsa.RSAPublicNumbers(exponent, p * q)
    return rsa.RSAPrivateNumbers(p, q, private, *remainders, public).private_key()


def pem_of(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def address_of(folder: Path, key: Any, encryption: KeySerializationEncryption | None = None) -> NetSuiteAddress:
    pem = folder / "key.pem"
    if isinstance(key, bytes):
        pem.write_bytes(key)
    elif key is not None:
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))
    return NetSuiteAddress("https://td1.example", "TD1", "client-1", "cert-1", pem)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC_KEY, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
        (RSA_KEY, "PS256"),
    ],
    ids=["P-256", "P-384", "P-521", "RSA"],
)
def test_the_assertion_is_signed_as_the_key_and_netsuite_allow(tmp_path: Path, key: Any, algorithm: str) -> None:
    address, transport, begun = address_of(tmp_path, key), Scripted(TOKEN), time.time()
    assert mint_token(transport, address).lifetime == 3600
    (sent,) = transport.sent
    assertion = sent.form["client_assertion"]
    assert jwt.get_unverified_header(assertion) == {"alg": algorithm, "kid": "cert-1", "typ": "JWT"}
    claims = jwt.decode(assertion, key.public_key(), algorithms=[algorithm], audience=address.token_url)
    assert (claims["iss"], claims["scope"]) == ("client-1", "rest_webservices")
    assert begun - 5 <= claims["iat"] <= time.time() + 5
    assert 0 < claims["exp"] - claims["iat"] <= 3600


def test_the_assertion_goes_to_the_token_service_it_is_meant_for(tmp_path: Path) -> None:
    transport = Scripted(TOKEN)
    mint_token(transport, address_of(tmp_path, EC_KEY))
    (sent,) = transport.sent
    assert (sent.method, sent.url) == ("POST", "https://td1.example/services/rest/auth/oauth2/v1/token")
    assert sent.form["grant_type"] == "client_credentials"
    assert sent.form["client_assertion_type"] == ASSERTION_TYPE
    assert not sent.writes


@pytest.mark.parametrize(
    ("key", "encryption"),
    [
        (None, None),
        (b"", None),
        (b"not a key", None),
        (EC_KEY, BestAvailableEncryption(b"password")),
        (ed25519.Ed25519PrivateKey.generate(), None),
        (ec.generate_private_key(ec.SECP256K1()), None),
        (ec.generate_private_key(ec.SECP224R1()), None),
        (dsa.generate_private_key(1024), None),
        (x25519.X25519PrivateKey.generate(), None),
        (small_rsa_key(), None),
        (EC_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), None),
        (pem_of(EC_KEY)[:-60], None),
        (pem_of(EC_KEY).replace(b"M", b"N"), None),
        (b"\x00\xff" * 5000, None),
        (b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", None),
    ],
    ids=[
        "no file",
        "empty",
        "no key",
        "password",
        "Ed25519",
        "secp256k1",
        "P-224",
        "DSA",
        "X25519",
        "small RSA",
        "public key",
        "cut",
        "changed",
        "binary",
        "certificate",
    ],
)
def test_a_key_that_cannot_sign_is_a_setup_problem_and_sends_nothing(
    tmp_path: Path, key: Any, encryption: KeySerializationEncryption | None
) -> None:
    """The error names the file of the key."""
    transport = Scripted(TOKEN)
    with pytest.raises(Misconfigured, match=r"key\.pem") as caught:
        mint_token(transport, address_of(tmp_path, key, encryption))
    assert caught.value.cause is Cause.NETSUITE_KEY
    assert transport.sent == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(400, {"error": "invalid_grant"}), Misconfigured),
        (answer(401, {"error": "invalid_client"}), Misconfigured),
        (answer(403, None), Misconfigured),
        (answer(429, None), NoRoom),
        (answer(500, None), Transient),
        (answer(503, "<html>"), Transient),
        (answer(200, "<html>"), Transient),
        (answer(200, {"access_token": "x"}), Transient),
        (answer(200, {"access_token": "x", "expires_in": "soon"}), Transient),
        (answer(200, ["odd"]), Transient),
        (answer(200, None), Transient),
        *((answer(200, {"access_token": odd, "expires_in": 3600}), Transient) for odd in ODD_TOKENS),
        *((answer(200, {"access_token": "x", "expires_in": odd}), Transient) for odd in ODD_LIFETIMES),
        (answer(302, Location="https://system.netsuite.example/login"), Misconfigured),
        (answer(404, {"o:errorDetails": [{"o:errorCode": "NONEXISTENT_ID", "detail": "no"}]}), Misconfigured),
        (answer(409, None), Misconfigured),
    ],
)
def test_an_answer_that_is_no_token_says_whether_waiting_helps(
    tmp_path: Path, given: Answer, expected: type[SyncError]
) -> None:
    with pytest.raises(SyncError) as caught:
        mint_token(Scripted(given), address_of(tmp_path, EC_KEY))
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    "body", ['{"access_token": "open-sesame", "expires', '{"access_token": "open-sesame", "expires_in": "open-sesame"}']
)
def test_a_token_in_an_unusable_response_is_not_shown(tmp_path: Path, body: str) -> None:
    with pytest.raises(Transient) as caught:
        mint_token(Scripted(answer(200, body)), address_of(tmp_path, EC_KEY))
    report = "".join(traceback.format_exception(caught.value))
    assert "sesame" not in report


@pytest.mark.parametrize(("seconds_apart", "relation"), [(-400, "ahead of"), (400, "behind"), (1, "")])
def test_a_refused_login_names_host_client_certificate_and_clocks(
    tmp_path: Path, seconds_apart: float, relation: str
) -> None:
    """The usual reasons: another account's host, an old certificate, or a clock that is minutes off."""
    address = address_of(tmp_path, EC_KEY)
    now = time.time()
    date = formatdate(now + seconds_apart, usegmt=True)
    refused = answer(401, {"error": "invalid_client"}, received_at=now, Date=date)
    with pytest.raises(Misconfigured) as caught:
        mint_token(Scripted(refused), address)
    message = caught.value.facts["answer"]
    assert address.client_id in message
    assert address.certificate_id in message
    assert urlsplit(address.base_url).netloc in message
    assert (f"s {relation} its clock" in message) if relation else "clock" not in message
