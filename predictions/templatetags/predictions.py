"""Template filters for predictions, their confidence and their reviews."""

from __future__ import annotations

from django import template

from accounts.models import User
from predictions import presentation
from predictions.models import Prediction, Review

# Minimum confidence, CSS class, words.
CONFIDENCE_LEVELS = (
    (0.95, "very-high", "Very high"),
    (0.8, "high", "High"),
    (0.5, "low", "Low"),
    (0.0, "very-low", "Very low"),
)

register = template.Library()


@register.filter
def confidence_class(confidence: float) -> str:
    """Return the CSS class of a confidence."""
    return _get_level(confidence)[1]


@register.filter
def confidence_level(confidence: float) -> str:
    """Return a confidence in words."""
    return _get_level(confidence)[2]


@register.filter
def review_by(prediction: Prediction, user: User) -> Review | None:
    """Return a user's active review of a prediction that was fetched `with_reviews`; None for a new prediction."""
    reviews = getattr(prediction, "active_reviews", ())
    return next((review for review in reviews if review.reviewer_id == user.pk), None)


def _get_level(confidence: float) -> tuple[float, str, str]:
    return next(level for level in CONFIDENCE_LEVELS if confidence >= level[0])


register.filter("output_text", presentation.format_output)
register.filter("true_output", presentation.format_true_output)
register.filter("display_features", presentation.get_display_features)
register.filter("other_labels", presentation.get_other_labels)
register.filter("is_pixelated", presentation.is_pixelated)
