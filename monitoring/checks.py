"""System checks of the monitoring settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from monitoring.alerts.channels import is_webhook_url
from monitoring.windows import ROLLUP_DELAY

NO_DIGEST, LAST_HOUR = -1, 23


@register()
def check_rollup_delay(**options: Any) -> list[Warning]:
    """Warn if a prediction can be stored after its hour has been rolled up."""
    delay_seconds = ROLLUP_DELAY.total_seconds()
    if delay_seconds >= settings.PREDICT_TIMEOUT:
        return []
    message = "PREDICT_TIMEOUT is longer than the delay after which an hour is rolled up."
    hint = (
        f"Set PREDICT_TIMEOUT to {delay_seconds:.0f} seconds or less. Otherwise, slow predictions can be missing in rollups."
    )
    return [Warning(message, hint=hint, id="monitoring.W002")]


@register()
def check_alert_channels(**options: Any) -> list[Error]:
    """Check the addresses and the hour of notifications about alerts. The messages do not contain the URL, a secret."""
    errors = []
    for address in settings.ALERT_EMAILS:
        try:
            validate_email(address)
        except ValidationError:
            hint = "Separate addresses by commas, for example ops@example.org,admin@example.org."
            errors.append(Error(f"ALERT_EMAILS contains an invalid address: {address}", hint=hint, id="monitoring.E001"))
    if settings.ALERT_WEBHOOK_URL and not is_webhook_url(settings.ALERT_WEBHOOK_URL):
        hint = "Set it to the address of an incoming webhook, for example https://hooks.slack.com/services/…"
        errors.append(Error("ALERT_WEBHOOK_URL is not an HTTP or HTTPS URL.", hint=hint, id="monitoring.E002"))
    if not NO_DIGEST <= settings.ALERT_DIGEST_HOUR <= LAST_HOUR:
        hint = "Set it to an hour from 0 to 23 (UTC), or to -1 for no daily digest."
        message = f"ALERT_DIGEST_HOUR is not an hour: {settings.ALERT_DIGEST_HOUR}"
        errors.append(Error(message, hint=hint, id="monitoring.E003"))
    return errors
