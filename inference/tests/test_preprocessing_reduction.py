"""Large JPEG images that are reduced while they are decoded, compared with decoding them at full size."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
from PIL import Image

from inference.errors import InvalidImage
from inference.preprocessing import ImageLimits, read_image, to_array
from inference.signature import ImageInput

LIMITS = ImageLimits(max_exact_pixels=0)
PHOTOS = Path(sklearn.datasets.__file__).parent / "images"
LEVELS = {"scale": "none"}
# The tolerances in docs/images.md, in levels of 255.
MAX_MEAN_DIFFERENCE = 1.5
MAX_PERCENTILE_DIFFERENCE = 8  # of 99 % of the values
INVERSE_TRANSPOSITIONS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # by EXIF orientation


def encode_jpeg(image, **options):
    out = BytesIO()
    image.save(out, **{"format": "JPEG", "quality": 95} | options)
    return out.getvalue()


def make_ramp(width, height):
    """Return a color image whose red and green are the position of a pixel."""
    columns, rows = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    return Image.fromarray(np.stack([columns, rows, columns[:, ::-1]], axis=-1).astype(np.uint8))


@pytest.mark.parametrize("photo", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize(
    ("signature", "size"),
    [
        (ImageInput(28, 28, 1, **LEVELS), (80, 54)),
        (ImageInput(32, 32, **LEVELS), (80, 54)),
        (ImageInput(64, 64, **LEVELS, resize="crop"), (160, 107)),
        (ImageInput(56, 56, **LEVELS, resize=64, crop=56), (160, 107)),
        (ImageInput(64, 64, **LEVELS, interpolation="bicubic"), (160, 107)),
        (ImageInput(130, 130, **LEVELS, interpolation="lanczos", color="srgb"), (320, 214)),
        (ImageInput(300, 300, **LEVELS), (640, 427)),
    ],
    ids=["gray", "stretch", "crop", "shorter side", "bicubic", "lanczos", "not much larger"],
)
def test_reduced_image_gives_the_input_of_the_full_image(photo, signature, size):
    data = (PHOTOS / photo).read_bytes()
    reduced = read_image(data, LIMITS, signature)
    assert (reduced.image.size, reduced.width, reduced.height) == (size, 640, 427)
    differences = np.abs(to_array(reduced.image, signature) - to_array(read_image(data, LIMITS).image, signature))
    assert differences.mean() < MAX_MEAN_DIFFERENCE
    assert np.percentile(differences, 99) < MAX_PERCENTILE_DIFFERENCE


@pytest.mark.parametrize("resize", ["stretch", "crop"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_incomplete_blocks_stay_at_their_edge(orientation, resize):
    """The last block has 3 of 8 columns and 3 of 8 rows, so a wrong place would move a pixel by up to 6 levels."""
    upright, signature = make_ramp(203, 155), ImageInput(9, 12, **LEVELS, resize=resize)
    stored = upright.transpose(Image.Transpose(INVERSE_TRANSPOSITIONS[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_image(encode_jpeg(stored, exif=exif), LIMITS, signature).image
    assert max(image.size) == 26
    assert np.abs(to_array(image, signature) - to_array(upright, signature)).max() < 4


@pytest.mark.parametrize(
    "signature",
    [
        ImageInput(8, 8, interpolation="nearest"),
        ImageInput(8, 8, antialias=False),
        ImageInput(8, 8, resize="none", crop=8),
        ImageInput(8, 8, decoding="full"),
        ImageInput(0, 0, scale="none", encoding="file"),
    ],
    ids=["nearest", "aliased", "crop only", "full", "file"],
)
def test_models_that_read_single_pixels_receive_the_full_image(signature):
    assert read_image(encode_jpeg(make_ramp(200, 160)), LIMITS, signature).image.size == (200, 160)


@pytest.mark.parametrize(("width", "is_exact"), [(1250, True), (1251, False)])
def test_images_of_up_to_a_megapixel_are_exact(width, is_exact):
    data, signature = encode_jpeg(make_ramp(width, 800)), ImageInput(28, 28, **LEVELS)
    received = to_array(read_image(data, ImageLimits(), signature).image, signature)
    expected = np.asarray(Image.open(BytesIO(data)).resize((28, 28), Image.Resampling.BILINEAR), np.float32)
    assert np.array_equal(received, expected) == is_exact


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_other_formats_are_not_reduced(format):
    assert read_image(encode_jpeg(make_ramp(200, 160), format=format), LIMITS, ImageInput(8, 8)).image.size == (200, 160)


@pytest.mark.parametrize("options", [{"progressive": True}, {"format": "MPO", "save_all": True}], ids=["progressive", "MPO"])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_kinds_of_jpeg_are_reduced(mode, options):
    data = encode_jpeg(make_ramp(400, 320).convert(mode), **options)
    signature = ImageInput(16, 16, **LEVELS)
    image = read_image(data, LIMITS, signature).image
    assert image.size == (50, 40)
    assert np.abs(to_array(image, signature) - to_array(read_image(data, LIMITS).image, signature)).max() < 4


@pytest.mark.parametrize("percent", [30, 50, 90, 99.9])
@pytest.mark.parametrize("progressive", [False, True])
def test_truncated_image_is_rejected(percent, progressive):
    data = encode_jpeg(Image.effect_noise((400, 300), 80), progressive=progressive)
    with pytest.raises(InvalidImage) as caught:
        read_image(data[: int(len(data) * percent / 100)], LIMITS, ImageInput(16, 16))
    assert caught.value.code == "truncated-image"
