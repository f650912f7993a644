"""The columns of the history that can be shown or hidden: facts, and the features and scores of the selected model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core.formatting import NOT_AVAILABLE, format_exact, format_percent, shorten
from predictions.filters import build_reference_condition
from predictions.history.query import HistoryQuery
from predictions.models import Prediction
from registry.models import ModelVersion

MAX_SCORE_COLUMNS = 100  # that can be chosen
MAX_CELL_CHARACTERS = 60
HIDDEN_COLUMNS = "none"  # in the address, if no column is chosen


@dataclass(frozen=True, slots=True)
class HistoryColumn:
    """A column.

    Args:
        key: as in the address: `model`, `feature.<name>`, or `score.<label>`.
    """

    key: str
    title: str | Promise
    get_text: Callable[[Prediction], str]
    is_number: bool = False
    is_default: bool = False


class Cell(NamedTuple):
    title: str | Promise
    text: str
    is_number: bool


FACT_COLUMNS = (
    HistoryColumn("model", _("Model"), lambda row: str(row.model_version), is_default=True),
    HistoryColumn("source", _("Source"), lambda row: str(Prediction.Source(row.source).label), is_default=True),
    HistoryColumn("reference", _("Reference"), lambda row: row.client_reference or NOT_AVAILABLE),
)
USER_COLUMN = HistoryColumn("user", _("User"), lambda row: row.user.username if row.user else NOT_AVAILABLE, is_default=True)


def list_available_columns(query: HistoryQuery, *, shows_users: bool) -> list[HistoryColumn]:
    """Return the columns that can be chosen. Features and scores need one selected model."""
    facts = [FACT_COLUMNS[0], *([USER_COLUMN] if shows_users else []), *FACT_COLUMNS[1:]]
    version = find_selected_version(query)
    return facts + (_list_model_columns(version) if version else [])


def select_columns(query: HistoryQuery, available: Sequence[HistoryColumn]) -> list[HistoryColumn]:
    """Return the columns that the address chooses, or the default ones."""
    chosen = query.values.get("column")
    columns = [column for column in available if (column.key in chosen if chosen else column.is_default)]
    return [replace(column, title=str(column.title)) for column in columns]  # translated once, not in each row


def drop_default_columns(query: HistoryQuery, available: Sequence[HistoryColumn]) -> None:
    """Remove the columns from the query if they are the default ones. The form submits them with every change."""
    chosen = set(query.values.get("column", [])) - {HIDDEN_COLUMNS}
    if chosen == {column.key for column in available if column.is_default}:
        query.values.pop("column", None)


def list_cells(prediction: Prediction, columns: Sequence[HistoryColumn]) -> list[Cell]:
    """Return the text of each column, with its title, which the row shows on a narrow screen."""
    return [
        Cell(column.title, shorten(column.get_text(prediction), MAX_CELL_CHARACTERS), column.is_number) for column in columns
    ]


def find_selected_version(query: HistoryQuery) -> ModelVersion | None:
    """Return the newest version of the model if one model is selected."""
    references = query.values.get("model", [])
    condition = build_reference_condition(references[0]) if len(references) == 1 else None
    if condition is None:
        return None
    found: ModelVersion | None = ModelVersion.objects.filter(condition).select_related("model").order_by("-number").first()
    return found


def _list_model_columns(version: ModelVersion) -> list[HistoryColumn]:
    def build_feature_column(name: str, title: str, unit: str) -> HistoryColumn:
        def get_text(row: Prediction) -> str:
            return format_exact((row.input.features or {}).get(name))

        return HistoryColumn(f"feature.{name}", f"{title} ({unit})" if unit else title, get_text, is_number=True)

    def build_score_column(label: str) -> HistoryColumn:
        def get_text(row: Prediction) -> str:
            scores: dict[str, Any] = (row.output or {}).get("scores") or {}
            return format_percent(scores.get(label))

        title = _("Score of %(label)s")
        return HistoryColumn(f"score.{label}", title % {"label": label}, get_text, is_number=True)

    signature = version.parsed_signature
    features = [build_feature_column(item.name, item.display_name, item.unit) for item in signature.input.features]
    has_scores = getattr(signature.output, "has_scores", False)
    return features + [build_score_column(label) for label in version.labels[:MAX_SCORE_COLUMNS] if has_scores]
