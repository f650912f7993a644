"""The History page: predictions with the filters of the API."""

from __future__ import annotations

from itertools import chain
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.vary import vary_on_headers
from django.views.generic import TemplateView

from accounts.permissions import can_view_all
from accounts.requests import AuthenticatedRequest
from core.pagination import get_keyset_page
from predictions.filters import PredictionFilter
from predictions.models import Prediction
from predictions.views.history_links import build_history_url, list_chips, list_day_links, list_shortcut_links
from predictions.views.mixins import HtmxLoginRequiredMixin
from registry.models import MULTI_LABEL_TASKS, ModelVersion, RegisteredModel

PAGE_SIZE = 24  # predictions
MAX_SUGGESTED_LABELS = 200
CURSOR_PARAMETERS = {"older", "newer"}
MAIN_FILTERS = ("model", "label", "status", "verdict")  # always visible; the others are behind "More filters"


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # otherwise, the back button shows a cached fragment
class HistoryView(HtmxLoginRequiredMixin, TemplateView):
    """Predictions, newest first."""

    template_name = "predictions/history.html"
    request: AuthenticatedRequest

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"  # otherwise, the back button shows an outdated list
        if self.request.htmx:  # a form submits its empty fields too; keep them out of the address
            response["HX-Push-Url"] = build_history_url({name: value for name, value in request.GET.dict().items() if value})
        return response

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        parameters, user = self.request.GET, self.request.user
        rows = Prediction.objects.visible_to(user).with_related().with_reviews()
        filterset = PredictionFilter(parameters, rows, request=self.request)
        unknown_names = filterset.find_unknown_names(CURSOR_PARAMETERS)
        is_valid = filterset.is_valid() and not unknown_names
        page = get_keyset_page(
            filterset.qs if is_valid else rows.none(),
            older_than=parameters.get("older", ""),
            newer_than=parameters.get("newer", ""),
            size=PAGE_SIZE,
        )
        filters = {name: parameters[name] for name in filterset.filters if parameters.get(name)}
        if not self.request.htmx:
            kwargs |= self.get_form_context(filterset.form, filters)
        return super().get_context_data(
            page=page,
            filter=filterset,
            filters=filters,
            chips=list_chips(filterset, filters),
            day_links=list_day_links(filters),
            shortcut_links=list_shortcut_links(filters),
            hidden_filter_count=len(filters.keys() - set(MAIN_FILTERS)),
            unknown_names=unknown_names,
            query=urlencode(filters),
            shows_all_users=can_view_all(user),
            **kwargs,
        )

    def get_form_context(self, form: forms.Form, filters: dict[str, str]) -> dict[str, Any]:
        """Make the model a select and suggest labels. Both filters still accept any value in the address."""
        choices = [(model.name, model.title) for model in RegisteredModel.objects.visible_to(self.request.user)]
        reference = filters.get("model", "")
        if reference not in ["", *dict(choices)]:
            choices.append((reference, reference))
        form.fields["model"].widget = forms.Select(choices=[("", "Any"), *choices])
        form.fields["label"].widget.attrs |= {"list": "labels", "placeholder": "Any"}
        return {
            "labels": _list_served_labels(),
            "main_fields": [form[name] for name in MAIN_FILTERS],
            "more_fields": [field for field in form if field.name not in MAIN_FILTERS],
        }


def _list_served_labels() -> list[str]:
    """Return the labels of all versions with an alias, without duplicates, except multi-label models.

    The filter does not find their labels, because their predictions have no single label.
    """
    label_lists = (
        ModelVersion.objects.served()
        .exclude(model__task__in=MULTI_LABEL_TASKS)
        .order_by("id")
        .values_list("labels", flat=True)
    )
    return list(dict.fromkeys(chain.from_iterable(label_lists)))[:MAX_SUGGESTED_LABELS]
