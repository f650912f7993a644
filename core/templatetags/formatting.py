"""Template filters that call `core.formatting`."""

from __future__ import annotations

from django import template

from core import formatting

register = template.Library()
register.filter("percent", formatting.format_percent)
register.filter("number", formatting.format_number)
register.filter("coefficient", formatting.format_coefficient)
register.filter("count", formatting.format_count)
register.filter("milliseconds", formatting.format_milliseconds)
register.filter("duration", formatting.format_duration)
register.filter("file_size", formatting.format_bytes)
register.filter("feature_value", formatting.format_exact)
register.filter("rounded", formatting.format_rounded)
register.filter("feature_line", formatting.format_features)
register.filter("pretty_json", formatting.format_json)
register.filter("exact_time", formatting.format_datetime)
register.filter("local_time", formatting.format_local_time)
