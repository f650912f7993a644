"""Fixtures of the predictions app."""

import pytest

from inference.tests.factories import make_image
from predictions.tests.factories import make_prediction


@pytest.fixture
def three(shades, user):
    """Return three predictions of one user: black, grey and white."""
    return [make_prediction(user, make_image(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]
