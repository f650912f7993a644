"""scikit-learn models, compared with scikit-learn itself."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor, kernels
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from inference.errors import InferenceError, InvalidArtifact, InvalidSignature
from inference.tests.factories import get_scores, predict_row, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
LABELS = ("setosa", "versicolor", "virginica")
ROWS = IRIS.iloc[[0, 60, 120]].to_dict("records")


def save_model(model, path):
    {".skops": skops.io.dump, ".joblib": joblib.dump}.get(path.suffix, lambda m, p: p.write_bytes(pickle.dumps(m)))(
        model, path
    )
    return path


@pytest.mark.parametrize("suffix", [".skops", ".pkl", ".joblib"])
def test_pipeline_has_the_outputs_of_scikit_learn(tmp_path, suffix):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, SPECIES)
    with serve_artifact(
        save_model(model, tmp_path / f"iris{suffix}"), trusted=suffix != ".skops", labels=LABELS
    ) as predictor:
        assert predictor.spec.signature.input.names == list(IRIS.columns)
        assert predictor.spec.signature.output.kind == "classes"
        for row in ROWS:
            result, expected = predict_row(predictor, row), model.predict_proba(pd.DataFrame([row]))[0]
            assert get_scores(result) == pytest.approx(expected, abs=1e-5)
            assert (result.label, result.confidence) == (LABELS[expected.argmax()], pytest.approx(expected.max(), abs=1e-5))


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".PKL"])
def test_pickle_requires_trust(tmp_path, suffix):
    canary = tmp_path / "canary"

    class Malicious:
        def __reduce__(self):
            return (open, (str(canary), "w"))

    path = tmp_path / f"malicious{suffix}"
    path.write_bytes(pickle.dumps(Malicious()))
    with pytest.raises(InvalidArtifact, match="can run its author's code"), serve_artifact(path):
        pass
    assert not canary.exists()


def test_kernels_of_gaussian_processes_are_loaded_as_data(tmp_path):
    kernel = kernels.ExpSineSquared() + kernels.DotProduct() ** 2 + kernels.PairwiseKernel(metric="rbf")
    model = GaussianProcessRegressor(kernel, optimizer=None).fit(IRIS[::30], SPECIES[::30])
    with serve_artifact(save_model(model, tmp_path / "gaussian.skops")) as predictor:
        assert predict_row(predictor, IRIS.iloc[7].to_dict()).value == pytest.approx(model.predict(IRIS[7:8])[0])


def test_skops_file_with_third_party_types_requires_trust(tmp_path):
    path = save_model(
        make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=1000)).fit(IRIS, SPECIES),
        tmp_path / "m.skops",
    )
    third_party = make_pipeline(FunctionTransformer(_double_values), LogisticRegression(max_iter=1000)).fit(IRIS, SPECIES)
    with serve_artifact(path):
        pass
    save_model(third_party, path)
    with pytest.raises(InvalidArtifact, match=r"contains types .*_double_values.*--trusted"), serve_artifact(path):
        pass
    with (
        pytest.raises(InvalidSignature, match=r"Expected type .*FunctionTransformer\(_double_values\) takes it"),
        serve_artifact(path, trusted=True),
    ):
        pass
    types = {"features": [{"name": name, "type": "float"} for name in IRIS.columns]}
    with serve_artifact(path, trusted=True, input=types) as predictor:
        assert predict_row(predictor, ROWS[0]).label == "0"


def _double_values(values):
    return values * 2


def test_random_forest_loads_as_data(tmp_path):
    model = RandomForestClassifier(5, random_state=0).fit(IRIS, SPECIES)
    with serve_artifact(save_model(model, tmp_path / "forest.skops")) as predictor:
        assert [predict_row(predictor, row).label for row in ROWS] == [
            str(label) for label in model.predict(IRIS.iloc[[0, 60, 120]])
        ]


def test_model_without_probabilities_returns_a_label_without_confidence(tmp_path):
    names = SPECIES.map(dict(enumerate(LABELS)))
    model = LinearSVC().fit(IRIS, names)
    with serve_artifact(save_model(model, tmp_path / "svc.skops")) as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    assert [result.label for result in results] == list(model.predict(IRIS.iloc[[0, 60, 120]]))
    assert results[0].output == {"label": "setosa"}
    assert results[0].confidence is None
    assert predictor.spec.labels == LABELS


def test_labels_replace_the_classes_in_order(tmp_path):
    model = LinearSVC().fit(IRIS, SPECIES + 1)  # classes 1, 2, 3
    with serve_artifact(save_model(model, tmp_path / "svc.skops"), labels=LABELS) as predictor:
        assert predictor.spec.signature.output.classes == ("1", "2", "3")
        assert [predict_row(predictor, row).label for row in ROWS] == [
            LABELS[label - 1] for label in model.predict(IRIS.iloc[[0, 60, 120]])
        ]
    with (
        pytest.raises(InvalidSignature, match="Expected 3 labels"),
        serve_artifact(tmp_path / "svc.skops", labels=LABELS[:2]),
    ):
        pass


def test_regression_returns_a_value(tmp_path):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(x, y)
    with serve_artifact(save_model(model, tmp_path / "d.skops"), output={"kind": "value", "unit": "points"}) as predictor:
        row = x.iloc[3].to_dict()
        result = predict_row(predictor, row)
    assert result.value == pytest.approx(model.predict(pd.DataFrame([row]))[0], abs=1e-5)
    assert result.output == {"value": result.value}
    assert (result.label, result.confidence) == ("", None)
    with pytest.raises(InvalidSignature, match="no labels"), serve_artifact(tmp_path / "d.skops", labels=LABELS):
        pass


def test_several_outputs_are_stored_raw(tmp_path):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    both = LinearRegression().fit(x, np.column_stack([y, -y]))
    with serve_artifact(save_model(both, tmp_path / "two.skops"), output={"kind": "raw"}) as predictor:
        raw = predict_row(predictor, x.iloc[0].to_dict()).output["raw"]
    assert raw == pytest.approx(both.predict(x.iloc[[0]])[0], abs=1e-5)
    twice = MultiOutputClassifier(LogisticRegression(max_iter=1000)).fit(IRIS, np.column_stack([SPECIES, SPECIES == 1]))
    with serve_artifact(save_model(twice, tmp_path / "classes.skops"), output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == [0, 0]
    clusters = KMeans(3, random_state=0, n_init=1).fit(IRIS)
    with serve_artifact(save_model(clusters, tmp_path / "k.skops")) as predictor:
        assert predict_row(predictor, ROWS[0]).output == {"raw": int(clusters.predict(IRIS.iloc[[0]])[0])}


def test_text_model_receives_a_list_of_texts(tmp_path):
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good film", "bad film"] * 5, ["up", "down"] * 5)
    input_section = {"features": [{"name": "review", "type": "text"}]}
    with serve_artifact(save_model(model, tmp_path / "t.skops"), input=input_section) as predictor:
        assert (predict_row(predictor, {"review": "a good one"}).label, predict_row(predictor, {"review": "bad"}).label) == (
            "up",
            "down",
        )


def test_features_of_arrays_are_numbered_or_named_by_the_manifest(tmp_path):
    model = LogisticRegression(max_iter=500).fit(IRIS.to_numpy(), SPECIES)
    path = save_model(model, tmp_path / "a.skops")
    with serve_artifact(path) as predictor:
        assert predictor.spec.signature.input.names == ["x0", "x1", "x2", "x3"]
        expected = model.predict_proba(IRIS.to_numpy()[:1])[0]
        assert list(
            predict_row(predictor, dict(zip(["x0", "x1", "x2", "x3"], IRIS.iloc[0], strict=True))).output["scores"].values()
        ) == (pytest.approx(expected, abs=1e-5))
    with serve_artifact(path, input={"features": [{"name": name} for name in "abcd"]}) as predictor:
        assert predictor.spec.signature.input.names == ["a", "b", "c", "d"]
    with (
        pytest.raises(InvalidSignature, match=r"Expected 4 features.* has 2"),
        serve_artifact(path, input={"features": [{"name": "a"}, {"name": "b"}]}),
    ):
        pass


def test_image_model_receives_flattened_pixels(tmp_path):
    from PIL import Image

    pixels = np.concatenate([np.zeros((5, 64)), np.ones((5, 64))])
    model = LogisticRegression().fit(pixels, ["dark"] * 5 + ["light"] * 5)
    input_section = {"kind": "image", "height": 8, "width": 8, "channels": 1, "scale": "unit"}
    with serve_artifact(save_model(model, tmp_path / "i.skops"), input=input_section) as predictor:
        assert predictor.predict(Image.new("L", (8, 8), 255), timeout=60).label == "light"


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
@pytest.mark.parametrize("suffix", [".skops", ".pkl", ".joblib"])
def test_invalid_files_are_rejected(tmp_path, content, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidArtifact, match="cannot"), serve_artifact(path, trusted=True):
        pass


def test_objects_that_are_not_fitted_models_are_rejected(tmp_path):
    scaler = save_model(StandardScaler().fit(IRIS), tmp_path / "s.skops")
    with (
        pytest.raises(InvalidArtifact, match=r"with predict\(\)\. s\.skops contains a StandardScaler"),
        serve_artifact(scaler),
    ):
        pass
    with pytest.raises(InferenceError), serve_artifact(save_model(LogisticRegression(), tmp_path / "unfitted.skops")):
        pass
