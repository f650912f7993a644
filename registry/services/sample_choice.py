"""Choose the row on which a model runs when it is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from inference.batch_check import find_fixed_batch_size
from inference.errors import InvalidSignature, ModelFailed
from inference.examples import Example
from inference.predictor import Predictor
from inference.preprocessing import make_sample_input
from inference.runtimes.reasons import shorten_reason
from inference.signature import TableInput, TextInput
from inference.types import BatchFunction, ModelSpec


def choose_sample(spec: ModelSpec, run_batch: BatchFunction, examples: Sequence[Example], *, is_declared: bool) -> ModelSpec:
    """Run the model on its sample input, and if it fails on that row, on the first example. Return the spec with the sample.

    The sample is part of the signature, because the model also runs on it whenever it is loaded.

    Args:
        is_declared: `model.toml` describes the input.

    Raises:
        InvalidSignature: the model fails on its sample row, and there is no example, or it runs only on several inputs.
        ModelError: the model fails on the example, too, or it takes no features.
    """
    try:
        _warm_up(spec, run_batch)
        return spec
    except ModelFailed as error:
        if size := find_fixed_batch_size(run_batch, spec):
            raise InvalidSignature(
                f"The model fails on one input, but runs on {size} at a time. Save it with a variable batch size (a dynamic "
                "axis), or with a batch size of 1."
            ) from error
        if isinstance(spec.signature.input, TextInput) and not is_declared:
            raise InvalidSignature(
                f"The model takes one string but failed on the text {make_sample_input(spec.signature.input)!r}. If it "
                'takes text, set kind = "text" and a valid example in [input]. If the string is an encoded image, set '
                'kind = "image".'
            ) from error
        if not isinstance(spec.signature.input, TableInput):
            raise
        row = next((example.features for example in examples if example.features), None)
        if row is None:
            columns = "" if is_declared else " If its code selects columns by name, list all columns in [input]."
            raise InvalidSignature(
                f"The model failed on a row of typical values: {shorten_reason(str(error.__cause__ or error))} "
                f"Add a row that it accepts to model.toml, as features of an [[examples]] table.{columns}"
            ) from error
    signature = replace(spec.signature, input=spec.signature.input.replace_examples(row))
    spec = replace(spec, signature=signature)
    _warm_up(spec, run_batch)
    return spec


def _warm_up(spec: ModelSpec, run_batch: BatchFunction) -> None:
    predictor = Predictor(spec, run_batch)
    try:
        predictor.warm_up()
    finally:
        predictor.close()
