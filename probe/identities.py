"""The external ids of the probe's own records, which no code and no invoice can have (see `worker.domain.identities`)."""

from __future__ import annotations


def external_id_prefix(company_id: int) -> str:
    """What the external id of every record begins with that the probe of a company creates. Cleanup finds them by it."""
    return f"pcr-prb-{company_id}-"
