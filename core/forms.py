"""Parts of forms that several apps use."""

from __future__ import annotations

from django import forms


def remember_shown_values(form: forms.BaseForm) -> None:
    """Let a form contain the values that it shows, so that `form.changed_data` has only what its user has changed.

    Another user may save other values while the form is open. A program that sends no shown values changes every value that
    differs from the stored one.
    """
    for name, field in form.fields.items():
        field.show_hidden_initial = not form.is_bound or form.add_initial_prefix(name) in form.data
