"""Settings of sign-up, of the sign-in with an OpenID Connect provider, of the second factor, and of the audit log.

They are read from environment variables. docs/operate.md describes them, and `accounts.checks` checks their values.
"""

from __future__ import annotations

from environ import Env

_env = Env()


def _read_names(name: str) -> list[str]:
    """Return names that are separated by commas."""
    return [part.strip() for part in _env.list(name, default=[]) if part.strip()]


# If empty, nobody can sign in with a provider.
OIDC_ISSUER = _env.str("OIDC_ISSUER", default="").removesuffix("/.well-known/openid-configuration").rstrip("/")
OIDC_CLIENT_ID = _env.str("OIDC_CLIENT_ID", default="")
OIDC_CLIENT_SECRET = _env.str("OIDC_CLIENT_SECRET", default="")
OIDC_NAME = _env.str("OIDC_NAME", default="OpenID Connect")  # of the provider, on the pages
OIDC_SCOPES = _env.str("OIDC_SCOPES", default="openid profile email")
OIDC_GROUPS_CLAIM = _env.str("OIDC_GROUPS_CLAIM", default="groups")
OIDC_REVIEWER_GROUPS = _read_names("OIDC_REVIEWER_GROUPS")
OIDC_STAFF_GROUPS = _read_names("OIDC_STAFF_GROUPS")
OIDC_ADMIN_GROUPS = _read_names("OIDC_ADMIN_GROUPS")
OIDC_ALLOWED_DOMAINS = [name.lower() for name in _read_names("OIDC_ALLOWED_DOMAINS")]  # of email addresses
OIDC_LINK_BY_EMAIL = _env.bool("OIDC_LINK_BY_EMAIL", default=False)
OIDC_ONLY = _env.bool("OIDC_ONLY", default=False)  # nobody signs in with a password

ALLOW_SIGNUP = _env.bool("ALLOW_SIGNUP", default=True) and not OIDC_ONLY
MAX_SIGNUPS_PER_HOUR = _env.int("MAX_SIGNUPS_PER_HOUR", default=60)  # per network
SESSION_COOKIE_AGE = _env.int("SESSION_HOURS", default=14 * 24) * 3600  # after sign-in
REQUIRE_SECOND_FACTOR = _env.str("REQUIRE_SECOND_FACTOR", default="")  # from users with staff status: `staff`, or from `all`
AUDIT_LOG_DAYS = _env.int("AUDIT_LOG_DAYS", default=365)  # after which entries are deleted; 0 for never
