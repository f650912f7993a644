"""The section on quality of a model's page: figures, links to the rows behind them, and the coordinates of its charts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from evaluation.comparison import compare
from evaluation.forms import EvaluationForm
from evaluation.metrics import Calibration, Confusion, Evaluation, Residuals
from evaluation.report import evaluate_version
from predictions.models import Review
from registry.models import ModelVersion

MOST_SHOWN = 20  # labels of a matrix; of more the commonest mistakes are told instead
MUCH = 0.05  # of the answers judged in other ways: from here on the random sample leans
SHADES = 9  # of the cells of a matrix
SIDE = 200  # of a chart, in its own units


class EvaluationPageForm(EvaluationForm):
    """The same for people, who also put another version beside."""

    compare = forms.IntegerField(required=False, min_value=1, label="Beside")

    def __init__(self, data: QueryDict, *, versions: list[ModelVersion], shown: ModelVersion) -> None:
        super().__init__(data if data.get("version") else _with(data, version=shown.number), label_suffix="")
        numbers = [(one.number, f"version {one.number}") for one in versions]
        fields: Any = self.fields
        fields["version"].widget = forms.Select(choices=numbers)
        fields["compare"].widget = forms.Select(choices=[("", "nothing"), *numbers])


@dataclass(frozen=True, slots=True)
class Cell:
    """How often one label was the truth and another the answer, with a link to these predictions."""

    n: int
    link: str
    shade: int
    right: bool
    truth: str
    label: str


@dataclass(frozen=True, slots=True)
class Point:
    """A bin of the reliability curve in the units of its chart."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin of a histogram in the units of its chart."""

    x: float
    y: float
    width: float
    height: float


def get_evaluation_context(
    versions: list[ModelVersion], shown: ModelVersion, *, data: QueryDict, reader: AbstractBaseUser | AnonymousUser
) -> dict[str, Any]:
    """Return what the section needs: the form, the figures of the version that is asked for, and another one beside."""
    form = EvaluationPageForm(data, versions=versions, shown=shown)
    by_number = {one.number: one for one in versions}
    if not form.is_valid() or form.cleaned_data["version"] not in by_number:
        return {"form": form}
    asked = form.cleaned_data
    version = by_number[asked["version"]]
    other = by_number.get(asked["compare"])
    quality = evaluate_version(version, reader=reader, since=asked["since"], picked_by=asked["picked_by"])
    rows = _rows(version, asked)
    return {
        "form": form,
        "version": version,
        "figures": quality,
        "rows": rows,
        "matrix": list(_matrix(quality.confusion, rows)) if quality.confusion else [],
        "mistakes": [_cell(one.n, 0, one.truth, one.label, rows) for one in quality.mistakes],
        "points": list(_points(quality.calibration)) if quality.calibration else [],
        "bars": _bars(quality.regression.residuals) if quality.regression else [],
        "comparison": compare(version, other, reader=reader) if other and other != version else None,
        "unit": getattr(version.parsed_signature.output, "unit", ""),
        "decided": _decided(quality),
        "picked": dict(Review.PickedBy.choices).get(asked["picked_by"], ""),
        "narrowed": bool(asked["since"] or asked["picked_by"]),
        "leaning": _share_judged_otherwise(quality) > MUCH,
    }


def _share_judged_otherwise(quality: Evaluation) -> float:
    """Return the share of the answers that could not be drawn at random any more, for they were judged before."""
    return (quality.accuracy.n - quality.random.n) / quality.predictions if quality.random.n else 0.0


def _decided(quality: Evaluation) -> int:
    return quality.regression.n if quality.regression else quality.accuracy.n


def _rows(version: ModelVersion, asked: dict[str, Any]) -> str:
    """Return the address of the list of the predictions that were counted, to be narrowed."""
    # Written as a form field writes it, so that the list's own filter shows it: without a zone, which is UTC.
    since = {"created_after": f"{asked['since'].astimezone(UTC):%Y-%m-%dT%H:%M:%S}"} if asked["since"] else {}
    picked = {"picked_by": asked["picked_by"]} if asked["picked_by"] else {}
    return f"{reverse('predictions:history')}?{urlencode({'model': str(version), **since, **picked})}"


def _cell(n: int, total: int, truth: str, label: str, rows: str) -> Cell:
    link = f"{rows}&{urlencode({'label': label, 'true_label': truth})}" if n else ""
    return Cell(n, link, -(-n * SHADES // total) if total else 0, truth == label, truth, label)


def _matrix(confusion: Confusion, rows: str) -> Iterator[tuple[str, list[Cell]]]:
    if len(confusion.labels) > MOST_SHOWN:
        return
    found = [
        (one == other, n)
        for one, counts in zip(confusion.labels, confusion.matrix, strict=True)
        for other, n in zip(confusion.labels, counts, strict=True)
    ]
    # Mistakes are shaded beside mistakes, or the few there are would all look alike.
    most = {right: max((n for is_right, n in found if is_right is right), default=0) for right in (True, False)}
    for truth, counts in zip(confusion.labels, confusion.matrix, strict=True):
        cells = zip(confusion.labels, counts, strict=True)
        yield truth, [_cell(n, most[truth == label], truth, label, rows) for label, n in cells]


def _points(calibration: Calibration) -> Iterator[Point]:
    most = max((one.n for one in calibration.bins), default=0)
    for one in calibration.bins:
        if one.confidence is not None and one.accuracy is not None:
            yield Point(one.confidence * SIDE, (1 - one.accuracy) * SIDE, 3 + 6 * (one.n / most) ** 0.5)


def _bars(residuals: Residuals) -> list[Bar]:
    if not residuals.bins:
        return []
    most, width = max(one.n for one in residuals.bins), 2 * SIDE / len(residuals.bins)
    heights = [SIDE * one.n / most for one in residuals.bins]
    return [Bar(place * width, SIDE - height, width - 1, height) for place, height in enumerate(heights)]


def _with(data: QueryDict, **fields: Any) -> QueryDict:
    changed = data.copy()
    for name, value in fields.items():
        changed[name] = value
    return changed
