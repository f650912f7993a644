"""What is known of a model before it is registered: `model.toml`, or a bare artifact and a labels file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import InvalidSignature
from inference.examples import Example

KEYS = {"name", "title", "description", "artifact", "labels", "notes", "runtime", "input", "output", "examples"}
FILE = "model.toml"
TYPES: dict[str, type] = {"labels": list, "input": dict, "output": dict, "examples": list}  # of the keys that are no text


@dataclass(frozen=True, slots=True)
class Manifest:
    """One model's own words about itself; what is empty is read from the artifact.

    Args:
        artifact: a file or a folder.
        folder: where `artifact` and the pictures of the examples lie.
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

    def picture_of(self, example: Example) -> Path:
        """Return the file of an example's picture.

        Raises:
            InvalidSignature: when it is not inside the folder.
        """
        return _inside(self.folder, example.image, "the image of an example")


def read_manifest(path: Path, *, name: str = "", labels: Path | None = None) -> Manifest:
    """Read a folder with a `model.toml`, or take a bare artifact; `name` and `labels` prevail over what is read.

    Raises:
        InvalidSignature: on a missing or malformed file.
    """
    if not path.exists():
        raise InvalidSignature(f"There is no file or folder {path}.")
    described = path.is_dir() and (path / FILE).is_file()
    data: dict[str, Any] = _read_toml(path / FILE) if described else {"artifact": path.resolve().name}
    folder = path.resolve() if described else path.resolve().parent
    if labels:
        data["labels"] = _read_labels(labels)
    _check_types(data)
    artifact = _inside(folder, data.pop("artifact", ""), "the artifact")
    data["name"] = name or data.get("name") or _as_name(artifact.name)
    data["examples"] = [Example.from_dict(one) for one in data.get("examples", [])]
    return Manifest(folder, artifact, **data)


def _inside(folder: Path, name: str, what: str) -> Path:
    path = (folder / name.replace("\0", "")).resolve()
    if path != folder and path.is_relative_to(folder) and not path.exists():
        raise InvalidSignature(f"Expected {what} to be a file or folder inside {folder}. There is no {name}.")
    if path == folder or not path.is_relative_to(folder):
        raise InvalidSignature(f"Expected {what} to be a file or folder inside {folder}. Received: {path}")
    return path


def _as_name(file: str) -> str:
    """Return a model's name from its file's: `My_Model.v2.onnx` is `my-model`."""
    return re.sub(r"[^a-z0-9]+", "-", file.partition(".")[0].lower()).strip("-")


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"{path} cannot be read as UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidSignature(f"{path} is not valid TOML: {error}") from error
    if unknown := sorted(data.keys() - KEYS):
        raise InvalidSignature(f"Expected only {sorted(KEYS)} in {path}. Received: {unknown}")
    return data


def _check_types(data: dict[str, Any]) -> None:
    """Refuse what has another type than the field of that name."""
    for name, value in data.items():
        wanted = TYPES.get(name, str)
        if not isinstance(value, wanted):
            raise InvalidSignature(f"Expected {name} to be a {wanted.__name__}. Received: {value!r:.100}")
    if not all(isinstance(one, Mapping) for one in data.get("examples", [])):
        raise InvalidSignature(f"Expected tables in examples: [[examples]]. Received: {data['examples']!r:.100}")


def _read_labels(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"Expected a text file with one label a line. Received: {path}") from error
