"""Machine-to-machine login: OAuth 2.0 client credentials with a signed assertion (ohelp/section_162755359851)."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators.common.app import exchange_of
from simulators.netsuite.settings import NetSuiteSettings
from simulators.netsuite.wire import usual_error

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_SECONDS = 3600  # between iat and exp (ohelp/section_162790605110)
# RS256 is refused (ohelp/section_162790605110).
EC_ALGORITHMS = ("ES256", "ES384", "ES512")
RSA_ALGORITHMS = ("PS256", "PS384", "PS512")


class LoginRefused(Exception):
    """A token request that is answered with an OAuth error."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True)
class Token:
    """The owner of an access token, and when it expires."""

    subject: str
    expires_at: float  # unix seconds


class Doorkeeper:
    """Checks logins: the certificates of one integration, and the tokens that were issued."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self._certificates: dict[str, str] = {}
        self._tokens: dict[str, Token] = {}

    def register(self, certificate_id: str, public_key_pem: str) -> None:
        """Map a certificate, as an administrator does in OAuth 2.0 Client Credentials (M2M) Setup."""
        self._certificates[certificate_id] = public_key_pem

    def unmap_certificates(self) -> dict[str, str]:
        """Remove mappings and tokens, as a sandbox refresh does (ohelp/section_162686838198). Return the mappings: public keys by certificate id."""
        removed, self._certificates = self._certificates, {}
        self.revoke_tokens()
        return removed

    def revoke_tokens(self) -> None:
        """Invalidate all tokens that were issued."""
        self._tokens.clear()

    def log_in(self, form: dict[str, str], audience: str, lifetime: float) -> str:
        """Check a token request, and return an access token. Raises LoginRefused with the error."""
        if form.get("grant_type") != "client_credentials":
            raise LoginRefused("unsupported_grant_type", "grant_type has to be client_credentials")
        if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
            raise LoginRefused("invalid_request", "client_assertion and client_assertion_type are required")
        claims = self._claims(form["client_assertion"], audience)
        if claims["exp"] - claims["iat"] >= MAX_ASSERTION_SECONDS:
            raise LoginRefused("invalid_request", "exp has to be less than 60 minutes after iat")
        scope = claims["scope"]
        if "rest_webservices" not in (scope if isinstance(scope, list) else str(scope).replace(" ", "").split(",")):
            raise LoginRefused("invalid_scope", "the scope rest_webservices is missing")
        token = secrets.token_urlsafe(32)
        self._tokens[token] = Token(self.client_id, time.time() + lifetime)
        return token

    def subject_of(self, request: Request) -> str | None:
        """Return the owner of the request's valid token, or None."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self._tokens.get(value.strip()) if scheme.lower() == "bearer" else None
        return token.subject if token is not None and token.expires_at > time.time() else None

    def _claims(self, assertion: str, audience: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(assertion)
        except jwt.InvalidTokenError as error:
            raise LoginRefused("invalid_request", "client_assertion is not a JWT") from error
        pem = self._certificates.get(str(header.get("kid")))
        if pem is None:
            raise LoginRefused("invalid_client", "no certificate is mapped with this kid", 401)
        key = load_pem_public_key(pem.encode("ascii"))
        allowed = EC_ALGORITHMS if isinstance(key, EllipticCurvePublicKey) else RSA_ALGORITHMS
        if header.get("alg") not in allowed:
            raise LoginRefused("invalid_request", f"alg has to be one of {', '.join(allowed)}")
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                pem,
                algorithms=[str(header["alg"])],
                audience=audience,
                issuer=self.client_id,
                options={"require": ["iss", "scope", "aud", "iat", "exp"]},
            )
        except jwt.InvalidTokenError as error:
            raise LoginRefused("invalid_client", str(error), 401) from error
        return claims


class LoginEndpoints:
    """The token endpoint, and the check of the token on every other request."""

    def __init__(self, doorkeeper: Doorkeeper, settings: NetSuiteSettings) -> None:
        self._doorkeeper = doorkeeper
        self._settings = settings

    async def token(self, request: Request) -> Response:
        """POST /services/rest/auth/oauth2/v1/token, form-encoded."""
        form = dict(parse_qsl((await request.body()).decode("latin-1"), keep_blank_values=True))
        # The audience is this URL as the client sees it, so that a tunnel or test may use another host and port.
        audience = f"{request.url.scheme}://{request.headers.get('host', '')}{TOKEN_PATH}"
        lifetime = self._settings.token_lifetime
        try:
            token = self._doorkeeper.log_in(form, audience, lifetime)
        except LoginRefused as refused:
            body = {"error": refused.error, "error_description": refused.description}
            return JSONResponse(body, refused.status)
        exchange_of(request).token_subject = self._doorkeeper.client_id
        expires_in: int | str = int(lifetime)
        if self._settings.expires_in_as == "string":
            expires_in = str(expires_in)
        return JSONResponse({"access_token": token, "expires_in": expires_in, "token_type": "bearer"})

    def admit(self, request: Request) -> None:
        """Raise a 401 INVALID_LOGIN unless the request has a valid token."""
        subject = self._doorkeeper.subject_of(request)
        if subject is None:
            raise usual_error(401)
        exchange_of(request).token_subject = subject
