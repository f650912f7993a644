"""The predictions per day of each model."""

import pytest
from django.utils import timezone

from predictions.model_usage import USAGE_DAYS, build_sparklines
from predictions.tests.factories import change_predictions, make_prediction
from predictions.usage import DAY, round_down_to_day

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
def test_days_are_those_of_utc_in_every_time_zone(shades, user, zone):
    today = round_down_to_day(timezone.now())
    make_prediction(user)
    change_predictions(created_at=today)
    with timezone.override(zone):
        assert build_sparklines([shades.model_id], reader=user)[shades.model_id].counts[-2:] == [0, 1]
        change_predictions(created_at=today - (USAGE_DAYS - 1) * DAY)
        assert build_sparklines([shades.model_id], reader=user)[shades.model_id].counts[0] == 1
