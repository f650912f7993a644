"""How good a version is, by what people said of its answers. The database counts; nothing is read row by row."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Avg, Case, Count, Exists, F, IntegerField, OuterRef, Q, Value, When

from predictions.models import ModelVersion, Prediction, Review
from predictions.quality.findings import Calibration, Confusion, Quality
from predictions.quality.formulas import (
    Bin,
    Share,
    cohens_kappa,
    expected_calibration_error,
    per_class,
    ratio,
    wilson,
)
from predictions.quality.regression import regression_of

PickedBy = Review.PickedBy
RIGHT = Q(verdict=Review.Verdict.CORRECT)
EDGES = [number / 10 for number in range(11)]  # of confidence
MANY_LABELS = 100  # above this many a confusion matrix shows only those that occur


def quality_of(
    version: ModelVersion,
    *,
    reader: AbstractBaseUser | AnonymousUser,
    since: datetime | None = None,
    picked_by: str = "",
) -> Quality:
    """Return what the reviews say of a version, in a fixed number of queries.

    Of several opinions on one answer the newest that holds and is decided counts. An answer keeps the way it was first
    come upon: one that was drawn at random stays in the random sample when somebody corrects the verdict later.

    Args:
        reader: whose answers count: one's own, and everybody's for reviewers.
        since: leave out answers that were given before.
        picked_by: count only answers that were come upon in this way, a `Review.PickedBy`.
    """
    asked = {"model_version": version, "status": Prediction.Status.SUCCEEDED}
    if since:
        asked["created_at__gte"] = since
    predictions = Prediction.objects.visible_to(reader).filter(**asked).count()
    reviews = Review.objects.visible_to(reader).filter(**{f"prediction__{name}": value for name, value in asked.items()})
    if picked_by:
        reviews = reviews.filter(_came_upon(picked_by))
    reviewed = reviews.active().aggregate(n=Count("prediction", distinct=True))["n"]
    return Quality(
        version=version.number,
        predictions=predictions,
        reviewed=reviewed,
        coverage=ratio(reviewed, predictions),
        **(_of_values(reviews) if _kind(version) == "value" else _of_verdicts(reviews, version)),
    )


def _of_values(reviews: Any) -> dict[str, Any]:
    none = wilson(0, 0)
    return {"accuracy": none, "random": none, "picked": none, "regression": regression_of(reviews)}


def _of_verdicts(reviews: Any, version: ModelVersion) -> dict[str, Any]:
    counting = reviews.counting()
    ways = {"at_random": _came_upon(PickedBy.RANDOM), "in_doubt": _came_upon(PickedBy.UNCERTAIN, PickedBy.MARGIN)}
    counts = counting.values("prediction__label", "true_label", "verdict", **ways).annotate(
        n=Count("pk"), right=Count("pk", RIGHT)
    )
    groups = list(counts)
    found: dict[str, Any] = {
        "accuracy": _share(groups),
        "random": _share([one for one in groups if one["at_random"]]),
        "picked": _share([one for one in groups if one["in_doubt"]]),
        "kappa": _kappa(reviews, "true_label" if version.labels else "verdict"),
    }
    if version.labels:
        confusion = _confusion(groups, version.labels)
        found |= {"confusion": confusion, "classes": per_class(confusion.labels, confusion.matrix)}
    if _kind(version) == "classes":
        found["calibration"] = _calibration(counting)
    return found


def _kind(version: ModelVersion) -> str:
    kind: str = version.signature["output"]["kind"]
    return kind


def _came_upon(*ways: str) -> Exists:
    """Return whether somebody came upon a review's prediction in one of these ways, whatever became of that opinion."""
    return Exists(Review.objects.filter(prediction=OuterRef("prediction"), picked_by__in=ways))


def _share(groups: list[dict[str, Any]]) -> Share:
    return wilson(sum(one["right"] for one in groups), sum(one["n"] for one in groups))


def _confusion(groups: list[dict[str, Any]], labels: list[str]) -> Confusion:
    if len(labels) > MANY_LABELS:
        occur = {one[column] for one in groups for column in ("prediction__label", "true_label")}
        labels = [label for label in labels if label in occur]
    place = {label: number for number, label in enumerate(labels)}
    matrix = [[0] * len(labels) for _ in labels]
    for one in groups:
        truth = one["true_label"] or (one["prediction__label"] if one["right"] else "")
        if truth in place:  # who says that it is wrong and not what it is, was not our service
            matrix[place[truth]][place[one["prediction__label"]]] += one["n"]
    return Confusion(labels, matrix)


def _calibration(counting: Any) -> Calibration:
    # The edges are compared, not computed with: 0.7 * 10 is more than 7.
    whens = [When(prediction__confidence__lte=edge, then=Value(number)) for number, edge in enumerate(EDGES[1:])]
    rows = counting.filter(prediction__confidence__isnull=False).annotate(bin=Case(*whens, output_field=IntegerField()))
    counts = rows.values("bin").annotate(n=Count("pk"), right=Count("pk", RIGHT), sure=Avg("prediction__confidence"))
    found = {one["bin"]: one for one in counts}
    none = {"n": 0, "right": 0, "sure": None}
    bins = [
        Bin(low, high, one["n"], one["sure"], ratio(one["right"], one["n"]))
        for (low, high), one in zip(pairwise(EDGES), (found.get(number, none) for number in range(10)), strict=True)
    ]
    return Calibration(expected_calibration_error(bins), bins)


def _kappa(reviews: Any, said: str) -> float | None:
    """Return kappa over the answers that two people judged. Of each two the one with the lower id is the first."""
    other = "prediction__reviews__"
    pairs = (
        reviews.decided()
        .filter(
            **{f"{other}withdrawn_at": None, f"{other}verdict__in": ["correct", "incorrect"]},
            reviewer__lt=F(f"{other}reviewer"),
        )
        .values("reviewer", f"{other}reviewer", said, f"{other}{said}")
        .annotate(n=Count("pk"))
    )
    tables: dict[Any, dict[tuple[str, str], int]] = {}
    for one in pairs:
        table = tables.setdefault((one["reviewer"], one[f"{other}reviewer"]), {})
        table[one[said], one[f"{other}{said}"]] = one["n"]
    kappas = [(cohens_kappa(table), sum(table.values())) for table in tables.values()]
    known = [(kappa, n) for kappa, n in kappas if kappa is not None]
    return ratio(sum(kappa * n for kappa, n in known), sum(n for _, n in known))
