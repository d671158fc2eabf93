"""The list of projects is replaced as a whole; cached responses expire, and belong to one NetSuite account."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kit.container import Redis
from tests.unit.store.conftest import PREFIX
from worker.domain.wbs_codes import Project
from worker.store.cache import Cache
from worker.store.connection import seconds
from worker.store.projects import ProjectList

HARBOR = Project(17, "Café 'Harbor'", "24-017", active=True, origin_id="700")
QUAY = Project(2, "Quay", None, active=False)


@pytest.fixture
def projects(client: Redis) -> ProjectList:
    return ProjectList(client, PREFIX)


def test_projects_are_read_back_as_they_were_listed_by_id(projects: ProjectList) -> None:
    projects.replace([HARBOR, QUAY])
    assert projects.all() == (QUAY, HARBOR)
    assert projects.get(17) == HARBOR
    assert projects.get(99) is None


def test_a_fresh_list_leaves_nothing_of_the_old_one(projects: ProjectList) -> None:
    projects.replace([HARBOR])
    projects.replace([QUAY])
    assert projects.all() == (QUAY,)
    assert projects.all() is projects.all(), "read once"
    projects.replace([])
    assert projects.all() == ()


def test_a_list_that_was_never_taken_is_infinitely_old(projects: ProjectList, client: Redis) -> None:
    assert projects.age() == math.inf
    begun = seconds(client)
    projects.replace([])
    assert 0 <= projects.age() <= seconds(client) - begun + 1


def test_a_list_known_to_have_changed_counts_as_old_and_stays_readable(projects: ProjectList) -> None:
    """The projects are those of the last list."""
    projects.replace([HARBOR])
    projects.outdate()
    assert projects.age() == math.inf
    assert projects.all() == (HARBOR,)


def test_a_list_that_was_begun_before_a_change_stays_outdated(projects: ProjectList, client: Redis) -> None:
    def changed_meanwhile() -> Iterator[Project]:
        yield HARBOR
        projects.outdate()
        yield QUAY

    projects.replace(changed_meanwhile())
    assert projects.all() == (QUAY, HARBOR)
    assert projects.age() == math.inf
    begun = seconds(client)
    projects.replace([HARBOR])
    assert projects.age() <= seconds(client) - begun + 1


def test_a_project_looked_up_by_itself_is_in_the_list_from_then_on(projects: ProjectList) -> None:
    """It is read by its id and with the whole list."""
    projects.replace([HARBOR])
    assert projects.all() == (HARBOR,)
    projects.add(QUAY)
    assert projects.get(2) == QUAY
    assert projects.all() == (QUAY, HARBOR)


def test_a_projects_purpose_is_kept_and_may_be_missing_in_old_entries(projects: ProjectList, client: Redis) -> None:
    """An older version stored a project without its purpose."""
    template = Project(3, "Usual tower", None, active=False, purpose="template")
    projects.replace([template])
    assert projects.get(3) == template
    client.hset(f"{PREFIX}projects", "4", '["Pier", "24-020", true, null]')
    assert projects.get(4) == Project(4, "Pier", "24-020", active=True)


def test_one_reader_of_the_list_at_a_time(projects: ProjectList, client: Redis) -> None:
    token = projects.claim()
    assert token
    assert projects.claim() is None
    projects.release("another one's")
    assert projects.claim() is None
    (key,) = client.keys("*reading")
    assert 0 < client.ttl(key) <= 30, "a reader that died is not waited for"
    projects.release(token)
    assert projects.claim()


def test_the_last_listing_of_an_inactive_project_is_recorded(projects: ProjectList, client: Redis) -> None:
    assert projects.listing_times() == {}
    begun = seconds(client)
    projects.note_listing(17, left=True)
    projects.note_listing(2, left=False)
    assert projects.listing_times()[17] == 0.0
    assert begun - 1 <= projects.listing_times()[2] <= seconds(client)
    projects.forget_listings([17, 99])
    projects.forget_listings([])
    assert list(projects.listing_times()) == [2]


@pytest.mark.parametrize("value", ["5871", "", 60, {"id": "1"}, ["a"], 0, False])
def test_a_cached_value_is_read_back(client: Redis, value: Any) -> None:
    cache = Cache(client, PREFIX, "td1")
    assert cache.get("vendor:33") is None
    cache.put("vendor:33", value, seconds=60)
    assert cache.get("vendor:33") == value


def test_a_cached_value_expires(client: Redis) -> None:
    Cache(client, PREFIX, "td1").put("vendor:33", "5871", seconds=60)
    (key,) = client.keys("*")
    assert 0 < client.ttl(key) <= 60


def test_cached_values_belong_to_one_account(client: Redis) -> None:
    Cache(client, PREFIX, "td1").put("vendor:33", "5871", seconds=60)
    assert Cache(client, PREFIX, "td1_sb1").get("vendor:33") is None


def test_a_value_that_turned_out_wrong_is_dropped_and_the_others_stay(client: Redis) -> None:
    cache = Cache(client, PREFIX, "td1")
    for key in ("a", "b", "c"):
        cache.put(key, 1, seconds=60)
    cache.forget("a", "b")
    cache.forget()
    assert [cache.get(key) for key in ("a", "b", "c")] == [None, None, 1]


def test_a_long_list_is_taken_over_as_a_whole(projects: ProjectList, client: Redis) -> None:
    many = [Project(number, f"Project {number}", str(number), active=True) for number in range(1, 1_202)]
    projects.replace([QUAY])

    def coming() -> Iterator[Project]:
        for project in many:
            # The previous list is kept until the new one is complete.
            assert projects.all() == (QUAY,)
            yield project

    projects.replace(coming())
    assert len(projects.all()) == 1_201
    assert client.ttl(f"{PREFIX}projects") == -1
    assert client.keys(f"{PREFIX}projects:*") == [f"{PREFIX}projects:listed_at"]
