"""Filters that accept several values, of which a row must have one, and the field of a local time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

MAX_FILTER_VALUES = 200  # of one filter; a page of the history has at most as many rows


def format_input_time(time: datetime) -> str:
    """Return a time as the value of a field: with seconds or milliseconds, which are its limit, only if it has some."""
    local = (timezone.localtime(time) if timezone.is_aware(time) else time).replace(tzinfo=None)
    precision = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
    return local.isoformat(timespec=precision)


class LocalTimeInput(forms.DateTimeInput):
    """A field for a time in the current time zone. Browsers show it empty if its value has a zone."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(attrs={"step": "any"})

    def format_value(self, value: Any) -> str | None:
        try:
            return format_input_time(datetime.fromisoformat(value)) if value else None
        except (OverflowError, TypeError, ValueError):
            return super().format_value(value)


class ValuesField(forms.Field):
    """A list of values without duplicates, each cleaned by another field. Empty values are ignored."""

    widget = forms.MultipleHiddenInput
    item_class: type[forms.Field] = forms.CharField

    def __init__(self, *, item_options: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.item = self.item_class(**(item_options or {}))

    def clean(self, value: Iterable[str] | None) -> list[Any]:
        values = [text for text in value or () if text != ""]
        if len(values) > MAX_FILTER_VALUES:
            message = gettext("Expected at most %(count)s values.") % {"count": MAX_FILTER_VALUES}
            raise ValidationError(message, code="too-many")
        return list(dict.fromkeys(self.item.clean(text) for text in values))


class IntegersField(ValuesField):
    item_class = forms.IntegerField


class UUIDsField(ValuesField):
    item_class = forms.UUIDField


class TextsFilter(filters.CharFilter):
    """Any of several texts."""

    field_class = ValuesField


@extend_schema_field(OpenApiTypes.INT)
class IntegersFilter(filters.NumberFilter):
    """Any of several integers."""

    field_class = IntegersField

    def get_max_validator(self) -> None:
        """Return no validator: the field of each value has its own."""


class UUIDsFilter(filters.UUIDFilter):
    """Any of several UUIDs."""

    field_class = UUIDsField
