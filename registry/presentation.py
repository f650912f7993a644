"""Describe a version as rows of text: what registration detected. The command, the pages, and the admin show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.formatting import format_bounds, format_bytes, format_count, format_exact, format_value
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
SCALE_FORMULAS: dict[str, Any] = {
    "unit": "x / 255 (0 to 1)",
    "symmetric": "x / 127.5 - 1 (-1 to 1)",
    "standard": "(x / 255 - mean) / std",
    "none": "x (0 to 255)",
    "stored": _("the values in the file"),
}
RESIZE_DESCRIPTIONS: dict[Any, Any] = {
    "stretch": _("stretch to the size of the model"),
    "crop": _("crop to the aspect ratio around the center, then resize"),
    "pad": _("resize without distortion, with a black border"),
}
LAYOUT_DESCRIPTIONS: dict[str, Any] = {
    "channels-last": _("channels-last (height, width, channels)"),
    "channels-first": _("channels-first (channels, height, width)"),
}
CHANNEL_DESCRIPTIONS: dict[int, Any] = {1: _("grayscale"), 3: "RGB"}
NUMBER_NAME = pgettext_lazy("type of a feature", "number")  # the number of a version is another word in German
TYPE_NAMES: dict[str, Any] = {"float": NUMBER_NAME, "integer": _("whole number"), "boolean": _("true or false")}
DESCRIBED_IMAGE_KEYS = {"kind", "height", "width", "channels", "scale", "resize", "layout"}
OUTPUT_DESCRIPTIONS: dict[type[Any], Any] = {
    ClassesOutput: _("one score per label"),
    LabelsOutput: _("any number of labels, with one score per label"),
    LabelOutput: _("one label, without scores"),
    ValueOutput: _("one number"),
    RawOutput: _("JSON, without interpretation"),
}


class DescriptionRow(NamedTuple):
    """One line of the description of a version."""

    section: str
    name: str
    value: str


def describe_version(version: ModelVersion) -> list[DescriptionRow]:
    """Return what registration detected about a version. The version need not be saved. Long lists are shortened."""
    signature = version.parsed_signature
    sections = {
        gettext("Model"): _describe_model(version),
        gettext("Input"): describe_input(signature.input),
        gettext("Output"): describe_output(signature.output, version.labels),
        gettext("Checks"): _describe_checks(version, signature),
        gettext("Notices"): [("", notice) for notice in version.notices],
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
    renamed = [
        gettext("%(name)s is %(label)s") % {"name": name, "label": label}
        for name, label in zip(classes, labels, strict=False)
    ]
    return [
        (gettext("Kind"), f"{output.kind}: {OUTPUT_DESCRIPTIONS.get(type(output), '')}".removesuffix(": ")),
        (gettext("Unit"), output.unit),
        (gettext("Labels (%(count)s)") % {"count": format_count(len(labels))}, _shorten(labels) if labels else ""),
        (gettext("Model's own classes"), _shorten(renamed)),
        (gettext("Name in the artifact"), output.name),
        (gettext("Activation"), _describe_activation(data)),
        (gettext("Decision"), _describe_decision(output, labels)),
    ]


def _describe_model(version: ModelVersion) -> list[tuple[str, str]]:
    libraries = [f"{name} {number}" for name, number in version.libraries.items()]
    return [
        (gettext("Version"), str(version)),
        (gettext("Task"), version.model.get_task_display()),
        (gettext("Runtime"), version.runtime),
        (gettext("Runs with"), _describe_conversion(version)),
        (gettext("Saved by"), f"{version.framework} {version.framework_version}".strip()),
        (gettext("Registered with"), ", ".join(libraries)),
        (
            gettext("Trusted"),
            gettext("yes: loading it can run its author's code") if version.trusted else gettext("no: it is loaded as data"),
        ),
        (gettext("Size"), format_bytes(version.size)),
    ]


def _describe_conversion(version: ModelVersion) -> str:
    """Return what runs in place of the artifact; empty if the artifact itself runs."""
    if not version.conversion:
        return ""
    difference = f"{version.conversion['difference']:.0e}".replace("e-0", "e-")
    return gettext("ONNX Runtime, converted from Keras; largest difference %(difference)s") % {"difference": difference}


def _describe_checks(version: ModelVersion, signature: Signature) -> list[tuple[str, str]]:
    count = len(version.examples)
    return [
        (
            gettext("Concurrent inputs"),
            gettext("run one by one") if signature.single_rows else gettext("run together as one batch"),
        ),
        (gettext("Examples"), gettext("%(count)s checked") % {"count": count} if count else gettext("none")),
    ]


def _describe_image(image: ImageInput) -> Iterator[tuple[str, str]]:
    if image.encoding:
        yield gettext("Image"), gettext("passed to the model as a file")
        return
    colors = CHANNEL_DESCRIPTIONS.get(image.channels, "")
    text = ngettext(
        "%(width)s × %(height)s pixels, %(count)s channel (%(colors)s)",
        "%(width)s × %(height)s pixels, %(count)s channels (%(colors)s)",
        image.channels,
    )
    yield (
        gettext("Image"),
        text % {"width": image.width, "height": image.height, "count": image.channels, "colors": colors},
    )
    yield gettext("Scale"), f"{image.scale}: {SCALE_FORMULAS.get(image.scale, '')}".removesuffix(": ")
    yield gettext("Resize"), str(RESIZE_DESCRIPTIONS.get(image.resize, _format_plain(image.resize)))
    yield gettext("Layout"), str(LAYOUT_DESCRIPTIONS.get(image.layout, image.layout))
    yield from _describe_other_keys(image.to_dict(), DESCRIBED_IMAGE_KEYS)


def _describe_text(text: TextInput) -> Iterator[tuple[str, str]]:
    yield gettext("Text"), gettext("up to %(limit)s characters") % {"limit": format_count(text.max_length)}
    yield gettext("Title"), text.title
    yield gettext("Description"), text.description
    yield gettext("Name in the artifact"), text.name


def _describe_features(features: Sequence[Feature]) -> Iterator[tuple[str, str]]:
    yield gettext("Features"), format_count(len(features))
    for feature in features[:MAX_LISTED_ITEMS]:
        yield feature.name, "; ".join(_describe_feature(feature))
    if len(features) > MAX_LISTED_ITEMS:
        yield "…", gettext("and %(count)s more features") % {"count": format_count(len(features) - MAX_LISTED_ITEMS)}


def _describe_feature(feature: Feature) -> Iterator[str]:
    name = str(TYPE_NAMES.get(feature.type, feature.type))
    type_name = gettext("%(type)s in %(unit)s") % {"type": name, "unit": feature.unit} if feature.unit else name
    bounds = "" if feature.values else format_bounds(feature.min, feature.max)
    yield f"{type_name}, {bounds}" if bounds else type_name
    if feature.values:
        yield gettext("one of %(values)s") % {"values": _shorten(map(format_exact, feature.values))}
    if feature.default is not None:
        yield gettext("default %(value)s") % {"value": format_exact(feature.default)}
    else:
        yield gettext("required") if feature.required else gettext("can be missing")


def _describe_activation(data: dict[str, Any]) -> str:
    activation = data.get("activation")
    if activation in (None, "none"):
        return gettext("none: the output is used as it is") if activation else ""
    return gettext("%(activation)s, applied to the output") % {"activation": activation}


def _describe_decision(output: AnyOutput, labels: Sequence[str]) -> str:
    """Return how the label or labels of a prediction are chosen."""
    if getattr(output, "label_name", ""):
        return gettext("by the model itself (output %(name)s)") % {"name": getattr(output, "label_name", "")}
    if isinstance(output, LabelsOutput):
        if len(output.thresholds) == 1:
            threshold = format_exact(output.thresholds[0])
            return gettext("each label whose score is at least %(threshold)s") % {"threshold": threshold}
        numbers = [f"{label} {format_exact(number)}" for label, number in output.get_thresholds(labels).items()]
        return gettext("each label whose score is at least its threshold: %(numbers)s") % {"numbers": _shorten(numbers)}
    if not isinstance(output, ClassesOutput):
        return ""
    if output.threshold is not None and len(labels) == 2:
        return gettext("%(label)s if its score is at least %(threshold)s, otherwise %(other)s") % {
            "label": labels[1],
            "threshold": format_exact(output.threshold),
            "other": labels[0],
        }
    return gettext("the label with the highest score")


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
    shown = ", ".join(texts[:MAX_LISTED_ITEMS])
    if len(texts) <= MAX_LISTED_ITEMS:
        return shown
    return gettext("%(items)s … and %(count)s more") % {"items": shown, "count": format_count(len(texts) - MAX_LISTED_ITEMS)}
