"""When the certificate for the login to NetSuite expires: from the setting, or from the certificate itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from worker.clients.netsuite.auth import certificate_expiry

KEY = ec.generate_private_key(ec.SECP256R1())
KEY_PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def certificate(days: int) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wbs-sync")])
    builder = x509.CertificateBuilder(name, name, KEY.public_key(), 7, NOW, NOW + timedelta(days=days))
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key.pem"
    file.write_bytes(KEY_PEM)
    return file


def test_the_day_of_the_setting_counts_to_its_end(key_file: Path) -> None:
    ends = certificate_expiry(date(2027, 5, 31), key_file)
    assert ends
    assert datetime.fromtimestamp(ends, UTC).isoformat(timespec="seconds") == "2027-05-31T23:59:59+00:00"


def test_a_certificate_in_the_keys_file_states_its_own_end(key_file: Path) -> None:
    assert certificate_expiry(None, key_file) is None
    key_file.write_bytes(KEY_PEM + certificate(700) + certificate(20))
    assert certificate_expiry(None, key_file) == (NOW + timedelta(days=20)).timestamp(), "the first that ends"
    assert load_pem_private_key(key_file.read_bytes(), password=None), "the login still reads the key"


def test_an_unreadable_certificate_has_no_known_end(key_file: Path, tmp_path: Path) -> None:
    assert certificate_expiry(None, tmp_path / "gone.pem") is None
    key_file.write_bytes(KEY_PEM + b"-----BEGIN CERTIFICATE-----\nhalf of it\n-----END CERTIFICATE-----\n")
    assert certificate_expiry(None, key_file) is None
