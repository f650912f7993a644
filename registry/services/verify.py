"""Verify that a model version loads and reproduces its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from core.limits import get_image_limits
from inference.examples import Example
from inference.predictor import WARM_UP_TIMEOUT_SECONDS, Predictor
from inference.preprocessing import read_features, read_image
from inference.signature import AnyInput, TextInput, get_image_part, get_table_part
from inference.types import ImageRow, ModelInput
from registry.models import ModelVersion
from registry.services.model_files import get_example_path
from registry.serving import lease_predictor

LEASE_TIMEOUT_SECONDS = 60  # to wait for room in the pool, or for another thread that is loading the version


def verify_version(*, version: ModelVersion) -> None:
    """Load a version as a prediction request does, and compare its predictions for its examples.

    Raises:
        ModelUnavailable, ArtifactMismatch: the version does not load.
        ModelError: the version fails, or its prediction for an example is not the expected one.
        Overloaded: there is no room in the pool, because all loaded models are in use.
    """
    examples = map(Example.from_dict, version.examples)
    with lease_predictor(version, timeout=LEASE_TIMEOUT_SECONDS) as predictor:
        check_examples(predictor, examples, get_image_path=lambda example: get_example_path(example.image))


def check_examples(
    predictor: Predictor, examples: Iterable[Example], *, get_image_path: Callable[[Example], Path]
) -> list[ModelInput]:
    """Run a predictor on examples and compare the results with the expected ones. Return the inputs.

    Raises:
        InvalidOutput: with the first difference.
        InvalidInput: an example is not a valid input of the model.
    """
    inputs: list[ModelInput] = []
    for example in examples:
        inputs.append(read_example_input(predictor.spec.signature.input, example, get_image_path=get_image_path))
        example.check(predictor.predict(inputs[-1], timeout=WARM_UP_TIMEOUT_SECONDS))
    return inputs


def read_example_input(
    signature_input: AnyInput, example: Example, *, get_image_path: Callable[[Example], Path]
) -> ModelInput:
    """Return the input of an example as the predictor takes it.

    Raises:
        InvalidInput: the example is not a valid input of the model.
    """
    if isinstance(signature_input, TextInput):
        return signature_input.read(example.text)
    table = get_table_part(signature_input)
    row = read_features(example.features, table) if table else {}
    if "image" not in signature_input.parts:
        return row
    data = get_image_path(example).read_bytes()
    image = read_image(data, get_image_limits(), get_image_part(signature_input)).image
    return ImageRow(image, row) if table else image
