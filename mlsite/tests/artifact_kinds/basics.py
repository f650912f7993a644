"""Kinds that need no special treatment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected


def _build_forest(folder: Path) -> BuiltArtifact:
    import skops.io
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier

    flowers, species = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[species]
    forest = RandomForestClassifier(20, random_state=0).fit(flowers, names)
    rows = flowers.iloc[::15]
    skops.io.dump(forest, folder / "forest.skops")
    expected = [
        Expected(label=str(label), scores=dict(zip(map(str, forest.classes_), scores, strict=True)))
        for label, scores in zip(forest.predict(rows), forest.predict_proba(rows), strict=True)
    ]
    return BuiltArtifact(folder / "forest.skops", rows.to_dict("records"), expected)


KINDS = (ArtifactKind("forest on named columns", "columns and classes", "", _build_forest),)
