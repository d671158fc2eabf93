"""The token endpoint accepts what Oracle's help says and nothing else; no other address responds without a token."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.unit.simulators.conftest import ITEMS, TIMEOUT, Account, problem


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> tuple[str, str]:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def test_a_valid_assertion_gets_a_token_for_an_hour(account: Account) -> None:
    answer = account.ask_token(account.assertion()).json()
    assert (answer["expires_in"], answer["token_type"]) == ("3600", "bearer")
    account.state.settings.expires_in_as = "number"
    assert account.ask_token(account.assertion()).json()["expires_in"] == 3600


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "somebody else"},
        {"aud": "https://1234567.suitetalk.api.netsuite.com/elsewhere"},
        {"iat": int(time.time()) - 900, "exp": int(time.time()) - 600},
        {"exp": int(time.time()) + 360_000},
        {"scope": "restlets"},
    ],
    ids=["iss", "aud", "expired", "too long", "scope"],
)
def test_a_wrong_claim_is_refused(account: Account, claims: dict[str, Any]) -> None:
    answer = account.ask_token(account.assertion(**claims))
    assert answer.status_code in (400, 401)
    assert set(answer.json()) == {"error", "error_description"}


def test_scopes_may_be_several(account: Account) -> None:
    assert account.ask_token(account.assertion(scope="restlets,rest_webservices")).status_code == 200
    assert account.ask_token(account.assertion(scope=["restlets", "rest_webservices"])).status_code == 200


def test_an_unknown_certificate_and_a_strange_signature_are_refused(account: Account) -> None:
    assert account.ask_token(account.assertion(kid="unknown")).json()["error"] == "invalid_client"
    other_key, _ = pem_of(ec.generate_private_key(ec.SECP256R1()))
    assert account.ask_token(account.assertion(key=other_key)).status_code == 401
    assert account.ask_token("no jwt").status_code == 400
    assert account.ask_token(account.assertion(), grant_type="password").json()["error"] == "unsupported_grant_type"


def test_rsa_keys_sign_with_ps256_and_not_with_rs256(account: Account) -> None:
    private, public = pem_of(rsa.generate_private_key(65537, 3072))
    account.state.doorkeeper.register("rsa", public)
    accepted = account.assertion(algorithm="PS256", kid="rsa", key=private)
    assert account.ask_token(accepted).status_code == 200
    old = account.assertion(algorithm="RS256", kid="rsa", key=private)
    assert account.ask_token(old).status_code == 400


def test_no_address_responds_without_a_valid_token(account: Account) -> None:
    assert problem(requests.get(account.url + ITEMS + "/5001", timeout=TIMEOUT))[:2] == (401, "INVALID_LOGIN")
    account.state.settings.token_lifetime = 0
    account.log_in()
    assert problem(account.send("GET", f"{ITEMS}/5001"))[:2] == (401, "INVALID_LOGIN")
    assert problem(account.query("SELECT id FROM item"))[:2] == (401, "INVALID_LOGIN")
    account.state.settings.token_lifetime = 60
    account.log_in()
    assert account.send("GET", f"{ITEMS}/5001").status_code == 200
    account.state.doorkeeper.unmap_certificates()  # a sandbox refresh
    assert account.send("GET", f"{ITEMS}/5001").status_code == 401
    assert account.ask_token(account.assertion()).status_code == 401
