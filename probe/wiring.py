"""Builds the probe from the product's settings, stores and clients."""

from __future__ import annotations

from config.settings import Settings
from probe.clients.netsuite import SandboxNetSuite
from probe.clients.procore import SandboxProcore
from probe.clients.timed_transport import TimedTransport
from probe.run import Probe
from worker.cli.session import redis_url
from worker.container import Container
from worker.container.installation import policy_of
from worker.domain.fields import AccountFields
from worker.domain.scopes import Remote
from worker.redis_access import require_one_server
from worker.store.gate import Precedence
from worker.sync.projects import Projects


def open_probe(settings: Settings) -> Probe:
    """Return a probe of the account in the settings, with the Redis of the installation.

    Does not read the account's profile, which may belong to another account or be unreadable: the probe writes a new one. Raises Fault without
    Redis, InvalidSettings if the Redis is a cluster or belongs to another company.
    """
    container = Container(settings, redis_url=redis_url(settings))
    require_one_server(container.redis)
    container.ownership.require_no_other()
    connections, stores = container.connections, container.stores
    procore_transport = TimedTransport(
        remote=Remote.PROCORE.value, read_timeout=settings.procore_read_timeout_seconds, network=connections.network
    )
    netsuite_transport = TimedTransport(
        remote=Remote.NETSUITE.value, read_timeout=settings.netsuite_read_timeout_seconds, network=connections.network
    )
    listing = connections.procore(Precedence.SCAN)
    procore = SandboxProcore(connections.procore_api(Precedence.SCAN, procore_transport), stores.cache)
    api = connections.netsuite_api(Precedence.SCAN, netsuite_transport)
    netsuite = SandboxNetSuite(api, connections.account_defaults(None), stores.cache)
    return Probe(
        netsuite=netsuite,
        procore=procore,
        projects=Projects(
            stores, listing, policy_of(settings, None, AccountFields()), container.ownership.company_confirmed
        ),
        locks=stores.locks,
        latencies=lambda: [*procore_transport.latencies(), *netsuite_transport.latencies()],
        has_tax_schedule=bool(settings.netsuite_tax_schedule_id),
        slots=settings.netsuite_concurrency,
    )
