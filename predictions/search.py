"""Search predictions by file name, client reference, ID, and user. Every lookup reads an index."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q
from django.utils.translation import gettext

from accounts.models import User
from accounts.permissions import can_view_all
from predictions.models import Input, Prediction
from predictions.querysets import PredictionQuerySet

MAX_FOUND_INPUTS = 10_000
ID_START = re.compile(r"[0-9a-f]{8,32}", re.ASCII)  # the first digits are a time: eight of them are about a minute
LAST_CHARACTER = "\U0010ffff"


def search_predictions(rows: PredictionQuerySet, text: str, *, reader: Any) -> PredictionQuerySet:
    """Return the predictions whose file name starts with a text, or whose client reference, ID, or user is the text.

    The first 8 or more characters of an ID are enough. Users are only searched for readers who see all predictions. Each
    lookup is tried before it becomes a condition, because an OR of several tables is slow.

    Raises:
        ValidationError: too many file names start with the text; code `too-many`.
    """
    visible = Prediction.objects.visible_to(reader)
    user = User.objects.filter(username=text).first() if can_view_all(reader) else None
    parts = [visible.filter(condition) for condition in _list_conditions(text, reader)]
    found = [part for part in parts if part.exists()]
    if user is not None and not found:
        return rows.matching(user=user.pk)
    if not found:
        return rows.none()
    condition = Q(pk__in=found[0].values("pk"))
    for part in found[1:]:
        condition |= Q(pk__in=part.values("pk"))
    return rows.filter(condition | Q(user=user) if user is not None else condition)


def _list_conditions(text: str, reader: Any) -> list[Q]:
    conditions = [~Q(client_reference="") & Q(client_reference=text)]
    if limits := find_id_range(text):
        conditions.append(Q(pk__range=limits))
    inputs = Input.objects.visible_to(reader).exclude(original_name="").filter(_build_prefix_condition(text))
    count = inputs.order_by()[: MAX_FOUND_INPUTS + 1].count()
    if count > MAX_FOUND_INPUTS:
        message = gettext("More than 10,000 file names start with “%(text)s”. Enter more characters.")
        raise ValidationError(message % {"text": text}, code="too-many")
    if count:
        conditions.append(Q(input__in=inputs.values("pk")))
    return conditions


def find_id_range(text: str) -> tuple[UUID, UUID] | None:
    """Return the lowest and the highest ID that start with a text, or None if it is not the start of an ID."""
    digits = text.strip().lower().replace("-", "")
    if not ID_START.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def _build_prefix_condition(text: str) -> Q:
    """Return the condition that a file name starts with a text, in the form for which each database reads the index."""
    if connection.vendor == "postgresql":
        return Q(original_name__startswith=text)
    return Q(original_name__gte=text, original_name__lt=text + LAST_CHARACTER)
