"""OAuth 2.0 client credentials (https://developers.procore.com/documentation/oauth-client-credentials)."""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.clients.http import Transport
from worker.clients.login import require_admitted, token_of
from worker.clients.procore.errors import error_of, message_of
from worker.domain.problems import Cause
from worker.store.tokens import AccessToken


@dataclass(frozen=True, slots=True)
class ProcoreAddress:
    """The addresses of Procore, the app that logs in, and its company."""

    base_url: str
    auth_url: str
    client_id: str
    client_secret: str = field(repr=False)
    company_id: int


def mint_token(transport: Transport, address: ProcoreAddress) -> AccessToken:
    """Return a new access token; Procore issues no refresh token. Raises Misconfigured if Procore refuses, Transient if it may work later."""
    form = {
        "grant_type": "client_credentials",
        "client_id": address.client_id,
        "client_secret": address.client_secret,
    }
    url, identity = f"{address.auth_url}/oauth/token", f"client id {address.client_id}"
    answer = transport.send("POST", url, headers={}, form=form)
    require_admitted(answer, f"{answer.status} {message_of(answer)}", Cause.PROCORE_LOGIN, url=url, identity=identity)
    if error := error_of(answer):
        raise error
    return token_of(answer, "Procore", url=url)
