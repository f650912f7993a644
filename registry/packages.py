"""Recognize downloads that are not models themselves but contain one, and name the command that registers it."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

from inference.errors import InferenceError, InvalidSignature
from inference.runtimes import RUNTIMES, detect_runtime, get_runtime
from inference.runtimes.unsupported import find_step
from inference.signature.infer.messages import MANIFEST_NAME

HUGGING_FACE_FILE = "preprocessor_config.json"
LABEL_FILE_NAMES = ("labels.txt", "label.txt", "classes.txt")
IGNORED_PREFIXES = (".", "__MACOSX")
MAX_DEPTH, MAX_FOLDERS = 3, 20  # of the subfolders that are searched for a model
COMMAND = "manage.py register_model"


def check_package(path: Path) -> None:
    """Check that a path is a model, or a folder with a `model.toml`, and not a package around a model.

    Raises:
        InvalidSignature: it is a ZIP file, or a folder that contains one artifact. The message contains the next command.
    """
    if path.suffix.lower() == ".zip" and zipfile.is_zipfile(path):
        folder = path.with_suffix("")
        raise InvalidSignature(
            f"{path.name} is a ZIP file. Unpack it, and register the model in it: "
            f"unzip {_quote(path)} -d {_quote(folder)}, then {COMMAND} {_quote(folder)}"
        )
    if not path.is_dir() or (path / MANIFEST_NAME).is_file() or _can_load(path):
        return
    artifacts = _find_artifacts(path, MAX_DEPTH if not find_step(path) else 0)
    if len(artifacts) > 1:
        names = ", ".join(str(artifact.relative_to(path)) for artifact in artifacts)
        raise InvalidSignature(
            f"{path.name} contains several models: {names}. Register one of them: {COMMAND} {_quote(artifacts[0])}"
        )
    if artifacts and (artifacts[0].parent / HUGGING_FACE_FILE).is_file():
        raise InvalidSignature(
            f"{path.name} is an image model of Hugging Face, but has no {MANIFEST_NAME}. Write one into "
            f'{artifacts[0].parent} with artifact = "{artifacts[0].name}". Describe {HUGGING_FACE_FILE} in [input], and '
            "id2label of config.json in labels: docs/formats.md, Hugging Face."
        )
    if artifacts:
        raise InvalidSignature(
            f"{path.name} contains a model, but no {MANIFEST_NAME}. Register the model itself: "
            f"{_format_command(artifacts[0])}"
        )


def derive_name(file_name: str) -> str:
    """Return the model name for a file name: `my-model` for `My_Model.v2.onnx`."""
    return re.sub(r"[^a-z0-9]+", "-", file_name.partition(".")[0].lower()).strip("-")


def _find_artifacts(folder: Path, depth: int) -> list[Path]:
    """Return the models and the folders with a `model.toml` in a folder, or else in its subfolders down to a depth."""
    children = sorted(child for child in folder.iterdir() if not child.name.startswith(IGNORED_PREFIXES))
    folders = [child for child in children if child.is_dir()][:MAX_FOLDERS]
    found = [child for child in children if _can_load(child) or (child / MANIFEST_NAME).is_file()]
    return found or [artifact for child in folders if depth for artifact in _find_artifacts(child, depth - 1)]


def _can_load(path: Path) -> bool:
    """Return whether the name of a file, or the marker in a folder, belongs to a runtime."""
    try:
        return detect_runtime(path) in RUNTIMES
    except InferenceError:
        return False


def _format_command(artifact: Path) -> str:
    """Return the command that registers an artifact, with the labels next to it, or a folder with a `model.toml`."""
    if (artifact / MANIFEST_NAME).is_file():
        return f"{COMMAND} {_quote(artifact)}"
    is_data = get_runtime(detect_runtime(artifact)).loads_as_data(artifact)
    labels = next((name for name in LABEL_FILE_NAMES if (artifact.parent / name).is_file()), "")
    parts = [
        COMMAND,
        _quote(artifact),
        *([f"--name {_make_name(artifact.parent.resolve().name)}"] if _is_generic(artifact) else []),
        *([f"--labels {_quote(artifact.parent / labels)}"] if labels else []),
        *([] if is_data else ["--trusted"]),
    ]
    return " ".join(parts)


def _is_generic(artifact: Path) -> bool:
    """Return whether the name of the file is that of the format, as in the downloads of Teachable Machine."""
    return artifact.name.partition(".")[0].lower() in ("keras_model", "model", "saved_model", "model_unquant")


def _make_name(folder_name: str) -> str:
    """Return a valid model name for the name of a folder."""
    return derive_name(folder_name).lstrip("-0123456789") or "my-model"


def _quote(path: Path) -> str:
    return shlex.quote(str(path))
