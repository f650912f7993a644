"""Record which predictions a reviewer has seen before the review, so that blind reviews are really blind."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from accounts.models import User
from predictions.models import Prediction, Review, ShownPrediction
from predictions.services.reviews import lock_predictions


def record_shown(*, predictions: Collection[Prediction], reviewer: User) -> None:
    """Record that the review queue shows these predictions. Call it before the response contains them."""
    with transaction.atomic():
        ids = lock_predictions([prediction.pk for prediction in predictions])
        rows = [ShownPrediction(prediction_id=pk, reviewer=reviewer) for pk in ids]
        ShownPrediction.objects.bulk_create(rows, ignore_conflicts=True)


def list_unseen(*, predictions: Collection[Prediction], reviewer: User) -> list[Prediction]:
    """Return the predictions that the reviewer has not seen, as far as mlsite knows. Writes nothing.

    A reviewer has seen their own predictions, those that the review queue has shown, and those that they have reviewed,
    because the message about a review names the prediction. Visits of other pages are not recorded.
    """
    own = {"prediction__in": [prediction.pk for prediction in predictions], "reviewer": reviewer}
    seen = set(ShownPrediction.objects.filter(**own).values_list("prediction", flat=True))
    seen.update(Review.objects.filter(**own).values_list("prediction", flat=True))
    return [row for row in predictions if row.pk not in seen and row.user_id != reviewer.pk]


def forget_shown(*, prediction: Prediction, reviewer: User) -> None:
    """Delete the record of a prediction that the reviewer has reviewed: the review takes its place."""
    ShownPrediction.objects.filter(prediction=prediction, reviewer=reviewer).delete()
