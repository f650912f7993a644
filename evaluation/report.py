"""How good a version is, by what people said of its answers. The database counts; nothing is read row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from evaluation.metrics import Calibration, Confusion, Evaluation, Mistake
from evaluation.regression import regression_of
from evaluation.sql import BINS, Answers, Pair, count_reviews
from evaluation.statistics import Bin, Share, cohens_kappa, expected_calibration_error, per_class, ratio, wilson
from predictions.models import Prediction, Review
from registry.models import ModelVersion

MANY_LABELS = 100  # above this many only those that occur are told
MOST_LABELS = 200  # of a confusion matrix, which has their square of cells
MISTAKES = 20


def evaluate_version(
    version: ModelVersion,
    *,
    reader: AbstractBaseUser | AnonymousUser,
    since: datetime | None = None,
    picked_by: str = "",
) -> Evaluation:
    """Return what the reviews say of a version, in a fixed number of queries.

    Of several opinions on one answer the newest that holds and is decided counts. An answer keeps the way it was first
    come upon: one that was drawn at random stays in the random sample when somebody corrects the verdict later.

    Args:
        reader: whose answers count: one's own, and everybody's for reviewers.
        since: leave out answers that were given before.
        picked_by: count only answers that were come upon in this way, a `Review.PickedBy`.
    """
    asked: dict[str, Any] = {"model_version": version, "status": Prediction.Status.SUCCEEDED}
    if since:
        asked["created_at__gte"] = since
    predictions = Prediction.objects.visible_to(reader).filter(**asked).count()
    reviews = Review.objects.visible_to(reader).filter(**{f"prediction__{name}": value for name, value in asked.items()})
    of_kind = _of_values if _kind(version) == "value" else _of_verdicts
    reviewed, found = of_kind(reviews, version, picked_by)
    return Evaluation(version.number, predictions, reviewed, ratio(reviewed, predictions), **found)


def _of_values(reviews: Any, version: ModelVersion, picked_by: str) -> tuple[int, dict[str, Any]]:
    none = wilson(0, 0)
    reviewed, regression = regression_of(reviews, picked_by)
    return reviewed, {"accuracy": none, "random": none, "picked": none, "regression": regression}


def _of_verdicts(reviews: Any, version: ModelVersion, picked_by: str) -> tuple[int, dict[str, Any]]:
    counts = count_reviews(reviews, picked_by=picked_by)
    answers = counts.answers
    found: dict[str, Any] = {
        "accuracy": _share(answers),
        "random": _share(one for one in answers if one.at_random),
        "picked": _share(one for one in answers if one.in_doubt),
        "kappa": _kappa(counts.pairs),
        "kappa_n": sum(one.n for one in counts.pairs),
    }
    if version.labels:
        found |= _of_labels(_taken_for(answers), version.labels)
    if _kind(version) == "classes":
        found["calibration"] = _calibration(answers)
    return counts.reviewed, found


def _kind(version: ModelVersion) -> str:
    kind: str = version.parsed_signature.output.kind
    return kind


def _right(answers: Iterable[Answers]) -> int:
    return sum(one.n for one in answers if one.verdict == Review.Verdict.CORRECT)


def _share(answers: Iterable[Answers]) -> Share:
    answers = list(answers)
    return wilson(_right(answers), sum(one.n for one in answers))


def _taken_for(answers: Iterable[Answers]) -> Counter[tuple[str, str]]:
    """Return how often a label was the true one and another, or the same, the answer."""
    counts = Counter[tuple[str, str]]()
    for one in answers:
        truth = one.true_label or (one.label if one.verdict == Review.Verdict.CORRECT else "")
        if truth:  # who says that it is wrong and not what it is, was not our service
            counts[truth, one.label] += one.n
    return counts


def _of_labels(counts: Counter[tuple[str, str]], labels: list[str]) -> dict[str, Any]:
    if len(labels) > MANY_LABELS:
        occur = {label for pair in counts for label in pair}
        labels = [label for label in labels if label in occur]
    matrix = [[counts[truth, label] for label in labels] for truth in labels] if len(labels) <= MOST_LABELS else None
    wrong = Counter({pair: n for pair, n in counts.items() if pair[0] != pair[1]})
    return {
        "classes": per_class(labels, counts),
        "confusion": None if matrix is None else Confusion(labels, matrix),
        "mistakes": [Mistake(*pair, n) for pair, n in wrong.most_common(MISTAKES)],
    }


def _calibration(answers: Sequence[Answers]) -> Calibration:
    bins = []
    for number, (low, high) in enumerate(BINS):
        inside = [one for one in answers if one.bin == number]
        n, sure = sum(one.n for one in inside), sum(one.sure or 0 for one in inside)
        bins.append(Bin(low, high, n, ratio(sure, n), ratio(_right(inside), n)))
    return Calibration(expected_calibration_error(bins), bins)


def _kappa(pairs: Iterable[Pair]) -> float | None:
    """Return kappa over the answers that two people judged; of several pairs of people the mean, weighed by answers."""
    tables: dict[str, dict[tuple[str, str], int]] = {}
    for one in pairs:
        tables.setdefault(one.people, {})[one.said, one.other_said] = one.n
    kappas = [(cohens_kappa(table), sum(table.values())) for table in tables.values()]
    known = [(kappa, n) for kappa, n in kappas if kappa is not None]
    return ratio(sum(kappa * n for kappa, n in known), sum(n for _, n in known))
