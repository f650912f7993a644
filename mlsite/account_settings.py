"""Settings of sign-up, of the sign-in with an OpenID Connect provider, of the second factor, and of the audit log.

They are read from environment variables. docs/operate.md describes them, and `accounts.checks` checks their values.
"""

from __future__ import annotations

from mlsite.environment import env

# If empty, nobody can sign in with a provider.
OIDC_ISSUER = env.get_text("OIDC_ISSUER").removesuffix("/.well-known/openid-configuration").rstrip("/")
OIDC_CLIENT_ID = env.get_text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.get_text("OIDC_CLIENT_SECRET")
OIDC_NAME = env.get_text("OIDC_NAME", default="OpenID Connect")  # of the provider, on the pages
OIDC_SCOPES = env.get_text("OIDC_SCOPES", default="openid profile email")
OIDC_GROUPS_CLAIM = env.get_text("OIDC_GROUPS_CLAIM", default="groups")
OIDC_REVIEWER_GROUPS = env.get_list("OIDC_REVIEWER_GROUPS")
OIDC_STAFF_GROUPS = env.get_list("OIDC_STAFF_GROUPS")
OIDC_ADMIN_GROUPS = env.get_list("OIDC_ADMIN_GROUPS")
OIDC_ALLOWED_DOMAINS = [name.lower() for name in env.get_list("OIDC_ALLOWED_DOMAINS")]  # of email addresses
OIDC_LINK_BY_EMAIL = env.get_flag("OIDC_LINK_BY_EMAIL", default=False)
OIDC_ONLY = env.get_flag("OIDC_ONLY", default=False)  # nobody signs in with a password

ALLOW_SIGNUP = env.get_flag("ALLOW_SIGNUP", default=True) and not OIDC_ONLY
MAX_SIGNUPS_PER_HOUR = env.get_integer("MAX_SIGNUPS_PER_HOUR", default=60)  # per network
SESSION_COOKIE_AGE = env.get_integer("SESSION_HOURS", default=14 * 24, minimum=1, maximum=87_600) * 3600  # after sign-in
REQUIRE_SECOND_FACTOR = env.get_text("REQUIRE_SECOND_FACTOR")  # from users with staff status: `staff`, or from `all`
AUDIT_LOG_DAYS = env.get_integer("AUDIT_LOG_DAYS", default=365, maximum=36_500)  # 0: entries are never deleted
