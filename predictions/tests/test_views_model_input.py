"""The image that a model received for a prediction."""

from io import BytesIO

import numpy as np
import pytest
from django.urls import reverse
from PIL import Image

from inference.tests.factories import make_image
from predictions.services import predict
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db


def test_model_input_is_a_private_png_that_is_not_stored(shades, signed_in, user, django_assert_max_num_queries):
    prediction = make_prediction(user, make_image(90, size=(600, 400)))
    url = reverse("predictions:model-input", args=[prediction.pk])
    files = sorted(prediction.input.image.storage.listdir(""))
    with django_assert_max_num_queries(6):
        response = signed_in.get(url)
    signature = shades.parsed_signature.input
    with Image.open(BytesIO(response.content)) as image:
        assert (image.format, image.size) == ("PNG", (signature.width, signature.height))
        assert np.ptp(np.asarray(image)) == 0
        assert np.asarray(image).flat[0] == 90
    assert (response["Cache-Control"], response["Accept-Ranges"]) == ("private, max-age=86400, immutable", "none")
    assert sorted(prediction.input.image.storage.listdir("")) == files
    assert url in signed_in.get(prediction.get_absolute_url()).content.decode()


def test_rows_of_features_have_no_image(flowers, signed_in, user):
    row = predict(user=user, source="api", features={"length": 4.5, "petals": 5, "wild": True}, model="flowers")
    assert signed_in.get(reverse("predictions:model-input", args=[row.pk])).status_code == 404
    assert "model-input" not in signed_in.get(row.get_absolute_url()).content.decode()
