"""How many examples a test tries: a share of what the profile says, for those that cost more than a millisecond each."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def share(part: float) -> settings:
    """That part of the profile's examples: of 100 in the suite, of 2,500 with `--hypothesis-profile=thorough`."""
    # A fixture of a server or a folder is shared by all examples of a test on purpose: each makes its own world in it.
    lenient = [
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ]
    return settings(max_examples=max(1, round(settings().max_examples * part)), suppress_health_check=lenient)
