"""Authenticate API requests with `Authorization: Bearer <token>` (RFC 6750), and check the scope of the token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.requests import parse_bearer_header
from accounts.scopes import READ, SCOPES
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


class InsufficientScope(PermissionDenied):
    """The token lacks the scope of the request (RFC 6750, section 3.1)."""

    default_code = "insufficient-scope"

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"The token does not have the scope {scope}. Create a token with this scope on the API tokens page or with "
            f"manage.py create_token --scope {scope}."
        )
        self.auth_header = f'Bearer realm="api", error="insufficient_scope", scope="{scope}"'


def get_required_scopes(method: str | None, view: Any) -> Sequence[str]:
    """Return the scopes that a token needs for a method of a view."""
    if method in SAFE_METHODS:
        return (READ,)
    scope = getattr(view, "write_scope", None)
    return (scope,) if scope else SCOPES


class ScopePermission(BasePermission):
    """Require the scope of the request if it has a token: `read` for safe methods, otherwise `write_scope` of the view.

    A view without `write_scope` requires all scopes, so that no view is open by mistake.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiToken):
            return True
        for scope in get_required_scopes(request.method, view):
            if not request.auth.allows(scope):
                raise InsufficientScope(scope)
        return True


class BearerScheme(OpenApiAuthenticationExtension):
    """Describe bearer authentication in the OpenAPI schema."""

    target_class = "accounts.authentication.BearerAuthentication"
    name = "token"

    def get_security_requirement(self, auto_schema: Any) -> dict[str, list[str]]:
        """Return the scopes of an operation. OpenAPI 3.1 allows roles here for all kinds of authentication."""
        return {self.name: list(get_required_scopes(auto_schema.method, auto_schema.view))}

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token from your account. Each operation names the scope that it requires.",
        }
