"""Prepare a Keras file for loading: detect its format, check it, and upgrade the configuration of Keras 2."""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.errors import InvalidArtifact
from inference.runtimes.keras.archive import check_classes, find_code, list_objects, read_archive, write_archive
from inference.runtimes.keras.upgrade import make_legacy_layers, upgrade_config

HDF5_SUFFIXES = (".h5", ".hdf5")
HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
WEIGHT_GROUPS = {"model_weights", "layers", "_layer_checkpoint_dependencies", "vars"}
ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A file that Keras can load.

    Args:
        version: of the Keras that wrote it; empty if unknown.
        custom_objects: classes by the name that the file uses for them.
        has_code: the network contains code of its author, such as a `Lambda` layer or a class of another module.
    """

    path: Path
    version: str
    custom_objects: dict[str, Any] = field(default_factory=dict)
    has_code: bool = False


def detect_suffix(path: Path, suffix: str) -> str:
    """Return the suffix that fits the content of a file; the suffix of its name if the content is unknown."""
    if not path.is_file():
        return suffix
    with path.open("rb") as file:
        start = file.read(len(HDF5_MAGIC))
    if start == HDF5_MAGIC:
        return suffix if suffix in HDF5_SUFFIXES else HDF5_SUFFIXES[0]
    return ".keras" if start.startswith(ZIP_MAGIC) else suffix


def prepare_file(path: Path, folder: Path, *, trusted: bool) -> PreparedFile:
    """Return a file with the content of `path` that Keras can load. A file that must be changed is copied to `folder`.

    Raises:
        InvalidArtifact: the file is damaged, or is not trusted and would run code.
    """
    suffix = detect_suffix(path, path.suffix.lower())
    if suffix != ".keras" and not trusted:
        raise InvalidArtifact(f"{path.name} is an HDF5 file, which can run its author's code when it is loaded.")
    return _prepare_archive(path, folder, trusted=trusted) if suffix == ".keras" else _prepare_hdf5(path, folder)


def _prepare_archive(path: Path, folder: Path, *, trusted: bool) -> PreparedFile:
    config, metadata = read_archive(path)
    version = str(metadata.get("keras_version", ""))
    # The training configuration (loss, metrics) is not loaded: compile=False.
    config = {name: part for name, part in config.items() if name != "compile_config"}
    target = folder / "model.keras"
    custom_objects: dict[str, Any] = {}
    if version.startswith("2."):
        config = upgrade_config(config)
        write_archive(path, target, config)
        custom_objects = make_legacy_layers(allow_all=trusted)
    elif path.suffix.lower() != ".keras":
        target.symlink_to(path.resolve())
    else:
        target = path
    if trusted:
        custom_objects |= _import_classes(config)
    else:
        check_classes(config)
    return PreparedFile(target, version, custom_objects, has_code=bool(find_code(config)))


def _prepare_hdf5(path: Path, folder: Path) -> PreparedFile:
    """Return a trusted HDF5 file, with its configuration upgraded if Keras 2 or 1 wrote it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            text, version = (file.attrs.get(name, b"") for name in ("model_config", "keras_version"))
            has_weights = not WEIGHT_GROUPS.isdisjoint(file) or "layer_names" in file.attrs
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise InvalidArtifact(f"{path.name} cannot be read as an HDF5 file. It may be incomplete.") from error
    if not text:
        if has_weights:
            raise InvalidArtifact(
                f"{path.name} contains weights without the network. Save the whole network with model.save(path), not "
                "model.save_weights(path)."
            )
        raise InvalidArtifact(
            f"{path.name} is an HDF5 file without a Keras network. Save the network with model.save(path)."
        )
    text, version = (value.decode() if isinstance(value, bytes) else str(value) for value in (text, version))
    config = json.loads(text)
    target = folder / "model.h5"
    classes, has_code = _import_classes(config), bool(find_code(config))
    if version.startswith(("1.", "2.")) or not version:
        shutil.copyfile(path, target)
        with h5py.File(target, "r+") as file:
            file.attrs["model_config"] = json.dumps(upgrade_config(config)).encode()
        return PreparedFile(target, version, make_legacy_layers(allow_all=True) | classes, has_code=has_code)
    target.symlink_to(path.resolve())
    return PreparedFile(target, version, classes, has_code=has_code)


def _import_classes(config: Any) -> dict[str, Any]:
    """Import the classes of a trusted file that are not Keras's own, if their modules can be imported.

    Raises:
        InvalidArtifact: the network is in another file.
    """
    classes: dict[str, Any] = {}
    for part in list_objects(config):
        module, name = part.get("module"), str(part["class_name"])
        if name == "TFSMLayer":
            raise InvalidArtifact(
                "The layer TFSMLayer reads its network from another folder, which is not part of the file: "
                f"{part.get('config', {}).get('filepath', '')!s:.200}. Register that folder with --trusted instead."
            )
        if not isinstance(module, str) or module.partition(".")[0] in ("keras", "tf_keras", "builtins", "__main__"):
            continue
        try:
            imported = getattr(importlib.import_module(module), name, None)
        except ImportError:
            continue  # Keras then names the class that it cannot find
        if imported is not None:
            classes |= {name: imported, str(part.get("registered_name") or name): imported}
    return classes
