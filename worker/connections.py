"""Connections to both systems with the credentials of the settings: addresses, transports, tokens and clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from config.fields_file import FieldsFile, read_fields_file
from config.process_secrets import NOT_HELD
from config.profile import Effects, Profile, load_profile, project_field
from config.setting_faults import InvalidSettings, on_one_line
from config.settings import Settings
from worker.clients.http import Transport
from worker.clients.netsuite import auth as netsuite_auth
from worker.clients.netsuite.api import NetSuiteApi
from worker.clients.netsuite.client import NetSuite, NetSuitePages
from worker.clients.netsuite.errors import USUAL, AccountRefusals, KnownRefusal, Meaning
from worker.clients.netsuite.refusals import RefusalPattern, known_refusals
from worker.clients.netsuite.wire import AccountDefaults
from worker.clients.network import Network
from worker.clients.procore import api as procore_api
from worker.clients.procore.api import ProcoreAddress, ProcoreApi
from worker.clients.procore.client import Procore, ProcorePages
from worker.clients.remotes import Remotes
from worker.domain.fields import AccountFields
from worker.domain.fields_file import InvalidFields, account_fields
from worker.domain.plans import Requests
from worker.domain.scopes import Remote
from worker.inspect.pages import Pages
from worker.part import BuildingLock, Part
from worker.store.gate import Precedence
from worker.store.keys import Keys
from worker.store.stores import Stores
from worker.store.tokens import AccessToken, Tokens

T = TypeVar("T")


def _part(build: Callable[[Connections], T]) -> Part[T]:
    return Part(build)


@dataclass(frozen=True)
class Connections:
    """The connections of one process. `profile`: the account's profile, if there is one; `fields`: further fields of new records.

    Locks of parts are taken in one order: the container's, these connections', the stores'. No store builds a connection.
    """

    settings: Settings
    stores: Stores
    building: BuildingLock = field(default_factory=BuildingLock, init=False, repr=False, compare=False)

    profile = _part(lambda own: load_profile(own.settings))
    fields_file = _part(lambda own: read_fields_file(own.settings))
    fields = _part(lambda own: _account_fields(own.fields_file))
    refusals = _part(lambda own: AccountRefusals(_known_refusals(own.profile), _patterns(own.fields_file)))
    network = _part(lambda own: _network(own.settings))
    procore_transport = _part(lambda own: own.transport(Remote.PROCORE, own.settings.procore_read_timeout_seconds))
    netsuite_transport = _part(lambda own: own.transport(Remote.NETSUITE, own.settings.netsuite_read_timeout_seconds))
    procore_tokens = _part(
        lambda own: own.tokens(
            Remote.PROCORE, partial(procore_api.mint_token, own.procore_transport, own.procore_address)
        )
    )
    netsuite_tokens = _part(
        lambda own: own.tokens(
            Remote.NETSUITE, partial(netsuite_auth.mint_token, own.netsuite_transport, own.netsuite_address)
        )
    )

    procore_pages = _part(lambda own: ProcorePages(own.settings.procore_base_url, own.settings.procore_company_id))
    pages = _part(lambda own: Pages(own.stores, own.procore_pages, NetSuitePages(own.settings.netsuite_url)))

    @property
    def procore_address(self) -> ProcoreAddress:
        """Return where Procore is, and the credentials of its app."""
        return ProcoreAddress(
            base_url=self.settings.procore_base_url,
            auth_url=self.settings.procore_auth_url,
            client_id=self.settings.procore_client_id,
            client_secret=self.settings.procore_client_secret.get_secret_value(),
            company_id=self.settings.procore_company_id,
        )

    @property
    def netsuite_address(self) -> netsuite_auth.NetSuiteAddress:
        """Return where NetSuite is, and the credentials of its integration."""
        return netsuite_auth.NetSuiteAddress(
            base_url=self.settings.netsuite_url,
            account_id=self.settings.netsuite_account_id,
            client_id=self.settings.netsuite_client_id,
            certificate_id=self.settings.netsuite_certificate_id,
            private_key_file=self.settings.netsuite_private_key_file,
        )

    def transport(self, remote: Remote, read_timeout: float) -> Transport:
        """Return a transport for requests to one system."""
        runtime = self.stores.runtime
        return Transport(remote=remote.value, read_timeout=read_timeout, network=self.network, runtime=runtime)

    def tokens(self, remote: Remote, mint: Callable[[], AccessToken]) -> Tokens:
        """Return the tokens for one system, which all processes share."""
        return Tokens(self.stores.redis, self.stores.prefix, remote, mint, runtime=self.stores.runtime)

    def remotes(self, precedence: Precedence) -> Remotes:
        """Return both clients for one kind of work."""
        return Remotes(self.procore(precedence), self.netsuite(precedence))

    def procore(self, precedence: Precedence) -> Procore:
        """Return the client of Procore for one kind of work; unlike NetSuite's it works without the account's profile."""
        api = self.procore_api(precedence, self.procore_transport)
        return Procore(api, self.stores.cache, reads_segments=self.fields.reads("wbs"))

    def netsuite(self, precedence: Precedence) -> NetSuite:
        """Return the client of NetSuite for one kind of work."""
        api = self.netsuite_api(precedence, self.netsuite_transport, self.refusals)
        return NetSuite(api, self.account_defaults(self.profile), self.stores.cache)

    def procore_api(self, precedence: Precedence, transport: Transport) -> ProcoreApi:
        """Return Procore's API for one kind of work."""
        return ProcoreApi(
            self.procore_address,
            transport=transport,
            tokens=self.procore_tokens,
            limits=self.stores.procore_limits,
            precedence=precedence,
        )

    def netsuite_api(
        self, precedence: Precedence, transport: Transport, refusals: AccountRefusals = USUAL
    ) -> NetSuiteApi:
        """Return NetSuite's API for one kind of work; `refusals`: the account's own wording."""
        return NetSuiteApi(
            self.netsuite_address.base_url,
            transport=transport,
            tokens=self.netsuite_tokens,
            gate=self.stores.gate,
            precedence=precedence,
            refusals=refusals,
        )

    def account_defaults(self, profile: Profile | None) -> AccountDefaults:
        """Return what NetSuite clients write by the settings and the profile; the probe uses them without a profile."""
        found = profile.effects if profile else Effects()
        return AccountDefaults(
            item_type=self.settings.netsuite_item_type,
            subsidiary_id=self.settings.netsuite_subsidiary_id,
            expense_account_id=self.settings.netsuite_expense_account_id,
            income_account_id=self.settings.netsuite_income_account_id,
            tax_schedule_id=self.settings.netsuite_tax_schedule_id,
            makes_credits=self.settings.netsuite_create_credits,
            project_field=project_field(self.settings, profile),
            item_name_limit=found.item_name_limit,
        )

    def requests(self) -> Requests:
        """Return the number of requests this process has sent so far."""
        return Requests(self.procore_transport.requests_sent, self.netsuite_transport.requests_sent)

    def clocks(self) -> dict[str, float]:
        """Return how many seconds this machine's clock is ahead of each system's that has responded in this process."""
        ahead = {"Procore": self.procore_transport.clock_ahead, "NetSuite": self.netsuite_transport.clock_ahead}
        return {name: seconds for name, seconds in ahead.items() if seconds is not None}

    @property
    def certificate_expiry(self) -> float | None:
        """When the certificate for the login to NetSuite ends (unix seconds); None where that is not known.

        A process that does not hold the key's file, such as Flower, knows it from the workers.
        """
        own = self._own_certificate_expiry()
        held = self.settings.netsuite_private_key_file != NOT_HELD
        noted = None if own or held else self.stores.redis.get(Keys(self.stores.prefix).certificate_expiry)
        return own or (float(noted) if noted else None)

    def note_certificate_expiry(self) -> None:
        """Let processes without the key's file know it. Raises RedisError."""
        own, key = self._own_certificate_expiry(), Keys(self.stores.prefix).certificate_expiry
        self.stores.redis.set(key, repr(own)) if own else self.stores.redis.delete(key)

    def _own_certificate_expiry(self) -> float | None:
        return netsuite_auth.certificate_expiry(
            self.settings.netsuite_certificate_expires, self.settings.netsuite_private_key_file
        )


