"""Made-up inputs: rows of features, or a few pictures that are asked about again and again."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from django.core.files.base import ContentFile
from PIL import Image

from core.uploads import get_image_limits
from demo.services.seed.features import draw_rows
from inference.signature import ImageInput, TableInput
from predictions.models import Input
from predictions.services.inputs import prepare_input
from registry.models import ModelVersion

Picture = dict[str, Any]
"""The columns of an input that say which file it is."""

COLUMNS = ("kind", "image", "sha256", "content_type", "width", "height", "size", "original_name")
LARGEST = 64  # pixels of a side: nobody looks at them for long, and they are to fit on the disk


def draw_inputs(
    version: ModelVersion, ages: npt.NDArray[np.float64], pictures: list[Picture], rng: np.random.Generator
) -> list[Input]:
    """Return one input for each age, checked like any other, not stored yet and nobody's yet."""
    taken = version.parsed_signature.input
    if isinstance(taken, TableInput):
        return [prepare_input(version, user=None, features=row).row for row in draw_rows(taken, ages, rng)]
    return [Input(**pictures[number]) for number in rng.integers(0, len(pictures), len(ages))]


def store_pictures(version: ModelVersion, *, count: int, rng: np.random.Generator) -> list[Picture]:
    """Draw and store files for a model that takes images; for one that takes rows there are none."""
    taken = version.parsed_signature.input
    if not isinstance(taken, ImageInput):
        return []
    return [_store(version, ContentFile(_draw(taken, rng), name=f"seed-{number}.png")) for number in range(1, count + 1)]


def _store(version: ModelVersion, file: ContentFile) -> Picture:
    asked = prepare_input(version, user=None, image=file)
    asked.row.image.save(asked.row.original_name, ContentFile(asked.data), save=False)
    return {name: getattr(asked.row, name) for name in COLUMNS} | {"image": asked.row.image.name}


def _draw(taken: ImageInput, rng: np.random.Generator) -> bytes:
    """Return a PNG of a bright spot somewhere near the middle, with noise that makes it unlike any other."""
    smallest = get_image_limits().min_side
    height, width = (max(min(side, LARGEST), smallest) for side in (taken.height, taken.width))
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    middle, reach = rng.uniform(0.3, 0.7, 2), rng.uniform(0.1, 0.3)
    spot = np.exp(-((down - middle[0]) ** 2 + (across - middle[1]) ** 2) / reach**2)
    shades = np.uint8(200 * spot + rng.integers(0, 50, spot.shape))
    out = BytesIO()
    Image.fromarray(shades).convert("L" if taken.channels == 1 else "RGB").save(out, "PNG")
    return out.getvalue()
