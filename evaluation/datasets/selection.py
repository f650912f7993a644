"""Select the predictions of a dataset, and the true output of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, Prefetch, Subquery

from inference.errors import InferenceError
from predictions.models import Prediction, Review
from predictions.querysets import PredictionQuerySet
from registry.models import ModelVersion, RegisteredModel
from registry.references import resolve_version


class NotExportable(InferenceError):
    """The predictions have no label or value to learn, or the folder is not empty."""

    code = "not-exportable"


@dataclass(frozen=True, slots=True)
class TrueOutput:
    """The true label, labels, or value of an input.

    Args:
        labels: for a multi-label model, whether each label of the version that made the prediction is true.
    """

    label: str = ""
    value: float | None = None
    labels: Mapping[str, bool] | None = None

    @property
    def true_labels(self) -> list[str] | None:
        return None if self.labels is None else [label for label, is_true in self.labels.items() if is_true]


def get_versions(reference: str) -> list[ModelVersion]:
    """Return all versions for the name of a model, the newest first; one version for an alias or a number.

    Raises:
        UnknownModel: the model or version does not exist.
        NotExportable: the model has raw outputs.
    """
    all_versions = ModelVersion.objects.filter(model__name=reference).select_related("model").order_by("-number")
    versions = list(all_versions) or [resolve_version(reference)]
    if versions[0].model.task == RegisteredModel.Task.OTHER:
        raise NotExportable(f"The model {reference} has raw outputs, without a label or value to train on.")
    return versions


def get_predictions(versions: Sequence[ModelVersion], *, reviewed_only: bool) -> PredictionQuerySet:
    """Return the predictions of some versions, the last reviewed first and those without a decided review last.

    The first prediction of an input therefore has its newest true output. A single query ensures that a review stored
    during the export cannot move a prediction from the unread rows to those already read. Inputs whose data was removed are
    left out.
    """
    newest_review = Review.objects.effective().filter(prediction=OuterRef("pk")).values("pk")[:1]
    predictions = (
        Prediction.objects.filter(
            status=Prediction.Status.SUCCEEDED, model_version__in=versions, input__data_removed_at=None
        )
        .annotate(newest_review=Subquery(newest_review))
        .order_by(F("newest_review").desc(nulls_last=True), "-pk")
        .select_related("input", "model_version__model")
        .with_reviews()
        .prefetch_related(Prefetch("reviews", Review.objects.effective(), to_attr="verdict_reviews"))
    )
    return predictions.filter(newest_review__isnull=False) if reviewed_only else predictions


def get_verdict_review(prediction: Prediction) -> Review | None:
    """Return the review whose verdict counts, as fetched by `get_predictions`."""
    reviews: list[Review] = getattr(prediction, "verdict_reviews")  # noqa: B009  mypy does not know prefetched attributes
    return next(iter(reviews), None)


def get_true_output(prediction: Prediction) -> TrueOutput | None:
    """Return the true output from the review that counts: the one it contains, or the prediction if it is correct.

    For values, the newest review with a true value counts, as in the metrics.
    """
    measured = next((review for review in prediction.active_reviews if review.true_value is not None), None)
    review = measured or get_verdict_review(prediction)
    if review is None:
        return None
    is_correct = review.verdict == Review.Verdict.CORRECT
    if prediction.predicted_labels is not None:
        true_labels = prediction.predicted_labels if is_correct else review.true_labels
        labels = prediction.model_version.labels
        return None if true_labels is None else TrueOutput(labels={label: label in true_labels for label in labels})
    if review.true_label or review.true_value is not None:
        return TrueOutput(review.true_label, review.true_value)
    return TrueOutput(prediction.label, prediction.value) if is_correct else None
