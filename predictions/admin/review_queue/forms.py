"""The form that selects a review queue."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import QueryDict

from predictions.models import Review
from predictions.review_strategies import ReviewQueue, get_strategies
from registry.models import ModelVersion

PickedBy = Review.PickedBy
LABEL_PREFIX = f"{PickedBy.LABEL}:"


class ReviewQueueForm(forms.Form):
    """Select a model version and a review strategy. The strategy `label` has a choice for each label, such as `label:7`."""

    version = forms.ModelChoiceField(ModelVersion.objects.none(), label="Model version", empty_label=None)
    order = forms.ChoiceField(choices=[], label="Review strategy")

    def __init__(self, data: QueryDict, *, version: ModelVersion) -> None:
        super().__init__(_complete_data(data, version), label_suffix="")
        self.model_version = version
        fields: Any = self.fields
        fields["version"].queryset = ModelVersion.objects.select_related("model")
        fields["order"].choices = _get_strategy_choices(version)

    def get_queue(self) -> ReviewQueue:
        """Return the queue that a valid form selects."""
        order = self.cleaned_data["order"]
        if order.startswith(LABEL_PREFIX):
            return ReviewQueue(self.model_version, PickedBy.LABEL, order.removeprefix(LABEL_PREFIX))
        return ReviewQueue(self.model_version, order)


def _complete_data(data: QueryDict, version: ModelVersion) -> dict[str, Any]:
    """Return the query with defaults, and with the label in the value of `order`."""
    values: dict[str, Any] = {"version": version.pk, "order": PickedBy.RANDOM, **data.dict()}
    if values["order"] == PickedBy.LABEL:
        values["order"] = f"{LABEL_PREFIX}{values.get('label', '')}"
    if values["order"] in PickedBy.values and values["order"] not in get_strategies(version):
        values["order"] = PickedBy.RANDOM  # the strategy was selected for a version with another kind of output
    return values


def _get_strategy_choices(version: ModelVersion) -> list[Any]:
    strategies = get_strategies(version)
    choices: list[Any] = [(strategy.value, strategy.label) for strategy in strategies if strategy != PickedBy.LABEL]
    if PickedBy.LABEL in strategies:
        choices.append((PickedBy.LABEL.label, [(f"{LABEL_PREFIX}{label}", label) for label in version.labels]))
    return choices
