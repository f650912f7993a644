"""Template filters for predictions, their confidence and their reviews."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from inference.signature import get_table_part
from predictions import presentation
from predictions.feature_ranges import UnusualValue, list_unusual_values
from predictions.history.columns import list_cells
from predictions.models import Prediction
from predictions.stored_errors import describe_prediction_error, describe_warning

# Minimum confidence, CSS class, words.
CONFIDENCE_LEVELS: tuple[tuple[float, str, Any], ...] = (
    (0.95, "very-high", _("Very high confidence")),
    (0.8, "high", _("High confidence")),
    (0.5, "low", _("Low confidence")),
    (0.0, "very-low", _("Very low confidence")),
)

register = template.Library()


@register.filter
def confidence_class(confidence: float | None) -> str:
    """Return the CSS class of a confidence; empty without one."""
    return "" if confidence is None else _get_level(confidence)[1]


@register.filter
def confidence_level(confidence: float) -> str:
    """Return a confidence in words."""
    return str(_get_level(confidence)[2])


def _get_level(confidence: float) -> tuple[float, str, Any]:
    return next(level for level in CONFIDENCE_LEVELS if confidence >= level[0])


@register.filter
def unusual_values(prediction: Prediction) -> list[UnusualValue]:
    """Return the features of a prediction that are unusual, compared with the training data of its version."""
    if not prediction.input.features:
        return []
    table = get_table_part(prediction.model_version.parsed_signature.input)
    return list_unusual_values(table.features, prediction.input.features) if table else []


register.filter("review_by", presentation.find_own_review)
register.filter("output_text", presentation.format_output)
register.filter("prediction_error", describe_prediction_error)
register.filter("warning_text", describe_warning)
register.filter("true_output", presentation.format_true_output)
register.filter("verdict", presentation.format_verdict)
register.filter("review_summary", presentation.format_review)
register.filter("selection_label", presentation.format_selection_label)
register.filter("true_output_name", presentation.get_true_output_name)
register.filter("display_features", presentation.get_display_features)
register.filter("other_labels", presentation.get_other_labels)
register.filter("label_scores", presentation.get_label_scores)
register.filter("label_choices", presentation.get_label_choices)
register.filter("shown_signature", presentation.get_shown_signature)
register.filter("text_start", presentation.format_text_start)
register.filter("is_pixelated", presentation.is_pixelated)
register.filter("history_cells", list_cells)
register.filter("open_query", presentation.build_open_query)
