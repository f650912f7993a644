"""Images for models that decode files themselves."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidSignature
from inference.preprocessing import ImageLimits, collate_items, make_sample_input, prepare_input, read_image
from inference.signature import ImageInput
from inference.tests.factories import assert_signature_error, make_image_metadata, make_noise_image

SIGNATURE = ImageInput(0, 0, scale="none", encoding="file")


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_uploaded_file_is_passed_unchanged(format):
    out = BytesIO()
    Image.open(BytesIO(make_noise_image(1))).save(out, format)
    items = [
        prepare_input(SIGNATURE, read_image(data, ImageLimits()).image) for data in (out.getvalue(), make_noise_image(2))
    ]
    assert collate_items(SIGNATURE, items).tolist() == [out.getvalue(), make_noise_image(2)]


def test_webp_file_becomes_a_png_file_of_the_same_pixels():
    out = BytesIO()
    Image.open(BytesIO(make_noise_image(3))).convert("RGB").save(out, "WEBP", quality=60)
    image = read_image(out.getvalue(), ImageLimits()).image
    file = prepare_input(SIGNATURE, image).item()
    assert file.startswith(b"\x89PNG")
    assert np.array_equal(np.asarray(Image.open(BytesIO(file))), np.asarray(Image.open(BytesIO(out.getvalue()))))


def test_sample_is_a_file():
    assert prepare_input(SIGNATURE, make_sample_input(SIGNATURE)).item().startswith(b"\x89PNG")


def test_encoding_requires_a_string_input():
    with pytest.raises(InvalidSignature, match="Expected encoding to be one of"):
        ImageInput(0, 0, encoding="base64")
    image_input = {"kind": "image", "encoding": "file"}
    assert_signature_error(make_image_metadata(8, 8, 3), "requires an artifact with one string input", image_input)
