"""Shared by the scikit-learn kinds: save a model, and predict each row alone with the library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlsite.tests.artifact_kinds.kinds import BuiltArtifact, Expected


def save_built(folder: Path, model: Any, frame: Any, *, labels: Sequence[str] = (), **changes: Any) -> BuiltArtifact:
    """Save a model with skops, or as a pickle if it has types that skops does not know, and predict each row alone.

    Args:
        frame: single rows of it have the types of the training data.
        labels: the names of the classes, if they differ from the model's own.
        changes: `sent`, the inputs to send instead of the rows of the frame; `input`, the section of model.toml; `pickled`.
    """
    path = save_model(folder, model, pickled=changes.get("pickled", False))
    sent = changes.get("sent") or [to_row(frame, index) for index in range(len(frame))]
    expected = [expect_row(model, frame.iloc[[index]], labels) for index in range(len(frame))]
    options: dict[str, Any] = {"trusted": path.suffix != ".skops"}
    if section := changes.get("toml"):
        write_manifest(folder, path, section)
        path = folder
    return BuiltArtifact(path, sent, expected, options)


def save_model(folder: Path, model: Any, *, pickled: bool = False) -> Path:
    import joblib
    import skops.io

    if pickled:
        joblib.dump(model, folder / "model.joblib", compress=3)
        return folder / "model.joblib"
    skops.io.dump(model, folder / "model.skops")
    return folder / "model.skops"


def write_manifest(folder: Path, path: Path, section: str) -> None:
    (folder / "model.toml").write_text(f'artifact = "{path.name}"\n{section}', encoding="utf-8")


def to_row(frame: Any, index: int) -> dict[str, Any]:
    """Return a row as JSON: missing values are null, and numbers keep their type."""
    row = {str(name): frame[name].iloc[index] for name in frame.columns}
    return {name: to_json(value) for name, value in row.items()}


def to_json(value: Any) -> Any:
    plain = value.item() if hasattr(value, "item") else value
    return None if plain is None or plain != plain else plain


def expect_row(model: Any, row: Any, labels: Sequence[str] = ()) -> Expected:
    """Return what the library predicts for one row."""
    if not hasattr(model, "classes_"):
        return Expected(value=float(model.predict(row).ravel()[0]))
    names = [str(name) for name in model.classes_.tolist()]
    shown = dict(zip(names, labels or names, strict=True))
    label = shown[str(to_json(model.predict(row).ravel()[0]))]
    if not hasattr(model, "predict_proba"):
        return Expected(label=label)
    scores: Mapping[str, float] = dict(zip(shown.values(), model.predict_proba(row)[0].tolist(), strict=True))
    return Expected(label=label, scores=scores)
