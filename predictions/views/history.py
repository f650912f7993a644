"""The history: what was asked and answered, with the filters of the API and fields to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.vary import vary_on_headers
from django.views.generic import TemplateView
from django_htmx.http import HttpResponseClientRedirect

from accounts.permissions import is_reviewer
from accounts.requests import AuthenticatedRequest
from core.pagination import get_keyset_page
from predictions.filters import PredictionFilter
from predictions.models import Prediction
from registry.models import ModelVersion, RegisteredModel

PAGE = 24  # predictions
MOST_LABELS = 200  # that are offered to choose from; others can be typed
CURSORS = {"older", "newer"}
SHARES, MOMENTS = ("min_confidence", "max_confidence"), ("created_after", "created_before")
FIRST = ("model", "label", "status", "verdict")  # always on the page; the others unfold
# What is looked for most, in one click: one of a kind at a time.
KINDS = (
    ("doubtful", {"max_confidence": "0.8"}),
    ("not judged yet", {"reviewed": "false"}),
    ("judged wrong", {"verdict": "incorrect"}),
    ("failed", {"status": "failed"}),
)
DAYS = (("today", 0, None), ("yesterday", -1, 0), ("last 7 days", -6, None))  # from the start of which day, to that of which


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # or the back button shows a cached fragment
class HistoryView(LoginRequiredMixin, TemplateView):
    """Predictions, newest first, with the filters of the API."""

    template_name = "predictions/history.html"
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"  # or the way back shows what was there before a verdict
        if self.request.htmx:  # a form sends its empty fields too; they need not be in the address
            response["HX-Push-Url"] = _address({name: value for name, value in request.GET.dict().items() if value})
        return response

    def handle_no_permission(self) -> HttpResponse:  # type: ignore[override]
        """Lead a script's request to the page to sign in as a whole, or it would stand inside this one."""
        if not self.request.htmx:
            return super().handle_no_permission()
        return HttpResponseClientRedirect(redirect_to_login(self.request.get_full_path()).url)

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked, person = self.request.GET, self.request.user
        rows = Prediction.objects.visible_to(person).with_related().with_reviews()
        filterset = PredictionFilter(asked, rows, request=self.request)
        unknown = filterset.find_unknown_names(CURSORS)
        valid = filterset.is_valid() and not unknown
        page = get_keyset_page(
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
            kinds=list(_others(filters, KINDS)),
            days=list(_others(filters, _days())),
            more_set=len(filters.keys() - set(FIRST)),
            unknown=unknown,
            query=urlencode(filters),
            everybody=is_reviewer(person),
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
        }


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, and the page that is left without it."""

    name: str
    value: str
    without: str
    moment: datetime | None = None


def _chips(filterset: PredictionFilter, filters: dict[str, str]) -> Iterator[Chip]:
    for name, value in filters.items():
        left = {other: kept for other, kept in filters.items() if other != name}
        choices = dict(getattr(filterset.form.fields[name], "choices", ()))
        said = (
            f"{float(value) * 100:g} %"
            if name in SHARES and name not in filterset.errors
            else str(choices.get(value, value))
        )
        moment = filterset.form.cleaned_data.get(name) if name in MOMENTS else None
        yield Chip(str(filterset.filters[name].label).removesuffix(" (UTC)"), said, _address(left), moment)


def _others(filters: dict[str, str], shortcuts: Iterable[tuple[str, dict[str, str]]]) -> Iterator[tuple[str, str]]:
    """Yield each shortcut that is not set, and the page where it stands for the others of its kind."""
    shortcuts = list(shortcuts)
    replaced = {name for _, more in shortcuts for name in more}
    left = {name: value for name, value in filters.items() if name not in replaced}
    for words, more in shortcuts:
        if {name: filters[name] for name in replaced & filters.keys()} != more:
            yield words, _address(left | more)


def _days() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the days of UTC; a script makes them the reader's."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for words, first, end in DAYS:
        after = {"created_after": f"{today + timedelta(days=first):%Y-%m-%dT%H:%M}"}
        yield words, after | ({} if end is None else {"created_before": f"{today + timedelta(days=end):%Y-%m-%dT%H:%M}"})


def _labels() -> list[str]:
    """Return the labels of the versions that answer, each once."""
    lists = ModelVersion.objects.served().order_by("id").values_list("labels", flat=True)
    return list(dict.fromkeys(chain.from_iterable(lists)))[:MOST_LABELS]


def _address(filters: dict[str, str]) -> str:
    page = reverse("predictions:history")
    return f"{page}?{urlencode(filters)}" if filters else page
