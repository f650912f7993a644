"""Links on the History page that set or remove filters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from predictions.batch_job_presentation import format_job_title
from predictions.filters import PredictionFilter
from predictions.models import BatchJob

CONFIDENCE_FILTERS = ("min_confidence", "max_confidence")
BATCH_JOB_FILTER = "batch_job"
TIME_FILTERS = ("created_after", "created_before")
SHORTCUTS = (
    ("low confidence", {"max_confidence": "0.8"}),
    ("not reviewed", {"reviewed": "false"}),
    ("incorrect", {"verdict": "incorrect"}),
    ("failed", {"status": "failed"}),
)
# Text; the first day and the day after the last, relative to today.
DAYS = (("today", 0, None), ("yesterday", -1, 0), ("last 7 days", -6, None))


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set.

    Args:
        remove_url: the page without this filter.
        time: the value of a filter by time; None if it is invalid.
    """

    name: str
    value: str
    remove_url: str
    time: datetime | None = None


class FilterLink(NamedTuple):
    text: str
    url: str


def build_history_url(filters: dict[str, str]) -> str:
    url = reverse("predictions:history")
    return f"{url}?{urlencode(filters)}" if filters else url


def list_chips(filterset: PredictionFilter, filters: dict[str, str]) -> list[Chip]:
    """Return a chip for each filter that is set."""
    return [_build_chip(filterset, filters, name) for name in filters]


def list_shortcut_links(filters: dict[str, str]) -> list[FilterLink]:
    """Return links that select the most common kinds of predictions. They replace each other."""
    return _list_replacing_links(filters, SHORTCUTS)


def list_day_links(filters: dict[str, str]) -> list[FilterLink]:
    """Return links that select days in UTC. A script changes them to the days of the reader's time zone."""
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)

    def format_day(offset: int) -> str:
        return f"{today + timedelta(days=offset):%Y-%m-%dT%H:%M}"

    shortcuts = [
        (text, {"created_after": format_day(first)} | ({} if end is None else {"created_before": format_day(end)}))
        for text, first, end in DAYS
    ]
    return _list_replacing_links(filters, shortcuts)


def _build_chip(filterset: PredictionFilter, filters: dict[str, str], name: str) -> Chip:
    value = filters[name]
    choices = dict(getattr(filterset.form.fields[name], "choices", ()))
    return Chip(
        name=str(filterset.filters[name].label).removesuffix(" (UTC)"),
        value=_format_value(filterset, name, value) or str(choices.get(value, value)),
        remove_url=build_history_url({key: text for key, text in filters.items() if key != name}),
        time=filterset.form.cleaned_data.get(name) if name in TIME_FILTERS else None,
    )


def _format_value(filterset: PredictionFilter, name: str, value: str) -> str:
    """Return the text of values that are not shown as they are: percentages, and the title of a visible batch job."""
    if name in filterset.errors:
        return ""
    if name in CONFIDENCE_FILTERS:
        return f"{float(value) * 100:g}%"
    if name == BATCH_JOB_FILTER:
        jobs = BatchJob.objects.visible_to(filterset.request.user)
        job = jobs.filter(pk=filterset.form.cleaned_data[name]).first()
        return format_job_title(job) if job else ""
    return ""


def _list_replacing_links(filters: dict[str, str], shortcuts: Iterable[tuple[str, dict[str, str]]]) -> list[FilterLink]:
    """Return a link for each shortcut that is not set. Each link removes the filters of the other shortcuts."""
    shortcuts = list(shortcuts)
    replaced = {name for _, added in shortcuts for name in added}
    remaining = {name: value for name, value in filters.items() if name not in replaced}
    current = {name: filters[name] for name in replaced & filters.keys()}
    return [FilterLink(text, build_history_url(remaining | added)) for text, added in shortcuts if current != added]
