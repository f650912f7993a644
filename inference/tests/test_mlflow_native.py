"""What is read from the scikit-learn model inside an MLflow model, and data frames with one column per class."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from inference.errors import InvalidSignature
from inference.tests.factories import assert_not_served, predict_row, serve_artifact

pytestmark = [
    pytest.mark.xdist_group("mlflow"),
    pytest.mark.filterwarnings("ignore:.*(Any type hint is inferred|Inferred schema contains|An input example was not)"),
]
FRAME = pd.DataFrame({"wool": ["merino", "alpaca", "mohair"] * 4, "length": np.arange(12.0)})


def fit_pipeline(**options):
    encoder = make_column_transformer((OneHotEncoder(**options), ["wool"]), remainder="passthrough")
    return make_pipeline(encoder, LinearRegression()).fit(FRAME, FRAME["length"] + (FRAME["wool"] == "mohair"))


@pytest.mark.parametrize(
    ("options", "feature_type", "values"),
    [({}, "category", ("alpaca", "merino", "mohair")), ({"handle_unknown": "ignore"}, "text", ())],
)
def test_text_has_the_categories_of_its_encoder(save_mlflow, options, feature_type, values):
    model = fit_pipeline(**options)
    path = save_mlflow(model, FRAME, model.predict(FRAME), serialization_format="cloudpickle")
    with serve_artifact(path, trusted=True) as predictor:
        wool = predictor.spec.signature.input.features[0]
        received = [predict_row(predictor, row).value for row in FRAME[:3].to_dict("records")]
    assert (wool.type, wool.values, wool.get_sample_value()) == (feature_type, values, "alpaca")
    assert received == pytest.approx(model.predict(FRAME[:3]))


def test_clusters_are_raw(save_mlflow):
    rows = FRAME[["length"]]
    model = KMeans(2, n_init=1, random_state=0).fit(rows)
    path = save_mlflow(model, rows, model.predict(rows), serialization_format="cloudpickle")
    with serve_artifact(path, trusted=True) as predictor:
        received = [predict_row(predictor, row).output["raw"] for row in rows.to_dict("records")]
    assert received == model.labels_.tolist()


@pytest.mark.filterwarnings("ignore:divide by zero")
def test_logarithms_of_probabilities_are_scores(save_mlflow):
    rows, target = FRAME[["length"]], np.where(FRAME["length"] > 5, "long", "short")
    model = DecisionTreeClassifier(max_depth=1).fit(rows, target)  # minus infinity is the logarithm of 0
    options = {"pyfunc_predict_fn": "predict_log_proba", "serialization_format": "cloudpickle"}
    path = save_mlflow(model, rows, model.predict_log_proba(rows), **options)
    with serve_artifact(path, trusted=True) as predictor:
        results = [predict_row(predictor, row) for row in rows.to_dict("records")]
    assert [result.label for result in results] == target.tolist()
    assert [result.output["scores"]["long"] for result in results] == model.predict_proba(rows)[:, 0].tolist()


def test_outputs_that_no_signature_describes_are_selected_by_the_labels(mlflow, save_mlflow_python):
    path = save_mlflow_python(
        lambda frame: {
            "label": np.where(frame["a"] < 0.5, "no", "yes"),
            "probabilities": np.column_stack([1 - frame["a"], frame["a"]]).clip(0, 1),
        },
        [mlflow.types.ColSpec("double", "a")],
        None,
    )
    with serve_artifact(path, trusted=True, labels=("no", "yes")) as predictor:
        result = predict_row(predictor, {"a": 0.75})
    assert (result.label, result.output["scores"]) == ("yes", {"yes": 0.75, "no": 0.25})
    with serve_artifact(path, trusted=True) as predictor:
        assert predict_row(predictor, {"a": 0.75}).output["raw"] == {"label": "yes", "probabilities": [0.25, 0.75]}


def test_columns_of_classes_are_scores(mlflow, save_mlflow_python):
    column = mlflow.types.ColSpec
    path = save_mlflow_python(
        lambda frame: pd.DataFrame({"no": 1 - frame["a"].clip(0, 1), "yes": frame["a"].clip(0, 1)}),
        [column("double", "a")],
        [column("double", "no"), column("float", "yes")],
    )
    for labels, output in ((("no", "yes"), {}), (("never", "always"), {"classes": ["no", "yes"]})):
        with serve_artifact(path, trusted=True, labels=labels, output={"kind": "classes", **output}) as predictor:
            result = predict_row(predictor, {"a": 0.25})
        assert (result.label, result.output["scores"]) == (labels[0], {labels[0]: 0.75, labels[1]: 0.25})
    assert_not_served(path, r"another order", InvalidSignature, labels=("yes", "no"))
    assert_not_served(path, r"Expected name in \[output\]", InvalidSignature, labels=("a", "b"))
