"""Generate inputs: rows of features, texts, or a few images that are used many times."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.files.base import ContentFile
from PIL import Image

from core.limits import get_image_limits
from demo.services.seed.features import draw_features
from inference.errors import InvalidInput
from inference.signature import ImageInput, ImageTabularInput, TableInput, TextInput
from predictions.models import Input
from predictions.services.inputs import prepare_input
from registry.models import ModelVersion

ImageColumns = dict[str, Any]
"""Columns of an input with a stored image."""

IMAGE_COLUMN_NAMES = ("kind", "image", "sha256", "content_type", "width", "height", "size", "original_name")
MAX_SIDE_PIXELS = 64  # keeps the files small


def draw_inputs(
    version: ModelVersion, ages: npt.NDArray[np.float64], images: list[ImageColumns], rng: np.random.Generator
) -> list[Input]:
    """Return an unsaved, validated input without a user per age."""
    signature = version.parsed_signature.input
    if isinstance(signature, TableInput):
        rows = draw_features(signature, ages, rng)
        return [prepare_input(version, user=None, features=row).row for row in rows]
    if isinstance(signature, TextInput):
        numbers = rng.integers(0, 10**9, len(ages))
        return [prepare_input(version, user=None, text=f"generated {number}").row for number in numbers]
    return [Input(**images[index]) for index in rng.integers(0, len(images), len(ages))]


def check_input_kind(version: ModelVersion) -> None:
    """Raise InvalidInput for a version whose inputs cannot be generated."""
    if isinstance(version.parsed_signature.input, ImageTabularInput):
        raise InvalidInput(f"Expected a model that takes images, features, or text. {version} takes images with features.")


def store_images(version: ModelVersion, *, count: int, rng: np.random.Generator) -> list[ImageColumns]:
    """Generate and store images for a model that takes images. For other models, return an empty list."""
    signature = version.parsed_signature.input
    if not isinstance(signature, ImageInput):
        return []
    files = (ContentFile(draw_image(signature, rng), name=f"seed-{number}.png") for number in range(1, count + 1))
    return [store_image(version, file) for file in files]


def store_image(version: ModelVersion, file: ContentFile) -> ImageColumns:
    prepared = prepare_input(version, user=None, image=file)
    row = prepared.row
    row.image.save(row.original_name, ContentFile(prepared.data), save=False)
    return {name: getattr(row, name) for name in IMAGE_COLUMN_NAMES} | {"image": row.image.name}


def draw_image(signature: ImageInput, rng: np.random.Generator) -> bytes:
    """Return a PNG image of a bright spot near the center, with noise so that no two images are equal."""
    min_side = get_image_limits().min_side
    height, width = (max(min(side, MAX_SIDE_PIXELS), min_side) for side in (signature.height, signature.width))
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    center, radius = rng.uniform(0.3, 0.7, 2), rng.uniform(0.1, 0.3)
    spot = np.exp(-((y - center[0]) ** 2 + (x - center[1]) ** 2) / radius**2)
    pixels = np.uint8(200 * spot + rng.integers(0, 50, spot.shape))
    buffer = BytesIO()
    Image.fromarray(pixels).convert("L" if signature.channels == 1 else "RGB").save(buffer, "PNG")
    return buffer.getvalue()
