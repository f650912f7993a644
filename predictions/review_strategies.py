"""Review strategies: which predictions the review queue contains, and in which order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from core.fields import RandomBits
from core.pagination import MAX_COUNTED_ROWS
from inference.signature import LabelsOutput
from predictions.models import Prediction, Review
from predictions.querysets import PredictionQuerySet
from registry.models import ModelVersion

PickedBy = Review.PickedBy
STRATEGIES = (PickedBy.RANDOM, PickedBy.UNCERTAIN, PickedBy.MARGIN, PickedBy.LABEL, PickedBy.NEWEST)
SCORE_STRATEGIES = {PickedBy.UNCERTAIN, PickedBy.MARGIN}
LABEL_STRATEGIES = {PickedBy.LABEL}
LIST_STRATEGIES = (PickedBy.NEWEST, PickedBy.RANDOM, PickedBy.UNCERTAIN, PickedBy.MARGIN)  # of a filtered list
MAX_SORTED_PREDICTIONS = MAX_COUNTED_ROWS + 1  # as many as the page counts, to show that there are more

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
    """The unreviewed predictions of a model version, or of a filtered list of the history, in the order of a strategy.

    Attributes:
        version: None for a filtered list of several versions.
        strategy: one of `STRATEGIES`.
        label: the predicted label, for the strategy `label`.
        filtered: the predictions of a filtered list; None for all predictions of the version.
        scope: the predictions of a filtered list without the filters by review, which a review changes.
    """

    version: ModelVersion | None
    strategy: str
    label: str = ""
    filtered: PredictionQuerySet | None = None
    scope: PredictionQuerySet | None = None

    @property
    def picked_by(self) -> str:
        """Return the strategy that reviews get. A filtered list is never a random sample of a version."""
        return self.strategy if self.filtered is None else PickedBy.LIST

    def get_predictions(self) -> PredictionQuerySet:
        """Return the unreviewed predictions; an index serves each order.

        The random order follows the random bits of the ids: each prediction is equally likely to come first, and all
        reviewers see the same order. A filtered list has the order of the history. In another order, it has its newest
        `MAX_SORTED_PREDICTIONS`: the index of that order could lead through all predictions to the few of the list.
        Each claim sorts at most these.
        """
        if self.filtered is None:
            return self._sort(Prediction.objects.filter(model_version=self.version).awaiting_review())
        rows = self.filtered.awaiting_review()
        if self.strategy == PickedBy.NEWEST:
            return rows.order_by("-id")
        return self._sort(rows.order_by("-id").fetch_first(MAX_SORTED_PREDICTIONS))

    def _sort(self, rows: PredictionQuerySet) -> PredictionQuerySet:
        if self.strategy == PickedBy.UNCERTAIN:
            return rows.filter(confidence__isnull=False).order_by("confidence")
        if self.strategy == PickedBy.MARGIN:
            return rows.filter(margin__isnull=False).order_by("margin")
        if self.strategy == PickedBy.LABEL:
            return rows.filter(label=self.label).order_by("-id")
        return rows.order_by(RandomBits("id") if self.strategy == PickedBy.RANDOM else "-id")

    def filter_own(self, rows: Rows) -> Rows:
        """Return the reviews or claims among `rows` that were made in this queue or, for a filtered list, in any list."""
        rows = rows.filter(picked_by=self.picked_by)
        rows = rows.filter(prediction__model_version=self.version) if self.version else rows
        return rows.filter(prediction__label=self.label) if self.label else rows

    def select_in_scope(self, prediction_ids: Collection[UUID]) -> set[UUID]:
        """Return those of a few predictions that the filtered list contains, or contained before they were reviewed."""
        if self.scope is None or not prediction_ids:
            return set(prediction_ids)
        return set(self.scope.filter(pk__in=prediction_ids).values_list("pk", flat=True))
