"""The history: what was asked and answered, with the filters of the API and fields to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.vary import vary_on_headers
from django.views.generic import TemplateView

from accounts.requests import SignedInRequest
from predictions.filters import PredictionFilter
from predictions.models import ModelVersion, Prediction, RegisteredModel
from predictions.paging import page_of
from predictions.querysets import sees_everything

PAGE = 24  # predictions
MOST_LABELS = 200  # that are offered to choose from; others can be typed
CURSORS = {"older", "newer"}
FIRST = ("model", "label", "status", "verdict")  # always on the page; the others unfold
# What is looked for most, in one click.
SHORTCUTS = (
    ("doubtful", {"max_confidence": "0.8"}),
    ("not judged yet", {"reviewed": "false"}),
    ("judged wrong", {"verdict": "incorrect"}),
    ("failed", {"status": "failed"}),
)


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # or the back button shows a cached fragment
class HistoryView(LoginRequiredMixin, TemplateView):
    """Predictions, newest first, with the filters of the API."""

    template_name = "predictions/history.html"
    request: SignedInRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        if self.request.htmx:  # a form sends its empty fields too; they need not be in the address
            response["HX-Push-Url"] = _address({name: value for name, value in request.GET.dict().items() if value})
        return response

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked, person = self.request.GET, self.request.user
        rows = Prediction.objects.visible_to(person).complete().with_reviews()
        filterset = PredictionFilter(asked, rows, request=self.request)
        unknown = filterset.unknown(CURSORS)
        valid = filterset.is_valid() and not unknown
        page = page_of(
            filterset.qs if valid else rows.none(),
            older_than=asked.get("older", ""),
            newer_than=asked.get("newer", ""),
            size=PAGE,
        )
        filters = {name: asked[name] for name in filterset.filters if asked.get(name)}
        if not self.request.htmx:
            kwargs |= self._choices(filterset.form, filters)
        return super().get_context_data(
            page=page,
            filter=filterset,
            filters=filters,
            chips=list(_chips(filterset, filters)),
            shortcuts=[(words, _address(filters | more)) for words, more in SHORTCUTS if not more.keys() & filters.keys()],
            unknown=unknown,
            query=urlencode(filters),
            everybody=sees_everything(person),
            **kwargs,
        )

    def _choices(self, form: forms.Form, filters: dict[str, str]) -> dict[str, Any]:
        """Let the models be chosen from a list, and labels be typed or chosen; both may still be anything."""
        names = [(model.name, model.title) for model in RegisteredModel.objects.visible_to(self.request.user)]
        asked = filters.get("model", "")
        other = [(asked, asked)] if asked not in ["", *dict(names)] else []
        form.fields["model"].widget = forms.Select(choices=[("", "any"), *names, *other])
        form.fields["label"].widget.attrs |= {"list": "labels", "placeholder": "any"}
        return {
            "labels": _labels(),
            "first": [form[name] for name in FIRST],
            "more": [field for field in form if field.name not in FIRST],
            "more_set": len(filters.keys() - set(FIRST)),
        }


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the page that is left without it."""

    name: str
    value: str
    without: str


def _chips(filterset: PredictionFilter, filters: dict[str, str]) -> Iterator[Chip]:
    for name, value in filters.items():
        left = {other: kept for other, kept in filters.items() if other != name}
        choices = dict(getattr(filterset.form.fields[name], "choices", ()))
        yield Chip(str(filterset.filters[name].label), str(choices.get(value, value)), _address(left))


def _labels() -> list[str]:
    """Return the labels of the versions that answer, each once."""
    lists = ModelVersion.objects.served().order_by("id").values_list("labels", flat=True)
    return list(dict.fromkeys(chain.from_iterable(lists)))[:MOST_LABELS]


def _address(filters: dict[str, str]) -> str:
    page = reverse("predictions:history")
    return f"{page}?{urlencode(filters)}" if filters else page
