"""System checks of accounts and email."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, Warning, register

from core.urls import find_public_url

SECOND_FACTOR_REQUIREMENTS = ("", "staff", "all")
MIN_AUDIT_LOG_DAYS = 30  # for which the triggers of PostgreSQL keep entries
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")  # of a provider on the same machine, without HTTPS
MAIL_BACKENDS = "django.core.mail.backends."
UNDELIVERED = {
    f"{MAIL_BACKENDS}console.EmailBackend": "Emails, with links to set passwords, are printed to the log.",
    f"{MAIL_BACKENDS}filebased.EmailBackend": "Emails are written to files, not sent.",
    f"{MAIL_BACKENDS}locmem.EmailBackend": "Emails are not sent.",
    f"{MAIL_BACKENDS}dummy.EmailBackend": "Emails are not sent.",
}


@register()
def check_site_url(**options: Any) -> list[Error]:
    """Check that SITE_URL is an absolute URL without a path, if it is set."""
    parts = urlsplit(settings.SITE_URL)
    is_origin = parts.scheme in ("http", "https") and parts.hostname and not (parts.path or parts.query or parts.fragment)
    if not settings.SITE_URL or is_origin:
        return []
    hint = "Set it to scheme and host, for example https://mlsite.example.org."
    return [Error(f"SITE_URL is not the URL of a site: {settings.SITE_URL}", hint=hint, id="accounts.E001")]


@register()
def check_audit_log(**options: Any) -> list[Error]:
    """Check that entries of the audit log stay for as long as the database protects them."""
    if settings.AUDIT_LOG_DAYS == 0 or settings.AUDIT_LOG_DAYS >= MIN_AUDIT_LOG_DAYS:
        return []
    hint = f"Set it to {MIN_AUDIT_LOG_DAYS} or more, or to 0 to keep all entries."
    return [Error(f"AUDIT_LOG_DAYS is too low: {settings.AUDIT_LOG_DAYS}", hint=hint, id="accounts.E002")]


@register()
def check_second_factor(**options: Any) -> list[Error]:
    """Check who must have a second factor."""
    if settings.REQUIRE_SECOND_FACTOR in SECOND_FACTOR_REQUIREMENTS:
        return []
    hint = "Set it to staff or all, or leave it empty."
    text = f"REQUIRE_SECOND_FACTOR has an unknown value: {settings.REQUIRE_SECOND_FACTOR}"
    return [Error(text, hint=hint, id="accounts.E007")]


@register()
def check_provider(**options: Any) -> list[Error]:
    """Check that the settings of the OpenID Connect provider are complete, and that its URL is secure."""
    if not settings.OIDC_ISSUER:
        hint = "Set OIDC_ISSUER, or remove OIDC_ONLY."
        return [Error("Nobody can sign in: OIDC_ONLY is set.", hint=hint, id="accounts.E003")] if settings.OIDC_ONLY else []
    errors = []
    parts = urlsplit(settings.OIDC_ISSUER)
    is_local = parts.scheme == "http" and parts.hostname in LOCAL_NAMES
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        hint = "Set it to the issuer of the provider, for example https://login.example.org/realms/company."
        errors.append(Error(f"OIDC_ISSUER is not an HTTPS URL: {settings.OIDC_ISSUER}", hint=hint, id="accounts.E004"))
    if not settings.OIDC_CLIENT_ID:
        hint = "Set it to the client ID that the provider has given to this site."
        errors.append(Error("OIDC_CLIENT_ID is not set.", hint=hint, id="accounts.E005"))
    if "openid" not in settings.OIDC_SCOPES.split():
        errors.append(Error("OIDC_SCOPES lacks openid.", hint="Separate scopes by spaces.", id="accounts.E006"))
    return errors


@register(deploy=True)
def check_reset_links(**options: Any) -> list[Warning]:
    """Check that links to set a new password can be built, are secure, and are sent."""
    warnings = []
    site_url = find_public_url()
    if site_url is None:
        hint = "Set SITE_URL, for example to https://mlsite.example.org."
        warnings.append(Warning("Passwords cannot be reset: SITE_URL is not set.", hint=hint, id="accounts.W001"))
    elif settings.HTTPS and not site_url.startswith("https://"):
        hint = "Start SITE_URL with https://."
        warnings.append(Warning("Links to set a new password use HTTP.", hint=hint, id="accounts.W002"))
    if settings.EMAIL_BACKEND in UNDELIVERED:
        hint = "Set EMAIL_URL to a mail server, for example smtp+tls://user:password@host:587."
        warnings.append(Warning(UNDELIVERED[settings.EMAIL_BACKEND], hint=hint, id="accounts.W003"))
    return warnings
