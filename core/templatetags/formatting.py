"""Template filters that call `core.formatting` and `inference.messages`."""

from __future__ import annotations

from django import template

from core import formatting
from inference.messages import format_bytes

register = template.Library()
register.filter("percent", formatting.format_percent)
register.filter("number", formatting.format_number)
register.filter("count", formatting.format_count)
register.filter("milliseconds", formatting.format_milliseconds)
register.filter("duration", formatting.format_duration)
register.filter("feature_value", formatting.format_exact)
register.filter("rounded", formatting.format_rounded)
register.filter("feature_line", formatting.format_features)
register.filter("pretty_json", formatting.format_json)


@register.filter
def file_size(size: int) -> str:
    """Return a number of bytes as `1.5 MB`."""
    return formatting.localize_number(format_bytes(size))
