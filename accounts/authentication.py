"""Authenticate API requests with `Authorization: Bearer <token>` (RFC 6750)."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.requests import parse_bearer_header
from accounts.services import authenticate_token


class InvalidToken(AuthenticationFailed):
    default_code = "invalid-token"
    default_detail = (
        "The token is unknown, expired, or revoked. Create a token on the API tokens page or with manage.py create_token."
    )


class BearerAuthentication(BaseAuthentication):
    """Authenticate with an API token. Requests without a bearer header are left to the next authenticator."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        secret = parse_bearer_header(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is None:
            return None
        token = authenticate_token(secret=secret) if secret else None
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
