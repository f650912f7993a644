"""Sign-in with the OpenID Connect provider of an organization: the authorization code flow with PKCE, state, and nonce.

Source: OpenID Connect Core 1.0, section 3.1, and RFC 9700. Authlib speaks the protocol. It is only imported when it is used.
What belongs to an attempt to sign in is in a signed cookie, so that the redirect to the provider writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext

COOKIE_NAME = "oidc"
SALT = "accounts.oidc"
SESSION_KEY = "oidc"  # of sessions that began at the provider
ATTEMPT_SECONDS = 600  # from the redirect to the provider until the return
CLOCK_SKEW_SECONDS = 60
PROVIDER_TIMEOUT_SECONDS = 5
METADATA_SECONDS = 3600  # after which the metadata and the keys of the provider are loaded again
# A token must have a signature that only the provider can create.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")


class IdentityError(Exception):
    """A sign-in with the provider failed.

    Attributes:
        code: `expired`, `denied`, `invalid-token`, `provider-unavailable`, `not-allowed`, or `inactive`.
        message: what is wrong and what to do, in the language of the user.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must return unchanged from the provider, and the page to open after the sign-in."""

    state: str
    nonce: str
    code_verifier: str
    next_url: str


def begin_attempt(*, redirect_uri: str, next_url: str) -> tuple[str, Attempt]:
    """Return the URL of the provider to redirect to, and the attempt.

    Raises:
        IdentityError: the provider cannot be reached.
    """
    with _translate_errors():
        started = _get_client().create_authorization_url(redirect_uri)
    return started["url"], Attempt(started["state"], started["nonce"], started["code_verifier"], next_url)


def fetch_claims(*, attempt: Attempt, code: str, redirect_uri: str) -> dict[str, Any]:
    """Return the verified claims of the user who has returned from the provider.

    The signature, issuer, audience, times, and nonce of the ID token are verified. Claims that it lacks are added from the
    UserInfo endpoint.

    Raises:
        IdentityError: the provider cannot be reached, or the token is not valid.
    """
    client = _get_client()
    with _translate_errors():
        metadata = client.load_server_metadata()
        token = client.fetch_access_token(code=code, redirect_uri=redirect_uri, code_verifier=attempt.code_verifier)
        options = {
            "iss": {"essential": True, "value": metadata["issuer"]},
            "aud": {"essential": True, "value": settings.OIDC_CLIENT_ID},
        }
        claims = client.parse_id_token(token, attempt.nonce, claims_options=options, leeway=CLOCK_SKEW_SECONDS)
        if claims is None:
            raise build_token_error()
        wanted = {"email", settings.OIDC_GROUPS_CLAIM}
        if metadata.get("userinfo_endpoint") and not wanted <= claims.keys():
            info = client.userinfo(token=token)
            if info.get("sub") != claims["sub"]:  # OpenID Connect Core 1.0, section 5.3.2
                raise build_token_error()
            claims = {**info, **claims}
    return dict(claims)


def build_sign_out_url(*, return_url: str) -> str:
    """Return the URL that ends the session at the provider (OpenID Connect RP-Initiated Logout 1.0), or an empty string."""
    try:
        with _translate_errors():
            url: str = _get_client().create_logout_url(return_url, client_id=settings.OIDC_CLIENT_ID)["url"]
    except (IdentityError, RuntimeError):  # the provider has no such URL
        return ""
    return url


def store_attempt(response: HttpResponse, attempt: Attempt) -> None:
    """Remember an attempt in the browser."""
    response.set_cookie(
        COOKIE_NAME,
        signing.dumps(asdict(attempt), salt=SALT),
        max_age=ATTEMPT_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path=_get_cookie_path(),
    )


def delete_attempt(response: HttpResponse) -> None:
    """Forget the attempt of this browser."""
    response.delete_cookie(COOKIE_NAME, path=_get_cookie_path(), samesite="Lax")


def read_attempt(request: HttpRequest) -> Attempt:
    """Return the attempt of this browser to which a response of the provider belongs.

    Raises:
        IdentityError: it has expired, or the response belongs to another attempt.
    """
    expired = gettext("The sign-in has expired or was started in another tab. Start it again.")
    try:
        stored = signing.loads(request.COOKIES.get(COOKIE_NAME, ""), salt=SALT, max_age=ATTEMPT_SECONDS)
    except signing.BadSignature as error:
        raise IdentityError("expired", expired) from error
    if not constant_time_compare(stored["state"], request.GET.get("state", "")):
        raise IdentityError("expired", expired)
    return Attempt(**stored)


def build_token_error() -> IdentityError:
    text = gettext(
        "The response of %(provider)s is not valid. Start the sign-in again, or contact the operator of this site."
    )
    return IdentityError("invalid-token", text % {"provider": settings.OIDC_NAME})


def _get_cookie_path() -> str:
    return f"{settings.SESSION_COOKIE_PATH}accounts/oidc/"


def _get_client() -> Any:
    """Return the client of the provider with its metadata, which is loaded again from time to time.

    Raises:
        IdentityError: the provider cannot be reached.
    """
    client = _build_client(int(time.monotonic() // METADATA_SECONDS))
    with _translate_errors():
        metadata = client.load_server_metadata()
    if str(metadata.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise build_token_error()
    supported = metadata.get("id_token_signing_alg_values_supported", ["RS256"])
    metadata["id_token_signing_alg_values_supported"] = [name for name in supported if name in ALGORITHMS]
    return client


@lru_cache(maxsize=1)
def _build_client(period: int) -> Any:
    from authlib.integrations.django_client import OAuth

    return OAuth().register(
        "oidc",
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET or None,
        server_metadata_url=f"{settings.OIDC_ISSUER}/.well-known/openid-configuration",
        client_kwargs={
            "scope": settings.OIDC_SCOPES,
            "code_challenge_method": "S256",
            "default_timeout": PROVIDER_TIMEOUT_SECONDS,
        },
    )


@contextmanager
def _translate_errors() -> Iterator[None]:
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException

    try:
        yield
    except RequestException as error:
        text = gettext("%(provider)s does not respond. Try again in a moment.") % {"provider": settings.OIDC_NAME}
        raise IdentityError("provider-unavailable", text) from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        raise build_token_error() from error
