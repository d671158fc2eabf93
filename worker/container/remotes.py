"""Both remotes, as whom the settings say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from config.process_secrets import NOT_HELD
from config.profile import Effects, Profile, load_profile, project_field
from config.written_settings import written_settings
from worker.clients.http import Transport
from worker.clients.netsuite import auth as netsuite_auth
from worker.clients.netsuite.api import NetSuiteApi
from worker.clients.netsuite.certificate import certificate_expiry
from worker.clients.netsuite.client import NetSuite
from worker.clients.netsuite.wire import AccountDefaults
from worker.clients.network import Network
from worker.clients.procore import auth as procore_auth
from worker.clients.procore.api import ProcoreApi
from worker.clients.procore.client import Procore
from worker.container.part import part
from worker.container.stores import Stores
from worker.domain.refusals import KnownRefusal, Meaning
from worker.domain.scopes import Remote
from worker.store.gate import Precedence
from worker.store.limits import RateLimits
from worker.store.tokens import AccessToken, Tokens


class Remotes(Stores):
    """The clients of Procore and NetSuite, with their tokens, limits and slots in the stores."""

    @part
    def netsuite_address(self) -> netsuite_auth.NetSuiteAddress:
        """Where NetSuite is, and as whom."""
        return netsuite_auth.NetSuiteAddress(
            base_url=self.settings.netsuite_url,
            account_id=self.settings.netsuite_account_id,
            client_id=self.settings.netsuite_client_id,
            certificate_id=self.settings.netsuite_certificate_id,
            private_key_file=self.settings.netsuite_private_key_file,
        )

    @property
    def certificate_expiry(self) -> float | None:
        """When the certificate for the login to NetSuite ends (unix seconds); None where that is not known.

        A process that does not hold the key's file, such as Flower, knows it from the workers.
        """
        own = certificate_expiry(self.settings.netsuite_certificate_expires, self.settings.netsuite_private_key_file)
        held = self.settings.netsuite_private_key_file != NOT_HELD
        noted = None if own or held else self.redis.get(self._keys.certificate_expiry)
        return own or (float(noted) if noted else None)

    def note_certificate_expiry(self) -> None:
        """Let processes without the key's file know it. Raises RedisError."""
        own = certificate_expiry(self.settings.netsuite_certificate_expires, self.settings.netsuite_private_key_file)
        key = self._keys.certificate_expiry
        self.redis.set(key, repr(own)) if own else self.redis.delete(key)

    @part
    def procore_address(self) -> procore_auth.ProcoreAddress:
        """Where Procore is, and as whom."""
        return procore_auth.ProcoreAddress(
            base_url=self.settings.procore_base_url,
            auth_url=self.settings.procore_auth_url,
            client_id=self.settings.procore_client_id,
            client_secret=self.settings.procore_client_secret.get_secret_value(),
            company_id=self.settings.procore_company_id,
        )

    @part
    def network(self) -> Network:
        """The way out."""
        named = {"https": self.settings.https_proxy, "http": self.settings.http_proxy}
        return Network(
            proxies={scheme: proxy.get_secret_value() for scheme, proxy in named.items() if proxy},
            direct=tuple(entry for entry in self.settings.no_proxy.replace(",", " ").split()),
            ca=self.settings.requests_ca_bundle or self.settings.ssl_cert_file,
        )

    @part
    def procore_parts(self) -> tuple[Transport, Tokens, RateLimits]:
        """What all Procore clients of this process share."""
        transport = Transport(
            remote="procore",
            read_timeout=self.settings.procore_read_timeout_seconds,
            network=self.network,
            runtime=self.runtime,
        )
        address = self.procore_address
        tokens = self._tokens(Remote.PROCORE, lambda: procore_auth.mint_token(transport, address))
        return transport, tokens, self.procore_limits

    @part
    def netsuite_parts(self) -> tuple[Transport, Tokens]:
        """What all NetSuite clients of this process share."""
        transport = Transport(
            remote="netsuite",
            read_timeout=self.settings.netsuite_read_timeout_seconds,
            network=self.network,
            runtime=self.runtime,
        )
        address = self.netsuite_address
        return transport, self._tokens(Remote.NETSUITE, lambda: netsuite_auth.mint_token(transport, address))

    def _tokens(self, remote: Remote, mint: Callable[[], AccessToken]) -> Tokens:
        return Tokens(self.redis, self._prefix, remote, mint, runtime=self.runtime)

    def procore_api(self, precedence: Precedence, transport: Transport) -> ProcoreApi:
        """Procore's API for exports or for scans."""
        _, tokens, limits = self.procore_parts
        return ProcoreApi(
            self.procore_address, transport=transport, tokens=tokens, limits=limits, precedence=precedence
        )

    def procore(self, precedence: Precedence) -> Procore:
        """Procore for exports or for scans."""
        return Procore(self.procore_api(precedence, self.procore_parts[0]), self.cache)

    def remote_clocks(self) -> dict[str, float]:
        """How many seconds this machine's clock is ahead of each remote's that has answered in this process."""
        ahead = {"Procore": self.procore_parts[0].clock_ahead, "NetSuite": self.netsuite_parts[0].clock_ahead}
        return {name: seconds for name, seconds in ahead.items() if seconds is not None}

    @part
    def profile(self) -> Profile | None:
        """The account's profile, if there is one. Raises InvalidSettings if it is another account's or unreadable."""
        return load_profile(self.settings)

    @property
    def written_settings(self) -> dict[str, str]:
        """A digest of each setting that decides what is written."""
        return written_settings(self.settings, self.profile)

    def account_defaults(self, profile: Profile | None) -> AccountDefaults:
        """What NetSuite clients write by the settings and the profile; the probe uses them without a profile."""
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

    def netsuite_api(
        self, precedence: Precedence, transport: Transport, refusals: Sequence[KnownRefusal] = ()
    ) -> NetSuiteApi:
        """NetSuite's API for exports or for scans; `refusals`: known ones in the account's own wording."""
        return NetSuiteApi(
            self.netsuite_address.base_url,
            transport=transport,
            tokens=self.netsuite_parts[1],
            gate=self.gate,
            precedence=precedence,
            refusals=refusals,
        )

    def netsuite(self, precedence: Precedence) -> NetSuite:
        """NetSuite for exports or for scans."""
        api = self.netsuite_api(precedence, self.netsuite_parts[0], _known_refusals(self.profile))
        return NetSuite(api, self.account_defaults(self.profile), self.cache)


def _known_refusals(profile: Profile | None) -> list[KnownRefusal]:
    found = profile.effects if profile else Effects()
    shapes = {Meaning.ALREADY_EXISTS: found.already_exists, Meaning.PERIOD_CLOSED: found.period_closed}
    return [KnownRefusal(shape, meaning) for meaning, named in shapes.items() for shape in named.values()]
