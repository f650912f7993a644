"""ONNX models of images whose preprocessing is stated by a preset or in `model.toml`."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

from inference.tests.factories import make_onnx_model, run_onnx, write_onnx
from inference.tests.profiles import DISPLAY_P3, make_profile
from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact
from mlsite.tests.artifact_kinds.pictures import (
    SIDE,
    Pixels,
    calibrate_gain,
    encode,
    list_expected,
    make_pictures,
    make_rgb_inputs,
    write_manifest,
)

IMAGENET_MEAN, IMAGENET_STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


def _open(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def _resize(image: Image.Image) -> Pixels:
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)


def _build_onnx(
    folder: Path,
    inputs: list[bytes],
    preprocess: Callable[[Image.Image], Pixels],
    toml: str,
    *,
    channels: int = 3,
    dtype: str = "FLOAT",
) -> BuiltArtifact:
    """Build a convolutional network with channels first, and a `model.toml` with further keys of `[input]`.

    Args:
        preprocess: returns an array `(height, width)` or `(height, width, channels)`.
    """
    from onnx import TensorProto, helper

    rng = np.random.default_rng(3)
    kernels, classes = rng.normal(size=(6, channels, 3, 3)), rng.normal(size=(6, 3))
    steps = [("Cast", "image"), ("Conv", "cast", "kernels"), ("Relu", "conv"), ("GlobalAveragePool", "relu")]
    steps += [("Flatten", "globalaveragepool"), ("MatMul", "flatten", "classes"), ("Softmax", "matmul")]
    options = {"Cast": {"to": TensorProto.FLOAT}}
    nodes = [helper.make_node(name, operands, [name.lower()], **options.get(name, {})) for name, *operands in steps]
    image = ["image", getattr(TensorProto, dtype), ["n", channels, SIDE, SIDE]]
    arrays = [preprocess(_open(data)).reshape(SIDE, SIDE, channels).transpose(2, 0, 1) for data in inputs]
    batch = np.stack(arrays).astype(np.uint8 if dtype == "UINT8" else np.float32)

    def compute_scores(gain: float) -> Pixels:
        weights = {"kernels": (kernels * gain).astype(np.float32), "classes": classes.astype(np.float32)}
        model = make_onnx_model(nodes, [image], [["softmax", TensorProto.FLOAT, ["n", 3]]], **weights)
        return run_onnx(write_onnx(model, folder / "model.onnx"), {"image": batch})["softmax"]

    scores = calibrate_gain(compute_scores)
    write_manifest(folder, "model.onnx", toml)
    return BuiltArtifact(folder, inputs, list_expected(scores))


def _build_torchvision(folder: Path) -> BuiltArtifact:
    """Build a network with the transforms Resize(28), CenterCrop(24), ToTensor(), and Normalize(ImageNet)."""

    def preprocess(image: Image.Image) -> Pixels:
        longer = int(28 * max(image.size) / min(image.size))
        size = (28, longer) if image.width <= image.height else (longer, 28)
        resized = image.resize(size, Image.Resampling.BILINEAR)
        left, top = round((resized.width - SIDE) / 2), round((resized.height - SIDE) / 2)
        cropped = np.asarray(resized, np.float32)[top : top + SIDE, left : left + SIDE]
        return (cropped / np.float32(255) - IMAGENET_MEAN) / IMAGENET_STD

    toml = f'preset = "torchvision-imagenet"\nresize = 28\ncrop = {SIDE}\n'
    return _build_onnx(folder, make_rgb_inputs(), preprocess, toml)


def _build_padded(folder: Path) -> BuiltArtifact:
    """Build a network with the transforms Resize((20, 16)), CenterCrop(24), and ToTensor()."""

    def preprocess(image: Image.Image) -> Pixels:
        padded = np.zeros((SIDE, SIDE, 3), np.float32)
        padded[2:22, 4:20] = np.asarray(image.resize((16, 20), Image.Resampling.BILINEAR))
        return padded / 255

    return _build_onnx(folder, make_rgb_inputs(), preprocess, 'resize = [20, 16]\ncrop = 24\nscale = "unit"\n')


def _build_bgr(folder: Path) -> BuiltArtifact:
    toml = 'scale = "symmetric"\norder = "bgr"\n'
    return _build_onnx(folder, make_rgb_inputs(), lambda image: _resize(image)[..., ::-1] / 127.5 - 1, toml)


def _build_deep(folder: Path) -> BuiltArtifact:
    rng = np.random.default_rng(4)
    size = (SIDE, SIDE)
    deep = [(pixels[..., 0] * 16.0 + rng.integers(0, 16, size)).astype(np.uint16) for pixels in make_pictures(1, size=size)]
    inputs = [encode(Image.fromarray(pixels)) for pixels in deep]
    toml = 'bits = 12\nscale = "unit"\n'
    return _build_onnx(folder, inputs, lambda image: np.asarray(image) / 4095, toml, channels=1)


def _build_transparent(folder: Path) -> BuiltArtifact:
    inputs = [encode(Image.fromarray(pixels)) for pixels in make_pictures(4)]

    def preprocess(image: Image.Image) -> Pixels:
        canvas = Image.new("RGBA", image.size, "black")
        canvas.alpha_composite(image)
        return _resize(canvas.convert("RGB")) / 255

    return _build_onnx(folder, inputs, preprocess, 'background = "black"\nscale = "unit"\n')


def _build_display_p3(folder: Path) -> BuiltArtifact:
    profile = make_profile(DISPLAY_P3, 2.2)
    inputs = [encode(Image.fromarray(pixels), icc_profile=profile) for pixels in make_pictures()]

    def preprocess(image: Image.Image) -> Pixels:
        source = ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"]))
        converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"))
        assert converted is not None
        return _resize(converted) / 255

    return _build_onnx(folder, inputs, preprocess, 'color = "srgb"\nscale = "unit"\n')


def _build_gray(folder: Path) -> BuiltArtifact:
    return _build_onnx(
        folder, make_rgb_inputs(), lambda image: _resize(image.convert("L")) / 255, 'scale = "unit"\n', channels=1
    )


def _build_bytes(folder: Path) -> BuiltArtifact:
    return _build_onnx(folder, make_rgb_inputs(), _resize, "", dtype="UINT8")


KINDS = (
    ArtifactKind("ONNX with the transforms of torchvision", "size and layout", "preset, resize, crop", _build_torchvision),
    ArtifactKind("ONNX of padded images", "size and layout", "resize, crop, scale", _build_padded),
    ArtifactKind("ONNX of BGR images", "size and layout", "scale, order", _build_bgr),
    ArtifactKind("ONNX of 12-bit images", "size and layout", "scale, bits", _build_deep),
    ArtifactKind("ONNX of transparent images on black", "size and layout", "scale, background", _build_transparent),
    ArtifactKind("ONNX of sRGB images", "size and layout", "scale, color", _build_display_p3),
    ArtifactKind("ONNX of grayscale images", "size, channels, and layout", "scale", _build_gray),
    ArtifactKind("ONNX of bytes", "size, layout, and scale none, from the type uint8", "", _build_bytes),
)
