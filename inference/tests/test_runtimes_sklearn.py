"""Models that scikit-learn itself made, answered through us as it answers itself."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from inference.errors import InferenceError, InvalidArtifact, InvalidFeatures, InvalidSignature
from inference.tests.factories import predict_row, serve_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
IRIS, SPECIES = load_iris(return_X_y=True, as_frame=True)
NAMES = ("setosa", "versicolor", "virginica")
ROWS = IRIS.iloc[[0, 60, 120]].to_dict("records")


def dump(model, path):
    {".skops": skops.io.dump, ".joblib": joblib.dump}.get(path.suffix, lambda m, p: p.write_bytes(pickle.dumps(m)))(
        model, path
    )
    return path


@pytest.mark.parametrize("suffix", [".skops", ".pkl", ".joblib"])
def test_a_pipeline_answers_as_scikit_learn_does(tmp_path, suffix):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(IRIS, SPECIES)
    with serve_artifact(dump(model, tmp_path / f"iris{suffix}"), trusted=suffix != ".skops", labels=NAMES) as predictor:
        assert predictor.spec.signature.input.names == list(IRIS.columns)
        assert predictor.spec.signature.output.kind == "classes"
        for row in ROWS:
            answer, own = predict_row(predictor, row), model.predict_proba(pd.DataFrame([row]))[0]
            assert list(answer.output["scores"].values()) == pytest.approx(own, abs=1e-5)
            assert (answer.label, answer.confidence) == (NAMES[own.argmax()], pytest.approx(own.max(), abs=1e-5))


@pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".PKL"])
def test_a_pickle_is_not_opened_without_trust(tmp_path, suffix):
    canary = tmp_path / "canary"

    class Evil:
        def __reduce__(self):
            return (open, (str(canary), "w"))

    path = tmp_path / f"evil{suffix}"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InvalidArtifact, match="runs its author's code"), serve_artifact(path):
        pass
    assert not canary.exists()


def test_a_skops_file_with_foreign_types_is_not_opened_without_trust(tmp_path):
    path = dump(
        make_pipeline(FunctionTransformer(np.log1p), LogisticRegression(max_iter=1000)).fit(IRIS, SPECIES),
        tmp_path / "m.skops",
    )
    foreign = make_pipeline(FunctionTransformer(_double), LogisticRegression(max_iter=1000)).fit(IRIS, SPECIES)
    with serve_artifact(path):
        pass
    dump(foreign, path)
    with pytest.raises(InvalidArtifact, match=r"names types .*_double.*--trusted"), serve_artifact(path):
        pass
    with serve_artifact(path, trusted=True) as predictor:
        assert predict_row(predictor, ROWS[0]).label == "0"


def _double(values):
    return values * 2


def test_forests_load_as_data(tmp_path):
    model = RandomForestClassifier(5, random_state=0).fit(IRIS, SPECIES)
    with serve_artifact(dump(model, tmp_path / "forest.skops")) as predictor:
        assert [predict_row(predictor, row).label for row in ROWS] == [
            str(one) for one in model.predict(IRIS.iloc[[0, 60, 120]])
        ]


def test_a_model_without_probabilities_has_a_label_and_no_confidence(tmp_path):
    words = SPECIES.map(dict(enumerate(NAMES)))
    model = LinearSVC().fit(IRIS, words)
    with serve_artifact(dump(model, tmp_path / "svc.skops")) as predictor:
        answers = [predict_row(predictor, row) for row in ROWS]
    assert [answer.label for answer in answers] == list(model.predict(IRIS.iloc[[0, 60, 120]]))
    assert answers[0].output == {"label": "setosa"}
    assert answers[0].confidence is None
    assert predictor.spec.labels == NAMES


def test_labels_rename_the_classes_in_their_order(tmp_path):
    model = LinearSVC().fit(IRIS, SPECIES + 1)  # classes 1, 2, 3
    with serve_artifact(dump(model, tmp_path / "svc.skops"), labels=NAMES) as predictor:
        assert predictor.spec.signature.output.classes == ("1", "2", "3")
        assert [predict_row(predictor, row).label for row in ROWS] == [
            NAMES[one - 1] for one in model.predict(IRIS.iloc[[0, 60, 120]])
        ]
    with (
        pytest.raises(InvalidSignature, match="Expected 3 labels"),
        serve_artifact(tmp_path / "svc.skops", labels=NAMES[:2]),
    ):
        pass


def test_a_regression_answers_a_value(tmp_path):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    model = LinearRegression().fit(x, y)
    with serve_artifact(dump(model, tmp_path / "d.skops"), output={"kind": "value", "unit": "points"}) as predictor:
        row = x.iloc[3].to_dict()
        answer = predict_row(predictor, row)
    assert answer.value == pytest.approx(model.predict(pd.DataFrame([row]))[0], abs=1e-5)
    assert answer.output == {"value": answer.value}
    assert (answer.label, answer.confidence) == ("", None)
    with pytest.raises(InvalidSignature, match="no labels"), serve_artifact(tmp_path / "d.skops", labels=NAMES):
        pass


def test_several_outputs_are_kept_raw(tmp_path):
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    both = LinearRegression().fit(x, np.column_stack([y, -y]))
    with serve_artifact(dump(both, tmp_path / "two.skops"), output={"kind": "raw"}) as predictor:
        raw = predict_row(predictor, x.iloc[0].to_dict()).output["raw"]
    assert raw == pytest.approx(both.predict(x.iloc[[0]])[0], abs=1e-5)
    twice = MultiOutputClassifier(LogisticRegression(max_iter=1000)).fit(IRIS, np.column_stack([SPECIES, SPECIES == 1]))
    with serve_artifact(dump(twice, tmp_path / "classes.skops"), output={"kind": "raw"}) as predictor:
        assert predict_row(predictor, ROWS[0]).output["raw"] == [0, 0]
    clusters = KMeans(3, random_state=0, n_init=1).fit(IRIS)
    with serve_artifact(dump(clusters, tmp_path / "k.skops")) as predictor:
        assert predict_row(predictor, ROWS[0]).output == {"raw": int(clusters.predict(IRIS.iloc[[0]])[0])}


@pytest.fixture
def mixed():
    frame = pd.DataFrame(
        {
            "colour": ["red", "green", "red", "blue", "green", "blue"] * 5,
            "size": [1.0, 2.0, np.nan, 4.0, 5.0, 6.0] * 5,
            "count": [1, 2, 3, 4, 5, 6] * 5,
            "new": [True, False, True, False, True, False] * 5,
        }
    )
    return frame, (frame["count"] > 3).astype(int)


FEATURES = [
    {"name": "colour", "type": "category", "values": ["green", "red", "blue"]},
    {"name": "size", "required": False},
    {"name": "count", "type": "integer"},
    {"name": "new", "type": "boolean"},
]


def test_categories_missing_numbers_and_truth_values_reach_a_pipeline_by_name(tmp_path, mixed):
    frame, truth = mixed
    columns = ColumnTransformer(
        [("c", OneHotEncoder(), ["colour"]), ("s", SimpleImputer(), ["size"]), ("r", "passthrough", ["count", "new"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, truth)
    with serve_artifact(dump(model, tmp_path / "mixed.skops"), input={"features": FEATURES}) as predictor:
        for number in (0, 2, 3):
            row = {name: value for name, value in frame.iloc[number].to_dict().items() if value == value}
            own = model.predict_proba(frame.iloc[[number]])[0]
            assert list(predict_row(predictor, row).output["scores"].values()) == pytest.approx(own, abs=1e-5)
        with pytest.raises(InvalidFeatures, match=r"colour: Expected one of green, red, blue. Received: \"pink\""):
            predict_row(predictor, {"colour": "pink", "count": 1, "new": True})
        assert predictor.spec.signature.input.features[1].required is False


@pytest.mark.parametrize("trained", [["blue", "green", "red"], ["red", "green", "blue"]])
def test_the_order_of_categories_is_the_signatures(tmp_path, mixed, trained):
    """A model of pandas categories by number answers by the order it was trained with, whatever comes in."""
    frame, _ = mixed
    frame["colour"] = pd.Categorical(frame["colour"], categories=trained)
    model = make_pipeline(
        ColumnTransformer([("codes", FunctionTransformer(_codes), ["colour"])]), DecisionTreeClassifier()
    ).fit(frame, frame["colour"].cat.codes == 0)
    taken = {"features": [{**FEATURES[0], "values": trained}, *FEATURES[1:]]}
    with serve_artifact(dump(model, tmp_path / "c.pkl"), trusted=True, input=taken) as predictor:
        for colour in trained:
            row = {"colour": colour, "size": 1, "count": 1, "new": True}
            assert predict_row(predictor, row).label == str(colour == trained[0])


def _codes(frame):
    return frame.apply(lambda one: one.cat.codes)


def test_a_model_of_texts_takes_the_text_itself(tmp_path):
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good film", "bad film"] * 5, ["up", "down"] * 5)
    taken = {"features": [{"name": "review", "type": "text"}]}
    with serve_artifact(dump(model, tmp_path / "t.skops"), input=taken) as predictor:
        assert (predict_row(predictor, {"review": "a good one"}).label, predict_row(predictor, {"review": "bad"}).label) == (
            "up",
            "down",
        )


def test_a_model_fitted_on_arrays_names_its_features_by_number_or_as_told(tmp_path):
    model = LogisticRegression(max_iter=500).fit(IRIS.to_numpy(), SPECIES)
    path = dump(model, tmp_path / "a.skops")
    with serve_artifact(path) as predictor:
        assert predictor.spec.signature.input.names == ["x0", "x1", "x2", "x3"]
        own = model.predict_proba(IRIS.to_numpy()[:1])[0]
        assert list(
            predict_row(predictor, dict(zip(["x0", "x1", "x2", "x3"], IRIS.iloc[0], strict=True))).output["scores"].values()
        ) == (pytest.approx(own, abs=1e-5))
    with serve_artifact(path, input={"features": [{"name": name} for name in "abcd"]}) as predictor:
        assert predictor.spec.signature.input.names == ["a", "b", "c", "d"]
    with (
        pytest.raises(InvalidSignature, match=r"Expected 4 features.* has 2"),
        serve_artifact(path, input={"features": [{"name": "a"}, {"name": "b"}]}),
    ):
        pass


def test_an_image_model_gets_its_pixels_flat(tmp_path):
    from PIL import Image

    pixels = np.concatenate([np.zeros((5, 64)), np.ones((5, 64))])
    model = LogisticRegression().fit(pixels, ["dark"] * 5 + ["light"] * 5)
    taken = {"kind": "image", "height": 8, "width": 8, "channels": 1}
    with serve_artifact(dump(model, tmp_path / "i.skops"), input=taken) as predictor:
        assert predictor.predict(Image.new("L", (8, 8), 255), timeout=60).label == "light"


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04broken"])
@pytest.mark.parametrize("suffix", [".skops", ".pkl", ".joblib"])
def test_what_does_not_load_is_named(tmp_path, content, suffix):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(InvalidArtifact, match="cannot"), serve_artifact(path, trusted=True):
        pass


def test_what_is_no_model_is_named(tmp_path):
    scaler = dump(StandardScaler().fit(IRIS), tmp_path / "s.skops")
    with pytest.raises(InvalidArtifact, match=r"with predict\(\)\. s\.skops holds a StandardScaler"), serve_artifact(scaler):
        pass
    with pytest.raises(InferenceError), serve_artifact(dump(LogisticRegression(), tmp_path / "unfitted.skops")):
        pass


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(), make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())]
)
def test_encoders_tell_the_categories_of_their_columns(tmp_path, mixed, encoder):
    frame, truth = mixed
    columns = ColumnTransformer([("r", "passthrough", ["count"]), ("c", encoder, ["colour"])])
    model = make_pipeline(columns, LogisticRegression()).fit(frame[["colour", "count"]], truth)
    with serve_artifact(dump(model, tmp_path / "bare.skops")) as predictor:
        colour, count = predictor.spec.signature.input.features
        assert (colour.type, colour.values, count.type) == ("category", ("blue", "green", "red"), "float")
        own = model.predict_proba(frame[["colour", "count"]].iloc[[3]])[0]
        row = frame[["colour", "count"]].iloc[3].to_dict()
        assert list(predict_row(predictor, {**row, "count": int(row["count"])}).output["scores"].values()) == pytest.approx(
            own, abs=1e-5
        )
    with serve_artifact(
        tmp_path / "bare.skops", input={"features": [{"name": "colour", "type": "text", "example": "red"}]}
    ) as predictor:
        assert predict_row(predictor, {"colour": "green", "count": 1}).label in ("0", "1")
