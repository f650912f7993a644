"""Parts of forms that several apps use."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

SUBMISSION_KEY_FIELD = "idempotency_key"  # a hidden field. See `accounts.services.submissions`.


class MarkedInput(forms.Widget):
    """Add an input with the name of the field, so that a form with an empty value differs from one without the field."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        marker = format_html('<input type="hidden" name="{}" value="">', name)
        return super().render(name, value, attrs, renderer) + marker


class MarkedMultipleInput(MarkedInput, forms.MultipleHiddenInput):
    """The shown values of a field with several values."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return [value for value in super().value_from_datadict(data, files, name) if value]


class MarkedSplitDateTime(MarkedInput, forms.SplitHiddenDateTimeWidget):
    """The shown value of a date and a time. Their inputs have other names than the field."""


MARKED_WIDGETS: dict[type[forms.Widget], type[forms.Widget]] = {
    forms.MultipleHiddenInput: MarkedMultipleInput,
    forms.SplitHiddenDateTimeWidget: MarkedSplitDateTime,
}


def remember_shown_values(form: forms.BaseForm) -> None:
    """Let a form contain the values that it shows, so that `form.changed_data` has only what its user has changed.

    Another user may save other values while the form is open. A program that sends no shown values changes every value that
    differs from the stored one.
    """
    for name, field in form.fields.items():
        remember_shown_value(field, is_shown=not form.is_bound or form.add_initial_prefix(name) in form.data)


def remember_shown_value(field: forms.Field, *, is_shown: bool) -> None:
    """Let a form contain the value that one of its fields shows.

    Args:
        is_shown: the form is not bound, or was sent with the shown value.
    """
    if not (field.disabled or isinstance(field.widget, forms.PasswordInput)):
        field.show_hidden_initial = is_shown
        field.hidden_widget = MARKED_WIDGETS.get(field.hidden_widget, field.hidden_widget)
