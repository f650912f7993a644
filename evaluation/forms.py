"""Query parameters of the evaluation page and the API."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.filters import UTCDateTimeField
from predictions.models import Review
from registry.models import MAX_VERSION_NUMBER, ModelVersion


class EvaluationForm(forms.Form):
    """The version to evaluate, and which of its predictions to include."""

    version = forms.IntegerField(required=False, label=_("Version"), min_value=1, max_value=MAX_VERSION_NUMBER)
    since = UTCDateTimeField(required=False, label=_("Since"), widget=forms.DateInput(attrs={"type": "date"}))
    picked_by = forms.ChoiceField(required=False, label=_("Sample"), choices=[("", _("All")), *Review.PickedBy.choices])

    def find_unknown_names(self, allowed: set[str]) -> list[str]:
        """Return the names of parameters that are neither fields nor `allowed`."""
        return sorted(set(self.data) - set(self.fields) - allowed)


class EvaluationPageForm(EvaluationForm):
    """The form of the page, which selects versions from lists and can compare two."""

    version = forms.TypedChoiceField(coerce=int, label=_("Version"))  # type: ignore[assignment]
    compare = forms.TypedChoiceField(coerce=int, required=False, empty_value=None, label=_("Compare with"))

    def __init__(self, data: QueryDict, *, versions: list[ModelVersion], default: ModelVersion) -> None:
        data = data.copy()
        if not data.get("version"):
            data["version"] = str(default.number)
        super().__init__(data, label_suffix="")
        choices = [(version.number, gettext("Version %(number)s") % {"number": version.number}) for version in versions]
        fields: Any = self.fields
        fields["version"].choices = choices
        fields["compare"].choices = [("", gettext("None")), *choices]
