"""The chips of the history, which set or remove filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.formatting import format_short_percent
from predictions.batch_jobs.presentation import format_job_title
from predictions.filters import REPEATABLE_FILTERS
from predictions.history.date_ranges import DATE_RANGES
from predictions.history.query import EXPORT, EXPORTS, RANGE, TIME_FILTERS, HistoryQuery
from predictions.models import BatchJob
from predictions.sorting import DEFAULT_SORT

CONFIDENCE_FILTERS = ("min_confidence", "max_confidence")
BATCH_JOB_FILTER = "batch_job"
CHOICES = (
    (_("Correct"), "verdict", "correct"),
    (_("Incorrect"), "verdict", "incorrect"),
    (_("Unsure"), "verdict", "unsure"),
    (_("Not reviewed"), "reviewed", "false"),
    (_("Low confidence"), "max_confidence", "0.8"),
    (_("Failed"), "status", "failed"),
)


@dataclass(frozen=True, slots=True)
class Chip:
    """A link that sets a filter, or removes it if it is active.

    Args:
        value: the value of a filter that has no fixed chip.
        time: the value of a filter by time; None if it is invalid.
    """

    name: str | Promise
    url: str
    is_active: bool
    value: str = ""
    time: datetime | None = None


class SortLink(NamedTuple):
    """The link in the header of a column.

    Args:
        state: `ascending` or `descending` if the list is sorted by the column, otherwise empty.
    """

    url: str
    state: str


def build_sort_links(query: HistoryQuery) -> dict[str, SortLink]:
    """Return the links that sort by a column: first descending, then ascending."""
    links = {}
    for name in ("time", "confidence"):
        state = {f"-{name}": "descending", name: "ascending"}.get(query.sort, "")
        sort = name if state == "descending" else f"-{name}"
        links[name] = SortLink(query.build_url({"sort": [] if sort == DEFAULT_SORT else [sort]}), state)
    return links


def build_export_switch_url(query: HistoryQuery) -> str:
    """Return the URL of the page whose exports have the other columns: all data, or those of the page."""
    return query.build_url({EXPORT: [EXPORTS[1]] if query.exports_all else []})


def list_chips(query: HistoryQuery) -> list[Chip]:
    """Return the chips in one row: ranges, common choices, and then the other filters that are set."""
    return [*_list_range_chips(query), *_list_choice_chips(query), *_list_other_chips(query)]


def _list_range_chips(query: HistoryQuery) -> Iterator[Chip]:
    removed: dict[str, list[str]] = {name: [] for name in TIME_FILTERS}
    for name, date_range in DATE_RANGES.items():
        is_active = query.get(RANGE) == name
        yield Chip(date_range.title, query.build_url({**removed, RANGE: [] if is_active else [name]}), is_active)


def _list_choice_chips(query: HistoryQuery) -> Iterator[Chip]:
    for title, name, value in CHOICES:
        values = query.values.get(name, [])
        is_active = value in values
        added = [*values, value] if name in REPEATABLE_FILTERS else [value]
        remaining = [text for text in values if text != value]
        yield Chip(title, query.build_url({name: remaining if is_active else added}), is_active)


def _list_other_chips(query: HistoryQuery) -> Iterator[Chip]:
    fixed = {(name, value) for _, name, value in CHOICES}
    filterset = query.filterset
    for name, filter_ in filterset.filters.items():
        values = query.filters.get(name, [])
        for value in values:
            if (name, value) in fixed:
                continue
            url = query.build_url({name: [text for text in values if text != value]})
            is_time = name in TIME_FILTERS and name not in filterset.errors
            time = filterset.form.cleaned_data.get(name) if is_time else None
            yield Chip(filter_.label, url, is_active=True, value=_format_value(query, name, value), time=time)


def _format_value(query: HistoryQuery, name: str, value: str) -> str:
    """Return the text of a value: the name of a choice, a percentage, or the title of a visible batch job."""
    filterset = query.filterset
    if name in filterset.errors:
        return value
    if name in CONFIDENCE_FILTERS:
        return format_short_percent(float(value))
    if name == BATCH_JOB_FILTER:
        jobs: Any = BatchJob.objects.visible_to(query.request.user)
        job = jobs.filter(pk=value).first()
        return format_job_title(job) if job else value
    return str(dict(getattr(filterset.form.fields[name], "choices", ())).get(value, value))
