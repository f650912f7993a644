"""Resizing and cropping, compared with torchvision, TensorFlow, and Keras."""

import os

import numpy as np
import pytest
from PIL import Image, ImageOps

from inference.preprocessing import to_array
from inference.signature import ImageInput
from inference.signature.presets import expand_preset

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Values of torchvision 0.28.0 with torch 2.13.0 and Pillow 12.3.0: at five places, the sum, and the sum of the values times
# their positions. Size of the image, transforms, result.
TORCHVISION = [
    # Resize(256), CenterCrop(224), ToTensor(), Normalize(ImageNet)
    (
        (301, 227),
        {"preset": "torchvision-imagenet"},
        (-1.843908, 1.518207, 0.70536, 0.981677, 0.27521, 34603.517, 17342.265),
    ),
    # Resize(232), CenterCrop(224), ToTensor(), Normalize(ImageNet)
    (
        (227, 341),
        {"preset": "torchvision-imagenet-v2"},
        (-0.182807, -0.635154, 1.385098, 0.724805, 0.415266, 34306.413, 17046.108),
    ),
    # Resize(224, BICUBIC), CenterCrop(224), ToTensor(), Normalize(CLIP)
    ((301, 227), {"preset": "clip"}, (0.864651, 0.093858, 1.122052, 0.587281, -1.436934, 28672.674, 14353.041)),
    # Resize(20), CenterCrop(27): padded
    ((47, 31), {"resize": 20, "crop": 27}, (0.0, 0.0, 0.0, 0.843137, 0.164706, 811.329, 390.556)),
    # CenterCrop((47, 46)): padded and cropped
    ((61, 40), {"resize": "none", "crop": [47, 46]}, (0.0, 0.0, 0.0, 0.270588, 0.521569, 2766.435, 1352.578)),
    # Resize((20, 30)), CenterCrop(15)
    ((61, 40), {"resize": [20, 30], "crop": 15}, (0.435294, 0.509804, 0.329412, 0.364706, 0.662745, 339.243, 169.006)),
    # Resize(25, NEAREST), CenterCrop(20)
    (
        (61, 40),
        {"resize": 25, "crop": 20, "interpolation": "nearest"},
        (0.380392, 0.47451, 0.305882, 0.317647, 0.576471, 603.467, 299.802),
    ),
    # Resize(25, LANCZOS), CenterCrop(20)
    (
        (40, 61),
        {"resize": 25, "crop": 20, "interpolation": "lanczos"},
        (0.258824, 0.768627, 0.043137, 0.309804, 0.686275, 599.62, 299.295),
    ),
]


def make_pattern(width, height):
    x, y, channel = np.meshgrid(np.arange(width), np.arange(height), np.arange(3))
    return Image.fromarray(((x * y // 3 + x * 5 + y * y // 7 + channel * 90) % 256).astype(np.uint8))


def make_signature(declared):
    _, keys = expand_preset(declared)
    keys = {key: tuple(value) if isinstance(value, list) else value for key, value in keys.items()}
    crop = keys["crop"] if isinstance(keys["crop"], tuple) else (keys["crop"],) * 2
    return ImageInput(*crop, **keys)


@pytest.mark.parametrize(("size", "declared", "expected"), TORCHVISION, ids=lambda value: str(value)[:40])
def test_pixels_are_those_of_torchvision(size, declared, expected):
    array = to_array(make_pattern(*size), make_signature(declared)).astype(np.float64)
    height, width, _ = array.shape
    places = [(0, 0, 0), (0, width - 1, 1), (height - 1, 0, 2), (height // 2, width // 3, 0), (height // 3, width // 2, 1)]
    assert [array[place] for place in places] == pytest.approx(expected[:5], abs=2e-6)
    weights = np.arange(array.size).reshape(array.shape) / array.size
    assert (array.sum(), (array * weights).sum()) == pytest.approx(expected[5:], abs=0.02)


@pytest.mark.parametrize(("count", "side", "longer"), [(81, 19, 45), (341, 256, 384), (47, 20, 30), (100, 7, 20)])
def test_the_longer_side_is_truncated(count, side, longer):
    """34 x 81 pixels with a shorter side of 19 are 19 x 45.26 pixels, of which torchvision takes 45."""
    width = {81: 34, 341: 227, 47: 31, 100: 34}[count]
    image = Image.fromarray(np.arange(width * count, dtype=np.uint32).reshape(count, width).astype(np.uint8))
    expected = np.asarray(image.resize((side, longer), Image.Resampling.BILINEAR))
    signature = ImageInput(longer, side, 1, "none", resize=side, crop=(longer, side))
    assert np.array_equal(to_array(image, signature)[..., 0], expected)


@pytest.mark.parametrize("size", [(40, 61), (61, 40), (90, 8), (8, 90), (46, 34), (200, 8)])
def test_padding_is_that_of_pillow(size):
    image = make_pattern(*size)
    expected = ImageOps.pad(image, (23, 17), Image.Resampling.BILINEAR)
    assert np.array_equal(to_array(image, ImageInput(17, 23, 3, "none", resize="pad")), expected)


def test_strip_is_padded_without_a_large_array():
    array = to_array(Image.new("L", (9000, 8), 255), ImageInput(10, 10, 1, "none", resize="pad"))
    assert array[..., 0].max(axis=1).tolist() == [0.0] * 4 + [255.0] + [0.0] * 5


@pytest.mark.xdist_group("tensorflow")
def test_resizing_without_antialiasing_is_that_of_tensorflow():
    import tensorflow as tf

    rng = np.random.default_rng(1)
    for _ in range(25):
        (height, width), size = rng.integers(8, 60, 2), [int(side) for side in rng.integers(1, 70, 2)]
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        for method in ("bilinear", "nearest"):
            signature = ImageInput(*size, 3, "none", interpolation=method, antialias=False)
            difference = to_array(Image.fromarray(pixels), signature) - tf.image.resize(pixels, size, method).numpy()
            assert np.abs(difference).max() < 1e-4, (height, width, size, method)


@pytest.mark.xdist_group("tensorflow")
def test_images_of_a_folder_are_those_of_keras(tmp_path):
    import keras

    for name in "ab":
        (tmp_path / name).mkdir()
    path = tmp_path / "a" / "image.png"
    for size in ((41, 30), (30, 41)):
        image = make_pattern(*size)
        image.save(path)
        image.save(tmp_path / "b" / "image.png")
        for crops in (False, True):
            options = {"image_size": (17, 23), "batch_size": 1, "verbose": False, "crop_to_aspect_ratio": crops}
            expected = next(iter(keras.utils.image_dataset_from_directory(tmp_path, **options)))[0].numpy()[0]
            signature = ImageInput(17, 23, 3, "none", resize="crop" if crops else "stretch", antialias=False)
            assert np.abs(to_array(image, signature) - expected).max() < 1e-3
        for color_mode, channels in (("rgb", 3), ("grayscale", 1)):
            loaded = keras.utils.load_img(path, target_size=(17, 23), color_mode=color_mode)
            signature = ImageInput(17, 23, channels, "none", interpolation="nearest")
            assert np.array_equal(to_array(image, signature), keras.utils.img_to_array(loaded))
