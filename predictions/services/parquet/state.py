"""What a destination contains: the state of the export, and a manifest of the complete files of each partition."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from predictions.services.parquet.destinations import Destination, ExportError
from predictions.services.parquet.schema import SCHEMA_VERSION

STATE, MANIFEST = "_state.json", "_manifest.json"


@dataclass(slots=True)
class ExportState:
    """How far an export is. It is stored after each step, so that an interrupted export continues there.

    Args:
        options: which cannot change, because the files would not fit together.
        positions: the ID of the last exported prediction of each model version, for example of `digits:3`.
        review_position: the ID of the last exported review.
        withdrawn_position: the time and the ID of the last exported withdrawal of a review.
        writing: the files of the step that has started. If it was interrupted, they are deleted.
    """

    options: dict[str, str]
    positions: dict[str, str] = field(default_factory=dict)
    review_position: str = ""
    withdrawn_position: tuple[str, str] = ("", "")
    writing: list[str] = field(default_factory=list)
    schema_version: int = SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A Parquet file, and the number of its rows."""

    data: bytes
    row_count: int


class ExportStore:
    """The files and the state of a destination.

    Raises:
        ExportError: the destination has other options, or a schema of another version.
    """

    def __init__(self, destination: Destination, options: dict[str, str]) -> None:
        self._destination = destination
        stored = destination.read(STATE)
        self.state = _parse_state(stored, options) if stored else ExportState(options)
        for name in self.state.writing:
            self._destination.delete(name)
            self._update_manifest(name, None)
        self.state.writing = []
        self._saved = asdict(self.state)

    def write(self, files: Mapping[str, WrittenFile]) -> None:
        """Write files, and then store the state, which the caller has already changed.

        The stored state names the files before they are written: if the export is interrupted, the next one deletes them,
        and exports the same rows again.
        """
        self._destination.write(STATE, json.dumps(self._saved | {"writing": list(files)}).encode())
        for name, file in files.items():
            self._destination.write(name, file.data)
            self._update_manifest(name, file)
        self._saved = asdict(self.state)
        self._destination.write(STATE, json.dumps(self._saved).encode())

    def _update_manifest(self, name: str, file: WrittenFile | None) -> None:
        """Add a file to the manifest of its partition, or remove it."""
        folder, own_name = posixpath.split(name)
        path = posixpath.join(folder, MANIFEST)
        stored = self._destination.read(path)
        if stored is None and file is None:
            return
        entries: list[dict[str, Any]] = json.loads(stored)["files"] if stored else []
        entries = [entry for entry in entries if entry["name"] != own_name]
        if file:
            digest = hashlib.sha256(file.data).hexdigest()
            entries.append({"name": own_name, "rows": file.row_count, "size": len(file.data), "sha256": digest})
        self._destination.write(path, json.dumps({"schema_version": SCHEMA_VERSION, "files": entries}, indent=1).encode())


def _parse_state(stored: bytes, options: dict[str, str]) -> ExportState:
    values = json.loads(stored)
    if values["schema_version"] != SCHEMA_VERSION:
        raise ExportError(
            f"The destination has the schema version {values['schema_version']}. The current one is {SCHEMA_VERSION}. "
            "Export to another destination."
        )
    for name, value in options.items():
        if values["options"].get(name) != value:
            raise ExportError(
                f"The destination was exported with another {name}: {values['options'].get(name) or 'none'}. "
                "Use the same options, or another destination."
            )
    values["withdrawn_position"] = tuple(values["withdrawn_position"])
    return ExportState(**values)
