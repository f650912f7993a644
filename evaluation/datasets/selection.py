"""Which answers go into a dataset, and what is true of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, Prefetch, Subquery

from inference.errors import InferenceError
from predictions.models import Prediction, Review
from predictions.querysets import PredictionQuerySet
from registry.models import ModelVersion, RegisteredModel
from registry.references import resolve_version


class NotExportable(InferenceError):
    """There is nothing to learn from these answers, or no place for them."""

    code = "not-exportable"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of an input: its label, or its value."""

    label: str = ""
    value: float | None = None


def versions_of(reference: str) -> list[ModelVersion]:
    """Return all versions of a model named by its bare name, the newest first; or the one of an alias or a number.

    Raises:
        UnknownModel: when there is none.
        NotExportable: when the answers are kept raw.
    """
    every = ModelVersion.objects.filter(model__name=reference).select_related("model").order_by("-number")
    versions = list(every) or [resolve_version(reference)]
    if versions[0].model.task == RegisteredModel.Task.OTHER:
        raise NotExportable(f"The answers of {reference} are kept raw: there is no label or value to learn.")
    return versions


def answers_of(versions: Sequence[ModelVersion], *, reviewed_only: bool) -> PredictionQuerySet:
    """Return the answers of some versions, the last judged first and what nobody decided at the end.

    Whoever keeps the first of several answers about one input has its newest truth. It is one query, so that what is judged
    while it is read is not missed.
    """
    judged_by = Review.objects.effective().filter(prediction=OuterRef("pk")).values("pk")[:1]
    answers = Prediction.objects.filter(status=Prediction.Status.SUCCEEDED, model_version__in=versions)
    answers = answers.annotate(judged_by=Subquery(judged_by)).order_by(F("judged_by").desc(nulls_last=True), "-pk")
    counting = Prefetch("reviews", Review.objects.effective(), to_attr="counting")
    answers = answers.select_related("input", "model_version__model").with_reviews().prefetch_related(counting)
    return answers.filter(judged_by__isnull=False) if reviewed_only else answers


def opinion_on(prediction: Prediction) -> Review | None:
    """Return the opinion that counts; `answers_of` has fetched it."""
    return next(iter(getattr(prediction, "counting")), None)  # noqa: B009


def truth_of(prediction: Prediction) -> Truth | None:
    """Return what is true by the opinion that counts: what it names or, when it says no more than correct, the answer.

    Of values the newest opinion that names one counts, as it does for quality.
    """
    opinions = [one for one in prediction.active_reviews if one.true_value is not None]
    opinion = next(iter(opinions), None) or opinion_on(prediction)
    if opinion is None:
        return None
    if opinion.true_label or opinion.true_value is not None:
        return Truth(opinion.true_label, opinion.true_value)
    return Truth(prediction.label, prediction.value) if opinion.verdict == Review.Verdict.CORRECT else None
