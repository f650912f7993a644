"""How a metric changes over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from core.formatting import format_count, format_day, format_number, format_percent
from evaluation.charts.drawing import Chart, Scale, build_number_axis, build_share_axis, format_range
from evaluation.sql.sample import SampleRow
from evaluation.statistics import compute_wilson_interval

PERIOD_DAYS = (1, 7, 28, 91, 364)
MAX_PERIODS = 31
MAX_DATE_TICKS = 5


class Period(NamedTuple):
    """The reviewed predictions that were created in `days` days from `start` on, in the reader's time zone."""

    start: date
    days: int
    rows: list[SampleRow]


def group_by_period(rows: Sequence[SampleRow]) -> list[Period]:
    """Return the periods that have predictions. They are days, weeks, or longer, so that there are not too many."""
    if not rows:
        return []
    by_day: dict[date, list[SampleRow]] = {}
    for row in rows:
        by_day.setdefault(timezone.localtime(row.created_at).date(), []).append(row)
    first, last = min(by_day), max(by_day)
    span = (last - first).days + 1
    days = next((days for days in PERIOD_DAYS if span <= days * MAX_PERIODS), PERIOD_DAYS[-1])
    periods: dict[date, list[SampleRow]] = {}
    for day, day_rows in sorted(by_day.items()):
        start = first + timedelta(days=(day - first).days // days * days)
        periods.setdefault(start, []).extend(day_rows)
    return [Period(start, days, period_rows) for start, period_rows in periods.items()]


def build_accuracy_trend(rows: Sequence[SampleRow], note: str) -> Chart | None:
    """Return the accuracy in each period with its interval; None for fewer than two periods."""
    periods = group_by_period(rows)
    shares = [compute_wilson_interval(sum(row.is_correct for row in period.rows), len(period.rows)) for period in periods]
    scale, ticks = build_share_axis()
    table = [
        [_format_period(period), format_count(share.n), format_percent(share.value), format_range(share.low, share.high)]
        for period, share in zip(periods, shares, strict=True)
    ]
    columns = [_("Predictions created"), _("Reviewed"), _("Accuracy"), _("95%% interval") % {}]
    chart = _build_trend(periods, (_("Accuracy over time"), _("Accuracy"), note), (scale, ticks), (columns, table))
    if not chart:
        return None
    positions = [(period.start - periods[0].start).days for period in periods]
    values = [
        (x, share.value or 0, share.low or 0, share.high or 0, share.n) for x, share in zip(positions, shares, strict=True)
    ]
    chart.draw_intervals((x, low, high) for x, _value, low, high, _n in values)
    chart.draw_line(((x, value) for x, value, *_rest in values), "main")
    chart.draw_points([(x, value, n) for x, value, _low, _high, n in values])
    return chart


def build_error_trend(rows: Sequence[SampleRow], unit: str, note: str) -> Chart | None:
    """Return the mean absolute error in each period; None for fewer than two periods."""
    periods = group_by_period([row for row in rows if row.error is not None])
    means = [sum(abs(row.error or 0) for row in period.rows) / len(period.rows) for period in periods]
    table = [
        [_format_period(period), format_count(len(period.rows)), f"{format_number(mean)} {unit}".strip()]
        for period, mean in zip(periods, means, strict=True)
    ]
    title = _("Mean absolute error, %(unit)s") % {"unit": unit} if unit else _("Mean absolute error")
    columns = [_("Predictions created"), _("Reviewed"), _("Mean absolute error")]
    axis = build_number_axis(0, max(means, default=0))
    chart = _build_trend(periods, (_("Error over time"), title, note), axis, (columns, table))
    if not chart:
        return None
    positions = [(period.start - periods[0].start).days for period in periods]
    chart.draw_line(zip(positions, means, strict=True), "main")
    chart.draw_points([(x, mean, len(period.rows)) for x, mean, period in zip(positions, means, periods, strict=True)])
    return chart


def _build_trend(
    periods: Sequence[Period],
    texts: tuple[str, str, str],
    axis: tuple[Scale, list[tuple[float, str]]],
    table: tuple[list[str], list[list[str]]],
) -> Chart | None:
    if len(periods) < 2:
        return None
    title, y_title, note = texts
    first, last = periods[0].start, periods[-1].start
    span = (last - first).days
    step = -(-span // (MAX_DATE_TICKS - 1)) or 1
    ticks: list[tuple[float, str]] = [
        (days, _format_day(first + timedelta(days=days), span)) for days in range(0, span + 1, step)
    ]
    return Chart(title, note, _("Date of the prediction"), y_title, Scale(0, span, 0, 1), axis[0], ticks, axis[1], *table)


def _format_day(day: date, span: int) -> str:
    return format_day(day) if span < PERIOD_DAYS[-1] else date_format(day, "M Y")


def _format_period(period: Period) -> str:
    start = date_format(period.start, "DATE_FORMAT")
    if period.days == 1:
        return start
    return f"{start} – {date_format(period.start + timedelta(days=period.days - 1), 'DATE_FORMAT')}"
