"""Charts of versions that predict a value: predicted against actual, residuals, their distribution, errors over time."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.formatting import format_count, format_number
from evaluation.charts.drawing import Chart, build_number_axis
from evaluation.charts.trend import build_error_trend
from evaluation.sql.sample import SampleRow
from evaluation.types import Residuals

MAX_DOTS = 1000  # evenly selected from the sample; about 12 KB
MAX_TABLE_ROWS = 50
X_TICKS = 4


def build_value_charts(rows: Sequence[SampleRow], residuals: Residuals, *, unit: str, note: str) -> list[Chart]:
    """Return the charts that have data. For the arguments, see `build_label_charts`."""
    measured = [row for row in rows if row.error is not None]
    if not measured:
        return []
    dots = measured[:: -(-len(measured) // MAX_DOTS)]
    shown = ngettext("%(n)s prediction.", "%(n)s predictions.", len(dots)) % {"n": format_count(len(dots))}
    charts = [
        build_scatter_chart(dots, unit, f"{shown} {note}".strip()),
        build_residual_chart(dots, unit, f"{shown} {note}".strip()),
    ]
    if residuals.bins:
        charts.append(build_distribution_chart(residuals, unit))
    if trend := build_error_trend(rows, unit, note):
        charts.append(trend)
    return charts


def build_scatter_chart(rows: Sequence[SampleRow], unit: str, note: str) -> Chart:
    """Return the predicted values against the true ones, with the line on which both are equal."""
    pairs = _get_pairs(rows)
    numbers = [number for pair in pairs for number in pair]
    scale, ticks = build_number_axis(min(numbers), max(numbers), count=X_TICKS)
    chart = Chart(
        _("Predicted against actual"),
        _("On the dashed line, both are equal.") + f" {note}",
        _add_unit(_("Actual"), unit),
        _add_unit(_("Predicted"), unit),
        scale,
        scale,
        ticks,
        ticks,
        *_build_table(pairs),
    )
    chart.draw_line([(scale.low, scale.low), (scale.high, scale.high)], "reference")
    chart.draw_dots((true, value) for value, true in pairs)
    return chart


def build_residual_chart(rows: Sequence[SampleRow], unit: str, note: str) -> Chart:
    """Return the errors against the predicted values, with a line at zero."""
    pairs = _get_pairs(rows)
    values, errors = [value for value, _true in pairs], [value - true for value, true in pairs]
    x, x_ticks = build_number_axis(min(values), max(values), count=X_TICKS)
    y, y_ticks = build_number_axis(min(0, *errors), max(0, *errors))
    chart = Chart(
        _("Residuals"),
        _("Above zero, predictions are too high.") + f" {note}",
        _add_unit(_("Predicted"), unit),
        _add_unit(_("Predicted − actual"), unit),
        x,
        y,
        x_ticks,
        y_ticks,
        *_build_table(pairs),
    )
    chart.draw_line([(x.low, 0), (x.high, 0)], "reference")
    chart.draw_dots((value, value - true) for value, true in pairs)
    return chart


def build_distribution_chart(residuals: Residuals, unit: str) -> Chart:
    """Return the histogram of the errors, with a line at zero."""
    bins = residuals.bins
    low, high = min(0, bins[0].low), max(0, bins[-1].high)
    x, x_ticks = build_number_axis(low, high, count=X_TICKS)
    highest = max(part.n for part in bins)
    y, y_ticks = build_number_axis(0, highest)
    chart = Chart(
        _("Error distribution"),
        _("All reviewed predictions. Right of the dashed line, predictions are too high."),
        _add_unit(_("Error (predicted − actual)"), unit),
        _("Predictions"),
        x,
        y,
        x_ticks,
        [(value, text) for value, text in y_ticks if value == int(value)],
        [_("From"), _("To"), _("Predictions")],
        [[format_number(part.low), format_number(part.high), format_count(part.n)] for part in bins],
    )
    chart.draw_bars((part.low, part.high, part.n) for part in bins)
    chart.draw_line([(0, y.low), (0, y.high)], "reference")
    return chart


def _get_pairs(rows: Sequence[SampleRow]) -> list[tuple[float, float]]:
    """Return the predicted and the true value of each row."""
    return [(row.value, row.true_value) for row in rows if row.value is not None and row.true_value is not None]


def _build_table(pairs: Sequence[tuple[float, float]]) -> tuple[list[str], list[list[str]]]:
    """Return the columns and rows of the table, with the largest errors first."""
    columns = [_("Actual"), _("Predicted"), _("Predicted − actual")]
    ranked = sorted(pairs, key=lambda pair: -abs(pair[0] - pair[1]))[:MAX_TABLE_ROWS]
    return columns, [[format_number(true), format_number(value), format_number(value - true)] for value, true in ranked]


def _add_unit(title: str, unit: str) -> str:
    return f"{title}, {unit}" if unit else title
