"""The number of examples per test: few in the suite if one takes more than a millisecond, all of them on request."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

USUAL = 100


def in_the_suite(count: int) -> settings:
    """Run this many examples in the suite, and as many as the profile says with `--hypothesis-profile=thorough`."""
    most = settings().max_examples
    # A server or a folder is shared by all examples of a test on purpose: each makes its own world in it.
    lenient = [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ]
    return settings(max_examples=count if most == USUAL else most, suppress_health_check=lenient)
