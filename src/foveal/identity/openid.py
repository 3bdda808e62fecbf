"""OpenID Connect: the authorization code flow with PKCE, and the access tokens of the same provider.

Sources: OpenID Connect Core 1.0 (sections 3.1.2 and 3.1.3.7), Discovery 1.0, RFC 7636 (PKCE), RFC 9068 (JWT access
tokens), RFC 9207 (`iss` in the answer).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal.errors import ProviderUnavailableError, SignInRefusedError
from foveal.identity.claims import ClaimRules, Claims
from foveal.types.people import Departure, Standing

if TYPE_CHECKING:
    import httpx
    from joserfc.jwk import KeySet

FRESH_S = 3600.0
"""Discovery and keys are asked for again after so long."""
PATIENCE_S = 30.0
"""A token with a key that is not known makes the keys be asked for again, but not more often than this."""
TIMEOUT_S = 10.0
LEEWAY_S = 60
"""Clocks differ by so much."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures with a key pair only: `none`, and secrets that a client shares, never count."""
MOST_TOKEN_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdClient:
    """What this server is to its provider.

    Attributes:
        issuer: As the provider writes itself.
        secret: Empty: a public client, which PKCE is enough for.
        audiences: What access tokens for this server are made out to; empty: `client_id`.
    """

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    scopes: str = "openid profile email"
    audiences: tuple[str, ...] = ()
    label: str = ""


@dataclass(frozen=True, slots=True)
class _Metadata:
    values: dict[str, Any]
    keys: KeySet
    read_s: float


