"""What is known of a model before it is registered: `model.toml`, or a bare artifact and a labels file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import InvalidSignature
from inference.runtimes import RUNTIMES
from inference.types import ArtifactFacts, Signature

KEYS = {"name", "title", "description", "artifact", "labels", "notes", "runtime", "input", "output"}
FILE = "model.toml"
TYPES: dict[str, type] = {"labels": list, "input": dict, "output": dict}  # of the keys that are no text


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model's own words about itself; what is empty is read from the artifact."""

    artifact: Path
    name: str
    title: str = ""
    description: str = ""
    notes: str = ""
    runtime: str = ""
    labels: list[str] = field(default_factory=list)
    input: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] = field(default_factory=dict)

    def signature(self, facts: ArtifactFacts) -> Signature:
        """Return the signature, completed and contradicted by what the artifact says.

        Raises:
            InvalidSignature: when the two disagree or leave something open.
        """
        signature = Signature.from_dict(
            {"input": {**_image_of(facts), **self.input}, "output": {"kind": "classes", **self.output}}
        )
        read = facts.input_shape
        if read and any(size not in (None, ours) for size, ours in zip(read, signature.input.shape, strict=True)):
            raise InvalidSignature(
                f"{FILE} says height, width, channels {list(signature.input.shape)}, and the artifact says {list(read)}."
            )
        return signature


def read_manifest(path: Path, *, name: str = "", labels: Path | None = None) -> Manifest:
    """Read a folder with a `model.toml`, or take a bare artifact; `name` and `labels` prevail over what is read.

    Raises:
        InvalidSignature: on a missing or malformed file.
    """
    data: dict[str, Any] = _read_toml(path / FILE) if path.is_dir() else {"artifact": path.name}
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise InvalidSignature(f"There is no file or folder {path}.")
    artifact = (folder / str(data.pop("artifact", "")).replace("\0", "")).resolve()
    if not artifact.is_relative_to(folder.resolve()) or not artifact.is_file():
        raise InvalidSignature(f"Expected the artifact to be a file inside {folder}. Received: {artifact}")
    if labels:
        data["labels"] = _read_labels(labels)
    _check_types(data)
    data["name"] = name or data.get("name") or artifact.name.split(".")[0].lower().replace("_", "-")
    return Manifest(artifact, **data)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"Expected a model file or a folder with a {FILE}. Received: {path.parent}") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSignature(f"{path} is not valid TOML: {error}") from error
    if unknown := sorted(data.keys() - KEYS):
        raise InvalidSignature(f"Expected only {sorted(KEYS)} in {path}. Received: {unknown}")
    return data


def _check_types(data: dict[str, Any]) -> None:
    """Refuse what has another type than the field of that name, and a runtime that is not one of ours.

    A runtime by dotted path is imported, and the import runs code: no model file may ask for that.
    """
    for name, value in data.items():
        wanted = TYPES.get(name, str)
        if not isinstance(value, wanted):
            raise InvalidSignature(f"Expected {name} to be a {wanted.__name__}. Received: {value!r:.100}")
    if data.get("runtime", "keras") not in RUNTIMES:
        raise InvalidSignature(f"Expected runtime to be one of {', '.join(RUNTIMES)}. Received: {data['runtime']!r}")


def _read_labels(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"Expected a text file with one label a line. Received: {path}") from error


def _image_of(facts: ArtifactFacts) -> dict[str, Any]:
    """Return what the artifact's input shape says of the image it takes, height x width x channels."""
    shape = facts.input_shape
    if shape is None:
        return {"kind": "image"}
    if len(shape) != 3:
        raise InvalidSignature(f"Expected a model that takes images (height, width, channels). Received: {list(shape)}")
    sizes = dict(zip(("height", "width", "channels"), shape, strict=True))
    return {"kind": "image"} | {name: size for name, size in sizes.items() if size is not None}
