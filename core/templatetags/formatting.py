"""Template filters that call `core.formatting`, and times as HTML elements."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

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
register.filter("shorten", formatting.shorten)


@register.simple_tag
def time(moment: datetime | None, *, short: bool = False, exact: bool = False, plain: bool = False) -> SafeString | str:
    """Return a time as an HTML element, in the time zone and the language of the reader; empty for None.

    Lists have a time in each row, so this formats it only once: an included template took three times as long.

    Args:
        short: show the time without its zone, which the title has.
        exact: the script adds how long ago it was, and leaves the time.
        plain: the script leaves the element as it is.
    """
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    text, zone = formatting.format_local_time(local), formatting.format_zone(local)
    return format_html(
        '<time datetime="{}" title="{}"{}>{}</time>',
        local.isoformat(),
        f"{text} {zone}",
        " data-exact" if exact else " data-plain" if plain else "",
        text if short else f"{text} {zone}",
    )
