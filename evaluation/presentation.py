"""The evaluation page: metrics, links to the predictions behind them, the charts, and the errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from core.formatting import format_count
from evaluation.charts import Chart, build_label_charts, build_value_charts
from evaluation.comparison import compare_versions
from evaluation.error_gallery import list_errors
from evaluation.forms import EvaluationPageForm
from evaluation.headline import MIN_RANDOM_ROWS, build_headline
from evaluation.report import evaluate_version
from evaluation.sql.reviews import count_unsampled
from evaluation.sql.sample import MAX_SAMPLE_ROWS, SampleRow, read_sample
from evaluation.types import ConfusionMatrix, Evaluation
from predictions.models import Review
from predictions.summary_sql import build_summaries
from registry.models import ModelVersion

MAX_SHOWN_LABELS = 50  # of a confusion matrix; with more labels the page lists the most common errors instead
MAX_UNSAMPLED_SHARE = 0.05  # of predictions reviewed but not sampled at random; above it, the random sample counts as biased
SHADE_COUNT = 9


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
    is_biased, unit = _is_random_sample_biased(version, evaluation, filters, reader), version.parsed_signature.output.unit
    return {
        "form": form,
        "version": version,
        "other": other,
        "evaluation": evaluation,
        "history_url": history_url,
        "matrix": _build_matrix(evaluation.confusion, history_url) if evaluation.confusion else [],
        "common_errors": [
            Cell(error.true_label, error.label, error.n, _build_cell_url(error.true_label, error.label, history_url))
            for error in evaluation.common_errors
        ],
        "comparison": compare_versions(version, other, reader=reader) if other and other != version else None,
        "unit": unit,
        "picked_by": filters["picked_by"],
        "is_random_sample": filters["picked_by"] == Review.PickedBy.RANDOM,
        "is_filtered": bool(filters["since"] or filters["picked_by"]),
        "is_biased": is_biased,
        "headline": build_headline(evaluation, picked_by=filters["picked_by"], is_biased=is_biased, unit=unit),
        **(_get_sample_context(version, evaluation, filters, reader) if evaluation.decided else {}),
    }


def _get_sample_context(
    version: ModelVersion, evaluation: Evaluation, filters: dict[str, Any], reader: AbstractBaseUser | AnonymousUser
) -> dict[str, Any]:
    """Return the charts and the errors. They show the newest reviewed predictions, at most `MAX_SAMPLE_ROWS`."""
    picked_by = filters["picked_by"]
    rows = read_sample(_build_summaries(version, filters, reader), picked_by=picked_by)
    errors = list_errors(rows, is_regression=evaluation.regression is not None, reader=reader)
    return {
        "charts": _build_charts(version, evaluation, rows, picked_by),
        "errors": errors,
        "has_images": any(error.prediction.input.has_image for error in errors),
    }


def _build_charts(version: ModelVersion, evaluation: Evaluation, rows: Sequence[SampleRow], picked_by: str) -> list[Chart]:
    """Return the charts. Those of accuracy show the random sample, unless it is too small."""
    if evaluation.regression:
        unit = version.parsed_signature.output.unit
        return build_value_charts(rows, evaluation.regression.residuals, unit=unit, note=_describe_rows(rows))
    if not picked_by and evaluation.random.n >= MIN_RANDOM_ROWS:
        note = " ".join(filter(None, [_("Random sample only."), _describe_rows(rows)]))
        return build_label_charts([row for row in rows if row.is_random], evaluation.calibration, note=note)
    return build_label_charts(rows, evaluation.calibration, note=_describe_rows(rows))


def _describe_rows(rows: Sequence[SampleRow]) -> str:
    if len(rows) < MAX_SAMPLE_ROWS:
        return ""
    return _("Only the newest %(n)s reviewed predictions.") % {"n": format_count(MAX_SAMPLE_ROWS)}


def _is_random_sample_biased(
    version: ModelVersion, evaluation: Evaluation, filters: dict[str, Any], reader: AbstractBaseUser | AnonymousUser
) -> bool:
    """Return whether many predictions could not be sampled at random, because they had already been reviewed."""
    if filters["picked_by"] == Review.PickedBy.RANDOM:
        sampled, unsampled = evaluation.decided, count_unsampled(_build_summaries(version, filters, reader))
    else:
        sampled, unsampled = evaluation.random.n, evaluation.accuracy.n - evaluation.random.n
    return sampled > 0 and unsampled > MAX_UNSAMPLED_SHARE * evaluation.predictions


def _build_summaries(
    version: ModelVersion, filters: dict[str, Any], reader: AbstractBaseUser | AnonymousUser
) -> tuple[str, list[Any]]:
    since = {"created_at__gte": filters["since"]} if filters["since"] else {}
    return build_summaries(reader=reader, model_version=version, **since)


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
