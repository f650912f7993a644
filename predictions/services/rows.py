"""Build unsaved rows of inputs and predictions."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Model
from django.utils import timezone
from uuid_utils.compat import uuid7

from accounts.models import User
from core.rows import clone_row
from predictions.models import Input, Prediction
from registry.models import ModelVersion


def build_input(kind: str, content_type: str, user: User | None, **values: Any) -> Input:
    """Return an unsaved input of a user.

    Args:
        values: by attribute name.
    """
    return clone_row(
        _get_input_template(kind, content_type),
        related={"user": user} if user else {},
        id=uuid7(),
        user_id=user.pk if user else None,
        created_at=timezone.now(),
        **values,
    )


def build_prediction(
    row: Input,
    version: ModelVersion,
    user: User | None,
    *,
    source: str,
    client_reference: str = "",
    decode_ms: float | None = None,
    created_at: datetime | None = None,
) -> Prediction:
    """Return an unsaved prediction that has not run, created now or at a given time."""
    related: dict[str, Model] = {"input": row, "model_version": version}
    return clone_row(
        _get_prediction_template(source),
        related={**related, "user": user} if user else related,
        id=uuid7(),
        input_id=row.pk,
        model_version_id=version.pk,
        user_id=user.pk if user else None,
        client_reference=client_reference,
        decode_ms=decode_ms,
        created_at=created_at or timezone.now(),
        warnings=[],
    )


@cache
def _get_input_template(kind: str, content_type: str) -> Input:
    return Input(kind=kind, content_type=content_type)


@cache
def _get_prediction_template(source: str) -> Prediction:
    return Prediction(source=source)