class OpenIdProvider:
    """`foveal.ports.IdentityProvider` over any provider of OpenID Connect.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, client: OpenIdClient, rules: ClaimRules, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._rules = rules
        self._clock = clock
        self._lock = threading.Lock()
        self._known: _Metadata | None = None

    @property
    def label(self) -> str:
        """As set."""
        return self._client.label

    def depart(self, redirect_uri: str) -> Departure:
        """Send somebody there."""
        from authlib.integrations.httpx_client import OAuth2Client

        endpoint = self._endpoint("authorization_endpoint")
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        with OAuth2Client(
            self._client.client_id,
            scope=self._client.scopes,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        ) as client:
            url, state = client.create_authorization_url(
                endpoint, state=secrets.token_urlsafe(32), nonce=nonce, code_verifier=verifier
            )
        return Departure(url=url, state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri)

    def arrive(self, departure: Departure, answer: Mapping[str, str]) -> Standing:
        """Who came back."""
        if not secrets.compare_digest(answer.get("state", "").encode(), departure.state.encode()):
            raise _refused("The answer of the provider is not to this question.")
        if answer.get("error"):
            raise _refused(f"The provider says: {answer.get('error_description') or answer['error']}")
        if answer.get("iss", self._client.issuer) != self._client.issuer or not answer.get("code"):
            raise _refused("The answer comes from another provider, or without a code.")
        token = self._exchanged(departure, answer["code"])
        claims = self._proven(str(token.get("id_token") or ""), (self._client.client_id,))
        if claims is None or claims.get("nonce") != departure.nonce:
            raise _refused("The identity token of the provider is not valid.")
        return self._rules.standing(claims)

    def standing(self, token: str) -> Standing | None:
        """Whose access token this is."""
        if token.count(".") != 2 or len(token) > MOST_TOKEN_CHARACTERS:
            return None
        claims = self._proven(token, self._client.audiences or (self._client.client_id,))
        if claims is None or "nonce" in claims:  # an identity token tells a client who somebody is; it opens nothing
            return None
        return self._rules.standing(claims)

    def leave_url(self, redirect_uri: str) -> str:
        """The provider's own page for signing out (OpenID Connect RP-Initiated Logout 1.0)."""
        from urllib.parse import urlencode

        endpoint = self._metadata().values.get("end_session_endpoint")
        if not isinstance(endpoint, str):
            return ""
        query = urlencode({"client_id": self._client.client_id, "post_logout_redirect_uri": redirect_uri})
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def _exchanged(self, departure: Departure, code: str) -> Mapping[str, Any]:
        from authlib.integrations.base_client.errors import OAuthError
        from authlib.integrations.httpx_client import OAuth2Client

        endpoint = self._endpoint("token_endpoint")
        method = "client_secret_basic" if self._client.secret else "none"
        with (
            _reaching(self._client.issuer),
            OAuth2Client(
                self._client.client_id,
                self._client.secret or None,
                token_endpoint_auth_method=method,
                timeout=TIMEOUT_S,
            ) as client,
        ):
            try:
                token: Mapping[str, Any] = client.fetch_token(
                    endpoint, code=code, code_verifier=departure.verifier, redirect_uri=departure.redirect_uri
                )
            except OAuthError as error:
                raise _refused(
                    f"The provider does not take its code back: {error.description or error.error}"
                ) from None
        return token

    def _proven(self, token: str, audiences: Collection[str]) -> Claims | None:
        """The claims of a token that this provider made out to one of these, and that counts now."""
        from joserfc.errors import JoseError
        from joserfc.jwt import JWTClaimsRegistry

        claims = self._signed(token)
        if claims is None:
            return None
        rules = JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._client.issuer},
            aud={"essential": True, "values": list(audiences)},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            rules.validate(claims)
        except JoseError:
            return None
        return claims if isinstance(claims["sub"], str) and claims["sub"] else None

    def _signed(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that the provider signed; its keys are asked for again when this one is not known."""
        from joserfc import jwt
        from joserfc.errors import JoseError

        for last_try in (False, True):
            known = self._metadata()
            try:
                return jwt.decode(token, known.keys, algorithms=ALGORITHMS).claims
            except (JoseError, ValueError, TypeError):
                if last_try or self._clock() - known.read_s < PATIENCE_S:
                    return None
                self._forget(known)
        return None

    def _endpoint(self, name: str) -> str:
        endpoint = self._metadata().values.get(name)
        if not isinstance(endpoint, str):
            raise ProviderUnavailableError(
                f"The provider {self._client.issuer} names no {name}.", remedy="Check the setting openid.issuer."
            )
        return endpoint

    def _forget(self, known: _Metadata) -> None:
        with self._lock:
            if self._known is known:
                self._known = None

    def _metadata(self) -> _Metadata:
        with self._lock:
            if self._known is None or self._clock() - self._known.read_s > FRESH_S:
                self._known = self._read()
            return self._known

    def _read(self) -> _Metadata:
        import httpx
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        issuer = self._client.issuer
        with _reaching(issuer), httpx.Client(timeout=TIMEOUT_S) as http:
            values = _json(http, issuer.rstrip("/") + "/.well-known/openid-configuration")
            if values.get("issuer") != issuer:  # Discovery, section 4.3
                raise ProviderUnavailableError(
                    f"The provider at {issuer} calls itself {values.get('issuer')}.",
                    remedy="Set openid.issuer to exactly what the provider calls itself.",
                )
            try:
                keys = KeySet.import_key_set(_json(http, str(values.get("jwks_uri"))))  # type: ignore[arg-type]
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise ProviderUnavailableError(f"The keys of {issuer} cannot be read: {error}") from None
        return _Metadata(values, keys, self._clock())


def _json(http: httpx.Client, url: str) -> dict[str, Any]:
    reply = http.get(url)
    reply.raise_for_status()
    value = reply.json()
    if not isinstance(value, dict):
        raise ValueError(f"{url} is no object")
    return value


@contextmanager
def _reaching(issuer: str) -> Iterator[None]:
    import httpx

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ProviderUnavailableError(
            f"The provider {issuer} cannot be reached: {error}",
            remedy="Check the setting openid.issuer and the network; accounts and keys still open the server.",
        ) from error


def _refused(message: str) -> SignInRefusedError:
    return SignInRefusedError(message, remedy="Sign in again.")
