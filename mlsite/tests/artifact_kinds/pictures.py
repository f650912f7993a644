"""Pictures and expected scores for kinds of image models."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mlsite.tests.artifact_kinds.kinds import Expected

LABELS = ("cat", "dog", "eel")
SIZES = ((41, 30), (30, 41), (36, 36), (29, 47), (33, 31))  # width and height of the inputs
SIDE = 24  # pixels of the models' inputs
GAINS = [10.0**exponent for exponent in np.arange(1, -5, -0.5)]

Pixels = Any
"""An array of shape `(height, width)` or `(height, width, channels)`."""


def make_pictures(channels: int = 3, *, size: tuple[int, int] | None = None) -> list[Pixels]:
    """Return pictures with smooth shapes, which look different in each channel and at each border."""
    rng, pictures = np.random.default_rng(12), []
    for own_size in SIZES:
        coarse = rng.integers(0, 256, (5, 4, channels), np.uint8)
        bands = [Image.fromarray(coarse[..., band]).resize(size or own_size) for band in range(channels)]
        pictures.append(np.stack([np.asarray(band) for band in bands], axis=-1))
    return pictures


def make_rgb_inputs() -> list[bytes]:
    return [encode(Image.fromarray(pixels)) for pixels in make_pictures()]


def encode(image: Image.Image, **options: Any) -> bytes:
    out = BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def list_expected(scores: Iterable[Any]) -> list[Expected]:
    return [Expected(LABELS[int(row.argmax())], dict(zip(LABELS, map(float, row), strict=True))) for row in scores]


def calibrate_gain(compute_scores: Callable[[float], Any]) -> Any:
    """Return the scores for the first gain of the weights with which they are neither equal nor 0 and 1."""
    for gain in GAINS:
        scores = compute_scores(gain)
        if np.ptp(scores, axis=0).max() > 0.05 and scores.max() < 0.95:
            return scores
    raise AssertionError(scores)


def write_manifest(folder: Path, artifact: str, toml: str) -> None:
    """Write a `model.toml` with further keys of `[input]`."""
    labels = ", ".join(f'"{label}"' for label in LABELS)
    (folder / "model.toml").write_text(f'artifact = "{artifact}"\nlabels = [{labels}]\n[input]\nkind = "image"\n{toml}')
