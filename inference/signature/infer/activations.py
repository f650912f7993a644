"""Infer the activation to apply to the scores of a classifier, and refuse to guess it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from inference.errors import InvalidSignature
from inference.postprocessing import SUM_TOLERANCE
from inference.signature.base import check_choice
from inference.signature.infer.messages import MANIFEST_NAME
from inference.signature.outputs import ACTIVATIONS

Numbers = npt.NDArray[np.float64]
Inferred = tuple[dict[str, Any], str]
"""Keys of `[output]`, and the notice that describes how they were derived, or an empty string."""

BOUNDED_ACTIVATIONS = ("softmax", "sigmoid")


def infer_activation(
    output: Mapping[str, Any], *, final: str, scores: Numbers | None, width: int | None, has_scores: bool
) -> Inferred:
    """Return the keys `activation` and `independent` of `[output]`.

    Args:
        output: `kind` and perhaps `activation`, from `model.toml` or the runtime.
        final: the activation of the artifact's final layer; empty if unknown.
        scores: the outputs for sample inputs, shape `(inputs, width)`; None if there are none.
        width: the number of outputs.
        has_scores: whether the runtime returns scores from 0 to 1, such as those of `predict_proba`.

    Raises:
        InvalidSignature: the activation contradicts the artifact or the samples, or neither of them defines it.
    """
    width = scores.shape[1] if scores is not None else width
    if final == "softmax" and width == 1:
        raise InvalidSignature(
            "The network applies softmax to one number, which always results in 1. Use sigmoid in the final layer, and "
            "train the network again."
        )
    declared = output.get("activation")
    if declared is not None:
        check_choice("activation", declared, ACTIVATIONS)
        _check_declared(str(declared), final=final, scores=scores, width=width)
        return _add_independent(output, {}, scores, activation=str(declared))
    activation, notice = _derive(str(output["kind"]), final=final, scores=scores, width=width, has_scores=has_scores)
    keys, other_notice = _add_independent(output, {"activation": activation}, scores, activation=activation)
    return keys, notice or other_notice


def _derive(kind: str, *, final: str, scores: Numbers | None, width: int | None, has_scores: bool) -> tuple[str, str]:
    """Return the activation, and a notice or an empty string."""
    if _add_up_to_one(scores):
        return "none", ""
    if final == "sigmoid" or (final == "softmax" and scores is None):
        notice = "threshold 0.5 for the second label, because the network ends with sigmoid for one number."
        return "none", notice if width == 1 and kind == "classes" else ""
    if final in ("linear", "log_softmax"):
        is_exclusive = kind == "classes" and width != 1
        activation = "softmax" if is_exclusive else "sigmoid"
        if is_exclusive or final == "linear":
            return activation, f"activation: {activation}, because the network ends with {final} and has labels."
    if kind == "classes" and _are_logarithms(scores):
        return "softmax", "activation: softmax, because the outputs for sample inputs are the logarithms of probabilities."
    if scores is None or (has_scores and _are_in_range(scores)):
        return "none", ""
    raise InvalidSignature(_explain_choices(kind, scores, width=width))


def _explain_choices(kind: str, scores: Numbers, *, width: int | None) -> str:
    if kind == "labels":
        choices = '"none" if the outputs are scores from 0 to 1, or "sigmoid" if they are logits'
    elif width == 1:
        choices = '"none" if the output is the probability of the second label, or "sigmoid" if it is a logit'
    else:
        choices = '"none" if the outputs are probabilities, "softmax" if logits, or "sigmoid" for independent labels'
    return (
        f"Expected activation in [output] of {MANIFEST_NAME}, because the artifact does not define it: {choices}. "
        f"{_describe_samples(scores)} {_explain_other_kind(width)}"
    )


def _explain_other_kind(width: int | None) -> str:
    return f'If they are none of these, remove the labels and set [output] kind = "{"value" if width == 1 else "raw"}".'


def _check_declared(activation: str, *, final: str, scores: Numbers | None, width: int | None) -> None:
    """Reject an activation that the network has already applied, or that cannot result in scores."""
    if activation == "none":
        if scores is not None and not _are_in_range(scores):
            choices = '"sigmoid"' if width == 1 else '"softmax", or "sigmoid" for independent labels'
            raise InvalidSignature(
                f'The activation cannot be "none": expected outputs from 0 to 1. {_describe_samples(scores)} If they are '
                f"logits, set activation in [output] to {choices}. {_explain_other_kind(width)}"
            )
        return
    if activation == "softmax" and width == 1:
        raise InvalidSignature(
            'The softmax of one number is always 1. Set activation in [output] to "sigmoid" if the output is a logit, or to '
            '"none" if it is the probability of the second label.'
        )
    if final in BOUNDED_ACTIVATIONS or _add_up_to_one(scores):
        reason = f"the network ends with {final}" if final in BOUNDED_ACTIVATIONS else "its outputs add up to 1"
        raise InvalidSignature(
            f"The model already returns scores: {reason}. Remove activation = {activation!r} from [output], which would "
            "change them."
        )


def _add_independent(
    output: Mapping[str, Any], keys: dict[str, Any], scores: Numbers | None, *, activation: str
) -> Inferred:
    """Add `independent` if the scores of a classifier do not add up to 1."""
    if output["kind"] != "classes" or "independent" in output or scores is None or scores.shape[1] == 1:
        return keys, ""
    if activation == "softmax" or _add_up_to_one(scores):
        return keys, ""
    if activation == "none" and not _are_in_range(scores):
        return keys, ""
    notice = "the scores need not add up to 1, because those of sample inputs do not. The label has the highest score."
    return {**keys, "independent": True}, notice


def _add_up_to_one(scores: Numbers | None) -> bool:
    if scores is None or scores.shape[1] == 1:
        return False
    return bool(scores.min() >= -SUM_TOLERANCE and np.abs(scores.sum(axis=1) - 1).max() <= SUM_TOLERANCE)


def _are_logarithms(scores: Numbers | None) -> bool:
    """Return whether the outputs are logarithms of probabilities, as those of `LogSoftmax`. Softmax undoes the logarithm."""
    return scores is not None and bool(scores.max() <= SUM_TOLERANCE) and _add_up_to_one(np.exp(scores))


def _are_in_range(scores: Numbers) -> bool:
    return bool(scores.min() >= -SUM_TOLERANCE and scores.max() <= 1 + SUM_TOLERANCE)


def _describe_samples(scores: Numbers) -> str:
    width = scores.shape[1]
    sums = "" if width == 1 or _add_up_to_one(scores) else " and do not add up to 1"
    return f"For sample inputs, the outputs range from {scores.min():.4g} to {scores.max():.4g}{sums}."
