"""`Authorization: Bearer <token>` for REST framework (RFC 6750)."""

from __future__ import annotations

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services import authenticate_token

MAX_HEADER = 512  # bytes


class InvalidToken(AuthenticationFailed):
    default_code = "invalid-token"
    default_detail = "The token is unknown, expired or revoked. Make one on the page API tokens, or with create_token."


class BearerAuthentication(BaseAuthentication):
    """Leave a request without a bearer header to the next authenticator; refuse one whose token is not active."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = get_authorization_header(request)
        scheme, _, secret = header.partition(b" ")
        if scheme.lower() != self.keyword.lower().encode():
            return None
        if not secret.isascii() or len(header) > MAX_HEADER:
            raise InvalidToken
        token = authenticate_token(secret=secret.strip().decode("ascii"))
        if token is None:
            raise InvalidToken
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return f'{self.keyword} realm="api"'


class BearerScheme(OpenApiAuthenticationExtension):
    """How the OpenAPI schema names it."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "An API token of your account."}
