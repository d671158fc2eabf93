"""A real server for the tests that need one, the output of a failed property, and a garbage collector that ignores the tests' own objects."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from worker.local.embedded import EmbeddedServer

# Their assertions explain as much as a test's own. Not said in `tests/kit` itself: its processes would all import pytest.
pytest.register_assert_rewrite("tests.kit.books")

# The blob replays the very example that failed, on any machine; a deadline would judge how busy the machine is.
# The same examples on every machine, so that a change is judged by what it changes; the next profile searches new ones.
settings.register_profile("wbs-sync", print_blob=True, deadline=None, derandomize=True)
# `uv run pytest tests/bad_input --hypothesis-profile=thorough`: a separate command, some half an hour.
settings.register_profile("thorough", settings.get_profile("wbs-sync"), max_examples=2000, derandomize=False)
settings.load_profile("wbs-sync")


# How this machine reaches the internet does not matter here: every address of a test is on this machine. Settings would also read
# a whole bundle of certificates each time, which was a quarter of the time of the tests of flows.
for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
    for spelled in (name, name.lower()):
        os.environ.pop(spelled, None)

LONGEST = (
    "unit/domain/test_whole_invoices.py", "real/test_up.py", "campaign/simulated/test_short.py", "real/test_upgrade.py",
    "unit/store/test_limits.py", "real/test_redis_refuses.py", "alerts/test_alerts.py", "real/test_upkeep.py",
    "unit/page/test_page.py", "real/test_sentinels.py", "unit/tools/test_message_schemas.py", "campaign/recovery/test_small.py",
    "unit/test_process.py", "unit/tools/test_problems_page.py",
)  # fmt: skip
"""The files of a run that begin first, so that no test process is left with one of them at the end; those that wait next to those that compute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; a file is the unit that a test process gets (`--dist loadfile`)."""
    folder = Path(__file__).parent
    place = {folder / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


# The seven thousand collected tests stay until the end: to look through them again and again took a tenth of a test process's time.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """Run the embedded server of this test process."""
    with EmbeddedServer.start(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis_url(redis_server: EmbeddedServer) -> str:
    """Empty that server, and return its address."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url
