"""Fixtures of the operations page."""

import pytest
from django.utils import timezone

from monitoring.tests.factories import make_predictions
from monitoring.windows import HOUR


@pytest.fixture
def predictions(shades, flowers, user, other):
    now = timezone.now()
    times = [now - number * HOUR for number in range(1, 24 * 15)]
    return make_predictions(shades, [user, other], times) + make_predictions(flowers, [user], times[:50])


@pytest.fixture
def reviewer_client(client, reviewer):
    client.force_login(reviewer)
    return client
