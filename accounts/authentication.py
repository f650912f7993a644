"""Authenticate API requests with `Authorization: Bearer <token>` (RFC 6750)."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import authenticate_token

MAX_HEADER_BYTES = 512


class InvalidToken(AuthenticationFailed):
    default_code = "invalid-token"
    default_detail = (
        "The token is unknown, expired, or revoked. Create a token on the API tokens page or with manage.py create_token."
    )


class BearerAuthentication(BaseAuthentication):
    """Authenticate with an API token. Requests without a bearer header are left to the next authenticator."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = get_authorization_header(request)
        scheme, _, secret = header.partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        if not secret.isascii() or len(header) > MAX_HEADER_BYTES:
            raise InvalidToken
        token = authenticate_token(secret=secret.strip().decode("ascii"))
        if token is None:
            raise InvalidToken
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="api"'


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe bearer authentication in the OpenAPI schema."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token of your account."}
