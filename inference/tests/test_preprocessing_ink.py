"""`autocrop = "ink"`: photos of digits, clean images, and images without ink."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from inference.errors import InvalidSignature
from inference.preprocessing import find_warnings, prepare_input, read_image
from inference.preprocessing.images import ImageLimits
from inference.preprocessing.ink import crop_ink
from inference.preprocessing.model_view import draw_model_input
from inference.signature import ImageInput
from inference.tests.factories import make_image
from inference.tests.photos import draw_digit, make_scene, take_photo

pytestmark = pytest.mark.once
DIGITS = ImageInput(28, 28, 1, autocrop="ink")


def crop_glyph(glyph):
    return crop_ink(Image.fromarray(255 - np.asarray(glyph)), 28)


@pytest.mark.parametrize(("paper", "ink"), [("plain", "black"), ("lined", "blue"), ("squared", "pencil")])
def test_the_digit_in_a_photo_is_scaled_as_in_mnist(paper, ink):
    rng = np.random.default_rng(5)
    scene = make_scene(rng, paper=paper, ink=ink, tilt=0.0, stroke=0.06, digit=0.4, has_shadow=False, size=(800, 600))
    glyph = draw_digit(rng, "3", scene.stroke)
    image = read_image(take_photo(rng, glyph, scene), ImageLimits(), DIGITS).image
    array = prepare_input(DIGITS, image)
    assert array.shape == (28, 28, 1)
    assert not find_warnings(DIGITS, image, array)
    clean = crop_glyph(glyph)[..., 0] / 255
    found = array[..., 0]
    assert np.corrcoef(clean.ravel(), found.ravel())[0, 1] > 0.65
    rows = np.flatnonzero((found > 0.2).any(axis=1))
    assert 18 <= np.ptp(rows) + 1 <= 21
    assert abs((found.sum(axis=1) * np.arange(28)).sum() / found.sum() - 13.5) < 1


def find_digit(seed, glyphs):
    """Return whether the ink found in a photo resembles that digit most."""
    rng = np.random.default_rng(seed)
    scene = make_scene(rng, size=(800, 600) if seed % 2 else (600, 800))
    digit = "0123456789"[seed % 10]
    photo = Image.open(BytesIO(take_photo(rng, draw_digit(rng, digit, scene.stroke), scene))).convert("L")
    found = crop_ink(photo, 28)
    if found is None:
        return False
    soft = np.asarray(Image.fromarray(found[..., 0].astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5)), float)
    return max(glyphs, key=lambda name: np.corrcoef(soft.ravel(), glyphs[name])[0, 1]) == digit


def test_digits_are_found_in_most_photos():
    rng = np.random.default_rng(7)
    glyphs = {}
    for digit in "0123456789":
        clean = [crop_glyph(draw_digit(rng, digit, 0.06))[..., 0] for _ in range(2)]
        soft = Image.fromarray(np.mean(clean, axis=0).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1.5))
        glyphs[digit] = np.asarray(soft, float).ravel()
    assert np.mean([find_digit(seed, glyphs) for seed in range(20)]) >= 0.9


def test_light_ink_on_a_dark_board_is_found():
    rng = np.random.default_rng(6)
    glyph = draw_digit(rng, "4", 0.07)
    found = crop_ink(glyph, 28)
    assert np.abs(found - crop_glyph(glyph)).mean() < 12


@pytest.mark.parametrize("side", [40, 112, 400, 1000])
@pytest.mark.parametrize("resampling", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
@pytest.mark.parametrize("is_dark", [False, True])
def test_an_enlarged_sample_is_read_as_the_sample(side, resampling, is_dark):
    sample = Image.fromarray(crop_ink(draw_digit(np.random.default_rng(8), "5", 0.09), 28)[..., 0].astype(np.uint8))
    enlarged = np.asarray(sample.resize((side, side), resampling))
    found = crop_ink(Image.fromarray(255 - enlarged if is_dark else enlarged), 28)[..., 0]
    assert np.corrcoef(found.ravel(), np.asarray(sample).ravel())[0, 1] > 0.95


@pytest.mark.parametrize(("gray", "fill", "side"), [(20, 240, 420), (140, 240, 300), (20, 0, 420)])
def test_an_enlarged_sample_on_noisy_squared_paper_is_found(gray, fill, side):
    rng = np.random.default_rng(11)
    sample = Image.fromarray(crop_ink(draw_digit(rng, "3", 0.1), 28)[..., 0].astype(np.uint8))
    paper = Image.new("L", (640, 480), 240)
    draw = ImageDraw.Draw(paper)
    for place in range(40, 640, 40):
        draw.line((place, 0, place, 480), 200, 2)
        draw.line((0, place, 640, place), 200, 2)
    paper.paste(gray, (110, 30), sample.resize((side, side), Image.Resampling.BICUBIC))
    turned = np.asarray(paper.rotate(12, Image.Resampling.BICUBIC, fillcolor=fill))
    noisy = (turned + rng.normal(0, 5, turned.shape)).clip(0, 255).astype(np.uint8)
    found = crop_ink(Image.fromarray(noisy), 28)[..., 0]
    assert np.corrcoef(found.ravel(), np.asarray(sample).ravel())[0, 1] > 0.75


def test_dark_corners_around_turned_paper_are_no_part_of_the_digit():
    glyph = draw_digit(np.random.default_rng(12), "0", 0.07)
    paper = Image.new("L", (800, 600), 240)
    paper.paste(20, (240, 140), glyph)
    found = crop_ink(paper.rotate(3, Image.Resampling.BICUBIC), 28)
    assert np.corrcoef(found.ravel(), crop_glyph(glyph).ravel())[0, 1] > 0.85
    table = Image.new("L", (1000, 800), 90)
    table.paste(paper, (100, 100))
    assert np.corrcoef(crop_ink(table, 28).ravel(), crop_glyph(glyph).ravel())[0, 1] > 0.85


@pytest.mark.parametrize("digit", "058")
def test_a_digit_that_the_edges_of_a_clean_image_touch_is_found(digit):
    glyph = draw_digit(np.random.default_rng(9), digit, 0.08)
    cut = glyph.crop(glyph.getbbox())
    found, expected = crop_ink(cut, 28)[..., 0], crop_ink(glyph, 28)[..., 0]
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.7  # less than 1 if the center of mass is rounded


def test_a_speck_in_a_clean_image_is_no_part_of_the_digit():
    pixels = np.asarray(draw_digit(np.random.default_rng(10), "3", 0.07)).copy()
    expected = crop_ink(Image.fromarray(pixels), 28)
    pixels[8:11, 8:11] = 255
    assert np.abs(crop_ink(Image.fromarray(pixels), 28) - expected).mean() < 1


def test_an_image_of_the_size_of_the_model_is_unchanged():
    values = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    assert (prepare_input(DIGITS, Image.fromarray(values))[..., 0] * 255).round().tolist() == values.tolist()


def test_an_image_without_ink_has_a_warning_and_is_resized():
    image = read_image(make_image(240, size=(300, 200)), ImageLimits(), DIGITS).image
    array = prepare_input(DIGITS, image)
    assert np.allclose(array, 240 / 255)
    assert "no-ink-found" in [warning.code for warning in find_warnings(DIGITS, image, array)]


def test_autocrop_needs_a_square_grayscale_input():
    for values in ({"channels": 3}, {"width": 20}, {"bits": 12}):
        with pytest.raises(InvalidSignature, match="square grayscale"):
            ImageInput(**{"height": 28, "width": 28, "channels": 1, "autocrop": "ink", **values})
    with pytest.raises(InvalidSignature, match="autocrop"):
        ImageInput(28, 28, 1, autocrop="face")


@pytest.mark.parametrize(
    "keys",
    [
        {"scale": "unit"},
        {"scale": "symmetric"},
        {"scale": "none"},
        {"scale": "standard", "mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)},
        {"scale": "none", "mean": (104.0, 117.0, 124.0), "order": "bgr"},
    ],
)
def test_the_model_input_is_shown_with_its_original_levels(keys):
    values = np.random.default_rng(2).integers(0, 256, (9, 9, 3), np.uint8)
    png = draw_model_input(Image.fromarray(values), ImageInput(9, 9, 3, **keys))
    assert np.abs(np.asarray(Image.open(BytesIO(png))).astype(int) - values).max() <= 1


@pytest.mark.parametrize("size", [(8, 300), (300, 8), (20, 700), (100, 10_000), (31, 320), (32, 320)])
def test_a_narrow_strip_is_no_damaged_image(size):
    image = Image.effect_noise(size, 120)
    assert prepare_input(DIGITS, image).shape == (28, 28, 1)
