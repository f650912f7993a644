"""Files that contain no fitted model: the message names the step that helps."""

import joblib
import pytest
from sklearn.cluster import DBSCAN
from sklearn.decomposition import PCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from inference.errors import InvalidArtifact
from inference.runtimes import load_artifact

pytestmark = pytest.mark.xdist_group("sklearn")
ROWS, TARGET = [[0.0, 1.0], [1.0, 0.0], [2.0, 2.0]], [0, 1, 1]


def make_booster():
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({}, xgboost.DMatrix(ROWS, TARGET), 1)


@pytest.mark.parametrize(
    ("make_model", "message"),
    [
        (lambda: {"model": LogisticRegression(), "scaler": None}, "a dict with the keys model, scaler. Save one object"),
        (lambda: [StandardScaler(), LogisticRegression()], "a list. Save one object: the model itself, or make_pipeline"),
        (lambda: make_pipeline(StandardScaler(), LogisticRegression()), "LogisticRegression in m.joblib is not fitted"),
        (lambda: make_pipeline(StandardScaler(), PCA(1)).fit(ROWS), "ends with a transformer. Add the model as its last"),
        (lambda: DBSCAN().fit(ROWS), "cannot be applied to new rows. Use a model with predict()"),
        (
            lambda: make_pipeline(DictVectorizer(), LogisticRegression()).fit([{"a": 1}, {"b": 2}], [0, 1]),
            "begins with a DictVectorizer, which takes dictionaries instead of columns. Train it on a data frame",
        ),
        (make_booster, 'register that file: booster.save_model("model.ubj")'),
    ],
)
def test_other_objects_are_rejected_with_the_next_step(tmp_path, make_model, message):
    joblib.dump(make_model(), tmp_path / "m.joblib")
    with pytest.raises(InvalidArtifact) as caught:
        load_artifact("sklearn", tmp_path / "m.joblib", trusted=True)
    assert message in str(caught.value)
