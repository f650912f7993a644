"""Floating-point types, typical values, and skops types that models of scikit-learn require."""

import numpy as np
import pytest
import skops.io
from sklearn.cluster import BisectingKMeans, KMeans
from sklearn.datasets import load_iris, load_wine
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, TweedieRegressor
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from inference.tests.factories import predict_row, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
ROWS = IRIS.iloc[[0, 60, 120]]
CLUSTERS = KMeans(3, n_init=1, random_state=0)


def save_model(model, path):
    skops.io.dump(model, path)
    return path


def list_numbers(predictor, rows):
    outputs = [predict_row(predictor, row).output for row in rows.to_dict("records")]
    return [output.get("raw", output.get("value")) for output in outputs]


@pytest.mark.parametrize("has_names", [True, False])
@pytest.mark.parametrize("model", [CLUSTERS, make_pipeline(StandardScaler(), CLUSTERS)])
def test_model_fitted_on_float32_receives_float32(tmp_path, model, has_names):
    rows = IRIS.astype(np.float32)
    fitted = model.fit(rows if has_names else rows.to_numpy(), np.float32(SPECIES))
    sent = ROWS if has_names else ROWS.set_axis([f"x{index}" for index in range(4)], axis=1)
    exact = ROWS.astype(np.float32) if has_names else ROWS.to_numpy(np.float32)
    expected = [fitted.predict(exact[index : index + 1])[0] for index in range(len(exact))]  # rounding differs in a batch
    with serve_artifact(save_model(fitted, tmp_path / "model.skops")) as predictor:
        assert list_numbers(predictor, sent) == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore:An ill-conditioned matrix")
def test_type_changes_the_value_of_a_kernel_ridge(tmp_path):
    rows, target = load_wine(return_X_y=True)
    rows = rows[:, :5].astype(np.float32)
    model = KernelRidge().fit(rows, np.float32(target))
    exact, other = model.predict(rows[60:61])[0], model.predict(rows[60:61].astype(np.float64))[0]
    assert abs(exact - other) > 1e-4
    with serve_artifact(save_model(model, tmp_path / "model.skops")) as predictor:
        row = {f"x{index}": float(value) for index, value in enumerate(rows[60])}
        assert predict_row(predictor, row).value == pytest.approx(exact, abs=1e-6)


def test_model_fitted_on_float64_takes_images(tmp_path):
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 256, (30, 64))
    clusters = CLUSTERS.fit(pixels.astype(np.float64))
    image_input = {"kind": "image", "height": 8, "width": 8, "channels": 1, "scale": "none"}
    with serve_artifact(save_model(clusters, tmp_path / "model.skops"), input=image_input) as predictor:
        images = [Image.fromarray(row.reshape(8, 8).astype(np.uint8)) for row in pixels[:3]]
        received = [predictor.predict(image, timeout=10).output["raw"] for image in images]
    assert received == clusters.labels_[:3].tolist()


@pytest.mark.parametrize("bounds", ["nan", "clip"])
def test_isotonic_regression_takes_one_number(tmp_path, bounds):
    lengths = IRIS["petal length (cm)"]
    model = IsotonicRegression(out_of_bounds=bounds).fit(lengths, SPECIES)
    with serve_artifact(save_model(model, tmp_path / "model.skops")) as predictor:
        values = [predict_row(predictor, {"x0": length}).value for length in lengths[::40]]
    assert values == pytest.approx(model.predict(lengths[::40]))


@pytest.mark.filterwarnings("ignore:Label 1 is present in all training examples")
@pytest.mark.parametrize(
    "model",
    [
        TweedieRegressor(power=1.5),
        TweedieRegressor(power=1.5, link="identity"),
        BisectingKMeans(3, random_state=0),
        KNeighborsRegressor(metric="chebyshev", algorithm="ball_tree"),
        OneVsRestClassifier(LogisticRegression(max_iter=500)),
    ],
    ids=["tweedie", "identity link", "bisecting", "distance", "constant label"],
)
def test_types_of_scikit_learn_need_no_trust(tmp_path, model):
    target, labels = SPECIES + 1.0, ()
    if isinstance(model, OneVsRestClassifier):  # one label that is always set
        target, labels = np.column_stack([SPECIES > 0, np.ones(len(SPECIES))]).astype(int), ("a", "b")
    with serve_artifact(save_model(model.fit(IRIS, target), tmp_path / "model.skops"), labels=labels) as predictor:
        assert predict_row(predictor, ROWS.iloc[0].to_dict()).output
