"""Predictions whose client reference is unique on request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import connection

from accounts.models import User
from predictions.models import Prediction


class ReferenceTaken(Exception):
    """Another request has stored a prediction with the reference."""


def find_by_reference(*, user: User, client_reference: str) -> Prediction | None:
    """Return the oldest prediction of a user with a reference. If there are several, it is always the same one."""
    rows = Prediction.objects.filter(user=user, client_reference=client_reference).exclude(client_reference="")
    return rows.select_related("input", "model_version__model").with_reviews().order_by("id").first()


def create_unique(
    create: Callable[..., Prediction],
    *,
    user: User,
    client_reference: str,
    in_transaction: Callable[[Prediction], object] | None = None,
    **arguments: Any,
) -> tuple[Prediction, bool]:
    """Return the user's prediction with this reference, or create it. Return whether it was created.

    An existing prediction is returned regardless of its input, model, and status.

    Args:
        create: `predict` or `queue_prediction`, which has the other arguments and the errors.
    """
    if existing := find_by_reference(user=user, client_reference=client_reference):
        return existing, False

    def store_unless_taken(prediction: Prediction) -> None:
        _lock_reference(user, client_reference)
        if _is_taken(prediction):
            raise ReferenceTaken
        if in_transaction:
            in_transaction(prediction)

    try:
        created = create(user=user, client_reference=client_reference, in_transaction=store_unless_taken, **arguments)
    except ReferenceTaken:
        existing = find_by_reference(user=user, client_reference=client_reference)
        if existing is None:  # deleted meanwhile
            raise
        return existing, False
    return created, True


def _lock_reference(user: User, client_reference: str) -> None:
    """Let only one transaction at a time store a prediction of the user with this reference.

    A unique index is not possible, because references are unique only on request. A transaction of SQLite that has written
    is the only one that writes. On PostgreSQL, the transactions take an advisory lock: whoever gets it after another one
    sees the row of that one, because each statement sees all rows that were committed before it started.
    """
    if connection.vendor == "postgresql":
        digest = hashlib.sha256(f"{user.pk}\0{client_reference}".encode()).digest()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])


def _is_taken(prediction: Prediction) -> bool:
    others = Prediction.objects.filter(user=prediction.user_id, client_reference=prediction.client_reference)
    return others.exclude(client_reference="").exclude(pk=prediction.pk).exists()