def _network(settings: Settings) -> Network:
    named = {"https": settings.https_proxy, "http": settings.http_proxy}
    return Network(
        proxies={scheme: proxy.get_secret_value() for scheme, proxy in named.items() if proxy},
        direct=tuple(entry for entry in settings.no_proxy.replace(",", " ").split()),
        ca=settings.requests_ca_bundle or settings.ssl_cert_file,
    )


def _account_fields(file: FieldsFile) -> AccountFields:
    try:
        return account_fields(file.tables, file.digest)
    except InvalidFields as error:
        raise InvalidSettings(faults=tuple(on_one_line(f"{file.path} {fault}") for fault in error.faults)) from error


def _patterns(file: FieldsFile) -> Sequence[RefusalPattern]:
    """Return what refused writes are missing: the account's own texts, which the file may have, and the usual ones."""
    rows = file.tables.get("refusals", [])
    try:
        usable = isinstance(rows, list) and all(isinstance(row, dict) for row in rows)
        return known_refusals(rows if usable else [{}])
    except ValueError as error:
        raise InvalidSettings(faults=(on_one_line(f"{file.path} [[refusals]]: {error}."),)) from error


def _known_refusals(profile: Profile | None) -> list[KnownRefusal]:
    found = profile.effects if profile else Effects()
    shapes = {Meaning.ALREADY_EXISTS: found.already_exists, Meaning.PERIOD_CLOSED: found.period_closed}
    return [KnownRefusal(shape, meaning) for meaning, named in shapes.items() for shape in named.values()]
