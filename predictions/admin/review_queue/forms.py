"""The form that selects a review queue, and the forms of assignments and goals."""

from __future__ import annotations

from typing import Any, NamedTuple

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import REVIEW_PREDICTIONS
from core.fields import parse_uuid
from predictions.filters import PredictionFilter
from predictions.history.query import replace_named_range
from predictions.models import Prediction, Review
from predictions.models.review_work import MAX_GOAL_REVIEWS, MAX_NOTE_CHARACTERS, MAX_QUERY_CHARACTERS
from predictions.review_strategies import LIST_STRATEGIES, ReviewQueue, get_strategies
from registry.models import ModelVersion

PickedBy = Review.PickedBy
LABEL_PREFIX = f"{PickedBy.LABEL}:"
OWN_PARAMETERS = {"version", "order", "blind", "list"}
FIELD_FILTERS = ("created_after", "created_before", "min_confidence", "max_confidence")
TEXT_FILTERS = ("user", "label", "tag")  # can have several values
SHOWN_FILTERS = {*FIELD_FILTERS, *TEXT_FILTERS}
REVIEW_FILTERS = {"reviewed", "verdict", "true_label", "picked_by"}  # a review changes what they select
MAX_REVIEWERS = 200  # in the select field of an assignment


class TextFilter(NamedTuple):
    """The text inputs of a filter. Without a value, there is an empty one."""

    name: str
    label: str
    values: list[str]


class ReviewQueueForm(forms.Form):
    """Select a review queue: a model version and a review strategy, or the filters of the history and an order.

    The strategy `label` has a choice for each label, such as `label:7`. The parameter `list`, or a filter, selects a
    filtered list, which can contain predictions of several versions.
    """

    version = forms.ModelChoiceField(
        ModelVersion.objects.none(), label=_("Model version"), empty_label=_("All versions"), required=False
    )
    order = forms.ChoiceField(choices=[], label=_("Review strategy"))
    blind = forms.ChoiceField(choices=[("", ""), ("0", ""), ("1", "")], required=False, widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, *, version: ModelVersion | None) -> None:
        self.filters = get_filters(request.GET)
        self.is_list = is_list(request.GET)
        names_version = bool(parse_uuid(request.GET.get("version", "")))
        self.model_version = version if names_version or not self.is_list else None
        super().__init__(self._complete_data(request.GET, version), label_suffix="")
        self.filterset = self._build_filterset(request, self.filters)
        self.scope = self._build_filterset(request, self.filters, excluded=REVIEW_FILTERS)
        self.is_filtered = bool(self.filters)
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.select_related("model")
        if not self.is_list:
            fields["version"].empty_label = None
        fields["order"].choices = _get_list_choices() if self.is_list else _get_strategy_choices(version)

    def clean(self) -> dict[str, Any]:
        unknown = self.filterset.find_unknown_names(set()) if self.is_list else []
        if unknown or (self.is_list and not self.filterset.is_valid()):
            raise forms.ValidationError(_("A filter is invalid or unknown. Change the filters."))
        return self.cleaned_data

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        """Return the fields of dates and numbers."""
        return [self.filterset.form[name] for name in FIELD_FILTERS]

    @property
    def text_filters(self) -> list[TextFilter]:
        names = [name for name in TEXT_FILTERS if name in self.filterset.filters]
        return [TextFilter(name, self.filterset.filters[name].label, self.filters.getlist(name) or [""]) for name in names]

    @property
    def hidden_filters(self) -> list[tuple[str, str]]:
        """Return the other filters, which the link from the history has set."""
        return [(name, text) for name, texts in self.filters.lists() if name not in SHOWN_FILTERS for text in texts]

    @property
    def can_be_blind(self) -> bool:
        """Return whether hiding predictions makes sense: not in a queue of one predicted label."""
        return "label" not in self.filters and not self.cleaned_data["order"].startswith(LABEL_PREFIX)

    @property
    def is_blind(self) -> bool:
        """Return whether predictions are hidden until a label is chosen: by default, in random order."""
        selected = self.cleaned_data.get("blind")
        is_selected = selected == "1" or (not selected and self.cleaned_data["order"] == PickedBy.RANDOM)
        return is_selected and self.can_be_blind

    @property
    def selects_reviewed(self) -> bool:
        """Return whether the filters select only predictions with a review, so that none of them needs one."""
        names = {name for name in REVIEW_FILTERS - {"reviewed"} if name in self.filters}
        return bool(names) or self.filters.get("reviewed") == "true"

    def get_queue(self) -> ReviewQueue:
        """Return the queue that a valid form selects."""
        order = self.cleaned_data["order"]
        if self.is_list:
            rows, scope = self.filterset.qs, self.scope.qs
            if self.selects_reviewed:  # PostgreSQL would look at all predictions for one without a review
                rows = rows.none()
            if self.model_version:
                rows = rows.of_versions(ModelVersion.objects.filter(pk=self.model_version.pk))
            return ReviewQueue(self.model_version, order, filtered=rows, scope=scope)
        if order.startswith(LABEL_PREFIX):
            return ReviewQueue(self.model_version, PickedBy.LABEL, order.removeprefix(LABEL_PREFIX))
        return ReviewQueue(self.model_version, order)

    def _complete_data(self, data: QueryDict, version: Any) -> dict[str, Any]:
        """Return the query with defaults, and with the label in the value of `order`."""
        selected = {name: data[name] for name in OWN_PARAMETERS - {"version"} if name in data}
        if self.is_list:
            own_version = self.model_version.pk if self.model_version else ""
            values = {"order": PickedBy.NEWEST, **selected, "version": own_version}
            return values | ({} if values["order"] in LIST_STRATEGIES else {"order": PickedBy.NEWEST})
        values = {"version": version.pk, "order": PickedBy.RANDOM, **selected}
        if values["order"] == PickedBy.LABEL:
            values["order"] = f"{LABEL_PREFIX}{data.get('label', '')}"
        if values["order"] in PickedBy.values and values["order"] not in get_strategies(version):
            values["order"] = PickedBy.RANDOM  # the strategy was selected for a version with another kind of output
        return values

    @staticmethod
    def _build_filterset(request: HttpRequest, filters: QueryDict, excluded: set[str] | None = None) -> PredictionFilter:
        data = filters.copy()
        for name in excluded or ():
            data.pop(name, None)
        return PredictionFilter(data, Prediction.objects.visible_to(request.user), request=request)


