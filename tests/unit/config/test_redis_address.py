"""REDIS_URL: the address of one server, or of a master that sentinels name."""

from __future__ import annotations

import pytest
from celery import Celery

from config.celery_options import celery_options
from config.loading import load_settings
from config.redis_address import Login, Sentinels, sentinels_of
from tests.unit.config.conftest import SetEnvironment, faults_of
from worker.store.connection import connect


@pytest.mark.parametrize(
    ("url", "sentinels"),
    [
        ("redis+sentinel://one/m", Sentinels((("one", 26379),), "m")),
        (
            "redis+sentinel://:p%40ss@one:1,two.example:2/my-master/3",
            Sentinels((("one", 1), ("two.example", 2)), "my-master", 3, "", "p@ss"),
        ),
        ("redis+sentinel://user:x@[::1]:26380/m/0", Sentinels((("::1", 26380),), "m", 0, "user", "x")),
        (
            "redis+sentinel://one/m/0?sentinel_username=watcher&sentinel_password=a%26b",
            Sentinels((("one", 26379),), "m", login=Login("watcher", "a&b")),
        ),
        ("rediss+sentinel://one/m/0", Sentinels((("one", 26379),), "m", tls={"ssl_cert_reqs": "required"})),
        (
            "rediss+sentinel://one/m?ssl_ca_certs=%2Fca.pem&ssl_cert_reqs=optional",
            Sentinels((("one", 26379),), "m", tls={"ssl_cert_reqs": "optional", "ssl_ca_certs": "/ca.pem"}),
        ),
    ],
)
def test_an_address_names_sentinels_master_and_login(url: str, sentinels: Sentinels) -> None:
    assert sentinels_of(url) == sentinels


@pytest.mark.parametrize(
    "url",
    [
        "redis://host/0",
        "rediss://host/0",
        "redis+sentinel://host",
        "redis+sentinel:///m",
        "redis+sentinel://a b/m",
        "redis+sentinel://one,/m",
        "redis+sentinel://one/m/zero",
        "redis+sentinel://one/m/0?ssl=1",
        "redis+sentinel://one/m/0?ssl_ca_certs=/ca.pem",
        "redis+sentinel://one/m/0?sentinel_username=watcher",
        "redis+sentinel://one/m/0?sentinel_password=",
        "redis+sentinel://one/m/0?sentinel_password=a&sentinel_password=b",
        "rediss+sentinel://one/m/0?ssl_cert_reqs=never",
        "redis+sentinel://one:0/m",
        "redis+sentinel://one:65536/m",
    ],
)
def test_no_other_address_is_read_as_that_of_sentinels(url: str) -> None:
    assert sentinels_of(url) is None


def test_celery_gets_the_sentinels_and_the_master() -> None:
    options = celery_options(redis_url="redis+sentinel://:p%40ss@one:1,two:2/m/3", key_prefix="x:")
    assert options["broker_url"] == options["result_backend"] == "sentinel://one:1/3;sentinel://two:2/3"
    assert options["broker_password"] == options["redis_password"] == "p@ss"
    assert options["broker_transport_options"]["master_name"] == "m"
    assert options["result_backend_transport_options"]["master_name"] == "m"


def test_celery_gets_an_ipv6_address_in_brackets() -> None:
    options = celery_options(redis_url="redis+sentinel://[::1]:26380/m", key_prefix="x:")
    assert options["broker_url"] == "sentinel://[::1]:26380/0"


def test_the_password_is_not_shown() -> None:
    assert "sesame" not in repr(sentinels_of("redis+sentinel://:sesame@one/m"))


@pytest.mark.parametrize(
    "url",
    [
        "redis://:open/sesame@host:6379/0", "redis://:open#sesame@host/0", "redis://:open?sesame@host/0", "redis://:sesame@host:port/0",
        "redis://:sesame@host:99999/0", "redis://:sesame@host:0/0", "redis://:sesame@host/ledger", "redis://:sesame@[::1/0", "redis://:sesame@",
        "http://:sesame@host", "unix:///sesame", "sesame", "redis:sesame", "redis://:ses ame@host/0", "redis://:sesame@host/0\n", "redis://:s\u00e9same@host/0",
        "redis://:sesame@host/0?sesame=1", "rediss://:sesame@host/0?sesame=1", "rediss://:sesame@host/0?ssl_cert_reqs=sesame", "redis://:sesame@host/0?ssl_cert_reqs=none",
        "rediss://:sesame@host/0?sesame", "redis+sentinel://:sesame@host", "redis+sentinel://:sesame@host/m/0?sesame=1",
    ],
)  # fmt: skip
def test_an_unusable_redis_address_is_reported_without_any_part_of_it(
    set_environment: SetEnvironment, url: str
) -> None:
    """The address may contain a password anywhere."""
    (fault,) = faults_of(set_environment, REDIS_URL=url)
    assert fault.startswith(
        ("REDIS_URL: must be redis://", "REDIS_URL: allows only ssl_ca_certs", "REDIS_URL: ssl_cert_reqs must be")
    )
    assert "sesame" not in fault


@pytest.mark.parametrize(
    "url", ["redis://host", "redis://:sesame@host:6379/3", "redis://user:p%2Fw@10.0.0.1/", "redis://[::1]:6379/0"]
)
def test_a_redis_address_is_used_unchanged(set_environment: SetEnvironment, url: str) -> None:
    set_environment(REDIS_URL=url)
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == url
    assert_everybody_takes(url)


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("rediss://:sesame@host/0", "rediss://:sesame@host/0?ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_ca_certs=/ca.pem", "rediss://host/0?ssl_ca_certs=%2Fca.pem&ssl_cert_reqs=required"),
        ("rediss://host/0?ssl_cert_reqs=none", "rediss://host/0?ssl_cert_reqs=none"),
    ],
)
def test_certificates_of_redis_are_checked_unless_a_setting_turns_that_off(
    set_environment: SetEnvironment, url: str, taken: str
) -> None:
    """Without it Celery does not start: `A rediss:// URL must have parameter ssl_cert_reqs`."""
    set_environment(REDIS_URL=url)
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == taken
    assert_everybody_takes(taken)


def assert_everybody_takes(url: str) -> None:
    """Check that Celery's results, kombu and redis-py accept the address; none of them connects here."""
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(redis_url=url, key_prefix="x:"))
    assert app.backend.connparams["host"]
    assert app.connection_for_read().info()["hostname"]
    assert connect(url).connection_pool.connection_kwargs["host"]
