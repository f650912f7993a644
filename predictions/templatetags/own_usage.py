"""The usage of the reader, for the account page. Accounts are below predictions, so the page includes this tag."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from predictions.own_usage import measure_own_usage

register = template.Library()


@register.inclusion_tag("predictions/_own_usage.html", takes_context=True)
def own_usage(context: Context) -> dict[str, Any]:
    """Render the usage of the reader."""
    user = context["request"].user
    return {"usage": measure_own_usage(user), "user": user}
