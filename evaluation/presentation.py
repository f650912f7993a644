"""The evaluation page: metrics, links to the predictions behind them, and the coordinates of the charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from evaluation.comparison import compare_versions
from evaluation.forms import EvaluationPageForm
from evaluation.report import evaluate_version
from evaluation.types import Calibration, ConfusionMatrix, Evaluation, Residuals
from predictions.models import Review
from registry.models import ModelVersion

MAX_SHOWN_LABELS = 50  # of a confusion matrix; with more labels the page lists the most common errors instead
MAX_UNSAMPLED_SHARE = 0.05  # of predictions reviewed but not sampled at random; above it, the random sample counts as biased
SHADE_COUNT = 9
CHART_SIZE = 200  # SVG units
MIN_POINT_RADIUS = 3
MAX_POINT_RADIUS = 9


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the confusion matrix, with a link to its predictions."""

    true_label: str
    label: str
    n: int
    url: str
    shade: int = 0
    share: float | None = None

    @property
    def is_correct(self) -> bool:
        return self.true_label == self.label


@dataclass(frozen=True, slots=True)
class Point:
    """A bin of the reliability curve, in SVG units."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of a histogram, in SVG units."""

    x: float
    y: float
    width: float
    height: float


def get_evaluation_context(
    versions: list[ModelVersion], default: ModelVersion, *, data: QueryDict, reader: AbstractBaseUser | AnonymousUser
) -> dict[str, Any]:
    """Return the template context of the page: only the form, if its data is invalid.

    Args:
        default: the version to show if `data` names none.
        data: the query parameters.
    """
    form = EvaluationPageForm(data, versions=versions, default=default)
    if not form.is_valid():
        return {"form": form}
    filters = form.cleaned_data
    by_number = {version.number: version for version in versions}
    version, other = by_number[filters["version"]], by_number.get(filters["compare"])
    evaluation = evaluate_version(version, reader=reader, since=filters["since"], picked_by=filters["picked_by"])
    history_url = _build_history_url(version, filters)
    return {
        "form": form,
        "version": version,
        "evaluation": evaluation,
        "history_url": history_url,
        "matrix": _build_matrix(evaluation.confusion, history_url) if evaluation.confusion else [],
        "common_errors": [
            Cell(error.true_label, error.label, error.n, _build_cell_url(error.true_label, error.label, history_url))
            for error in evaluation.common_errors
        ],
        "points": list(_place_points(evaluation.calibration)) if evaluation.calibration else [],
        "bars": _place_bars(evaluation.regression.residuals) if evaluation.regression else [],
        "comparison": compare_versions(version, other, reader=reader) if other and other != version else None,
        "unit": version.parsed_signature.output.unit,
        "picked_by": filters["picked_by"],
        "is_random_sample": filters["picked_by"] == Review.PickedBy.RANDOM,
        "is_filtered": bool(filters["since"] or filters["picked_by"]),
        "is_biased": _is_random_sample_biased(evaluation),
    }


def _is_random_sample_biased(evaluation: Evaluation) -> bool:
    """Return whether many predictions could not be sampled at random, because they had already been reviewed."""
    unsampled = evaluation.accuracy.n - evaluation.random.n
    return evaluation.random.n > 0 and unsampled / evaluation.predictions > MAX_UNSAMPLED_SHARE


def _build_history_url(version: ModelVersion, filters: dict[str, Any]) -> str:
    """Return the URL of the list of the predictions that the metrics include."""
    # In UTC, without a time zone: the form field of the list shows its value only in this format.
    since = {"created_after": f"{filters['since'].astimezone(UTC):%Y-%m-%dT%H:%M:%S}"} if filters["since"] else {}
    picked_by = {"picked_by": filters["picked_by"]} if filters["picked_by"] else {}
    return f"{reverse('predictions:history')}?{urlencode({'model': str(version), **since, **picked_by})}"


def _build_cell_url(true_label: str, label: str, history_url: str) -> str:
    return f"{history_url}&{urlencode({'label': label, 'true_label': true_label})}"


def _build_matrix(confusion: ConfusionMatrix, history_url: str) -> list[tuple[str, list[Cell]]]:
    """Return the rows of the confusion matrix by true label. The shade of a cell is its share of the row."""
    labels = confusion.labels
    if len(labels) > MAX_SHOWN_LABELS:
        return []

    def build_cell(true_label: str, label: str, n: int, total: int) -> Cell:
        shade = -(-n * SHADE_COUNT // total) if total else 0
        return Cell(
            true_label, label, n, _build_cell_url(true_label, label, history_url), shade, n / total if total else None
        )

    return [
        (true_label, [build_cell(true_label, label, n, sum(row)) for label, n in zip(labels, row, strict=True)])
        for true_label, row in zip(labels, confusion.matrix, strict=True)
    ]


def _place_points(calibration: Calibration) -> Iterator[Point]:
    max_n = max((calibration_bin.n for calibration_bin in calibration.bins), default=0)
    for calibration_bin in calibration.bins:
        if calibration_bin.confidence is not None and calibration_bin.accuracy is not None:
            radius = MIN_POINT_RADIUS + (MAX_POINT_RADIUS - MIN_POINT_RADIUS) * (calibration_bin.n / max_n) ** 0.5
            yield Point(calibration_bin.confidence * CHART_SIZE, (1 - calibration_bin.accuracy) * CHART_SIZE, radius)


def _place_bars(residuals: Residuals) -> list[Bar]:
    if not residuals.bins:
        return []
    max_n, width = max(residual_bin.n for residual_bin in residuals.bins), 2 * CHART_SIZE / len(residuals.bins)
    heights = [CHART_SIZE * residual_bin.n / max_n for residual_bin in residuals.bins]
    return [Bar(number * width, CHART_SIZE - height, width - 1, height) for number, height in enumerate(heights)]
