"""The scopes of API tokens: what a token may do with the rights of its user. Sessions are not limited.

A token never has more rights than its user. Scopes are stored as OAuth 2.0 writes them: names separated by spaces
(RFC 6749, section 3.3).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

READ, PREDICT, REVIEW = "read", "predict", "review"
SCOPE_CHOICES = (
    (READ, _("Read: predictions, inputs, models, and metrics")),
    (PREDICT, _("Predict: run models, and create and cancel predictions and batch jobs")),
    (REVIEW, _("Review: review predictions and send ground truth")),
)
SCOPES = tuple(name for name, _text in SCOPE_CHOICES)
DEFAULT_SCOPES = (READ, PREDICT)  # of a new token, in the forms
ALL_SCOPES = " ".join(SCOPES)


def join_scopes(names: Iterable[str]) -> str:
    """Return scopes as they are stored, without duplicates and in a fixed order.

    Raises:
        ValidationError: a scope is unknown, or there is none.
    """
    chosen = set(names)
    if unknown := sorted(chosen - set(SCOPES)):
        text = gettext("Expected scopes among %(scopes)s. Received: %(received)s.")
        values = {"scopes": ", ".join(SCOPES), "received": ", ".join(unknown)}
        raise ValidationError(text % values, code="invalid")
    if not chosen:
        raise ValidationError(gettext("Choose at least one scope."), code="required")
    return " ".join(name for name in SCOPES if name in chosen)


def validate_scopes(text: str) -> None:
    """Check stored scopes.

    Raises:
        ValidationError: the text is not what `join_scopes` returns.
    """
    if join_scopes(text.split()) != text:
        text = gettext("Expected scopes in this order, without duplicates: %(scopes)s.") % {"scopes": ALL_SCOPES}
        raise ValidationError(text, code="invalid")
