"""Backgrounds, color profiles, 16-bit values, and the order of the channels."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inference.errors import InvalidImage
from inference.preprocessing import ImageLimits, make_thumbnail, normalize_image, read_image, to_array
from inference.signature import ImageInput
from inference.tests.factories import make_16_bit_rgb_image
from inference.tests.profiles import ADOBE_RGB, DISPLAY_P3, convert_by_definition, make_float_profile, make_profile

LIMITS = ImageLimits()
RNG = np.random.default_rng(6)
PIXELS = RNG.integers(0, 256, (8, 8, 3), np.uint8)
DEEP = RNG.integers(0, 4096, (8, 8)).astype(np.uint16)


def encode(image, **options):
    out = BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(out, "PNG", **options)
    return out.getvalue()


def convert(data, **options):
    return to_array(read_image(data, LIMITS).image, ImageInput(8, 8, **{"channels": 3, "scale": "none", **options}))


def make_transparent(color=(255, 255, 255)):
    """Return a PNG whose left half is transparent and whose right half has a color."""
    image = Image.new("RGBA", (8, 8), (10, 20, 30, 0))
    image.paste((*color, 255), (4, 0, 8, 8))
    return encode(image)


@pytest.mark.parametrize(
    ("background", "expected"),
    [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("#204060", (32, 64, 96)), ("none", (10, 20, 30))],
)
def test_transparent_pixels_have_the_color_of_the_background(background, expected):
    array = convert(make_transparent(), background=background)
    assert array[0, 0].tolist() == list(expected)
    assert array[0, 7].tolist() == [255, 255, 255]


def test_the_background_is_applied_before_resizing():
    image = Image.fromarray(RNG.integers(0, 256, (24, 20, 4), np.uint8))
    flat = Image.new("RGBA", image.size, "black")
    flat.alpha_composite(image)
    expected = np.asarray(flat.convert("L").resize((8, 8), Image.Resampling.BILINEAR))
    assert np.array_equal(convert(encode(image), background="black", channels=1)[..., 0], expected)


def test_channels_are_reversed_before_the_mean_is_subtracted():
    array = convert(encode(PIXELS), order="bgr", mean=(1, 2, 3), std=(1, 2, 4))
    assert np.allclose(array, (PIXELS[..., ::-1] - np.float32([1, 2, 3])) / np.float32([1, 2, 4]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scale": "unit"}, DEEP / 4095),
        ({"scale": "symmetric"}, DEEP / 2047.5 - 1),
        ({"scale": "none"}, DEEP / 4095 * 255),
        ({"scale": "stored"}, DEEP),
        ({"scale": "standard", "mean": (0.5,), "std": (0.2,)}, (DEEP / 4095 - 0.5) / 0.2),
        ({"scale": "unit", "bits": 16}, DEEP / 65535),
        ({"scale": "none", "bits": None}, DEEP >> 8),
    ],
    ids=str,
)
def test_16_bit_values_are_exact(options, expected):
    array = convert(encode(DEEP), channels=1, **{"bits": 12, **options})
    assert np.allclose(array[..., 0], expected, rtol=1e-6, atol=1e-6)


def test_16_bit_values_are_not_rounded_when_they_are_resized():
    deep = RNG.integers(0, 4096, (16, 16)).astype(np.uint16)
    expected = Image.fromarray(deep.astype(np.float32)).resize((8, 8), Image.Resampling.BILINEAR)
    array = convert(encode(deep), bits=12, scale="stored")
    assert np.allclose(array, np.asarray(expected)[..., None])
    assert not np.array_equal(array, array.round())


def test_8_bit_images_have_the_full_range_of_the_bits():
    gray = PIXELS[..., 0]
    for scale, white in (("unit", 1), ("none", 255), ("stored", 4095)):
        assert np.allclose(convert(encode(gray), channels=1, bits=12, scale=scale)[..., 0], gray / 255 * white)


def test_values_above_the_bits_and_16_bit_colors_are_rejected():
    with pytest.raises(InvalidImage, match=r"Expected values of 10 bits, up to 1023\. The image has values up to \d{4}"):
        convert(encode(DEEP), bits=10)
    with pytest.raises(InvalidImage, match="Send a 16-bit grayscale PNG"):
        convert(make_16_bit_rgb_image(1000), bits=12)
    assert convert(make_16_bit_rgb_image(0x8040, side=8)).max() == 0x80


@pytest.mark.parametrize(("primaries", "gamma"), [(DISPLAY_P3, 2.2), (ADOBE_RGB, 2.199)], ids=["Display P3", "Adobe RGB"])
def test_an_embedded_profile_is_converted_to_srgb(primaries, gamma):
    data = encode(PIXELS, icc_profile=make_profile(primaries, gamma))
    expected = convert_by_definition(PIXELS, primaries, round(gamma * 256) / 256)
    assert np.abs(convert(data, color="srgb") - expected).max() < 2
    assert np.array_equal(convert(data), PIXELS)
    assert np.abs(expected - PIXELS).max() > 20


def test_a_profile_keeps_the_transparency():
    image = Image.open(BytesIO(make_transparent((200, 30, 40))))
    data = encode(image, icc_profile=make_profile(DISPLAY_P3, 2.2))
    array = convert(data, color="srgb", background="black")
    assert array[0, 0].tolist() == [0, 0, 0]
    assert np.abs(array[0, 7] - convert_by_definition(np.array([200, 30, 40]), DISPLAY_P3, 2.2)).max() < 2


BROKEN = [b"x", make_profile(DISPLAY_P3, 2.2)[:200]]


@pytest.mark.parametrize("profile", [*BROKEN, make_profile(DISPLAY_P3, 2.2, "sRGB IEC"), make_float_profile(9)])
def test_broken_and_unlimited_profiles_and_srgb_change_nothing(profile):
    for image in (PIXELS, PIXELS[..., 0]):
        data = encode(image, icc_profile=profile)
        assert np.array_equal(convert(data, color="srgb"), convert(data))
        assert make_thumbnail(data, 64)


def read_thumbnail(data):
    with Image.open(BytesIO(make_thumbnail(data, 64))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def test_thumbnails_are_in_srgb():
    green = np.full((8, 8, 3), (40, 200, 60), np.uint8)
    expected = convert_by_definition(green, ADOBE_RGB, 2.2)
    data = encode(green, icc_profile=make_profile(ADOBE_RGB, 2.2))
    assert np.abs(read_thumbnail(data) - expected).max() < 8
    assert np.abs(green - expected).max() > 30


def test_thumbnails_show_12_bit_values_and_white_ink():
    assert read_thumbnail(encode(np.full((8, 8), 4095, np.uint16))).min() > 240
    ink = read_thumbnail(make_transparent())
    assert (ink[0, 0].max() < 15, ink[0, 7].min() > 240) == (True, True)
    black = read_thumbnail(make_transparent((0, 0, 0)))
    assert (black[0, 0].min() > 240, black[0, 7].max() < 15) == (True, True)


def test_normalized_images_are_what_the_model_receives():
    signature = ImageInput(8, 8, 3, "none", background="#204060", color="srgb")
    for data in (make_transparent(), encode(PIXELS, icc_profile=make_profile(DISPLAY_P3, 2.2))):
        normalized = normalize_image(data, signature)
        assert np.array_equal(np.asarray(normalized), to_array(read_image(data, LIMITS).image, signature))
    deep = normalize_image(encode(DEEP), ImageInput(8, 8, 1, bits=12))
    with Image.open(BytesIO(encode(deep))) as written:
        assert np.array_equal(np.asarray(written), DEEP)
