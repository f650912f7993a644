"""The review queue as it is read: what waits to be judged, and in which order."""

from __future__ import annotations

from typing import Any

from core.fields import RandomBits
from predictions.models import Prediction, Review
from registry.models import ModelVersion

PickedBy = Review.PickedBy
ORDERS = (PickedBy.RANDOM, PickedBy.UNCERTAIN, PickedBy.MARGIN, PickedBy.LABEL, PickedBy.NEWEST)
OF_LABELS = {PickedBy.LABEL}
OF_SCORES = {PickedBy.UNCERTAIN, PickedBy.MARGIN}


def get_strategies(version: ModelVersion) -> list[PickedBy]:
    """Return the orders that a version's answers can be walked in: what has no scores knows no doubt."""
    output = version.parsed_signature.output.kind
    kept = set(ORDERS)
    if output != "classes":
        kept -= OF_SCORES
    if output not in ("classes", "label"):
        kept -= OF_LABELS
    return [order for order in ORDERS if order in kept]


def get_review_queue(version: ModelVersion, *, order: str, label: str = "") -> Any:
    """Return the answers of a version that nobody has judged, in an order that an index serves.

    At random is by the random bits of the ids: every answer is as likely to come first as any other, and two people
    walk through the same shuffle.
    """
    rows: Any = Prediction.objects.filter(model_version=version).awaiting_review()
    if order == PickedBy.UNCERTAIN:
        return rows.filter(confidence__isnull=False).order_by("confidence")
    if order == PickedBy.MARGIN:
        return rows.filter(margin__isnull=False).order_by("margin")
    if order == PickedBy.LABEL:
        return rows.filter(label=label).order_by("-id")
    return rows.order_by(RandomBits("id") if order == PickedBy.RANDOM else "-id")
