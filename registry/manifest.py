"""Read the description of a model: a folder with a `model.toml`, or a bare artifact and a file with labels."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import InvalidSignature
from inference.examples import Example
from inference.messages import find_closest
from inference.runtimes.pipeline import PREPROCESS_SUFFIXES
from inference.signature.infer.labels import number_repeated_labels
from inference.signature.infer.messages import MANIFEST_NAME
from registry.cards import CardText, read_card
from registry.labels import read_labels
from registry.packages import check_package, derive_name

MANIFEST_KEYS = {
    "name",
    "title",
    "description",
    "artifact",
    "labels",
    "notes",
    "runtime",
    "input",
    "output",
    "preprocess",
    "examples",
    "metrics",
    "features",
    "background",
}
TOML_TYPES: dict[str, tuple[type, str]] = {
    "labels": (list, "an array"),
    "input": (dict, "a table"),
    "output": (dict, "a table"),
    "preprocess": (dict, "a table"),
    "examples": (list, "an array"),
    "metrics": (dict, "a table"),
    "features": (dict, "a table"),
}
DEFAULT_TOML_TYPE = (str, "a string")
MAX_SHOWN_CHARACTERS = 100  # of an invalid value in an error message


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a model. Registration reads empty fields from the artifact.

    Args:
        folder: contains the artifact and the images of the examples.
        artifact: a file or a folder.
        preprocess: the transformer that runs before the network, if there is one.
        card: the text of MODEL_CARD.md, and metrics that its author measured.
        background: rows of the training data (CSV), from which reference ranges are computed.
        notices: what was changed in the labels, one sentence each.
    """

    folder: Path
    artifact: Path
    name: str
    title: str = ""
    description: str = ""
    notes: str = ""
    runtime: str = ""
    labels: list[str] = field(default_factory=list)
    input: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    preprocess: Path | None = None
    card: CardText = field(default_factory=CardText)
    background: Path | None = None
    notices: tuple[str, ...] = ()

    def get_image_path(self, example: Example) -> Path:
        """Return the path of an example's image.

        Raises:
            InvalidSignature: the image is missing or outside the folder.
        """
        return _resolve_inside(self.folder, example.image, "the image of an example")


def read_manifest(
    path: Path, *, name: str = "", labels: Path | None = None, input_options: Mapping[str, Any] | None = None
) -> Manifest:
    """Read the manifest of a folder, or build one for a bare artifact.

    Args:
        path: a folder with a `model.toml`, or an artifact.
        name: overrides the name in the manifest.
        labels: a text file with one label per line. Overrides the labels in the manifest.
        input_options: override keys of `[input]` in the manifest.

    Raises:
        InvalidSignature: a file is missing or malformed.
    """
    if not path.exists():
        raise InvalidSignature(f"There is no file or folder {path}.")
    check_package(path)
    has_manifest = path.is_dir() and (path / MANIFEST_NAME).is_file()
    data: dict[str, Any] = _read_toml(path / MANIFEST_NAME) if has_manifest else {"artifact": path.resolve().name}
    folder = path.resolve() if has_manifest else path.resolve().parent
    notices: list[str] = []
    if labels:
        data["labels"], notices = read_labels(labels)
    _check_types(data)
    notices += _number_labels(data)
    _merge_features(data, data.pop("features", {}))
    if input_options:
        data["input"] = {**data.get("input", {}), **input_options}
    artifact = _resolve_inside(folder, data.pop("artifact", ""), "the artifact")
    data["name"] = name or data.get("name") or derive_name(artifact.name)
    data["examples"] = [Example.from_dict(example) for example in data.get("examples", [])]
    background = data.pop("background", "")
    data["background"] = _resolve_inside(folder, background, "background") if background else None
    data["preprocess"] = _resolve_preprocess(folder, data.pop("preprocess", {}))
    data["card"] = read_card(path, metrics=data.pop("metrics", {}))
    return Manifest(folder, artifact, **data, notices=tuple(notices))


def _resolve_inside(folder: Path, name: str, subject: str) -> Path:
    """Return the absolute path of a file or folder inside `folder`. Symbolic links that lead outside are rejected."""
    path = (folder / name.replace("\0", "")).resolve()
    if path == folder or not path.is_relative_to(folder):
        raise InvalidSignature(f"Expected {subject} to be a file or folder inside {folder}. Received: {path}")
    if not path.exists():
        raise InvalidSignature(f"Expected {subject} to be a file or folder inside {folder}. There is no {name}.")
    return path


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"{path} cannot be read as UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSignature(f"{path} is not valid TOML: {error}") from error
    if unknown := sorted(data.keys() - MANIFEST_KEYS):
        closest = find_closest(unknown[0], sorted(MANIFEST_KEYS))
        hint = f" Did you mean {closest}?" if closest else ""
        raise InvalidSignature(
            f"Expected only the keys {', '.join(sorted(MANIFEST_KEYS))} in {path}. Received: {unknown}.{hint}"
        )
    return data


def _check_types(data: dict[str, Any]) -> None:
    for name, value in data.items():
        expected_type, type_name = TOML_TYPES.get(name, DEFAULT_TOML_TYPE)
        if not isinstance(value, expected_type):
            shown = repr(value)[:MAX_SHOWN_CHARACTERS]
            raise InvalidSignature(f"Expected {name} to be {type_name}. Received: {shown}")
    if not all(isinstance(example, Mapping) for example in data.get("examples", [])):
        shown = repr(data["examples"])[:MAX_SHOWN_CHARACTERS]
        raise InvalidSignature(f"Expected examples to be tables: [[examples]]. Received: {shown}")


def _merge_features(data: dict[str, Any], features: Mapping[str, Any]) -> None:
    """Add the tables `[features.<name>]` to the features in `[input]`. Both have the same keys."""
    if not features:
        return
    if not all(isinstance(values, Mapping) for values in features.values()):
        shown = repr(features)[:MAX_SHOWN_CHARACTERS]
        raise InvalidSignature(f"Expected a table for each feature: [features.<name>]. Received: {shown}")
    declared = data.setdefault("input", {}).get("features", [])
    if not isinstance(declared, list) or not all(isinstance(feature, Mapping) for feature in declared):
        return  # rejected with the other rules of features
    merged = [{**feature, **features.get(feature.get("name"), {})} for feature in declared]
    names = {feature.get("name") for feature in declared}
    added = [{"name": name, **values} for name, values in features.items() if name not in names]
    data["input"] = {**data["input"], "features": merged + added}


def _resolve_preprocess(folder: Path, data: Mapping[str, Any]) -> Path | None:
    """Return the path of the transformer in `[preprocess]`."""
    if not data:
        return None
    artifact = data.get("artifact")
    if data.keys() != {"artifact"} or not isinstance(artifact, str) or not artifact.lower().endswith(PREPROCESS_SUFFIXES):
        raise InvalidSignature(
            f"Expected [preprocess] artifact to be a transformer of scikit-learn: {' or '.join(PREPROCESS_SUFFIXES)}. "
            f"Received: {dict(data)!r:.100}"
        )
    return _resolve_inside(folder, artifact, "the artifact of [preprocess]")


def _number_labels(data: dict[str, Any]) -> list[str]:
    """Make the labels unique. Return the notices."""
    if not all(isinstance(label, str) for label in data.get("labels", [])):
        return []  # rejected together with the other rules of labels
    labels, notices = number_repeated_labels(data.get("labels", []))
    if notices:
        data["labels"] = labels
    return notices