class AssignmentForm(forms.Form):
    """Assign the current list to a reviewer."""

    reviewer = forms.ModelChoiceField(User.objects.none(), label=_("Reviewer"), empty_label=_("Choose a reviewer"))
    note = forms.CharField(label=_("Note"), max_length=MAX_NOTE_CHARACTERS, required=False)
    query = forms.CharField(max_length=MAX_QUERY_CHARACTERS, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        reviewers = User.objects.with_perm(REVIEW_PREDICTIONS, backend="django.contrib.auth.backends.ModelBackend")
        staff = reviewers.filter(is_staff=True).order_by("username")
        fields: Any = self.fields
        fields["reviewer"].queryset = User.objects.filter(pk__in=list(staff.values_list("pk", flat=True)[:MAX_REVIEWERS]))


class GoalForm(forms.Form):
    """Set a daily goal."""

    reviews_per_day = forms.IntegerField(label=_("Reviews per day"), min_value=1, max_value=MAX_GOAL_REVIEWS)


def get_filters(data: QueryDict) -> QueryDict:
    """Return the filters of the query, without empty ones, and with times instead of a named range.

    With `order=label`, the label is part of the strategy.
    """
    filters = QueryDict(mutable=True)
    for name, texts in data.lists():
        is_own = name in OWN_PARAMETERS and not (name == "version" and data.get("list") and texts[-1].isdigit())
        is_strategy = name == "label" and data.get("order") == PickedBy.LABEL and not data.get("list")
        if not is_own and not is_strategy and any(texts):
            filters.setlist(name, [text for text in texts if text])
    replace_named_range(filters)
    return filters


def is_list(data: QueryDict) -> bool:
    """Return whether the query selects a filtered list."""
    return bool(data.get("list") or get_filters(data))


def _get_list_choices() -> list[Any]:
    return [(strategy.value, strategy.label) for strategy in LIST_STRATEGIES]


def _get_strategy_choices(version: Any) -> list[Any]:
    strategies = get_strategies(version)
    choices: list[Any] = [(strategy.value, strategy.label) for strategy in strategies if strategy != PickedBy.LABEL]
    if PickedBy.LABEL in strategies:
        choices.append((PickedBy.LABEL.label, [(f"{LABEL_PREFIX}{label}", label) for label in version.labels]))
    return choices
