"""Monitoring of multi-label models, whose predictions have neither a label nor a confidence."""

import pytest
from django.utils import timezone

from core.tests.pages import get_text
from inference.tests.factories import make_image
from monitoring.services.rollup import roll_up
from monitoring.windows import HOUR
from predictions.models import Prediction
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_the_operations_page_shows_a_multi_label_model(blends, client, reviewer, user, is_rolled_up):
    for shade in (0, 64, 255):
        review_prediction(prediction=make_prediction(user, make_image(shade)), reviewer=user, true_labels=["grey"])
    Prediction.objects.update(created_at=timezone.now() - 3 * HOUR)
    if is_rolled_up:
        assert roll_up() > 0
    client.force_login(reviewer)
    text = get_text(client.get("/operations/", {"model": "blends", "window": "24h"}))
    assert "Drift of blends:1" in text
    assert "blends:1 has no fields to compare." in text
