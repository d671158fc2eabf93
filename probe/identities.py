"""The external ids of the probe's own records, which no code and no invoice can have (see `worker.domain.identities`)."""

from __future__ import annotations


def external_id_prefix(company_id: int) -> str:
    """Return the prefix of the external ids of all records that the probe of a company creates. The cleanup finds them by it."""
    return f"pcr-prb-{company_id}-"
