"""Migrations that carry rows along, there and back."""

import pytest
from django.core.management import call_command

from inference.tests.pictures import noise
from predictions.models import Prediction, Review
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction


@pytest.mark.django_db(transaction=True)
def test_reviews_of_the_queue_and_margins_survive_there_and_back(shades, user):
    predictions = [make_prediction(user, noise(number)) for number in range(5)]
    for prediction, picked_by in zip(predictions, ("random", "margin", "label", "newest", "api"), strict=True):
        review_prediction(prediction=prediction, reviewer=user, verdict="unsure", picked_by=picked_by)
    call_command("migrate", "predictions", "0005", verbosity=0)
    call_command("migrate", verbosity=0)
    kept = Review.objects.order_by("id").values_list("picked_by", flat=True)
    assert list(kept) == ["random", "uncertain", "manual", "manual", "api"]
    margins = dict(Prediction.objects.values_list("pk", "margin"))
    assert margins == {one.pk: pytest.approx(one.compute_margin()) for one in predictions}
    assert all(margins.values())
