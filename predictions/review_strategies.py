"""Review strategies: which predictions the review queue contains, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet

from core.fields import RandomBits
from inference.signature import LabelsOutput
from predictions.models import Prediction, Review
from predictions.querysets import PredictionQuerySet
from registry.models import ModelVersion

PickedBy = Review.PickedBy
STRATEGIES = (PickedBy.RANDOM, PickedBy.UNCERTAIN, PickedBy.MARGIN, PickedBy.LABEL, PickedBy.NEWEST)
SCORE_STRATEGIES = {PickedBy.UNCERTAIN, PickedBy.MARGIN}
LABEL_STRATEGIES = {PickedBy.LABEL}

Rows = TypeVar("Rows", bound=QuerySet)


def get_strategies(version: ModelVersion) -> list[PickedBy]:
    """Return the strategies that the output of a version supports, in the order in which pages list them."""
    output = version.parsed_signature.output
    excluded: set[PickedBy] = set()
    if not output.has_scores:
        excluded |= SCORE_STRATEGIES
    if not output.has_labels:
        excluded |= LABEL_STRATEGIES
    if output.kind == LabelsOutput.kind:  # several labels, none of which is the label of the prediction, and no confidence
        excluded |= {PickedBy.UNCERTAIN, PickedBy.LABEL}
    return [strategy for strategy in STRATEGIES if strategy not in excluded]


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The unreviewed predictions of a model version in the order of a strategy.

    Attributes:
        strategy: one of `STRATEGIES`.
        label: the predicted label, for the strategy `label`.
    """

    version: ModelVersion
    strategy: str
    label: str = ""

    def get_predictions(self) -> PredictionQuerySet:
        """Return the unreviewed predictions; an index serves each order.

        The random order follows the random bits of the ids: each prediction is equally likely to come first, and all
        reviewers see the same order.
        """
        rows: PredictionQuerySet = Prediction.objects.filter(model_version=self.version).awaiting_review()
        if self.strategy == PickedBy.UNCERTAIN:
            return rows.filter(confidence__isnull=False).order_by("confidence")
        if self.strategy == PickedBy.MARGIN:
            return rows.filter(margin__isnull=False).order_by("margin")
        if self.strategy == PickedBy.LABEL:
            return rows.filter(label=self.label).order_by("-id")
        return rows.order_by(RandomBits("id") if self.strategy == PickedBy.RANDOM else "-id")

    def filter_own(self, rows: Rows) -> Rows:
        """Return the reviews or claims among `rows` that were made in this queue."""
        rows = rows.filter(prediction__model_version=self.version, picked_by=self.strategy)
        return rows.filter(prediction__label=self.label) if self.label else rows
