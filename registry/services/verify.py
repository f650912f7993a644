"""Does a model version load, and does it answer what is known of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from core.uploads import get_image_limits
from inference.examples import Example
from inference.predictor import WARM_UP_TIMEOUT_SECONDS, Predictor
from inference.preprocessing import read_features, read_image
from inference.signature import TableInput
from registry.models import ModelVersion
from registry.serving import lease_predictor

ROOM_TIMEOUT = 60  # seconds to wait for room, or for another thread that loads the version


def verify_version(version: ModelVersion) -> None:
    """Load a version as a request would, and ask it its examples.

    Raises:
        ModelUnavailable, ArtifactMismatch: when it does not load.
        ModelError: when it fails, or answers an example otherwise than at its registration.
        Overloaded: when other models are in use all the time and there is no room for it.
    """
    with lease_predictor(version, timeout=ROOM_TIMEOUT) as predictor:
        check_examples(predictor, map(Example.from_dict, version.examples), picture_of=lambda one: example_path(one.image))


def check_examples(predictor: Predictor, examples: Iterable[Example], *, picture_of: Callable[[Example], Path]) -> None:
    """Ask a predictor each example and compare.

    Raises:
        InvalidOutput: naming the first answer that differs.
        InvalidInput: when an example is no input that the model takes.
    """
    for example in examples:
        example.check(predictor.predict(_asked(predictor, example, picture_of), timeout=WARM_UP_TIMEOUT_SECONDS))


def example_path(image: str) -> Path:
    """Return where the picture of a registered version's example lies."""
    return Path(settings.MODEL_ROOT, image)


def _asked(predictor: Predictor, example: Example, picture_of: Callable[[Example], Path]) -> Any:
    taken = predictor.spec.signature.input
    if isinstance(taken, TableInput):
        return read_features(example.features, taken)
    return read_image(picture_of(example).read_bytes(), get_image_limits()).image
