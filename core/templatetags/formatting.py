"""Template filters that call `core.formatting`."""

from __future__ import annotations

from django import template

from core import formatting

register = template.Library()
register.filter("percent", formatting.format_percent)
register.filter("number", formatting.format_number)
register.filter("count", formatting.format_count)
register.filter("milliseconds", formatting.format_milliseconds)
register.filter("feature_value", formatting.format_value)
register.filter("feature_line", formatting.format_features)
register.filter("pretty_json", formatting.format_json)
