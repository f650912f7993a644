"""Describe a version as rows of text: what registration understood. The command, the pages, and the admin show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from core.formatting import format_value
from inference.messages import format_bytes
from inference.signature import (
    AnyInput,
    AnyOutput,
    ClassesOutput,
    Feature,
    ImageInput,
    ImageTabularInput,
    LabelOutput,
    LabelsOutput,
    RawOutput,
    Signature,
    TableInput,
    TextInput,
    ValueOutput,
)
from registry.models import ModelVersion

MAX_LISTED_ITEMS = 20  # features, labels, or values
SCALE_FORMULAS = {
    "unit": "x / 255 (0 to 1)",
    "symmetric": "x / 127.5 - 1 (-1 to 1)",
    "standard": "(x / 255 - mean) / std",
    "none": "x (0 to 255)",
    "stored": "the values in the file",
}
RESIZE_DESCRIPTIONS: dict[Any, str] = {
    "stretch": "stretch to the size of the model",
    "crop": "crop to the aspect ratio around the center, then resize",
}
LAYOUT_DESCRIPTIONS = {
    "channels-last": "channels-last (height, width, channels)",
    "channels-first": "channels-first (channels, height, width)",
}
CHANNEL_DESCRIPTIONS = {1: "grayscale", 3: "RGB"}
TYPE_NAMES = {"float": "number", "integer": "whole number", "boolean": "true or false"}
DESCRIBED_IMAGE_KEYS = {"kind", "height", "width", "channels", "scale", "resize", "layout"}
OUTPUT_DESCRIPTIONS: dict[type[Any], str] = {
    ClassesOutput: "one score per label",
    LabelsOutput: "any number of labels, with one score per label",
    LabelOutput: "one label, without scores",
    ValueOutput: "one number",
    RawOutput: "JSON, without interpretation",
}


class DescriptionRow(NamedTuple):
    """One line of the description of a version."""

    section: str
    name: str
    value: str


def describe_version(version: ModelVersion) -> list[DescriptionRow]:
    """Return what registration understood about a version. The version need not be saved. Long lists are shortened."""
    signature = version.parsed_signature
    sections = {
        "Model": _describe_model(version),
        "Input": describe_input(signature.input),
        "Output": describe_output(signature.output, version.labels),
        "Checks": _describe_checks(version, signature),
        "Notices": [("", notice) for notice in version.notices],
    }
    return [DescriptionRow(section, name, value) for section, rows in sections.items() for name, value in rows if value]


def describe_input(signature_input: AnyInput) -> list[tuple[str, str]]:
    """Return (name, value) pairs that describe the input of a model."""
    if isinstance(signature_input, ImageInput):
        return list(_describe_image(signature_input))
    if isinstance(signature_input, ImageTabularInput):
        return [*_describe_image(signature_input.image), *_describe_features(signature_input.features)]
    if isinstance(signature_input, TextInput):
        return list(_describe_text(signature_input))
    if isinstance(signature_input, TableInput):
        return list(_describe_features(signature_input.features))
    return list(_describe_other_keys(signature_input.to_dict(), set()))


def describe_output(output: AnyOutput, labels: Sequence[str]) -> list[tuple[str, str]]:
    """Return (name, value) pairs that describe the output of a model."""
    data = output.to_dict()
    classes = data.get("classes", [])
    renamed = [f"{name} is {label}" for name, label in zip(classes, labels, strict=False)]
    return [
        ("Kind", f"{output.kind}: {OUTPUT_DESCRIPTIONS.get(type(output), '')}".removesuffix(": ")),
        ("Unit", output.unit),
        (f"Labels ({len(labels):,})", _shorten(labels) if labels else ""),
        ("Model's own classes", _shorten(renamed)),
        ("Name in the artifact", output.name),
        ("Activation", _describe_activation(data)),
        ("Decision", _describe_decision(output, labels)),
    ]


def _describe_model(version: ModelVersion) -> list[tuple[str, str]]:
    libraries = [f"{name} {number}" for name, number in version.libraries.items()]
    return [
        ("Version", str(version)),
        ("Task", version.model.get_task_display()),
        ("Runtime", version.runtime),
        ("Runs with", _describe_conversion(version)),
        ("Saved by", f"{version.framework} {version.framework_version}".strip()),
        ("Registered with", ", ".join(libraries)),
        ("Trusted", "yes: loading it can run its author's code" if version.trusted else "no: it is loaded as data"),
        ("Size", format_bytes(version.size)),
    ]


def _describe_conversion(version: ModelVersion) -> str:
    """Return what runs in place of the artifact; empty if the artifact itself runs."""
    if not version.conversion:
        return ""
    return f"ONNX Runtime, converted from Keras; largest difference {version.conversion['difference']:.0e}".replace(
        "e-0", "e-"
    )


def _describe_checks(version: ModelVersion, signature: Signature) -> list[tuple[str, str]]:
    count = len(version.examples)
    return [
        ("Concurrent inputs", "run one by one" if signature.single_rows else "run together as one batch"),
        ("Examples", f"{count} checked" if count else "none"),
    ]


def _describe_image(image: ImageInput) -> Iterator[tuple[str, str]]:
    if image.encoding:
        yield "Image", "passed to the model as a file"
        return
    colors = CHANNEL_DESCRIPTIONS.get(image.channels, "")
    yield "Image", f"{image.width} × {image.height} pixels, {image.channels} channel{'s'[: image.channels > 1]} ({colors})"
    yield "Scale", f"{image.scale}: {SCALE_FORMULAS.get(image.scale, '')}".removesuffix(": ")
    yield "Resize", RESIZE_DESCRIPTIONS.get(image.resize, _format_plain(image.resize))
    yield "Layout", LAYOUT_DESCRIPTIONS.get(image.layout, image.layout)
    yield from _describe_other_keys(image.to_dict(), DESCRIBED_IMAGE_KEYS)


def _describe_text(text: TextInput) -> Iterator[tuple[str, str]]:
    yield "Text", f"up to {text.max_length:,} characters"
    yield "Title", text.title
    yield "Description", text.description
    yield "Name in the artifact", text.name


def _describe_features(features: Sequence[Feature]) -> Iterator[tuple[str, str]]:
    yield "Features", f"{len(features):,}"
    for feature in features[:MAX_LISTED_ITEMS]:
        yield feature.name, "; ".join(_describe_feature(feature))
    if len(features) > MAX_LISTED_ITEMS:
        yield "…", f"and {len(features) - MAX_LISTED_ITEMS:,} more features"


def _describe_feature(feature: Feature) -> Iterator[str]:
    low, high = (None if bound is None else format_value(bound) for bound in (feature.min, feature.max))
    unit = f" in {feature.unit}" if feature.unit else ""
    bounds = f", {low} to {high}" if low and high else f", {low} or more" if low else f", {high} or less" if high else ""
    yield TYPE_NAMES.get(feature.type, feature.type) + unit + ("" if feature.values else bounds)
    if feature.values:
        yield f"one of {_shorten(map(format_value, feature.values))}"
    if feature.default is not None:
        yield f"default {format_value(feature.default)}"
    else:
        yield "required" if feature.required else "can be missing"


def _describe_activation(data: dict[str, Any]) -> str:
    activation = data.get("activation")
    if activation in (None, "none"):
        return "none: the output is used as it is" if activation else ""
    return f"{activation}, applied to the output"


def _describe_decision(output: AnyOutput, labels: Sequence[str]) -> str:
    """Return how the label or labels of a prediction are chosen."""
    if getattr(output, "label_name", ""):
        return f"by the model itself (output {getattr(output, 'label_name', '')})"
    if isinstance(output, LabelsOutput):
        if len(output.thresholds) == 1:
            return f"each label whose score is at least {format_value(output.thresholds[0])}"
        numbers = [f"{label} {format_value(number)}" for label, number in output.get_thresholds(labels).items()]
        return f"each label whose score is at least its threshold: {_shorten(numbers)}"
    if not isinstance(output, ClassesOutput):
        return ""
    if output.threshold is not None and len(labels) == 2:
        return f"{labels[1]} if its score is at least {format_value(output.threshold)}, otherwise {labels[0]}"
    return "the label with the highest score"


def _describe_other_keys(data: dict[str, Any], known: set[str]) -> Iterator[tuple[str, str]]:
    """Return the remaining keys of a part of the signature as they are written in `model.toml`."""
    for name, value in data.items():
        if name not in known:
            yield name.replace("_", " ").capitalize(), _format_plain(value)


def _format_plain(value: Any) -> str:
    return _shorten(map(_format_plain, value)) if isinstance(value, list | tuple) else format_value(value)


def _shorten(items: Iterable[str]) -> str:
    """Return the items separated by commas. After the first `MAX_LISTED_ITEMS`, only their number is given."""
    texts = list(items)
    more = f" … and {len(texts) - MAX_LISTED_ITEMS:,} more" if len(texts) > MAX_LISTED_ITEMS else ""
    return ", ".join(texts[:MAX_LISTED_ITEMS]) + more
