"""Warnings about images in which the model sees almost nothing."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inference.preprocessing import ImageLimits, find_warnings, prepare_input, read_image
from inference.signature import ImageInput
from inference.tests.factories import make_16_bit_rgb_image, make_image, make_noise_image

UNIFORM, LOW = "uniform-image", "low-contrast"
NORMALIZATION = {"scale": "standard", "mean": (0.5,) * 3, "std": (0.25,) * 3}


def encode(pixels):
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def list_codes(data, **options):
    image, signature = read_image(data, ImageLimits()).image, ImageInput(16, 16, **options)
    return [warning.code for warning in find_warnings(signature, image, prepare_input(signature, image))]


@pytest.mark.parametrize(
    "options",
    [
        {"scale": "unit"},
        {"scale": "symmetric"},
        {"scale": "none", "layout": "channels-first"},
        {"scale": "stored", "bits": 12, "channels": 1},
        NORMALIZATION,
    ],
    ids=str,
)
def test_almost_equal_pixels_are_reported_in_every_scale(options):
    nearly = np.random.default_rng(0).integers(100, 104, (16, 16), np.uint8)
    visible = nearly.copy()
    visible[3, 5] = 120
    assert list_codes(encode(nearly), **options) == [UNIFORM]
    assert list_codes(encode(visible), **options) == []
    assert list_codes(make_image(0), **options) == [UNIFORM]
    assert list_codes(make_noise_image(1), **options) == []


def test_what_the_model_sees_counts():
    image = Image.new("RGBA", (16, 16), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (4, 4, 12, 12))
    data = encode(np.asarray(image))
    assert list_codes(data) == [UNIFORM]
    assert list_codes(data, background="black") == []
    border = np.zeros((48, 16), np.uint8)
    border[:16] = 255
    assert list_codes(encode(border), resize="crop") == [UNIFORM]
    assert list_codes(encode(border)) == []


def test_16_bit_images_that_use_little_of_their_range_are_reported():
    values = np.random.default_rng(0).integers(0, 4096, (16, 16)).astype(np.uint16)
    assert list_codes(encode(values)) == [LOW]
    assert list_codes(encode(values), bits=12) == []
    assert list_codes(encode(values * 16)) == []
    assert list_codes(encode(values // 16)) == [LOW, UNIFORM]
    assert list_codes(make_16_bit_rgb_image(4095)) == [LOW]
    assert list_codes(make_16_bit_rgb_image(65535)) == []
