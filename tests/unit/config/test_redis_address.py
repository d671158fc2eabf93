"""The address of a master that sentinels name."""

from __future__ import annotations

import pytest

from config.celery_options import celery_options
from config.redis_address import Login, Sentinels, sentinels_of


@pytest.mark.parametrize(
    ("url", "told"),
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
def test_an_address_names_sentinels_master_and_login(url: str, told: Sentinels) -> None:
    assert sentinels_of(url) == told


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
def test_no_other_address_is_taken_for_one(url: str) -> None:
    assert sentinels_of(url) is None


def test_celery_hears_of_the_sentinels_and_of_the_master() -> None:
    options = celery_options(redis_url="redis+sentinel://:p%40ss@one:1,two:2/m/3", key_prefix="x:")
    assert options["broker_url"] == options["result_backend"] == "sentinel://one:1/3;sentinel://two:2/3"
    assert options["broker_password"] == options["redis_password"] == "p@ss"
    assert options["broker_transport_options"]["master_name"] == "m"
    assert options["result_backend_transport_options"]["master_name"] == "m"


def test_celery_hears_of_an_address_of_version_6_in_brackets() -> None:
    options = celery_options(redis_url="redis+sentinel://[::1]:26380/m", key_prefix="x:")
    assert options["broker_url"] == "sentinel://[::1]:26380/0"


def test_the_password_is_not_shown() -> None:
    assert "sesame" not in repr(sentinels_of("redis+sentinel://:sesame@one/m"))
