"""Match the labels with the model's own classes. The order of the classes is never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.errors import InvalidSignature
from inference.messages import format_names
from inference.numbers import INTEGER_PATTERN
from inference.postprocessing import format_class
from inference.signature.infer.messages import MANIFEST_NAME
from inference.signature.infer.samples import SampleOutputs

MAX_REPEATED_SHARE = 0.05  # of the labels; more repetitions are a mistake, which validation rejects


def match_labels(
    labels: tuple[str, ...], *, own_classes: tuple[str, ...], declared_classes: tuple[str, ...], width: int | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels in the order of the outputs, and the model's own classes in the same order, if they are known.

    Args:
        labels: from the user, one for each declared class or else for each own class.
        own_classes: from the artifact; empty if unknown.
        declared_classes: `classes` from `model.toml`.
        width: the number of outputs, if known.

    Raises:
        InvalidSignature: a number does not match, or the labels are the own classes in another order.
    """
    all_labels = labels or declared_classes or own_classes
    check_label_count(all_labels, width)
    if declared_classes and len(declared_classes) != len(all_labels):
        raise InvalidSignature(
            f"Expected as many classes as labels. Received: {len(declared_classes)} and {len(all_labels)}"
        )
    if not (own_classes and declared_classes):
        _check_order(labels, own_classes)
        return all_labels, own_classes or declared_classes
    if sorted(own_classes) != sorted(declared_classes):
        raise InvalidSignature(
            f"Expected classes in [output] to be those of the artifact: {format_names(own_classes)}. "
            f"Received: {format_names(declared_classes)}"
        )
    label_by_class = dict(zip(declared_classes, all_labels, strict=True))
    return tuple(label_by_class[name] for name in own_classes), own_classes


def check_label_count(labels: Sequence[str], width: int | None) -> None:
    if not labels:
        count = {None: "one for each class", 1: "two for an output of one number"}.get(
            width, f"one for each of {width} outputs"
        )
        kinds = {None: '"value" or "raw"', 1: '"value"'}.get(width, '"raw"')
        raise InvalidSignature(
            f"Expected labels, in {MANIFEST_NAME} or with --labels FILE: {count}. If the model is not a classifier, "
            f"set [output] kind = {kinds}."
        )
    if width is not None and width != len(labels) and (width, len(labels)) != (1, 2):
        expected = f"{width} labels, one for each output" if width > 1 else "2 labels for an output of one number"
        raise InvalidSignature(f"Expected {expected}. Received: {len(labels)}")


