"""Errors of deliveries, translated."""

from __future__ import annotations

from django import template

from events.error_messages import translate_error
from events.models import Delivery, TargetStatus, Webhook

register = template.Library()


@register.filter
def error_text(row: Delivery | TargetStatus) -> str:
    """Return the error of the last attempt, or of the current outage."""
    return translate_error(row.error, code=row.error_code, values=row.error_values)


@register.filter
def disabled_error_text(webhook: Webhook) -> str:
    """Return the error after which a webhook was disabled."""
    return translate_error(webhook.disabled_error, code=webhook.disabled_error_code, values=webhook.disabled_error_values)
