"""The scopes of API tokens: what a token may do with the rights of its user. Sessions are not limited.

A token never has more rights than its user. Scopes are stored as OAuth 2.0 writes them: names separated by spaces
(RFC 6749, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError

READ, PREDICT, REVIEW = "read", "predict", "review"
SCOPE_CHOICES = (
    (READ, "Read: predictions, inputs, models, and metrics"),
    (PREDICT, "Predict: run models, and create and cancel predictions and batch jobs"),
    (REVIEW, "Review: review predictions and send ground truth"),
)
SCOPES = tuple(name for name, _ in SCOPE_CHOICES)
DEFAULT_SCOPES = (READ, PREDICT)  # of a new token, in the forms
ALL_SCOPES = " ".join(SCOPES)


def join_scopes(names: Iterable[str]) -> str:
    """Return scopes as they are stored, without duplicates and in a fixed order.

    Raises:
        ValidationError: a scope is unknown, or there is none.
    """
    chosen = set(names)
    if unknown := sorted(chosen - set(SCOPES)):
        raise ValidationError(f"Expected scopes among {', '.join(SCOPES)}. Received: {', '.join(unknown)}.", code="invalid")
    if not chosen:
        raise ValidationError("Choose at least one scope.", code="required")
    return " ".join(name for name in SCOPES if name in chosen)


def validate_scopes(text: str) -> None:
    """Check stored scopes.

    Raises:
        ValidationError: the text is not what `join_scopes` returns.
    """
    if join_scopes(text.split()) != text:
        raise ValidationError(f"Expected scopes in this order, without duplicates: {ALL_SCOPES}.", code="invalid")