def number_repeated_labels(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return labels with a number after the few names that are repeated, and a notice if there are any.

    The 1,000 classes of ImageNet contain two cranes, a bird and a machine: they become `crane` and `crane (2)`.
    """
    unique: dict[str, None] = {}  # ordered, and fast to search in long lists
    for label in labels:
        names = (label if number == 1 else f"{label} ({number})" for number in range(1, len(labels) + 1))
        unique[next(name for name in names if name not in unique)] = None
    changed = [after for before, after in zip(labels, unique, strict=True) if before != after]
    if not changed or len(changed) > MAX_REPEATED_SHARE * len(labels):
        return list(labels), []
    return list(unique), [f"labels: {', '.join(changed)[:100]}, because labels must be unique and these names are repeated."]


def returns_labels(labels: Sequence[str], *, dtype: str, name: str, samples: SampleOutputs) -> bool:
    """Return whether the model returns the labels themselves, not numbers that stand for them.

    Args:
        dtype, name: of the output with the label.

    Raises:
        InvalidSignature: the model returns other texts or numbers.
    """
    values = [value.item() if isinstance(value, np.ndarray) and value.size == 1 else value for value in samples.select(name)]
    is_text = dtype == "str" or (dtype in ("", "object") and all(isinstance(value, str | bytes) for value in values))
    if not is_text and not all(INTEGER_PATTERN.fullmatch(label) for label in labels) and set(labels) != {"True", "False"}:
        return False
    if unknown := sorted({format_class(value).removesuffix(".0") for value in values} - set(labels)):
        raise InvalidSignature(
            f"The model returns {format_names(unknown)}, but the labels are {format_names(labels)}. If the labels are other "
            f"names for the model's own classes, set classes in [output] of {MANIFEST_NAME}: the own class for each label, "
            "in the same order."
        )
    return True


def is_own_decision(
    labels: Sequence[str], *, name: str, scores_name: str, samples: SampleOutputs, is_named: bool = False
) -> bool:
    """Return whether an output next to the scores is the label that the model itself decides on, for all samples.

    Args:
        is_named: `model.toml` names the scores. Then an output of numbers that are no labels is not compared with them.

    Raises:
        InvalidSignature: the highest score is not that of the label, or of the number that stands for it.
    """
    received = [format_class(value) for value in samples.select(name)]
    is_decision = bool(received) and set(received) <= set(labels)
    known = list(labels) if is_decision else [str(position) for position in range(len(labels))]
    if not received or not set(received) <= set(known) or (is_named and not is_decision):
        return False
    scores = samples.get_numbers(scores_name)
    if scores is None or scores.shape != (len(received), len(labels)):
        return is_decision
    for decision, index in zip(received, np.argmax(scores, axis=1), strict=True):
        if known[index] != decision:
            raise InvalidSignature(
                f"The output {name} contradicts the scores: it is {decision!r} for an input whose highest score is at "
                f"position {index + 1} of {scores_name}, which is {labels[index]!r} in the labels {format_names(labels)}. "
                "Use the order of the model's classes. scikit-learn sorts them. If the numbers are no scores, "
                f'such as distances to clusters, store only the label: set kind = "label", name = "{name}", and '
                f"classes in [output] of {MANIFEST_NAME}: the model's own class for each label, in the same order."
            )
    return is_decision


def make_classes_error(labels: Sequence[str], *, dtype: str, name: str, samples: SampleOutputs) -> InvalidSignature:
    """Return the error for a model that returns numbers without defining which label each of them is."""
    received = sorted({format_class(value) for value in samples.select(name)})
    seen = f" For sample inputs, it returns {format_names(received)}." if received else ""
    example = "[false, true]" if dtype == "bool" else str(list(range(len(labels)))[:5])
    return InvalidSignature(
        f"Expected classes in [output] of {MANIFEST_NAME}, because the model returns numbers and the artifact does not "
        f"define their labels. List the model's own class for each of the labels {format_names(labels)}, in the same "
        f"order. For example: classes = {example}.{seen}"
    )


def _check_order(labels: Sequence[str], own_classes: Sequence[str]) -> None:
    """Reject labels if one is the model's own name of another class, ignoring case and whitespace."""
    normalized = [_normalize_name(name) for name in own_classes]
    for label, own_class in zip(labels, own_classes, strict=False):
        if label == own_class or (label not in own_classes and _normalize_name(label) == _normalize_name(own_class)):
            continue
        if label in own_classes or _normalize_name(label) in normalized:
            raise InvalidSignature(
                f"The labels are in another order than the artifact's own classes. Expected: {format_names(own_classes)}. "
                f"Received: {format_names(labels)}. Reorder the labels, or remove them to use the artifact's names. To "
                f"rename the classes nevertheless, set classes in [output] of {MANIFEST_NAME}: the own class for each "
                "label, in the same order."
            )


def _normalize_name(name: str) -> str:
    """Return a name without differences in case, whitespace, and number format: `3.0` is `3`."""
    text = " ".join(name.replace("_", " ").replace("-", " ").casefold().split()) or name
    try:
        return f"{float(name):g}"
    except ValueError:
        return text


def get_declared_classes(declared_output: Mapping[str, Any]) -> tuple[str, ...]:
    """Return `classes` as strings. TOML can contain integers and booleans, as the model returns them."""
    classes = declared_output.get("classes", ())
    if not isinstance(classes, list | tuple):
        raise InvalidSignature(f"Expected classes in [output] to be a list. Received: {classes!r:.100}")
    return tuple(format_class(name) for name in classes)
