"""Measure how fast large photos become model inputs, compared with Pillow alone.

    PYTHONPATH=. python benchmarks/big_images.py

Each contender prepares the same photos of 12 megapixels in as many threads as there are cores, in turns. A ratio compares
two contenders of the same round, so that changes in the load of the machine affect both.

- mlsite: `read_image` with all its checks, and `prepare_input`.
- draft: Pillow's `draft` and `resize` without any check.
- full: what a program by hand does: open, rotate, convert, and resize at full size.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_images

from inference.preprocessing import ImageLimits, prepare_input, read_image
from inference.signature import ImageInput

LIMITS = ImageLimits()
PHOTO_SIZE = (4000, 3000)
NOISE_LEVELS = 4  # of 255: standard deviation of the noise of a camera
ROUND_COUNT = 5
IMAGES_PER_ROUND = 8
MODELS = {
    "28 x 28, grayscale": ImageInput(28, 28, 1),
    "224 x 224, color": ImageInput(224, 224, 3),
    "256, cropped to 224 x 224": ImageInput(224, 224, 3, resize=256, crop=224),
}
Contender = Callable[[bytes, ImageInput], Any]


def make_photos() -> list[bytes]:
    """Return the two photos of scikit-learn as JPEG files of 12 megapixels, with the noise of a camera."""
    rng, photos = np.random.default_rng(0), []
    for pixels in load_sample_images().images:
        large = np.asarray(Image.fromarray(pixels).resize(PHOTO_SIZE, Image.Resampling.BICUBIC), np.float32)
        noisy = large + rng.normal(0, NOISE_LEVELS, large.shape).astype(np.float32)
        out = BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
        photos.append(out.getvalue())
    return photos


def prepare_with_mlsite(data: bytes, signature: ImageInput) -> Any:
    return prepare_input(signature, read_image(data, LIMITS, signature).image)


def prepare_with_draft(data: bytes, signature: ImageInput) -> Any:
    mode, size = _get_mode(signature), _get_size(signature)
    image = Image.open(BytesIO(data))
    image.draft(mode, size)
    return np.asarray(image.convert(mode).resize(size), np.float32) / 255


def prepare_in_full(data: bytes, signature: ImageInput) -> Any:
    mode, size = _get_mode(signature), _get_size(signature)
    image = ImageOps.exif_transpose(Image.open(BytesIO(data)))
    return np.asarray(image.convert(mode).resize(size), np.float32) / 255


CONTENDERS: dict[str, Contender] = {
    "mlsite": prepare_with_mlsite,
    "draft": prepare_with_draft,
    "full": prepare_in_full,
}


def _get_mode(signature: ImageInput) -> str:
    return "L" if signature.channels == 1 else "RGB"


def _get_size(signature: ImageInput) -> tuple[int, int]:
    side = signature.resize if isinstance(signature.resize, int) else signature.width
    return side, side


def measure_rate(contender: Contender, photos: list[bytes], signature: ImageInput, threads: ThreadPoolExecutor) -> float:
    """Return the images per second of all threads together."""
    started = perf_counter()
    list(threads.map(lambda index: contender(photos[index % len(photos)], signature), range(IMAGES_PER_ROUND)))
    return IMAGES_PER_ROUND / (perf_counter() - started)


def main() -> None:
    photos = make_photos()
    thread_count = os.cpu_count() or 1
    print(f"{thread_count} threads, photos of {[round(len(photo) / 1e6, 1) for photo in photos]} MB")
    with ThreadPoolExecutor(thread_count) as threads:
        for title, signature in MODELS.items():
            rounds = [
                {name: measure_rate(contender, photos, signature, threads) for name, contender in CONTENDERS.items()}
                for _ in range(ROUND_COUNT)
            ]
            print(f"{title}: {statistics.median(rates['mlsite'] for rates in rounds):.1f} images/s")
            for other in ("draft", "full"):
                ratios = sorted(rates["mlsite"] / rates[other] for rates in rounds)
                print(f"  mlsite / {other}: {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
