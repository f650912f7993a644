"""Read and check `.keras` archives without unpacking them."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from inference.archives import check_compression
from inference.errors import InvalidArtifact

JSON_MEMBERS = ("metadata.json", "config.json")
REQUIRED_MEMBERS = {*JSON_MEMBERS, "model.weights.h5"}
MAX_UNPACKED_BYTES = 4 * 2**30
MAX_JSON_BYTES = 16 * 2**20
MAX_MEMBERS = 1000
# Layers that run code of the file's author. Keras rejects some of them in safe mode; all of them are rejected here.
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
TRUST_ADVICE = (
    "If you trust its author, register the file with --trusted, or the folder that model.export(folder) writes where the "
    "code of its classes is available."
)


def read_archive(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the configuration and the metadata of an archive.

    Raises:
        InvalidArtifact: the archive is damaged, too large, or has unexpected members.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_compression(archive, name=path.name, size=path.stat().st_size)
            _check_members(archive)
            config, metadata = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
            if not (isinstance(config, dict) and isinstance(metadata, dict)):
                raise ValueError("config.json or metadata.json is not an object")
            return config, metadata
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError, OSError) as error:
        raise InvalidArtifact(
            f"{path.name} is not a complete .keras archive: {error}. Copy the file again, or save the network again: "
            'network.save("model.keras").'
        ) from error


def write_archive(source: Path, target: Path, config: dict[str, Any]) -> None:
    """Write a copy of an archive with another configuration."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, json.dumps(config) if name == "config.json" else archive.read(name))


def check_classes(config: Any) -> None:
    """Check that the configuration of a model refers only to Keras's own classes.

    Raises:
        InvalidArtifact: it refers to another class, which the message names.
    """
    if name := find_code(config):
        raise InvalidArtifact(
            f"The model must consist of Keras's own layers. {name} would run code from the file. {TRUST_ADVICE}"
        )


def find_code(config: Any) -> str:
    """Return the name of the first class that is not Keras's own, or that runs code from the file; empty without one."""
    for module, name in list_classes(config):
        if name in CODE_LAYERS or not (module is None or f"{module}.".startswith("keras.")):
            return f"{module or 'custom'}.{name}"
    return ""


def list_classes(config: Any) -> Iterator[tuple[str | None, str]]:
    """Yield the module and name of every class in the configuration."""
    for part in list_objects(config):
        registered = part.get("registered_name")
        is_custom = part.get("module") is None and registered and ">" in registered
        name = part["config"] if part["class_name"] == "function" and "config" in part else part["class_name"]
        yield ("custom" if is_custom else part.get("module")), str(name)


def list_objects(config: Any) -> Iterator[dict[str, Any]]:
    """Yield every object in the configuration that has a class."""
    pending = [config]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                yield part
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _check_members(archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        safe_asset = member.filename.startswith("assets/") and ".." not in member.filename
        if member.filename not in REQUIRED_MEMBERS and not safe_asset:
            raise InvalidArtifact(
                f"Expected only {sorted(REQUIRED_MEMBERS)} and assets/ in the archive. Received: {member.filename!r}"
            )
    if len(archive.infolist()) > MAX_MEMBERS:
        raise InvalidArtifact(f"The archive must have at most {MAX_MEMBERS} members. Received: {len(archive.infolist())}")
    if any(archive.getinfo(name).file_size > MAX_JSON_BYTES for name in JSON_MEMBERS):
        raise InvalidArtifact(f"config.json and metadata.json must have at most {MAX_JSON_BYTES:,} bytes each.")
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidArtifact(f"The archive must unpack to at most {MAX_UNPACKED_BYTES:,} bytes. Received: {unpacked:,}")
