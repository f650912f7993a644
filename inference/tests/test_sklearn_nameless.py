"""Models that were fitted on data frames give the same bits for arrays, without warnings."""

import copy

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.datasets import load_iris
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OrdinalEncoder, PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from inference.runtimes.sklearn.nameless import copy_without_names, stack_numbers
from inference.runtimes.sklearn.outputs import make_model_function

pytestmark = pytest.mark.xdist_group("sklearn")
FLOATS, SPECIES = load_iris(return_X_y=True, as_frame=True)
NAMES = list(FLOATS.columns)
MIXED = FLOATS.assign(count=np.arange(150) % 7, is_wild=np.arange(150) % 2 == 0)
SCALED = make_pipeline(StandardScaler(), LogisticRegression())
COLUMN_PARTS = [
    ("names", StandardScaler(), NAMES[:2]),
    ("mask", make_pipeline(SimpleImputer(), MinMaxScaler()), [True, False, True, False]),
    ("selector", "passthrough", make_column_selector("petal")),
    ("drop", "drop", NAMES[1:2]),
]
MODELS = {
    "linear": SCALED,
    "forest": RandomForestClassifier(3, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=2),
    "columns": make_pipeline(ColumnTransformer(COLUMN_PARTS, remainder="passthrough"), LogisticRegression()),
    "union": make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", PolynomialFeatures())]), SCALED),
    "nested": make_pipeline(make_pipeline(FunctionTransformer(), StandardScaler()), "passthrough", SCALED),
    "search": GridSearchCV(SCALED, {"logisticregression__C": [0.1, 1]}, cv=2),
    "calibrated": CalibratedClassifierCV(SCALED, cv=2),
    "voting": VotingClassifier([("a", SCALED), ("b", DecisionTreeClassifier(random_state=0))], voting="soft"),
    "bagging": BaggingClassifier(SCALED, 3, max_features=2, random_state=0),
    "target": TransformedTargetRegressor(make_pipeline(StandardScaler(), LinearRegression()), transformer=StandardScaler()),
}


class OwnScaler(StandardScaler):
    """A class of the user, which could read the names."""


NAMED_MODELS = {
    "function": make_pipeline(FunctionTransformer(lambda frame: frame[NAMES[:2]]), LogisticRegression()),
    "own class": make_pipeline(OwnScaler(), LogisticRegression()),
    "output": make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()),
    "inside": VotingClassifier([("a", SCALED), ("b", make_pipeline(OwnScaler(), LogisticRegression()))]),
    "categories": HistGradientBoostingClassifier(max_iter=1, categorical_features=NAMES[:1]),
}


def assert_same_bits(actual, expected):
    actual, expected = ([*part.values()] if isinstance(part, dict) else [part] for part in (actual, expected))
    assert [array.dtype for array in actual] == [array.dtype for array in expected]
    assert [array.tobytes() for array in actual] == [array.tobytes() for array in expected]


@pytest.mark.parametrize(
    ("name", "frame"),
    [*((name, FLOATS) for name in MODELS), ("linear", MIXED), ("forest", MIXED)],
    ids=lambda value: value if isinstance(value, str) else f"{len(value.columns)} columns",
)
def test_array_gives_the_bits_of_the_data_frame(name, frame):
    model = copy.deepcopy(MODELS[name]).fit(frame, SPECIES)
    nameless = copy_without_names(model)
    assert nameless.accepts_types(set(frame.dtypes))
    by_frame, by_array = make_model_function(model), make_model_function(nameless.model)
    for rows in (frame.iloc[:1], frame.iloc[40:47], frame.iloc[5:140]):
        assert_same_bits(by_array(stack_numbers([rows[name].to_numpy() for name in rows])), by_frame(rows))


@pytest.mark.parametrize("name", NAMED_MODELS)
def test_steps_that_can_use_the_names_keep_the_data_frame(name):
    assert copy_without_names(copy.deepcopy(NAMED_MODELS[name]).fit(FLOATS, SPECIES)) is None


def test_encoders_keep_the_types_of_mixed_columns():
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    nameless = copy_without_names(make_pipeline(encoder, DecisionTreeClassifier()).fit(MIXED, SPECIES))
    assert not nameless.accepts_types(set(MIXED.dtypes))
    assert nameless.accepts_types(set(FLOATS.dtypes))
