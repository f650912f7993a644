"""What may be asked of the ledger, the same on the pages and in the API."""

from __future__ import annotations

from django import forms

from predictions.filters import UTCDateTimeField
from predictions.models import Review


class EvaluationForm(forms.Form):
    """Of which version the quality is asked for, since when, and over which picks."""

    version = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    since = UTCDateTimeField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    picked_by = forms.ChoiceField(required=False, label="Picked", choices=[("", "in any way"), *Review.PickedBy.choices])

    def unknown(self, allowed: set[str]) -> list[str]:
        """Return the names asked for that are neither fields nor `allowed`."""
        return sorted(set(self.data) - set(self.fields) - allowed)
