"""The query string of the history: filters, range, order, columns, and appearance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.http import urlencode

from accounts.preferences import PAGE_SIZES
from predictions.filters import PredictionFilter
from predictions.history.date_ranges import DATE_RANGES, resolve_range
from predictions.history.selection import SELECTED
from predictions.models import Prediction
from predictions.querysets import PredictionQuerySet
from predictions.sorting import DEFAULT_SORT, SORTS

RANGE = "range"
TIME_FILTERS = ("created_after", "created_before")
DENSITIES = ("comfortable", "compact")
VIEWS = ("table", "gallery")
EXPORT = "export"
EXPORTS = ("all", "shown")  # the columns of exports: all data, or those of the page
DEFAULT_PAGE_SIZE = 50  # predictions; also the number of tiles of the gallery
VIEW_DEFAULTS = {"sort": DEFAULT_SORT, "density": DENSITIES[0], "view": VIEWS[0], EXPORT: EXPORTS[0]}
VIEW_PARAMETERS = (*VIEW_DEFAULTS, "column", "size")
CURSOR_PARAMETERS = ("older", "newer", SELECTED)
Values = dict[str, list[str]]


class HistoryQuery:
    """The parameters of one request, without empty ones and defaults."""

    def __init__(self, request: HttpRequest, parameters: QueryDict | None = None, *, ignored: Sequence[str] = ()) -> None:
        self.request = request
        source = request.GET if parameters is None else parameters
        lists = {name: [value for value in values if value] for name, values in source.lists() if name not in ignored}
        self.values: Values = {name: values for name, values in lists.items() if values}
        if self.values.keys() & set(TIME_FILTERS):
            self.values.pop(RANGE, None)  # typed times replace a named range

    def get(self, name: str) -> str:
        return self.values.get(name, [""])[-1]

    @cached_property
    def filters(self) -> Values:
        """Return the filters and the named range, which links and saved filters keep."""
        dropped = {*VIEW_PARAMETERS, *CURSOR_PARAMETERS}
        return {name: values for name, values in self.values.items() if name not in dropped}

    @property
    def parameters(self) -> Values:
        """Return the parameters of the list, without those of one of its pages."""
        values = {name: texts for name, texts in self.values.items() if name not in CURSOR_PARAMETERS}
        return {name: texts for name, texts in values.items() if texts != [VIEW_DEFAULTS.get(name)]}

    @cached_property
    def filterset(self) -> PredictionFilter:
        rows = Prediction.objects.visible_to(self.request.user)
        return self._build_filterset(rows.in_any_order() if "confidence" in self.sort else rows)

    def _build_filterset(self, rows: PredictionQuerySet) -> PredictionFilter:
        return PredictionFilter(self.build_filter_data(), rows, request=self.request)

    def build_filter_data(self) -> QueryDict:
        """Return the filters as the API accepts them: with times instead of a named range."""
        data = QueryDict(mutable=True)
        for name, values in self.filters.items():
            data.setlist(name, values)
        replace_named_range(data)
        return data

    @cached_property
    def unknown_names(self) -> list[str]:
        return self.filterset.find_unknown_names(set())

    @cached_property
    def repeated_names(self) -> list[str]:
        return self.filterset.find_repeated_names()

    def get_rows(self) -> PredictionQuerySet:
        """Return the predictions that match. Invalid filters match none."""
        is_valid = self.filterset.is_valid() and not self.unknown_names and not self.repeated_names
        rows: Any = self.filterset.qs if is_valid else Prediction.objects.none()
        return Prediction.objects.none() if self.filterset.errors else rows

    def get_counted_rows(self) -> PredictionQuerySet:
        """Return the predictions of the list, to be counted. The filters must be valid."""
        rows: Any = self._build_filterset(Prediction.objects.countable_by(self.request.user).in_any_order()).qs
        return rows

    @property
    def sort(self) -> str:
        return self.get("sort") if self.get("sort") in SORTS else DEFAULT_SORT

    @property
    def view(self) -> str:
        return self.get("view") if self.get("view") in VIEWS else VIEWS[0]

    @property
    def density(self) -> str:
        return self.get("density") if self.get("density") in DENSITIES else DENSITIES[0]

    @property
    def exports_all(self) -> bool:
        """Return whether exports have all data, and not only the columns of the page."""
        return self.get(EXPORT) != EXPORTS[1]

    @property
    def default_size(self) -> int:
        return getattr(self.request.user, "page_size", None) or DEFAULT_PAGE_SIZE

    @property
    def size(self) -> int:
        text = self.get("size")
        return int(text) if text in map(str, PAGE_SIZES) else self.default_size

    @property
    def encoded(self) -> str:
        """Return the query string without the parameters of the page."""
        return urlencode(self.parameters, doseq=True)

    @property
    def encoded_export(self) -> str:
        """Return what an export depends on: the filters, the order, and, unless it has all data, the columns."""
        names = ("sort",) if self.exports_all else ("sort", EXPORT, "column")
        parameters = {name: values for name, values in self.parameters.items() if name in self.filters or name in names}
        return urlencode(parameters, doseq=True)

    @cached_property
    def encoded_filters(self) -> str:
        return urlencode(self.filters, doseq=True)

    def build_url(self, changes: Mapping[str, Sequence[str]]) -> str:
        """Return the URL of the first page with some parameters replaced. An empty list removes a parameter."""
        return build_history_url({name: values for name, values in {**self.parameters, **changes}.items() if values})


def replace_named_range(data: QueryDict) -> None:
    """Replace a named range by its times, unless the query has times. An unknown name stays."""
    name = data.get(RANGE, "")
    if name not in DATE_RANGES:
        return
    del data[RANGE]
    if any(data.get(parameter) for parameter in TIME_FILTERS):
        return
    for parameter, moment in zip(TIME_FILTERS, resolve_range(name), strict=True):
        if moment:
            data[parameter] = moment.isoformat()


def build_history_url(values: Mapping[str, Sequence[str] | str]) -> str:
    url = reverse("predictions:history")
    return f"{url}?{urlencode(values, doseq=True)}" if values else url
