"""ONNX models: classes and labels from the graph, columns of several types, and numbers in double precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected


def _run(path: Path, feed: Mapping[str, Any]) -> list[Any]:
    """Return the outputs of onnxruntime for one row after the other, joined."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    count = len(next(iter(feed.values())))
    rows = [session.run(None, {name: array[index : index + 1] for name, array in feed.items()}) for index in range(count)]
    return [[row[place][0] for row in rows] for place in range(len(rows[0]))]


def _save(model: Any, path: Path, types: Sequence[Any], **options: Any) -> Path:
    from skl2onnx import to_onnx

    proto = to_onnx(model, initial_types=list(types), options={id(model): options} if options else None)
    path.write_bytes(proto.SerializeToString())
    return path


def _name_scores(classes: Iterable[Any], scores: Iterable[Any]) -> dict[str, float]:
    return {str(name): float(score) for name, score in zip(classes, scores, strict=True)}


def _load_digits() -> tuple[Any, Any]:
    """Return handwritten digits from 3 to 8, shuffled."""
    from sklearn.datasets import load_digits

    images, digits = load_digits(return_X_y=True)
    selected = (digits >= 3) & (digits <= 8)
    return images[selected], digits[selected]


def _build_digits(folder: Path, *, zipmap: bool) -> BuiltArtifact:
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import RandomForestClassifier

    images, digits = _load_digits()
    forest = RandomForestClassifier(10, random_state=0).fit(images, digits)
    path = _save(forest, folder / "digits.onnx", [("X", FloatTensorType([None, 64]))], zipmap=zipmap)
    rows = images[:8].astype(np.float32)
    labels, scores = _run(path, {"X": rows})
    expected = [
        Expected(
            label=str(label),
            scores=_name_scores(*zip(*row.items(), strict=True)) if zipmap else _name_scores(range(3, 9), row),
        )
        for label, row in zip(labels, scores, strict=True)
    ]
    return BuiltArtifact(path, [{f"x{i}": float(v) for i, v in enumerate(row)} for row in rows], expected)


def _build_renamed_digits(folder: Path) -> BuiltArtifact:
    built = _build_digits(folder, zipmap=True)
    names = {"3": "three", "4": "four", "5": "five", "6": "six", "7": "seven", "8": "eight"}
    (folder.parent / "labels.txt").write_text("\n".join(names.values()))
    expected = [
        Expected(label=names[row.label or ""], scores={names[name]: score for name, score in (row.scores or {}).items()})
        for row in built.expected
    ]
    return BuiltArtifact(built.path, built.inputs, expected, {"labels": folder.parent / "labels.txt"})


def _build_text_classes(folder: Path) -> BuiltArtifact:
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    flowers, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(flowers, np.array(["virginica", "setosa", "iris x"])[species])
    path = _save(model, folder / "iris.onnx", [("X", FloatTensorType([None, 4]))], zipmap=False)
    rows = flowers[::20].astype(np.float32)
    labels, scores = _run(path, {"X": rows})
    expected = [
        Expected(label=label, scores=_name_scores(model.classes_, row)) for label, row in zip(labels, scores, strict=True)
    ]
    return BuiltArtifact(path, [{f"x{i}": float(v) for i, v in enumerate(row)} for row in rows], expected)


def _build_columns(folder: Path) -> BuiltArtifact:
    import pandas as pd
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"city": rng.choice(["Bern", "Chur", "Genf"], 90), "area": rng.normal(80, 20, 90), "rooms": rng.integers(1, 7, 90)}
    )
    frame.loc[::7, "area"] = np.nan
    columns = ColumnTransformer(
        [
            ("c", OneHotEncoder(handle_unknown="ignore"), ["city"]),
            ("a", SimpleImputer(), ["area"]),
            ("r", "passthrough", ["rooms"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=1000))
    model.fit(frame, np.where(frame["rooms"] + (frame["city"] == "Chur") * 3 > 4, "large", "small"))
    kinds = {"city": StringTensorType, "area": FloatTensorType, "rooms": Int64TensorType}
    path = _save(model, folder / "flat.onnx", [(name, kind([None, 1])) for name, kind in kinds.items()], zipmap=False)
    (folder / "model.toml").write_text(
        'artifact = "flat.onnx"\n[input]\nkind = "tabular"\n[[input.features]]\nname = "area"\nrequired = false\n'
    )
    rows = frame.iloc[:12]
    types = {"city": object, "area": np.float32, "rooms": np.int64}
    labels, scores = _run(path, {name: rows[[name]].to_numpy(dtype) for name, dtype in types.items()})
    expected = [
        Expected(label=label, scores=_name_scores(model.classes_, row)) for label, row in zip(labels, scores, strict=True)
    ]
    inputs = [{name: value for name, value in row.items() if value == value} for row in rows.to_dict("records")]
    return BuiltArtifact(folder, inputs, expected)


def _build_double_regressor(folder: Path) -> BuiltArtifact:
    from skl2onnx.common.data_types import DoubleTensorType
    from sklearn.datasets import load_diabetes
    from sklearn.linear_model import LinearRegression

    patients, progression = load_diabetes(return_X_y=True)
    patients = patients + 12345.678  # differences that float32 cannot represent
    path = _save(LinearRegression().fit(patients, progression), folder / "d.onnx", [("X", DoubleTensorType([None, 10]))])
    rows = patients[:6]
    (values,) = _run(path, {"X": rows})
    inputs = [{f"x{i}": float(v) for i, v in enumerate(row)} for row in rows]
    return BuiltArtifact(path, inputs, [Expected(value=float(value[0])) for value in values])


def _build_multi_label(folder: Path) -> BuiltArtifact:
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier

    flowers, _ = load_iris(return_X_y=True)
    model = RandomForestClassifier(8, random_state=0)
    model.fit(flowers, np.stack([flowers[:, 0] > 5.8, flowers[:, 2] > 4, flowers[:, 3] > 1], axis=1).astype(int))
    path = _save(model, folder / "sizes.onnx", [("X", FloatTensorType([None, 4]))], zipmap=False)
    names = ["long", "wide", "thick"]
    (folder.parent / "labels.txt").write_text("\n".join(names))
    rows = flowers[::20].astype(np.float32)
    expected = []
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for row in rows:
        decisions, scores = session.run(None, {"X": row[None]})
        expected.append(
            Expected(
                labels=[name for name, decision in zip(names, decisions[0], strict=True) if decision],
                scores=_name_scores(names, scores[:, 0, 1]),
            )
        )
    inputs = [{f"x{i}": float(v) for i, v in enumerate(row)} for row in rows]
    return BuiltArtifact(path, inputs, expected, {"labels": folder.parent / "labels.txt"})


KINDS = (
    ArtifactKind(
        "ONNX classes 3 to 8 as mappings", "classes, from the ZipMap", "", lambda folder: _build_digits(folder, zipmap=True)
    ),
    ArtifactKind(
        "ONNX classes 3 to 8 as a matrix",
        "classes, from the TreeEnsembleClassifier",
        "",
        lambda folder: _build_digits(folder, zipmap=False),
    ),
    ArtifactKind("ONNX classes 3 to 8 with labels", "classes, from the ZipMap", "labels", _build_renamed_digits),
    ArtifactKind("ONNX text classes", "classes and labels", "", _build_text_classes),
    ArtifactKind("ONNX columns of three types", "names and types of columns", "required = false", _build_columns),
    ArtifactKind("ONNX regression in double precision", "type float64", "", _build_double_regressor),
    ArtifactKind("ONNX multi-label forest", "one score per label", "labels", _build_multi_label),
)
